/*
 * Attributes as people write them. The binary forms are the kernel's:
 * include/uapi/linux/posix_acl_xattr.h, include/uapi/linux/capability.h (vfs_cap_data), and
 * FS_IOC_GETFLAGS of include/uapi/linux/fs.h; all little endian.
 */
#include "common/model/xattrs.h"

#include "common/base/text.h"

#define ACL_VERSION     2
#define ACL_ENTRY_BYTES 8
#define ACL_ENTRIES_MAX 128
#define CAPS_MAX        64
#define CAP_REVISION    0xff000000u
#define CAP_EFFECTIVE   0x000001u

static uint32_t le32(const uint8_t *at)
{
	return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 |
	       (uint32_t)at[3] << 24;
}

static uint16_t le16(const uint8_t *at)
{
	return (uint16_t)(at[0] | at[1] << 8);
}

/* --- access control lists --------------------------------------------------------------------- */

static const struct {
	uint16_t tag;
	const char *name;
	bool has_id;
} ACL_TAGS[] = {
        {0x01, "user", false},
        {0x02, "user", true},
        {0x04, "group", false},
        {0x08, "group", true},
        {0x10, "mask", false},
        {0x20, "other", false},
};
#define ACL_TAG_COUNT (sizeof(ACL_TAGS) / sizeof(ACL_TAGS[0]))

static bool append_acl_entry(struct buf *out, const uint8_t *entry)
{
	uint16_t tag = le16(entry), rights = le16(entry + 2);
	size_t i = 0;
	while (i < ACL_TAG_COUNT && ACL_TAGS[i].tag != tag)
		i++;
	if (i == ACL_TAG_COUNT || rights > 7)
		return false;
	buf_printf(out, "%s:", ACL_TAGS[i].name);
	if (ACL_TAGS[i].has_id)
		buf_printf(out, "%u", le32(entry + 4));
	buf_printf(out, ":%c%c%c", rights & 4 ? 'r' : '-', rights & 2 ? 'w' : '-',
	        rights & 1 ? 'x' : '-');
	return true;
}

bool xattr_append_acl(struct buf *out, struct slice value)
{
	size_t before = out->len;
	if (value.len < 4 || (value.len - 4) % ACL_ENTRY_BYTES != 0 ||
	        le32(value.ptr) != ACL_VERSION || value.len / ACL_ENTRY_BYTES > ACL_ENTRIES_MAX)
		return false;
	for (size_t at = 4; at < value.len; at += ACL_ENTRY_BYTES) {
		if (at > 4)
			buf_append_byte(out, ',');
		if (append_acl_entry(out, value.ptr + at))
			continue;
		out->len = before;
		return false;
	}
	return true;
}

/* --- capabilities ----------------------------------------------------------------------------- */

/* By number, include/uapi/linux/capability.h. */
static const char *const CAP_NAMES[] = {"chown", "dac_override", "dac_read_search", "fowner",
        "fsetid", "kill", "setgid", "setuid", "setpcap", "linux_immutable", "net_bind_service",
        "net_broadcast", "net_admin", "net_raw", "ipc_lock", "ipc_owner", "sys_module", "sys_rawio",
        "sys_chroot", "sys_ptrace", "sys_pacct", "sys_admin", "sys_boot", "sys_nice",
        "sys_resource", "sys_time", "sys_tty_config", "mknod", "lease", "audit_write",
        "audit_control", "setfcap", "mac_override", "mac_admin", "syslog", "wake_alarm",
        "block_suspend", "audit_read", "perfmon", "bpf", "checkpoint_restore"};
#define CAP_NAME_COUNT (sizeof(CAP_NAMES) / sizeof(CAP_NAMES[0]))

static void append_cap_names(struct buf *out, uint64_t caps)
{
	bool is_first = true;
	for (unsigned cap = 0; cap < CAPS_MAX; cap++) {
		if (!(caps >> cap & 1))
			continue;
		if (!is_first)
			buf_append_byte(out, ',');
		is_first = false;
		if (cap < CAP_NAME_COUNT)
			buf_printf(out, "cap_%s", CAP_NAMES[cap]);
		else
			buf_printf(out, "%u", cap);
	}
}

/* One clause: those of the named set that are in it, as "cap_x,cap_y=eip". */
static void append_clause(struct buf *out, uint64_t caps, const char *sets, bool *has_one)
{
	if (!caps)
		return;
	if (*has_one)
		buf_append_byte(out, ' ');
	*has_one = true;
	append_cap_names(out, caps);
	buf_printf(out, "=%s", sets);
}

bool capabilities_take(struct slice value, struct capabilities *out)
{
	static const size_t BYTES[] = {0, 12, 20, 24};
	if (value.len < 4)
		return false;
	uint32_t magic = le32(value.ptr);
	unsigned revision = (magic & CAP_REVISION) >> 24;
	if (revision < 1 || revision > 3 || value.len != BYTES[revision])
		return false;
	*out = (struct capabilities){
	        .permitted = le32(value.ptr + 4),
	        .inheritable = le32(value.ptr + 8),
	        .is_effective = magic & CAP_EFFECTIVE,
	};
	if (revision > 1) {
		out->permitted |= (uint64_t)le32(value.ptr + 12) << 32;
		out->inheritable |= (uint64_t)le32(value.ptr + 16) << 32;
	}
	if (revision == 3)
		out->rootid = le32(value.ptr + 20);
	return true;
}

bool xattr_append_capabilities(struct buf *out, struct slice value)
{
	struct capabilities caps;
	bool has_one = false;
	if (!capabilities_take(value, &caps))
		return false;
	uint64_t permitted = caps.permitted, inheritable = caps.inheritable;
	bool is_effective = caps.is_effective;
	append_clause(out, permitted & inheritable, is_effective ? "eip" : "ip", &has_one);
	append_clause(out, permitted & ~inheritable, is_effective ? "ep" : "p", &has_one);
	append_clause(out, inheritable & ~permitted, is_effective ? "ei" : "i", &has_one);
	if (!has_one)
		buf_append_byte(out, '=');
	if (caps.rootid != 0)
		buf_printf(out, " [rootid=%u]", caps.rootid);
	return true;
}

/* --- capabilities from a text ----------------------------------------------------------------- */

/* Permitted, inheritable, effective: as the text builds them up. */
struct sets {
	uint64_t set[3];
};

static bool parse_cap(struct slice name, uint64_t *caps)
{
	uint64_t number;
	if (slice_is(name, "all")) {
		*caps |= (UINT64_C(1) << CAP_NAME_COUNT) - 1;
		return true;
	}
	for (size_t cap = 0; cap < CAP_NAME_COUNT; cap++) {
		bool is_named = slice_starts_with(name, slice_text("cap_")) &&
		                slice_is(slice_of(name.ptr + 4, name.len - 4), CAP_NAMES[cap]);
		if (is_named) {
			*caps |= UINT64_C(1) << cap;
			return true;
		}
	}
	if (!text_parse_u64(name, CAPS_MAX - 1, &number))
		return false;
	*caps |= UINT64_C(1) << number;
	return true;
}

/* "cap_x,cap_y" in front of the operator; nothing there, before an '=' alone, stands for all. */
static bool parse_caps(struct slice names, uint8_t operator, uint64_t * caps)
{
	struct slice name;
	*caps = 0;
	if (names.len == 0)
		return operator== '=' && parse_cap(slice_text("all"), caps);
	while (text_split(names, ',', &name, &names))
		if (!parse_cap(name, caps))
			return false;
	return parse_cap(names, caps);
}

static size_t find_operator(struct slice text)
{
	size_t at = 0;
	while (at < text.len && !memchr("=+-", text.ptr[at], 3))
		at++;
	return at;
}

static bool apply(struct slice flags, uint8_t operator, uint64_t caps, struct sets *sets)
{
	static const char LETTERS[] = "pie";
	for (size_t i = 0; operator== '=' && i<3; i++)
		sets->set[i] &= ~caps;
	for (size_t i = 0; i < flags.len; i++) {
		const char *letter = memchr(LETTERS, flags.ptr[i], 3);
		if (!letter)
			return false;
		uint64_t *set = &sets->set[letter - LETTERS];
		*set = operator== '-' ? *set & ~caps : * set | caps;
	}
	return true;
}

/* "cap_x,cap_y=eip", "=", "cap_x+ep-i" */
static bool parse_clause(struct slice clause, struct sets *sets)
{
	size_t at = find_operator(clause);
	uint64_t caps;
	if (at == clause.len || !parse_caps(slice_of(clause.ptr, at), clause.ptr[at], &caps))
		return false;
	while (at < clause.len) {
		uint8_t operator= clause.ptr[at];
		struct slice rest = slice_of(clause.ptr + at + 1, clause.len - at - 1);
		size_t len = find_operator(rest);
		if (!apply(slice_of(rest.ptr, len), operator, caps, sets))
			return false;
		at += 1 + len;
	}
	return true;
}

bool capabilities_parse(struct slice text, struct capabilities *out)
{
	struct sets sets = {{0}};
	struct slice clause;
	while (text_split(text, ' ', &clause, &text))
		if (clause.len > 0 && !parse_clause(clause, &sets))
			return false;
	if (text.len > 0 && !parse_clause(text, &sets))
		return false;
	*out = (struct capabilities){
	        .permitted = sets.set[0],
	        .inheritable = sets.set[1],
	        .is_effective = sets.set[2] != 0,
	};
	return true;
}

/* --- flags ------------------------------------------------------------------------------------ */

/* In the order in which lsattr(1) prints them. */
static const struct {
	uint32_t bit;
	char letter;
} FLAGS[] = {
        {0x00000001, 's'},
        {0x00000002, 'u'},
        {0x00000008, 'S'},
        {0x00010000, 'D'},
        {0x00000010, 'i'},
        {0x00000020, 'a'},
        {0x00000040, 'd'},
        {0x00000080, 'A'},
        {0x00000004, 'c'},
        {0x00004000, 'j'},
        {0x00008000, 't'},
        {0x00020000, 'T'},
        {0x00800000, 'C'},
        {0x02000000, 'x'},
        {0x20000000, 'P'},
        {0x40000000, 'F'},
};

void flags_append_letters(struct buf *out, uint32_t flags)
{
	for (size_t i = 0; i < sizeof(FLAGS) / sizeof(FLAGS[0]); i++)
		if (flags & FLAGS[i].bit)
			buf_append_byte(out, (uint8_t)FLAGS[i].letter);
}
