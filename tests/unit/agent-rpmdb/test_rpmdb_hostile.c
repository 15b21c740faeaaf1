#include "agent/rpmdb/rpmdb_format.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/buf.h"

/* Databases made by hand, each right but for one lie. */

typedef int format(const char *path, rpmdb_blob *each, void *ctx, struct reason *out_why);

struct seen {
	uint32_t count;
	uint32_t number;
	size_t len;
};

static int take(void *ctx, uint32_t number, struct slice bytes)
{
	struct seen *seen = ctx;
	*seen = (struct seen){.count = seen->count + 1, .number = number, .len = bytes.len};
	return 0;
}

static int read_bytes(format *each, const uint8_t *bytes, size_t len, struct seen *out)
{
	char path[] = "/tmp/tsujiban-hostile-XXXXXX";
	struct reason why = {""};
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), len);
	close(fd);
	*out = (struct seen){0};
	int rc = each(path, take, out, &why);
	unlink(path);
	assert_true(rc == 0 || why.text[0] != '\0');
	return rc;
}

static void put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)value;
	at[1] = (uint8_t)(value >> 8);
}

static void put32(uint8_t *at, uint32_t value)
{
	put16(at, value);
	put16(at + 2, value >> 16);
}

/* --- ndb ------------------------------------------------------------------------------------- */

#define NDB_SLOT(n) (32 + 16 * (n))
#define NDB_BLOB    4096
#define NDB_BYTES   (NDB_BLOB + 64)
#define NDB_HEADER  20

/* One package, number 5, of four blocks; its slot is the second. */
static void make_ndb(uint8_t bytes[NDB_BYTES])
{
	memset(bytes, 0, NDB_BYTES);
	memcpy(bytes, "RpmP", 4);
	put32(bytes + 12, 1);
	for (size_t at = 32; at < 4096; at += 16)
		memcpy(bytes + at, "Slot", 4);
	put32(bytes + NDB_SLOT(1) + 4, 5);
	put32(bytes + NDB_SLOT(1) + 8, NDB_BLOB / 16);
	put32(bytes + NDB_SLOT(1) + 12, 4);
	memcpy(bytes + NDB_BLOB, "BlbS", 4);
	put32(bytes + NDB_BLOB + 4, 5);
	put32(bytes + NDB_BLOB + 12, NDB_HEADER);
	put32(bytes + NDB_BYTES - 8, NDB_HEADER);
	memcpy(bytes + NDB_BYTES - 4, "BlbE", 4);
}

static void test_ndb_is_right_without_a_lie(void **state)
{
	uint8_t bytes[NDB_BYTES];
	struct seen seen;
	(void)state;
	make_ndb(bytes);
	assert_int_equal(read_bytes(rpmdb_ndb_each, bytes, NDB_BYTES, &seen), 0);
	assert_int_equal(seen.count, 1);
	assert_int_equal(seen.number, 5);
	assert_int_equal(seen.len, NDB_HEADER);
}

static void test_ndb_with_a_lie_is_refused(void **state)
{
	static const struct {
		size_t at;
		uint32_t value;
		int code;
	} LIES[] = {
	        {0, 0, ERR_FORMAT},                               /* magic */
	        {4, 1, ERR_VERSION},                              /* version */
	        {12, 0, ERR_LIMIT},                               /* pages of slots */
	        {12, 2, ERR_FORMAT},                              /* more than the file has */
	        {12, UINT32_MAX, ERR_LIMIT},                      /* beyond the cap */
	        {NDB_SLOT(0), 0, ERR_FORMAT},                     /* a slot's magic */
	        {NDB_SLOT(1) + 4, 6, ERR_FORMAT},                 /* another package's number */
	        {NDB_SLOT(1) + 8, NDB_BLOB / 16 + 4, ERR_FORMAT}, /* behind the end */
	        {NDB_SLOT(1) + 8, UINT32_MAX, ERR_FORMAT},        /* far behind it */
	        {NDB_SLOT(1) + 8, 2, ERR_FORMAT},                 /* among the slots */
	        {NDB_SLOT(1) + 12, 3, ERR_FORMAT},                /* fewer blocks */
	        {NDB_SLOT(1) + 12, 0, ERR_FORMAT},                /* none */
	        {NDB_SLOT(1) + 12, UINT32_MAX, ERR_FORMAT},       /* more than there are */
	        {NDB_BLOB + 12, 37, ERR_FORMAT},                  /* longer than its blocks */
	        {NDB_BLOB + 12, UINT32_MAX, ERR_FORMAT},          /* far longer */
	        {NDB_BLOB + 12, NDB_HEADER - 1, ERR_FORMAT},      /* not what its end says */
	        {NDB_BYTES - 4, 0, ERR_FORMAT},                   /* no end */
	};
	uint8_t bytes[NDB_BYTES];
	struct seen seen;
	(void)state;
	for (size_t i = 0; i < sizeof(LIES) / sizeof(LIES[0]); i++) {
		make_ndb(bytes);
		put32(bytes + LIES[i].at, LIES[i].value);
		assert_int_equal(read_bytes(rpmdb_ndb_each, bytes, NDB_BYTES, &seen), LIES[i].code);
		assert_int_equal(seen.count, 0);
	}
}

/* Otherwise a small file would be gigabytes of reading. */
static void test_two_slots_of_ndb_cannot_name_one_blob(void **state)
{
	enum { SLOTS = 200 };
	uint8_t bytes[NDB_BYTES];
	struct seen seen;
	(void)state;
	make_ndb(bytes);
	for (size_t i = 2; i < SLOTS; i++)
		memcpy(bytes + NDB_SLOT(i), bytes + NDB_SLOT(1), 16);
	assert_int_equal(read_bytes(rpmdb_ndb_each, bytes, NDB_BYTES, &seen), ERR_FORMAT);
	assert_true(seen.count <= NDB_BYTES / 64);
}

static void test_a_slot_of_ndb_without_a_block_is_free(void **state)
{
	uint8_t bytes[NDB_BYTES];
	struct seen seen;
	(void)state;
	make_ndb(bytes);
	put32(bytes + NDB_SLOT(1) + 8, 0);
	assert_int_equal(read_bytes(rpmdb_ndb_each, bytes, NDB_BYTES, &seen), 0);
	assert_int_equal(seen.count, 0);
}

/* --- Berkeley DB ----------------------------------------------------------------------------- */

#define PAGE      512u
#define BDB_BYTES (4 * PAGE)
#define BUCKET    PAGE
#define CHAIN(n)  ((1 + (n)) * PAGE) /* pages 2 and 3 */
#define ROOM      (PAGE - 26)
#define VALUE_LEN (ROOM + 100)

/* One package, number 5, whose header is in the chain of pages 2 and 3. */
static void make_bdb(uint8_t bytes[BDB_BYTES])
{
	static const uint8_t KEY[] = {1, 5, 0, 0, 0};
	memset(bytes, 0, BDB_BYTES);
	put32(bytes + 12, 0x061561);
	put32(bytes + 16, 9);
	put32(bytes + 20, PAGE);
	bytes[25] = 8;
	put16(bytes + BUCKET + 20, 2);
	bytes[BUCKET + 25] = 13;
	put16(bytes + BUCKET + 26, PAGE - 5);
	put16(bytes + BUCKET + 28, PAGE - 17);
	memcpy(bytes + BUCKET + PAGE - 5, KEY, sizeof(KEY));
	bytes[BUCKET + PAGE - 17] = 3;
	put32(bytes + BUCKET + PAGE - 13, 2);
	put32(bytes + BUCKET + PAGE - 9, VALUE_LEN);
	bytes[CHAIN(1) + 25] = 7;
	put32(bytes + CHAIN(1) + 16, 3);
	put16(bytes + CHAIN(1) + 22, ROOM);
	bytes[CHAIN(2) + 25] = 7;
	put16(bytes + CHAIN(2) + 22, 100);
}

static void test_berkeley_db_is_right_without_a_lie(void **state)
{
	uint8_t bytes[BDB_BYTES];
	struct seen seen;
	(void)state;
	make_bdb(bytes);
	assert_int_equal(read_bytes(rpmdb_bdb_each, bytes, BDB_BYTES, &seen), 0);
	assert_int_equal(seen.count, 1);
	assert_int_equal(seen.number, 5);
	assert_int_equal(seen.len, VALUE_LEN);
}

static void test_berkeley_db_with_a_lie_is_refused(void **state)
{
	static const struct {
		size_t at;
		uint32_t value;
	} LIES[] = {
	        {12, 0x053162},                                /* a b-tree */
	        {20, 0}, {20, 256}, {20, 700}, {20, 1u << 17}, /* no size of pages */
	        {24, 0x0801},                                  /* encrypted */
	        {24, 0x0900},                                  /* no page of a hash's meta data */
	        {BUCKET + 20, 3},                              /* a key without a value */
	        {BUCKET + 20, 0xfffe},            /* more entries than a page has room for */
	        {BUCKET + 26, (PAGE - 17) << 16}, /* an entry in the page's head */
	        {BUCKET + 26, 0xffffffff},        /* behind the page */
	        {BUCKET + 26, (PAGE - 5) << 16 | (PAGE - 17)}, /* in the wrong order */
	        {BUCKET + 26, (PAGE - 15) << 16 | (PAGE - 5)}, /* off page, and too short for it */
	        {BUCKET + PAGE - 17, 2},                       /* duplicates */
	        {BUCKET + PAGE - 13, 0},            /* a chain that begins at the meta data */
	        {BUCKET + PAGE - 13, 1},            /* at a bucket */
	        {BUCKET + PAGE - 13, 4},            /* behind the end */
	        {BUCKET + PAGE - 13, UINT32_MAX},   /* far behind it */
	        {BUCKET + PAGE - 9, UINT32_MAX},    /* longer than any header */
	        {BUCKET + PAGE - 9, VALUE_LEN + 1}, /* longer than its chain */
	        {BUCKET + PAGE - 9, VALUE_LEN - 1}, /* shorter */
	        {CHAIN(1) + 16, 1},                 /* through a bucket */
	        {CHAIN(1) + 22, 0x07000000},        /* a page of the chain that holds nothing */
	        {CHAIN(1) + 22, 0x07000000 | (ROOM + 1)}, /* more than there is room for */
	};
	uint8_t bytes[BDB_BYTES];
	struct seen seen;
	(void)state;
	for (size_t i = 0; i < sizeof(LIES) / sizeof(LIES[0]); i++) {
		make_bdb(bytes);
		put32(bytes + LIES[i].at, LIES[i].value);
		if (read_bytes(rpmdb_bdb_each, bytes, BDB_BYTES, &seen) != ERR_FORMAT)
			fail_msg("lie %zu is taken", i);
		assert_int_equal(seen.count, 0);
	}
}

/* One byte a page, round and round, up to a length that is allowed. */
static void test_a_chain_of_berkeley_db_that_goes_in_a_circle_ends(void **state)
{
	uint8_t bytes[BDB_BYTES];
	struct seen seen;
	(void)state;
	make_bdb(bytes);
	put32(bytes + BUCKET + PAGE - 9, RPMDB_HEADER_MAX);
	put32(bytes + CHAIN(1) + 16, 2);
	put16(bytes + CHAIN(1) + 22, 1);
	assert_int_equal(read_bytes(rpmdb_bdb_each, bytes, BDB_BYTES, &seen), ERR_FORMAT);
	assert_int_equal(seen.count, 0);
}

/* --- SQLite ---------------------------------------------------------------------------------- */

static void put16_big(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

#define SQL_PAGES 3u
#define SQL_BYTES (SQL_PAGES * PAGE)
#define ROOT      PAGE
#define SPARE     (2 * PAGE)
#define CELL      (PAGE - 100)

/* A table "Packages" at page 2, with one row: number 5, NULL, and a blob of 20 bytes. */
static void make_sqlite(uint8_t bytes[SQL_BYTES])
{
	static const uint8_t SCHEMA[] = "\x1c\x01\x06\x17\x1d\x1d\x01\x0dtablePackagesPackages\x02";
	static const uint8_t ROW[] = "\x17\x05\x03\x00\x34";
	memset(bytes, 0, SQL_BYTES);
	memcpy(bytes, "SQLite format 3", 16);
	put16_big(bytes + 16, PAGE);
	bytes[100] = 13;
	put16_big(bytes + 103, 1);
	put16_big(bytes + 108, 300);
	memcpy(bytes + 300, SCHEMA, sizeof(SCHEMA));
	bytes[ROOT] = 13;
	put16_big(bytes + ROOT + 3, 1);
	put16_big(bytes + ROOT + 8, CELL);
	memcpy(bytes + ROOT + CELL, ROW, sizeof(ROW));
}

static void test_sqlite_is_right_without_a_lie(void **state)
{
	uint8_t bytes[SQL_BYTES];
	struct seen seen;
	(void)state;
	make_sqlite(bytes);
	assert_int_equal(read_bytes(rpmdb_sqlite_each, bytes, SQL_BYTES, &seen), 0);
	assert_int_equal(seen.count, 1);
	assert_int_equal(seen.number, 5);
	assert_int_equal(seen.len, 20);
}

static void test_pages_of_sqlite_that_go_in_a_circle_end(void **state)
{
	uint8_t bytes[SQL_BYTES];
	struct seen seen;
	(void)state;
	for (uint32_t right = 2; right <= 3; right++) {
		make_sqlite(bytes);
		bytes[ROOT] = 5;
		put16_big(bytes + ROOT + 3, 0);
		put16_big(bytes + ROOT + 10, right);
		bytes[SPARE] = 5;
		put16_big(bytes + SPARE + 10, 2);
		assert_int_equal(
		        read_bytes(rpmdb_sqlite_each, bytes, SQL_BYTES, &seen), ERR_FORMAT);
		assert_int_equal(seen.count, 0);
	}
}

/* A row of 2 MiB whose overflow page is followed by itself. */
static void test_an_overflow_of_sqlite_that_goes_in_a_circle_ends(void **state)
{
	uint8_t bytes[SQL_BYTES];
	struct seen seen;
	(void)state;
	make_sqlite(bytes);
	put16_big(bytes + ROOT + 8, 26);
	memcpy(bytes + ROOT + 26, "\x81\x80\x80\x00\x05\x06\x00\x81\x80\x80\x00", 11);
	/* What stands locally is no more than a page: wherever the next one is named, it is 3. */
	for (size_t at = 40; at + 4 <= PAGE; at++)
		bytes[ROOT + at] = at % 4 == 3 ? 3 : 0;
	bytes[SPARE + 3] = 3;
	assert_int_equal(read_bytes(rpmdb_sqlite_each, bytes, SQL_BYTES, &seen), ERR_FORMAT);
	assert_int_equal(seen.count, 0);
}

/* Every cell of the page is the same one. */
static void test_cells_of_sqlite_cannot_overlap_without_end(void **state)
{
	uint8_t bytes[SQL_BYTES];
	struct seen seen;
	(void)state;
	make_sqlite(bytes);
	put16_big(bytes + ROOT + 3, 150);
	for (size_t i = 0; i < 150; i++)
		put16_big(bytes + ROOT + 8 + 2 * i, CELL);
	assert_int_equal(read_bytes(rpmdb_sqlite_each, bytes, SQL_BYTES, &seen), ERR_FORMAT);
	assert_true(seen.count <= PAGE / 23);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_ndb_is_right_without_a_lie),
	        cmocka_unit_test(test_ndb_with_a_lie_is_refused),
	        cmocka_unit_test(test_two_slots_of_ndb_cannot_name_one_blob),
	        cmocka_unit_test(test_a_slot_of_ndb_without_a_block_is_free),
	        cmocka_unit_test(test_berkeley_db_is_right_without_a_lie),
	        cmocka_unit_test(test_berkeley_db_with_a_lie_is_refused),
	        cmocka_unit_test(test_a_chain_of_berkeley_db_that_goes_in_a_circle_ends),
	        cmocka_unit_test(test_sqlite_is_right_without_a_lie),
	        cmocka_unit_test(test_pages_of_sqlite_that_go_in_a_circle_end),
	        cmocka_unit_test(test_an_overflow_of_sqlite_that_goes_in_a_circle_ends),
	        cmocka_unit_test(test_cells_of_sqlite_cannot_overlap_without_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
