/*
 * rpm_survey_scene - a database of rpm as it would be kept, and what a survey finds in it.
 */
#ifndef TSUJIBAN_TESTS_UNIT_AGENT_PACKAGES_RPM_SURVEY_SCENE_H
#define TSUJIBAN_TESTS_UNIT_AGENT_PACKAGES_RPM_SURVEY_SCENE_H

#include "agent/packages/rpm_survey.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent/packages/ledger.h"
#include "agent/packages/rpm_ledger.h"
#include "agent/packages/rpm_lock.h"
#include "agent/rpmdb/rpm_files.h"
#include "agent/rpmdb/rpm_region.h"
#include "common/base/buf.h"
#include "common/base/text.h"

#define ENTRY_BYTES  16
#define PACKAGES_MAX 4
#define INT16        3
#define INT32        4
#define TEXT         6
#define BIN          7
#define TEXTS        8
#define CHAR         2

/* --- headers as rpm keeps them --------------------------------------------------------------- */

/* A package with files in /usr/bin: names behind spaces; all have the content "x". */
struct package {
	const char *name;
	const char *version;
	uint32_t transaction;
	const char *files;
	bool is_replaced; /* another package's file lies in place of the first */
	bool is_forged;   /* a digest of the region that does not fit */
	bool is_overlaid; /* modes of its files behind the region */
	bool is_setuid;   /* as the package has them */
	struct buf index;
	struct buf data;
};

static inline void add(struct package *package, uint32_t tag, uint32_t type, uint32_t count,
        const void *value, size_t len)
{
	while (type == INT32 && package->data.len % 4 != 0)
		buf_append_byte(&package->data, 0);
	while (type == INT16 && package->data.len % 2 != 0)
		buf_append_byte(&package->data, 0);
	buf_append_u32(&package->index, tag);
	buf_append_u32(&package->index, type);
	buf_append_u32(&package->index, (uint32_t)package->data.len);
	buf_append_u32(&package->index, count);
	buf_append(&package->data, value, len);
}

static inline void add_text(struct package *package, uint32_t tag, const char *text)
{
	add(package, tag, TEXT, 1, text, strlen(text) + 1);
}

static inline void add_number(struct package *package, uint32_t tag, uint32_t number)
{
	struct buf bytes = BUF_INIT;
	buf_append_u32(&bytes, number);
	add(package, tag, INT32, 1, bytes.data, bytes.len);
	buf_fini(&bytes);
}

/* One text, or number, for each file. */
static inline void add_texts(
        struct package *package, uint32_t tag, uint32_t count, const char *text)
{
	struct buf bytes = BUF_INIT;
	for (uint32_t i = 0; i < count; i++)
		buf_append(&bytes, text, strlen(text) + 1);
	add(package, tag, TEXTS, count, bytes.data, bytes.len);
	buf_fini(&bytes);
}

static inline void add_numbers(
        struct package *package, uint32_t tag, uint32_t count, uint32_t number)
{
	struct buf bytes = BUF_INIT;
	for (uint32_t i = 0; i < count; i++)
		buf_append_u32(&bytes, number);
	add(package, tag, INT32, count, bytes.data, bytes.len);
	buf_fini(&bytes);
}

static inline void add_modes(struct package *package, uint32_t count, uint16_t mode)
{
	struct buf bytes = BUF_INIT;
	for (uint32_t i = 0; i < count; i++)
		buf_append_u16(&bytes, mode);
	add(package, RPM_FILEMODES, INT16, count, bytes.data, bytes.len);
	buf_fini(&bytes);
}

static inline uint32_t add_names(struct package *package)
{
	struct buf bytes = BUF_INIT;
	uint32_t count = 1;
	for (const char *at = package->files; *at; at++) {
		buf_append_byte(&bytes, *at == ' ' ? 0 : (uint8_t)*at);
		count += *at == ' ';
	}
	buf_append_byte(&bytes, 0);
	add(package, RPM_BASENAMES, TEXTS, count, bytes.data, bytes.len);
	buf_fini(&bytes);
	return count;
}

static inline uint32_t add_files(struct package *package)
{
	uint8_t digest[SHA256_BYTES];
	struct buf hex = BUF_INIT;
	uint32_t count = add_names(package);
	digest_of(slice_text("x"), digest);
	text_append_hex(&hex, slice_of(digest, sizeof(digest)));
	add_texts(package, RPM_DIRNAMES, 1, "/usr/bin/");
	add_numbers(package, RPM_DIRINDEXES, count, 0);
	add_modes(package, count, package->is_setuid ? 0104755 : 0100755);
	add_texts(package, RPM_FILEDIGESTS, count, buf_text(&hex));
	add_texts(package, RPM_FILELINKTOS, count, "");
	add_texts(package, RPM_FILEUSERNAME, count, "root");
	add_texts(package, RPM_FILEGROUPNAME, count, "root");
	add_numbers(package, RPM_FILEFLAGS, count, 0);
	add_numbers(package, RPM_FILESIZES, count, 1);
	add_number(package, RPM_FILEDIGESTALGO, RPM_DIGEST_SHA256);
	buf_fini(&hex);
	return count;
}

/* Index of the region and its data, with the entry that points at the trailer in front. */
static inline void close_region(struct package *package)
{
	struct buf front = BUF_INIT, trailer = BUF_INIT;
	uint32_t index_len = (uint32_t)package->index.len + ENTRY_BYTES;
	buf_append_u32(&front, 63);
	buf_append_u32(&front, BIN);
	buf_append_u32(&front, (uint32_t)package->data.len);
	buf_append_u32(&front, ENTRY_BYTES);
	buf_append_slice(&front, buf_slice(&package->index));
	buf_append_u32(&trailer, 63);
	buf_append_u32(&trailer, BIN);
	buf_append_u32(&trailer, -index_len);
	buf_append_u32(&trailer, ENTRY_BYTES);
	buf_append_slice(&package->data, buf_slice(&trailer));
	buf_fini(&package->index);
	package->index = front;
	buf_fini(&trailer);
}

static inline void add_digest(struct package *package)
{
	uint8_t digest[SHA256_BYTES];
	struct buf all = BUF_INIT, hex = BUF_INIT;
	buf_append(&all, "\x8e\xad\xe8\x01\0\0\0\0", 8);
	buf_append_u32(&all, (uint32_t)(package->index.len / ENTRY_BYTES));
	buf_append_u32(&all, (uint32_t)package->data.len);
	buf_append_slice(&all, buf_slice(&package->index));
	buf_append_slice(&all, buf_slice(&package->data));
	digest_of(buf_slice(&all), digest);
	digest[0] ^= package->is_forged;
	text_append_hex(&hex, slice_of(digest, sizeof(digest)));
	add_text(package, RPM_SHA256HEADER, buf_text(&hex));
	buf_fini(&all);
	buf_fini(&hex);
}

static inline struct rpm_header build(struct package *package)
{
	uint8_t states[8] = {package->is_replaced ? RPM_STATE_REPLACED : RPM_STATE_NORMAL};
	buf_reset(&package->index);
	buf_reset(&package->data);
	add_text(package, RPM_NAME, package->name);
	add_text(package, RPM_VERSION, package->version);
	add_text(package, RPM_RELEASE, "1");
	add_text(package, RPM_ARCH, "noarch");
	uint32_t count = add_files(package);
	close_region(package);
	add_digest(package);
	add_number(package, RPM_INSTALLTIME, package->transaction);
	add(package, RPM_FILESTATES, CHAR, count, states, count);
	add_number(package, RPM_INSTALLTID, package->transaction);
	if (package->is_overlaid)
		add_modes(package, count, 0104755);
	return (struct rpm_header){
	        .index = buf_slice(&package->index), .data = buf_slice(&package->data)};
}

/* --- a database ------------------------------------------------------------------------------ */

static char dir[64];
static struct state *state;
static struct survey *survey;
static struct reason why;
static struct package database[PACKAGES_MAX];
static size_t package_count;
static bool is_lock_unseen;

static inline struct package *put(
        const char *name, const char *version, uint32_t transaction, const char *files)
{
	struct package *package = &database[package_count++];
	assert_true(package_count <= PACKAGES_MAX);
	*package = (struct package){
	        .name = name, .version = version, .transaction = transaction, .files = files};
	return package;
}

static inline int each(const struct rpm_source *source,
        int (*take)(void *ctx, const struct rpm_header *header), void *ctx, struct reason *out_why)
{
	int rc = 0;
	(void)source, (void)out_why;
	for (size_t i = 0; rc == 0 && i < package_count; i++) {
		struct rpm_header header = build(&database[i]);
		rc = take(ctx, &header);
		buf_fini(&database[i].index);
		buf_fini(&database[i].data);
	}
	return rc;
}

static inline int remove_one(const char *path, const struct stat *info, int flag, struct FTW *walk)
{
	(void)info, (void)flag, (void)walk;
	return remove(path);
}

static inline int setup(void **unused)
{
	struct state_limits limits = {.spool_bytes = 1u << 20, .map_bytes = 1u << 28};
	(void)unused;
	snprintf(dir, sizeof(dir), "/tmp/test-rpm-survey-XXXXXX");
	assert_non_null(mkdtemp(dir));
	package_count = 0;
	is_lock_unseen = false;
	put("a", "1", 1000, "a old");
	put("b", "7", 1000, "b");
	return state_open(dir, &limits, &state, &why);
}

static inline int teardown(void **unused)
{
	(void)unused;
	survey_free(survey);
	survey = NULL;
	state_close(state);
	nftw(dir, remove_one, 32, FTW_DEPTH | FTW_PHYS);
	return 0;
}

static inline void look(void)
{
	static const struct rpm_source source = {.path = "/var/lib/rpm/rpmdb.sqlite", .each = each};
	struct kv_txn *txn;
	survey_free(survey);
	survey = survey_new(&MANAGER_RPM, state, dir);
	survey->is_lock_unseen = is_lock_unseen;
	assert_int_equal(kv_begin_read(state_kv(state), &txn), 0);
	assert_int_equal(rpm_look_over(survey, txn, &source), 0);
	kv_abort(txn);
}

/* What the journal does with the results. */
static inline void keep(void)
{
	struct state_txn *txn;
	struct slice rest = buf_slice(&survey->puts), name, value;
	uint32_t len;
	char text[600];
	assert_int_equal(state_begin(state, &txn, &why), 0);
	while (slice_take_u32(&rest, &len) && slice_take(&rest, len, &name) &&
	        slice_take_u32(&rest, &len) && slice_take(&rest, len, &value)) {
		snprintf(text, sizeof(text), "%.*s", SLICE_ARG(name));
		if (value.len > 0)
			assert_int_equal(state_meta_put(txn, text, value), 0);
		else
			assert_int_equal(state_meta_delete(txn, text), 0);
	}
	assert_int_equal(state_commit(txn, &why), 0);
}

static inline void look_and_keep(void)
{
	look();
	keep();
}

static inline void upgrade_a(void)
{
	database[0].version = "2";
	database[0].transaction = 2000;
	database[0].files = "a new";
}

static inline const struct manifest_entry *find(const char *name)
{
	char path[64];
	snprintf(path, sizeof(path), "/usr/bin/%s", name);
	assert_non_null(survey->manifest);
	return manifest_find(survey->manifest, slice_text(path));
}

static inline void assert_unlogged(const char *word)
{
	struct buf text = BUF_INIT;
	assert_int_equal(survey->unlogged_count, 1);
	buf_append_slice(&text, survey->unlogged[0].detail);
	assert_non_null(strstr(buf_text(&text), word));
	buf_fini(&text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
