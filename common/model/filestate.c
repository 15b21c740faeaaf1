#include "common/model/filestate.h"

#include <sys/stat.h>

#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/model/xattrs.h"

static const char *const TYPE_NAMES[] = {
        [FILE_ABSENT] = "absent",
        [FILE_REGULAR] = "regular",
        [FILE_DIRECTORY] = "directory",
        [FILE_SYMLINK] = "symlink",
        [FILE_FIFO] = "fifo",
        [FILE_SOCKET] = "socket",
        [FILE_CHAR] = "char",
        [FILE_BLOCK] = "block",
};
#define TYPE_COUNT (sizeof(TYPE_NAMES) / sizeof(TYPE_NAMES[0]))

/* By bit, in the order of enum file_change. */
static const char *const CHANGE_NAMES[CHANGED_COUNT] = {"type", "mode", "uid", "gid", "size",
        "mtime", "inode", "sha256", "target", "hash_status", "flags", "acl", "capabilities",
        "selinux", "xattrs"};

static unsigned bit_if(bool differs, unsigned bit)
{
	return differs ? bit : 0;
}

/* Both are regular files. */
static unsigned diff_content(const struct filestate *before, const struct filestate *after)
{
	bool both_known = before->hash == HASH_DONE && after->hash == HASH_DONE;
	bool differs = both_known ? memcmp(before->sha256, after->sha256, SHA256_BYTES) != 0
	                          : before->mtime_ns != after->mtime_ns;
	return bit_if(differs, CHANGED_SHA256) |
	       bit_if(before->hash != after->hash, CHANGED_HASH_STATUS);
}

unsigned filestate_diff(const struct filestate *before, const struct filestate *after)
{
	unsigned changed = bit_if(before->type != after->type, CHANGED_TYPE);
	if (before->type == FILE_ABSENT || after->type == FILE_ABSENT)
		return changed; /* nothing else to compare with */
	changed |= bit_if(before->mode != after->mode, CHANGED_MODE);
	changed |= bit_if(before->uid != after->uid, CHANGED_UID);
	changed |= bit_if(before->gid != after->gid, CHANGED_GID);
	changed |= bit_if(before->inode != after->inode, CHANGED_INODE);
	changed |= bit_if(!slice_equal(before->target, after->target), CHANGED_TARGET);
	if (before->type != FILE_DIRECTORY && after->type != FILE_DIRECTORY) {
		changed |= bit_if(before->size != after->size, CHANGED_SIZE);
		changed |= bit_if(before->mtime_ns != after->mtime_ns, CHANGED_MTIME);
	}
	if (before->type == FILE_REGULAR && after->type == FILE_REGULAR)
		changed |= diff_content(before, after);
	if (before->has_attributes && after->has_attributes)
		changed |= bit_if(before->flags != after->flags, CHANGED_FLAGS) |
		           xattrs_diff(before->xattrs, after->xattrs);
	return changed;
}

int filestate_keep(struct arena *arena, struct filestate *state)
{
	struct slice *texts[] = {&state->target, &state->owner, &state->group, &state->xattrs};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (!texts[i]->ptr)
			continue;
		*texts[i] = arena_copy(arena, *texts[i]);
		if (!texts[i]->ptr)
			return ERR_LIMIT;
	}
	return 0;
}

/* HASH_TOO_LARGE says all that there is to say as long as the size stands; the other two may come
 * out better at the next attempt. */
static bool needs_reading(const struct filestate *known)
{
	return known->type == FILE_REGULAR && known->hash != HASH_DONE &&
	       known->hash != HASH_TOO_LARGE;
}

bool filestate_stands(const struct filestate *known, const struct filestate *seen)
{
	return known->type == seen->type && known->mode == seen->mode && known->uid == seen->uid &&
	       known->gid == seen->gid && known->size == seen->size &&
	       known->mtime_ns == seen->mtime_ns && known->ctime_ns == seen->ctime_ns &&
	       known->inode == seen->inode && known->device == seen->device &&
	       !needs_reading(known);
}

enum file_type file_type_of(uint32_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return FILE_REGULAR;
	case S_IFDIR:
		return FILE_DIRECTORY;
	case S_IFLNK:
		return FILE_SYMLINK;
	case S_IFIFO:
		return FILE_FIFO;
	case S_IFSOCK:
		return FILE_SOCKET;
	case S_IFCHR:
		return FILE_CHAR;
	case S_IFBLK:
		return FILE_BLOCK;
	default:
		return FILE_ABSENT;
	}
}

const char *file_type_name(enum file_type type)
{
	return (size_t)type < TYPE_COUNT ? TYPE_NAMES[type] : "unknown";
}

bool file_type_parse(struct slice name, enum file_type *out)
{
	for (size_t i = 0; i < TYPE_COUNT; i++) {
		if (slice_is(name, TYPE_NAMES[i])) {
			*out = (enum file_type)i;
			return true;
		}
	}
	return false;
}

const char *file_change_name(unsigned bit)
{
	return bit < CHANGED_COUNT ? CHANGE_NAMES[bit] : "unknown";
}

const char *hash_status_reason(enum hash_status status)
{
	switch (status) {
	case HASH_TOO_LARGE:
		return "too large";
	case HASH_UNREADABLE:
		return "unreadable";
	case HASH_UNSTABLE:
		return "unstable";
	case HASH_NONE:
	case HASH_DONE:
		break;
	}
	return NULL;
}
