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

#define FACT_FIELDS_MAX  8
#define FACT_FIELD_BYTES 4096 /* a longer field is refused */
#define FACT_KEY_MAX     256

enum fact_kind {
	FACT_PACKAGE = 1, /* manager* name* arch* instance* version source source_version status */
	FACT_KERNEL = 2,  /* state* release* version package; state is "running" or "installed" */
	FACT_OS = 3,      /* id version_id codename pretty_name; one a host: no key field */
	FACT_HOST = 4,    /* name* value: "host_name", "machine_id", "boot_id", "architecture" */
	FACT_LABEL = 5,   /* name* value, from the agent's configuration */
};
#define FACT_KIND_MAX 5

/* Positions of the fields, in the order of the table. */
enum fact_field {
	PACKAGE_MANAGER = 0, /* "dpkg" */
	PACKAGE_NAME,
	PACKAGE_ARCH,
	PACKAGE_INSTANCE, /* empty, but for managers that install one name several times */
	PACKAGE_VERSION,
	PACKAGE_SOURCE,
	PACKAGE_SOURCE_VERSION,
	PACKAGE_STATUS, /* "installed", "config-files", "half-configured", … */

	KERNEL_STATE = 0,
	KERNEL_RELEASE, /* as uname -r */
	KERNEL_VERSION, /* exact package version */
	KERNEL_PACKAGE,

	OS_ID = 0,
	OS_VERSION_ID,
	OS_CODENAME,
	OS_PRETTY_NAME,

	PAIR_NAME = 0, /* FACT_HOST and FACT_LABEL */
	PAIR_VALUE,
};

struct fact {
	enum fact_kind kind;
	struct slice field[FACT_FIELDS_MAX];
};

/* "package", "kernel", "os", "host", "label"; NULL for no kind. */
const char *fact_kind_name(enum fact_kind kind);
bool fact_kind_parse(struct slice name, enum fact_kind *out);
/* 0 for no kind. */
unsigned fact_field_count(enum fact_kind kind);
const char *fact_field_name(enum fact_kind kind, unsigned field);

/* A known kind, no field beyond FACT_FIELD_BYTES, and no NUL byte in a key field (it ends the field
 * in fact_key). */
bool fact_is_valid(const struct fact *fact);

/*
 * The canonical form, equal bytes for equal facts: kind (1 byte), then each field of the kind as
 * varint length and bytes. It is what stores keep and digests are made of.
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
