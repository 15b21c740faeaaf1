#include "agent/packages/rpm_proof.h"

#include <sys/stat.h>

#include "common/model/xattrs.h"

#define MODE_PERMISSIONS 07777u
#define MODE_OF_LINK     0777u

struct facts {
	enum file_type type;
	uint32_t mode;
	struct slice user;
	struct slice group;
	struct slice content;
	struct capabilities capabilities;
};

static void append_counted(struct buf *out, struct slice bytes)
{
	buf_append_u32(out, (uint32_t)bytes.len);
	buf_append_slice(out, bytes);
}

static void make(const struct facts *facts, uint8_t out[PROOF_BYTES])
{
	uint8_t digest[SHA256_BYTES];
	struct buf all = BUF_INIT;
	buf_append_byte(&all, (uint8_t)facts->type);
	buf_append_u32(
	        &all, facts->type == FILE_SYMLINK ? MODE_OF_LINK : facts->mode & MODE_PERMISSIONS);
	append_counted(&all, facts->user);
	append_counted(&all, facts->group);
	append_counted(&all, facts->content);
	buf_append_u64(&all, facts->capabilities.permitted);
	buf_append_u64(&all, facts->capabilities.inheritable);
	buf_append_byte(&all, facts->capabilities.is_effective);
	digest_of(buf_slice(&all), digest);
	memcpy(out, digest, PROOF_BYTES);
	buf_fini(&all);
}

/* --- as the package has it ------------------------------------------------------------------- */

static bool find_content(const struct rpm_file *file, enum file_type type, struct slice *out)
{
	*out = (struct slice){0};
	if (type == FILE_SYMLINK)
		*out = file->link;
	if (type != FILE_REGULAR)
		return type != FILE_ABSENT;
	*out = slice_of(file->digest, file->digest_len);
	return (file->algorithm == RPM_DIGEST_SHA256 && file->digest_len == SHA256_BYTES) ||
	       (file->algorithm == RPM_DIGEST_MD5 && file->digest_len == MD5_BYTES);
}

void rpm_proof_take(const struct rpm_file *file, struct manifest_entry *entry)
{
	struct facts facts = {
	        .type = file_type_of(file->mode),
	        .mode = file->mode,
	        .user = file->user,
	        .group = file->group,
	};
	entry->is_conffile = file->flags & RPM_FILE_CONFIG;
	entry->is_ghost = file->flags & RPM_FILE_GHOST;
	bool is_known = !entry->is_ghost && find_content(file, facts.type, &facts.content) &&
	                capabilities_parse(file->capabilities, &facts.capabilities);
	if (!is_known)
		return;
	entry->has_proof = true;
	entry->needs_md5 = facts.type == FILE_REGULAR && file->algorithm == RPM_DIGEST_MD5;
	make(&facts, entry->proof);
}

/* --- as it is -------------------------------------------------------------------------------- */

/* False: they are there and cannot be told. */
static bool find_capabilities(const struct filestate *state, struct capabilities *out)
{
	struct slice rest = state->xattrs;
	struct xattr xattr;
	*out = (struct capabilities){0};
	while (xattrs_next(&rest, &xattr))
		if (slice_is(xattr.name, "security.capability"))
			return !xattr.is_digest && capabilities_take(xattr.value, out) &&
			       out->rootid == 0;
	return true;
}

static struct slice name_of(uint32_t id, struct slice name)
{
	return id == 0 ? slice_text("root") : name;
}

static bool find_actual_content(const struct manifest_entry *entry, const struct filestate *state,
        const uint8_t *md5, struct slice *out)
{
	*out = (struct slice){0};
	if (state->type == FILE_SYMLINK)
		*out = state->target;
	if (state->type != FILE_REGULAR)
		return true;
	*out = entry->needs_md5 ? slice_of(md5, MD5_BYTES) : slice_of(state->sha256, SHA256_BYTES);
	return entry->needs_md5 ? md5 != NULL : state->hash == HASH_DONE;
}

bool rpm_proof_fits(
        const struct manifest_entry *entry, const struct filestate *state, const uint8_t *md5)
{
	uint8_t proof[PROOF_BYTES];
	struct facts facts = {
	        .type = state->type,
	        .mode = state->mode,
	        .user = name_of(state->uid, state->owner),
	        .group = name_of(state->gid, state->group),
	};
	if (!entry->has_proof || !find_capabilities(state, &facts.capabilities) ||
	        !find_actual_content(entry, state, md5, &facts.content))
		return false;
	make(&facts, proof);
	return memcmp(proof, entry->proof, PROOF_BYTES) == 0;
}
