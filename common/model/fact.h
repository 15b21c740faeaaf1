/*
 * fact - something that is true of a host now: a package, a kernel, its system, a label.
 *
 * A fact is a kind and a fixed row of text fields. The table in fact.c names the fields of each
 * kind and says which of them are its key: at most one fact with a given key holds on a host, so a
 * new one with the same key replaces the old. A new kind of fact is one row in that table.
 *
 * A plain value; the slices are borrowed. An absent field is an empty one.
 */
#ifndef TSUJIBAN_COMMON_MODEL_FACT_H
#define TSUJIBAN_COMMON_MODEL_FACT_H

#include "common/base/arena.h"
#include "common/base/buf.h"

#define FACT_FIELDS_MAX  12
#define FACT_FIELD_BYTES 4096 /* a longer field is refused */
#define FACT_KEY_MAX     256

/* Fields with a star are the key. */
enum fact_kind {
	FACT_PACKAGE = 1,    /* manager* name* arch* instance* version source source_version status
	                        origin module hold owner */
	FACT_KERNEL = 2,     /* state* release* version package; state: "running", "installed" */
	FACT_OS = 3,         /* id version_id codename pretty_name; one a host: no key field */
	FACT_HOST = 4,       /* name* value: "host_name", "boot_id", "reboot_required", … */
	FACT_LABEL = 5,      /* name* value, from the agent's configuration */
	FACT_MODULE = 6,     /* name* version taint: a kernel module that is loaded */
	FACT_LIVEPATCH = 7,  /* name* state objects */
	FACT_MITIGATION = 8, /* name* value: of a vulnerability of the processor */
	FACT_RESTART = 9,    /* unit* container* exe* file* what package installed runs since */
	FACT_SOCKET = 10,    /* protocol* address* port* program* package user */
	FACT_ADDRESS = 11,   /* interface* address* mac */
	FACT_USER = 12,      /* name* uid gid home shell login */
	FACT_GROUP = 13,     /* name* gid members */
	FACT_UNIT = 14,      /* name* state file command */
	FACT_CRON = 15,      /* file* schedule* user* command* */
	FACT_INSTALL =
	        16, /* manager* name* arch* instance* time: when a package came, in seconds */
};
#define FACT_KIND_MAX 16

/* Positions of the fields, in the order of the table. */
enum fact_field {
	PACKAGE_MANAGER = 0, /* "dpkg", "rpm", "apk", "pacman", or a purl type: "pypi", "npm", … */
	PACKAGE_NAME,
	PACKAGE_ARCH,
	PACKAGE_INSTANCE, /* what tells several of one name apart: a path, or empty */
	PACKAGE_VERSION,
	PACKAGE_SOURCE,
	PACKAGE_SOURCE_VERSION,
	PACKAGE_STATUS, /* "installed", "config-files", "half-configured", … */
	PACKAGE_ORIGIN, /* who made it: its vendor, or its archive's */
	PACKAGE_MODULE, /* the module stream it came with */
	PACKAGE_HOLD,   /* "hold" where it is kept from upgrades */
	PACKAGE_OWNER,  /* the system package, "dpkg:NAME", whose files it is made of */

	KERNEL_STATE = 0,
	KERNEL_RELEASE, /* as uname -r */
	KERNEL_VERSION, /* exact package version */
	KERNEL_PACKAGE,

	OS_ID = 0,
	OS_VERSION_ID,
	OS_CODENAME,
	OS_PRETTY_NAME,

	PAIR_NAME = 0, /* FACT_HOST, FACT_LABEL and FACT_MITIGATION */
	PAIR_VALUE,

	MODULE_NAME = 0,
	MODULE_VERSION, /* of the module, where it says one */
	MODULE_TAINT,   /* letters: out of tree, proprietary, unsigned, … */

	LIVEPATCH_NAME = 0,
	LIVEPATCH_STATE,   /* "enabled", "disabled", "transition" */
	LIVEPATCH_OBJECTS, /* what it patches, by commas */

	RESTART_UNIT = 0,  /* "nginx.service"; empty where no unit runs it */
	RESTART_CONTAINER, /* id; empty on the host itself */
	RESTART_EXE,
	RESTART_FILE,      /* deleted or replaced, as it is still mapped */
	RESTART_WHAT,      /* "executable" or "library" */
	RESTART_PACKAGE,   /* "dpkg:NAME" that owns the file's path now */
	RESTART_INSTALLED, /* its version now */
	RESTART_RUNS,      /* its version when the process started; empty: not known */
	RESTART_SINCE,     /* when the first of these processes started, seconds since 1970 */

	SOCKET_PROTOCOL = 0, /* "tcp", "tcp6", "udp", "udp6" */
	SOCKET_ADDRESS,
	SOCKET_PORT,
	SOCKET_PROGRAM, /* path of the executable */
	SOCKET_PACKAGE, /* "dpkg:NAME" that owns it */
	SOCKET_USER,

	ADDRESS_INTERFACE = 0,
	ADDRESS_ADDRESS, /* with its prefix length: "192.0.2.7/24" */
	ADDRESS_MAC,

	USER_NAME = 0,
	USER_UID,
	USER_GID,
	USER_HOME,
	USER_SHELL,
	USER_LOGIN, /* "yes" where the shell lets in; "locked": but no password does; else "no" */

	GROUP_NAME = 0,
	GROUP_GID,
	GROUP_MEMBERS, /* by commas, in the order of their names */

	UNIT_NAME = 0,
	UNIT_STATE, /* as systemctl is-enabled: "enabled", "disabled", "static", "masked", … */
	UNIT_FILE,
	UNIT_COMMAND, /* ExecStart of a service, the time of a timer */

	CRON_FILE = 0,
	CRON_SCHEDULE,
	CRON_USER,
	CRON_COMMAND,

	INSTALL_MANAGER = 0,
	INSTALL_NAME,
	INSTALL_ARCH,
	INSTALL_INSTANCE,
	INSTALL_TIME,
};

struct fact {
	enum fact_kind kind;
	struct slice field[FACT_FIELDS_MAX];
};

/* "package", "kernel", "os", …; NULL for no kind. */
const char *fact_kind_name(enum fact_kind kind);
bool fact_kind_parse(struct slice name, enum fact_kind *out);
/* 0 for no kind. */
unsigned fact_field_count(enum fact_kind kind);
const char *fact_field_name(enum fact_kind kind, unsigned field);

/* Whether hosts are found by it: a known kind, but for what is another on every host. */
bool fact_is_searched(enum fact_kind kind);
/* What a fact is found by: the package's name, the kernel's release, the socket's port, … */
struct slice fact_name(const struct fact *fact);

/* A known kind, no field beyond FACT_FIELD_BYTES, and no NUL byte in a key field (it ends the field
 * in fact_key). */
bool fact_is_valid(const struct fact *fact);

/*
 * The canonical form, equal bytes for equal facts: kind (1 byte), then each field of the kind as
 * varint length and bytes; fields that came to the kind later end with the last that is not empty,
 * so that what was written before they came stays as it is. It is what stores keep and digests are
 * made of.
 * Decoding borrows from `bytes` and refuses (ERR_FORMAT) what is not valid, a cut field, any other
 * form of the same fact, and bytes left over.
 */
void fact_encode(const struct fact *fact, struct buf *out);
int fact_decode(struct slice bytes, struct fact *out);

/* The fact is valid. Bytes that are equal for facts of one key, at most FACT_KEY_MAX: kind, then
 * the key fields with a NUL byte behind each; if that is too long, kind, the first 100 bytes of it
 * and its SHA-256. Returns the length. Facts of one kind are neighbours in key order. */
size_t fact_key(const struct fact *fact, uint8_t out[FACT_KEY_MAX]);

bool fact_equal(const struct fact *a, const struct fact *b);
/* Copies the fields into the arena; ERR_LIMIT when it is full. */
int fact_copy(const struct fact *fact, struct arena *arena, struct fact *out);

#endif
