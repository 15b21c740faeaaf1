#include "agent/packages/dpkg_label.h"

#include "agent/packages/generated.h"
#include "agent/packages/link_target.h"
#include "common/base/buf.h"

/* dpkg's own siblings of a path, and what may be in them. */
static const struct sibling {
	const char *suffix;
	bool is_passing;   /* there only while dpkg works on the path */
	bool is_set_aside; /* the content that stood at the path before */
} SIBLINGS[] = {
        {".dpkg-new", true, false},
        {".dpkg-tmp", true, false},
        {".dpkg-dist", false, false},
        {".dpkg-old", false, true},
        /* dpkg-maintscript-helper(1), of a configuration file that is no longer shipped */
        {".dpkg-bak", false, true},
        {".dpkg-backup", true, false},
        {".dpkg-remove", true, false},
};

static const struct sibling *find_sibling(struct slice path, struct slice *out_base)
{
	for (size_t i = 0; i < sizeof(SIBLINGS) / sizeof(SIBLINGS[0]); i++) {
		size_t len = strlen(SIBLINGS[i].suffix);
		if (path.len <= len ||
		        memcmp(path.ptr + path.len - len, SIBLINGS[i].suffix, len) != 0)
			continue;
		*out_base = slice_of(path.ptr, path.len - len);
		return &SIBLINGS[i];
	}
	return NULL;
}

bool dpkg_wants_md5(const struct manifest *manifest, struct slice path)
{
	struct slice base;
	const struct manifest_entry *entry = manifest_find(manifest, path);
	if (entry)
		return entry->has_proof;
	return find_sibling(path, &base) && manifest_find(manifest, base);
}

/* --- what no package vouches for ------------------------------------------------------------- */

static bool gains_power(const struct manifest *manifest, const struct change *change)
{
	if (label_is_handed_over(change))
		return true;
	return label_gained_modes(change) &&
	       !manifest_is_overridden(manifest, change->path, change->after->mode);
}

/* --- what the database lists ----------------------------------------------------------------- */

static bool has_md5(const struct change *change, const struct manifest_entry *entry)
{
	return change->after && change->after->type == FILE_REGULAR && change->md5 &&
	       entry->has_proof && memcmp(change->md5, entry->proof, MD5_BYTES) == 0;
}

static bool leads_to_owned(const struct manifest *manifest, const struct change *change)
{
	const struct filestate *before = change->before, *after = change->after;
	struct buf target = BUF_INIT;
	if (before && before->type == FILE_SYMLINK && slice_equal(before->target, after->target))
		return true;
	link_target(change->path, after->target, &target);
	bool is_owned = manifest_is_owned(manifest, buf_slice(&target));
	buf_fini(&target);
	return is_owned;
}

static bool label_listed(const struct manifest *manifest, const struct change *change,
        const struct manifest_entry *entry, struct explained *out)
{
	if (!change->after)
		return false; /* listed, and gone */
	bool is_as_listed = false;
	switch (change->after->type) {
	case FILE_REGULAR:
		is_as_listed = has_md5(change, entry);
		break;
	case FILE_DIRECTORY:
		is_as_listed = !entry->has_proof;
		break;
	case FILE_SYMLINK:
		is_as_listed = !entry->has_proof && leads_to_owned(manifest, change);
		break;
	default:
		break;
	}
	enum explained_state state = entry->is_conffile ? EXPLAINED_CONFFILE : EXPLAINED_VERIFIED;
	return is_as_listed && label_say(entry->package, state, out);
}

/* --- siblings -------------------------------------------------------------------------------- */

static bool label_sibling(
        const struct manifest *manifest, const struct change *change, struct explained *out)
{
	struct slice base;
	const struct sibling *sibling = find_sibling(change->path, &base);
	const struct manifest_entry *entry = sibling ? manifest_find(manifest, base) : NULL;
	if (!entry)
		return false;
	enum explained_state state = entry->is_conffile ? EXPLAINED_CONFFILE : EXPLAINED_GENERATED;
	if (!change->after)
		return label_say(
		        entry->package, sibling->is_passing ? EXPLAINED_GENERATED : state, out);
	if (has_md5(change, entry))
		return label_say(entry->package, state, out);
	bool was_replaced = key_set_has(&manifest_run(manifest)->replaced, key_of(base));
	bool is_set_aside = sibling->is_set_aside && change->after->type == FILE_REGULAR &&
	                    (was_replaced || entry->is_lost);
	return is_set_aside && label_say(entry->package, EXPLAINED_CONFFILE, out);
}

bool dpkg_label(const struct manifest *manifest, const struct change *change, struct explained *out)
{
	if (gains_power(manifest, change))
		return false;
	const struct manifest_entry *entry = manifest_find(manifest, change->path);
	bool is_gone = change->before && !change->after;
	if (entry && entry->is_lost && is_gone)
		return label_say(entry->package, EXPLAINED_REMOVED, out);
	if (entry && !entry->is_lost && label_listed(manifest, change, entry, out))
		return true;
	/* A packaged file that is not as packaged: nothing else explains it. */
	if (entry && entry->has_proof)
		return false;
	return label_sibling(manifest, change, out) || generated_explains(manifest, change, out);
}
