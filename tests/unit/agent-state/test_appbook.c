#include "agent/state/appbook.h"

#include "tests/unit/agent-state/fixture.h"

static const struct app_stamp STAMP = {
        .size = 1, .mtime_ns = -2, .ctime_ns = 3, .inode = UINT64_MAX, .device = 5};

static struct fact package(const char *name, const char *version)
{
	struct fact fact = {.kind = FACT_PACKAGE};
	fact.field[PACKAGE_MANAGER] = slice_text("npm");
	fact.field[PACKAGE_NAME] = slice_text(name);
	fact.field[PACKAGE_VERSION] = slice_text(version);
	return fact;
}

static void put(struct state_txn *txn, const char *path, uint32_t count, struct slice facts)
{
	struct app_record record = {.stamp = STAMP, .reader = 7, .count = count, .facts = facts};
	assert_int_equal(appbook_put(txn, slice_text(path), &record), 0);
}

static void put_all(const char *const *path)
{
	struct state_txn *txn = begin_txn();
	for (; *path; path++)
		put(txn, *path, 0, (struct slice){0});
	commit(txn);
}

static int list(void *ctx, struct slice path, const struct app_record *record)
{
	struct buf *paths = ctx;
	assert_int_equal(record->reader, 7);
	buf_append_slice(paths, path);
	buf_append_byte(paths, ' ');
	return 0;
}

static void assert_below(const char *below, const char *expected)
{
	struct buf paths = BUF_INIT;
	struct kv_txn *txn = begin_read();
	assert_int_equal(appbook_each(txn, slice_text(below), list, &paths), 0);
	kv_abort(txn);
	assert_string_equal(buf_text(&paths), expected);
	buf_fini(&paths);
}

static void test_record_comes_back_as_it_was_put(void **unused)
{
	(void)unused;
	struct buf facts = BUF_INIT;
	struct fact one = package("a", "1"), two = package("b", "2"), back;
	struct app_record record;
	appbook_append_fact(&facts, &one);
	appbook_append_fact(&facts, &two);
	struct state_txn *txn = begin_txn();
	put(txn, "/usr/a", 2, buf_slice(&facts));
	commit(txn);
	reopen_state();
	struct kv_txn *read = begin_read();
	assert_int_equal(appbook_get(read, slice_text("/usr/a"), &record), 0);
	assert_true(app_stamp_equal(&record.stamp, &STAMP));
	assert_int_equal(record.reader, 7);
	assert_int_equal(record.count, 2);
	assert_false(record.is_damaged);
	assert_int_equal(appbook_take_fact(&record.facts, &back), 0);
	assert_true(fact_equal(&back, &one));
	assert_int_equal(appbook_take_fact(&record.facts, &back), 0);
	assert_true(fact_equal(&back, &two));
	assert_int_equal(appbook_take_fact(&record.facts, &back), ERR_MISSING);
	assert_int_equal(appbook_get(read, slice_text("/usr/b"), &record), ERR_MISSING);
	kv_abort(read);
	buf_fini(&facts);
}

static void test_every_part_of_a_stamp_counts(void **unused)
{
	(void)unused;
	struct app_stamp other = STAMP;
	assert_true(app_stamp_equal(&STAMP, &other));
	other.size++;
	assert_false(app_stamp_equal(&STAMP, &other));
	other = STAMP, other.mtime_ns++;
	assert_false(app_stamp_equal(&STAMP, &other));
	other = STAMP, other.ctime_ns++;
	assert_false(app_stamp_equal(&STAMP, &other));
	other = STAMP, other.inode--;
	assert_false(app_stamp_equal(&STAMP, &other));
	other = STAMP, other.device++;
	assert_false(app_stamp_equal(&STAMP, &other));
}

static void test_what_lies_below_is_listed_and_nothing_else(void **unused)
{
	(void)unused;
	static const char *const PATHS[] = {
	        "/a", "/a/b", "/a/b/c", "/a/b/c/d", "/a/bc", "/ab", "/b/a", NULL};
	put_all(PATHS);
	assert_below("/a/b", "/a/b /a/b/c /a/b/c/d ");
	assert_below("/a", "/a /a/b /a/bc /a/b/c /a/b/c/d ");
	assert_below("/c", "");
	assert_below("/a/b/c/d", "/a/b/c/d ");
	struct kv_txn *txn = begin_read();
	struct buf paths = BUF_INIT;
	assert_int_equal(appbook_each(txn, (struct slice){0}, list, &paths), 0);
	assert_int_equal(appbook_count(txn), 7);
	assert_non_null(strstr(buf_text(&paths), "/b/a "));
	assert_non_null(strstr(buf_text(&paths), "/ab "));
	kv_abort(txn);
	buf_fini(&paths);
}

/* Directories of more than 200 bytes are shortened in keys. */
static void test_long_paths_are_told_apart(void **unused)
{
	(void)unused;
	char one[400], two[400], above[400];
	memset(one, 'x', sizeof(one));
	for (size_t i = 0; i < 300; i += 50)
		one[i] = '/';
	strcpy(one + 300, "/a");
	strcpy(two, one);
	two[290] = 'y';
	strcpy(above, one);
	above[300] = '\0';
	const char *const paths[] = {one, two, NULL};
	put_all(paths);
	char expected[512];
	snprintf(expected, sizeof(expected), "%s ", one);
	assert_below(above, expected);
	above[250] = '\0';
	snprintf(expected, sizeof(expected), "%s ", one);
	struct buf listed = BUF_INIT;
	struct kv_txn *txn = begin_read();
	assert_int_equal(appbook_each(txn, slice_text(above), list, &listed), 0);
	kv_abort(txn);
	assert_non_null(strstr(buf_text(&listed), one));
	assert_non_null(strstr(buf_text(&listed), two));
	assert_int_equal(listed.len, strlen(one) + strlen(two) + 2);
	buf_fini(&listed);
}

static void test_removed_record_is_gone(void **unused)
{
	(void)unused;
	static const char *const PATHS[] = {"/a", "/b", NULL};
	put_all(PATHS);
	struct state_txn *txn = begin_txn();
	assert_int_equal(appbook_remove(txn, slice_text("/a")), 0);
	assert_int_equal(appbook_remove(txn, slice_text("/a")), 0);
	commit(txn);
	assert_below("/a", "");
	assert_below("/b", "/b ");
}

static void test_beginning_anew_forgets_all(void **unused)
{
	(void)unused;
	static const char *const PATHS[] = {"/a", NULL};
	put_all(PATHS);
	assert_int_equal(state_begin_anew(state, &why), 0);
	assert_below("/a", "");
}

static void put_bytes(const char *path, const void *bytes, size_t len)
{
	struct state_txn *txn = begin_txn();
	uint8_t key[16] = {0};
	size_t path_len = strlen(path); /* of an entry of "/" */
	memcpy(key + 1, path + 1, path_len - 1);
	assert_int_equal(kv_put(state_txn_kv(txn), STATE_APPS, slice_of(key, path_len),
	                         slice_of(bytes, len)),
	        0);
	commit(txn);
}

static void test_records_that_are_none_are_refused(void **unused)
{
	(void)unused;
	static const char *const PATHS[] = {"/a", NULL};
	struct app_record record;
	put_all(PATHS);
	struct kv_txn *read = begin_read();
	struct slice whole;
	uint8_t bytes[64];
	assert_int_equal(kv_get(read, STATE_APPS, slice_of("\0a", 2), &whole), 0);
	memcpy(bytes, whole.ptr, whole.len);
	size_t len = whole.len;
	kv_abort(read);
	for (size_t cut = 0; cut < len; cut++) {
		put_bytes("/a", bytes, cut);
		read = begin_read();
		assert_int_equal(appbook_get(read, slice_text("/a"), &record), ERR_FORMAT);
		kv_abort(read);
	}
	bytes[0] = 2;
	put_bytes("/a", bytes, len);
	read = begin_read();
	assert_int_equal(appbook_get(read, slice_text("/a"), &record), ERR_VERSION);
	kv_abort(read);
}

/* Golden: what is on disks has to be read by every version to come. */
static void test_layout_is_the_documented_one(void **unused)
{
	(void)unused;
	static const uint8_t GOLDEN[] = {1, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, 0xff, 0xff,
	        0xff, 0xff, 0xff, 0xff, 0xfe, 0, 0, 0, 0, 0, 0, 0, 3, 0xff, 0xff, 0xff, 0xff, 0xff,
	        0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 1, 'f'};
	struct slice stored;
	struct state_txn *txn = begin_txn();
	put(txn, "/a", 1, slice_text("f"));
	commit(txn);
	struct kv_txn *read = begin_read();
	assert_int_equal(kv_get(read, STATE_APPS, slice_of("\0a", 2), &stored), 0);
	assert_int_equal(stored.len, sizeof(GOLDEN));
	assert_memory_equal(stored.ptr, GOLDEN, sizeof(GOLDEN));
	kv_abort(read);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin_test, end_test)
	const struct CMUnitTest tests[] = {
	        TEST(test_record_comes_back_as_it_was_put),
	        TEST(test_every_part_of_a_stamp_counts),
	        TEST(test_what_lies_below_is_listed_and_nothing_else),
	        TEST(test_long_paths_are_told_apart),
	        TEST(test_removed_record_is_gone),
	        TEST(test_beginning_anew_forgets_all),
	        TEST(test_records_that_are_none_are_refused),
	        TEST(test_layout_is_the_documented_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
