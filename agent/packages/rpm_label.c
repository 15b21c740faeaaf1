#include "agent/packages/rpm_label.h"

#include "agent/packages/generated.h"
#include "agent/packages/rpm_proof.h"

#define HEX_DIGITS 8

enum sibling {
	SIBLING_NONE,
	SIBLING_PASSING, /* there only while rpm works on the path */
	SIBLING_SHIPPED, /* has what the path would have */
	SIBLING_ASIDE,   /* has what was at the path */
};

static bool ends_with(struct slice path, const char *end)
{
	size_t len = strlen(end);
	return path.len > len && memcmp(path.ptr + path.len - len, end, len) == 0;
}

/* NAME;6b08d85d */
static bool is_passing(struct slice path)
{
	if (path.len <= HEX_DIGITS + 1 || path.ptr[path.len - HEX_DIGITS - 1] != ';')
		return false;
	for (size_t i = path.len - HEX_DIGITS; i < path.len; i++)
		if (!memchr("0123456789abcdef", path.ptr[i], 16))
			return false;
	return true;
}

static enum sibling find_sibling(struct slice path, struct slice *out_base)
{
	enum sibling sibling = SIBLING_NONE;
	size_t len = 0;
	if (is_passing(path)) {
		sibling = SIBLING_PASSING;
		len = HEX_DIGITS + 1;
	} else if (ends_with(path, ".rpmnew")) {
		sibling = SIBLING_SHIPPED;
		len = strlen(".rpmnew");
	} else if (ends_with(path, ".rpmsave") || ends_with(path, ".rpmorig")) {
		sibling = SIBLING_ASIDE;
		len = strlen(".rpmsave");
	}
	*out_base = slice_of(path.ptr, path.len - len);
	return sibling;
}

static bool needs_md5(const struct manifest *manifest, struct slice path)
{
	const struct manifest_entry *entry = manifest_find(manifest, path);
	while (entry && !entry->needs_md5)
		entry = manifest_next(manifest, entry);
	return entry != NULL;
}

bool rpm_wants_md5(const struct manifest *manifest, struct slice path)
{
	struct slice base;
	if (needs_md5(manifest, path))
		return true;
	return find_sibling(path, &base) == SIBLING_SHIPPED && needs_md5(manifest, base);
}

/* --- what the database lists ----------------------------------------------------------------- */

static bool gains_power(const struct change *change)
{
	return label_gained_modes(change) || label_is_handed_over(change);
}

static bool fits(const struct manifest_entry *entry, const struct change *change)
{
	return !entry->is_lost && change->after &&
	       rpm_proof_fits(entry, change->after, change->md5);
}

static bool label_entry(
        const struct manifest_entry *entry, const struct change *change, struct explained *out)
{
	if (entry->is_lost && change->before && !change->after)
		return label_say(entry->package, EXPLAINED_REMOVED, out);
	if (fits(entry, change))
		return label_say(entry->package,
		        entry->is_conffile ? EXPLAINED_CONFFILE : EXPLAINED_VERIFIED, out);
	if (entry->is_ghost && !gains_power(change))
		return label_say(entry->package, EXPLAINED_GENERATED, out);
	return false;
}

/* `out_is_shipped`: a package of the run has it, so nothing else may explain it. */
static bool label_listed(const struct manifest *manifest, const struct change *change,
        bool *out_is_shipped, struct explained *out)
{
	*out_is_shipped = false;
	const struct manifest_entry *entry = manifest_find(manifest, change->path);
	for (; entry; entry = manifest_next(manifest, entry)) {
		if (label_entry(entry, change, out))
			return true;
		*out_is_shipped |= !entry->is_lost && !entry->is_ghost;
	}
	return false;
}

/* --- siblings -------------------------------------------------------------------------------- */

static bool label_by_base(enum sibling sibling, const struct manifest_entry *base,
        const struct change *change, struct explained *out)
{
	enum explained_state state = base->is_conffile ? EXPLAINED_CONFFILE : EXPLAINED_GENERATED;
	switch (sibling) {
	case SIBLING_PASSING:
		return !change->after && label_say(base->package, EXPLAINED_GENERATED, out);
	case SIBLING_SHIPPED:
		return fits(base, change) && label_say(base->package, state, out);
	case SIBLING_ASIDE:
		/* Of a lost path it is not known any more whether it was a configuration file. */
		return change->after && (base->is_conffile || base->is_lost) &&
		       label_say(base->package, EXPLAINED_CONFFILE, out);
	default:
		return false;
	}
}

static bool label_sibling(
        const struct manifest *manifest, const struct change *change, struct explained *out)
{
	struct slice path;
	enum sibling sibling = find_sibling(change->path, &path);
	if (sibling == SIBLING_NONE)
		return false;
	const struct manifest_entry *base = manifest_find(manifest, path);
	for (; base; base = manifest_next(manifest, base))
		if (label_by_base(sibling, base, change, out))
			return true;
	return false;
}

bool rpm_label(const struct manifest *manifest, const struct change *change, struct explained *out)
{
	bool is_shipped;
	if (label_listed(manifest, change, &is_shipped, out))
		return true;
	if (is_shipped || gains_power(change))
		return false;
	return label_sibling(manifest, change, out) || generated_explains(manifest, change, out);
}
