/*
 * filestate - what is known of one file at one moment.
 *
 * A plain value. The slices are borrowed from whoever filled it.
 */
#ifndef TSUJIBAN_COMMON_MODEL_FILESTATE_H
#define TSUJIBAN_COMMON_MODEL_FILESTATE_H

#include "common/base/digest.h"
#include "common/base/slice.h"

enum file_type {
	FILE_ABSENT = 0,
	FILE_REGULAR = 1,
	FILE_DIRECTORY = 2,
	FILE_SYMLINK = 3,
	FILE_FIFO = 4,
	FILE_SOCKET = 5,
	FILE_CHAR = 6,
	FILE_BLOCK = 7,
};

/* Why there is, or is not, a SHA-256. */
enum hash_status {
	HASH_NONE = 0,       /* no regular file */
	HASH_DONE = 1,       /* sha256 is that of the content, read at one moment */
	HASH_TOO_LARGE = 2,  /* above the size limit */
	HASH_UNREADABLE = 3, /* permission or input/output error */
	HASH_UNSTABLE = 4,   /* it kept changing while it was read */
};

struct filestate {
	enum file_type type;
	enum hash_status hash;
	uint32_t mode; /* permission bits with setuid, setgid and sticky: 07777 */
	uint32_t uid;
	uint32_t gid;
	uint64_t size; /* bytes */
	int64_t mtime_ns;
	int64_t ctime_ns;
	uint64_t inode;
	uint64_t device; /* of the file system it lies on */
	uint8_t sha256[SHA256_BYTES];
	struct slice target; /* symbolic links: where it points to; otherwise absent */
	struct slice owner;  /* user name, absent where the host knows none */
	struct slice group;
	/* The two below are known; false in records of older versions, and where they could not be
	 * read: then they count as equal to anything. */
	bool has_attributes;
	uint32_t flags;      /* chattr(1): FS_IOC_GETFLAGS, those of FILE_FLAGS_MASK */
	struct slice xattrs; /* extended attributes as xattrs.h packs them; absent: none */
};

/* Flags that people set; the others follow from what the file system does by itself. */
#define FILE_FLAGS_MASK 0x6283c0ffu

/* What differs between two states. Bits, so that an event can carry several. */
enum file_change {
	CHANGED_TYPE = 1 << 0,
	CHANGED_MODE = 1 << 1,
	CHANGED_UID = 1 << 2,
	CHANGED_GID = 1 << 3,
	CHANGED_SIZE = 1 << 4,
	CHANGED_MTIME = 1 << 5,
	CHANGED_INODE = 1 << 6,
	CHANGED_SHA256 = 1 << 7,
	CHANGED_TARGET = 1 << 8,
	CHANGED_HASH_STATUS = 1 << 9,
	CHANGED_FLAGS = 1 << 10,
	CHANGED_ACL = 1 << 11,          /* system.posix_acl_access, system.posix_acl_default */
	CHANGED_CAPABILITIES = 1 << 12, /* security.capability */
	CHANGED_SELINUX = 1 << 13,      /* security.selinux */
	CHANGED_XATTRS = 1 << 14,       /* any other extended attribute */
};
#define CHANGED_COUNT 15

/* Content rather than attributes: such a change makes the event `modified`. */
#define CHANGED_CONTENT (CHANGED_TYPE | CHANGED_SIZE | CHANGED_SHA256 | CHANGED_TARGET)

/*
 * The bits that differ. ctime never shows here: every change of another kind moves it, and alone
 * it tells nothing. A directory's size and mtime follow its entries, which have events of their
 * own: they do not show either. A regular file without a hash on either side whose mtime differs
 * counts as CHANGED_SHA256: its content may differ and nobody can tell.
 */
unsigned filestate_diff(const struct filestate *before, const struct filestate *after);

/* Copies every text of the state into the arena; absent ones stay so. ERR_LIMIT when it is full.
 */
struct arena;
int filestate_keep(struct arena *arena, struct filestate *state);

/* Whether size, mtime, ctime, inode, device, type, mode, owner all stand, so that the content need
 * not be read again (given that `known` has a hash, or needs none). */
bool filestate_stands(const struct filestate *known, const struct filestate *seen);

/* The names used in JSON, tables and queries: "regular", "directory", … ; "absent". */
/* Of st_mode; FILE_ABSENT for what is none of the kinds that POSIX has. */
enum file_type file_type_of(uint32_t mode);
const char *file_type_name(enum file_type type);
bool file_type_parse(struct slice name, enum file_type *out);
/* "type", "mode", … for the bit with index 0 <= bit < CHANGED_COUNT. */
const char *file_change_name(unsigned bit);
/* NULL for HASH_NONE and HASH_DONE, otherwise "too large", "unreadable", "unstable". */
const char *hash_status_reason(enum hash_status status);

#endif
