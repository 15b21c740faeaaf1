#include "fixture.h"

#include "agent/state/texts.h"

#define SECRET "the secret that nobody may find"

static struct text_copy copy_of(const char *content)
{
	return (struct text_copy){.is_text = true, .sha256 = {7}, .packed = slice_text(content)};
}

static void put(struct state_txn *txn, const char *path, const char *content)
{
	struct text_copy copy = copy_of(content);
	struct filestate state_of_it = file_with(1);
	assert_int_equal(baseline_put(txn, slice_text(path), &state_of_it), 0);
	assert_int_equal(texts_put(txn, slice_text(path), &copy), 0);
}

/* `content` NULL: there is no copy. */
static void assert_copy(const char *path, const char *content)
{
	struct kv_txn *read = begin_read();
	struct text_copy copy;
	int rc = texts_get(read, slice_text(path), &copy);
	assert_int_equal(rc, content ? 0 : ERR_MISSING);
	if (content)
		assert_true(slice_is(copy.packed, content));
	kv_abort(read);
}

static char *long_path(const char *top)
{
	static char path[512];
	size_t len = (size_t)snprintf(path, sizeof(path), "%s", top);
	while (len < 300)
		len += (size_t)snprintf(path + len, sizeof(path) - len, "/%040d", 7);
	return path;
}

static void test_a_copy_comes_back_as_it_was_put(void **unused)
{
	(void)unused;
	struct text_copy none = {.is_text = false, .sha256 = {9}}, back;
	struct state_txn *txn = begin_txn();
	put(txn, "/a", "text");
	put(txn, "/empty", "");
	assert_int_equal(texts_put(txn, slice_text("/binary"), &none), 0);
	commit(txn);
	reopen_state();
	assert_copy("/a", "text");
	assert_copy("/empty", "");
	assert_copy("/none", NULL);
	struct kv_txn *read = begin_read();
	assert_int_equal(texts_get(read, slice_text("/binary"), &back), 0);
	assert_false(back.is_text);
	assert_null(back.packed.ptr);
	assert_int_equal(back.sha256[0], 9);
	kv_abort(read);
}

static void test_a_copy_goes_with_its_baseline(void **unused)
{
	(void)unused;
	struct state_txn *txn = begin_txn();
	put(txn, "/a", "a");
	put(txn, "/d/b", "b");
	put(txn, "/d/e/c", "c");
	put(txn, "/dd", "dd");
	put(txn, long_path("/d"), "long");
	commit(txn);
	txn = begin_txn();
	assert_int_equal(baseline_remove(txn, slice_text("/a")), 0);
	assert_int_equal(baseline_remove_below(txn, slice_text("/d")), 0);
	commit(txn);
	assert_copy("/a", NULL);
	assert_copy("/d/b", NULL);
	assert_copy("/d/e/c", NULL);
	assert_copy(long_path("/d"), NULL);
	assert_copy("/dd", "dd");
}

static void test_a_moved_directory_takes_its_copies_along(void **unused)
{
	(void)unused;
	struct filestate plain = file_with(2);
	struct state_txn *txn = begin_txn();
	put(txn, "/old/a", "a");
	put(txn, long_path("/old"), "long");
	put(txn, "/new/b", "stood there before");
	assert_int_equal(baseline_put(txn, slice_text("/old/b"), &plain), 0);
	commit(txn);
	txn = begin_txn();
	assert_int_equal(baseline_move_below(txn, slice_text("/old"), slice_text("/new")), 0);
	commit(txn);
	assert_copy("/old/a", NULL);
	assert_copy("/new/a", "a");
	assert_copy("/new/b", NULL);
	assert_copy(long_path("/old"), NULL);
	char *moved = long_path("/old");
	memcpy(moved, "/new", 4);
	assert_copy(moved, "long");
}

static bool is_no_key(void *ctx, struct slice path)
{
	(void)ctx;
	return !slice_is(slice_of(path.ptr + path.len - 4, 4), ".key");
}

static void test_a_purge_takes_what_may_not_stay_and_no_more(void **unused)
{
	(void)unused;
	struct state_txn *txn = begin_txn();
	put(txn, "/d/a.key", "1");
	put(txn, "/d/b", "2");
	put(txn, "/d/e/c.key", "3");
	put(txn, "/other.key", "4");
	commit(txn);
	txn = begin_txn();
	assert_int_equal(texts_purge_below(txn, slice_text("/d"), is_no_key, NULL), 2);
	commit(txn);
	assert_copy("/d/a.key", NULL);
	assert_copy("/d/b", "2");
	assert_copy("/d/e/c.key", NULL);
	assert_copy("/other.key", "4");
}

static void test_a_new_stream_has_no_copies(void **unused)
{
	(void)unused;
	struct state_txn *txn = begin_txn();
	put(txn, "/a", "a");
	commit(txn);
	assert_int_equal(state_begin_anew(state, &why), 0);
	assert_copy("/a", NULL);
}

static size_t secrets_on_disk(void)
{
	char path[128];
	size_t count = 0, len = strlen(SECRET);
	struct buf bytes = BUF_INIT;
	snprintf(path, sizeof(path), "%s/db/data.mdb", dir);
	FILE *file = fopen(path, "rb");
	assert_non_null(file);
	size_t got;
	while ((got = fread(buf_reserve(&bytes, 65536), 1, 65536, file)) > 0)
		bytes.len += got;
	fclose(file);
	for (size_t at = 0; at + len <= bytes.len; at++)
		count += memcmp(bytes.data + at, SECRET, len) == 0;
	buf_fini(&bytes);
	return count;
}

/* Small ones stand on a page with others, large ones have pages of their own. */
static void test_after_a_wipe_free_pages_have_nothing_of_what_was_purged(void **unused)
{
	(void)unused;
	char path[32];
	struct buf large = BUF_INIT;
	for (unsigned i = 0; i < 400; i++)
		buf_append_text(&large, SECRET);
	for (unsigned round = 0; round < 4; round++) {
		struct state_txn *txn = begin_txn();
		for (unsigned i = 0; i < 16; i++) {
			snprintf(path, sizeof(path), "/%u.key", i);
			put(txn, path, i % 8 ? buf_text(&large) : SECRET);
			snprintf(path, sizeof(path), "/%u", i);
			put(txn, path, "what may stay");
		}
		commit(txn);
	}
	assert_true(secrets_on_disk() > 0);
	struct state_txn *txn = begin_txn();
	assert_int_equal(texts_purge_below(txn, slice_text("/"), is_no_key, NULL), 16);
	commit(txn);
	assert_int_equal(texts_wipe(state, &why), 0);
	assert_int_equal(secrets_on_disk(), 0);
	assert_copy("/5", "what may stay");
	struct kv_txn *read = begin_read();
	assert_int_equal(texts_count(read), 16);
	kv_abort(read);
	buf_fini(&large);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin_test, end_test)
	const struct CMUnitTest tests[] = {
	        TEST(test_a_copy_comes_back_as_it_was_put),
	        TEST(test_a_copy_goes_with_its_baseline),
	        TEST(test_a_moved_directory_takes_its_copies_along),
	        TEST(test_a_purge_takes_what_may_not_stay_and_no_more),
	        TEST(test_a_new_stream_has_no_copies),
	        TEST(test_after_a_wipe_free_pages_have_nothing_of_what_was_purged),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
