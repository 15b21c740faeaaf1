#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "common/base/err.h"
#include "common/store/pathkey.h"

static struct buf key_of(struct slice path)
{
	struct buf key = BUF_INIT;
	assert_int_equal(pathkey_append(&key, path), 0);
	return key;
}

static void assert_key(const char *path, const char *key, size_t key_len)
{
	struct buf got = key_of(slice_text(path));
	assert_int_equal(got.len, key_len);
	assert_memory_equal(got.data, key, key_len);
	buf_fini(&got);
}

/* "/xxx…x" with `len` bytes, in names of at most 100. */
static struct slice long_path(char *room, size_t len, char fill)
{
	for (size_t i = 0; i < len; i++)
		room[i] = i % 100 == 0 ? '/' : fill;
	return slice_of(room, len);
}

static void test_keys_split_directory_and_name(void **state)
{
	(void)state;
	assert_key("/", "\0", 1);
	assert_key("/a", "\0a", 2);
	assert_key("/a/b", "/a\0b", 4);
	assert_key("/etc/ssh/sshd_config", "/etc/ssh\0sshd_config", 20);
}

static void test_keys_read_back_as_paths(void **state)
{
	(void)state;
	static const char *const paths[] = {"/", "/a", "/a/b", "/\xff/\x01", "/a b/c"};
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		struct buf key = key_of(slice_text(paths[i]));
		struct buf path = BUF_INIT;
		assert_int_equal(pathkey_path(buf_slice(&key), &path), 0);
		assert_true(slice_is(buf_slice(&path), paths[i]));
		assert_false(pathkey_is_short(slice_text(paths[i])));
		buf_fini(&key);
		buf_fini(&path);
	}
}

static void test_bytes_that_are_no_key_are_refused(void **state)
{
	(void)state;
	struct buf path = BUF_INIT;
	static const struct slice wrong[] = {{(const uint8_t *)"", 0}, {(const uint8_t *)"a", 1},
	        {(const uint8_t *)"a\0b", 3}, {(const uint8_t *)"/a\0", 3},
	        {(const uint8_t *)"/a\0b/c", 6}, {(const uint8_t *)"/a\0b\0", 5},
	        {(const uint8_t *)"/a/\0b", 5}, {(const uint8_t *)"/\0b", 3}};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(pathkey_path(wrong[i], &path), ERR_FORMAT);
	assert_int_equal(path.len, 0);
	buf_fini(&path);
}

static void test_long_directories_are_shortened(void **state)
{
	(void)state;
	char room[302];
	long_path(room, 300, 'x');
	memcpy(room + 300, "/n", 2);
	struct slice path = slice_of(room, sizeof(room));
	struct buf key = key_of(path);
	struct buf back = BUF_INIT;
	assert_int_equal(key.len, PATHKEY_DIR_MAX + 1 + 32 + 1 + 1);
	assert_int_equal(key.data[PATHKEY_DIR_MAX], 0x01);
	assert_true(pathkey_is_short(path));
	assert_int_equal(pathkey_path(buf_slice(&key), &back), ERR_FORMAT);
	/* A directory that differs only behind the cut. */
	room[299] = 'z';
	struct buf other = key_of(path);
	assert_false(slice_equal(buf_slice(&key), buf_slice(&other)));
	assert_memory_equal(key.data, other.data, PATHKEY_DIR_MAX + 1);
	buf_fini(&key);
	buf_fini(&other);
	buf_fini(&back);
}

static void test_longest_path_has_the_longest_key(void **state)
{
	(void)state;
	char room[PATHKEY_PATH_BYTES + 1];
	memset(room, 'n', sizeof(room));
	for (size_t i = 0; i < 3840; i += 100)
		room[i] = '/';
	room[3840] = '/'; /* 255 bytes follow */
	struct buf key = key_of(slice_of(room, PATHKEY_PATH_BYTES));
	assert_int_equal(key.len, PATHKEY_MAX);
	buf_fini(&key);
}

static void test_impossible_paths_are_refused(void **state)
{
	(void)state;
	struct buf key = BUF_INIT;
	char room[PATHKEY_PATH_BYTES + 1];
	assert_int_equal(pathkey_append(&key, slice_text("")), ERR_FORMAT);
	assert_int_equal(pathkey_append(&key, slice_of(NULL, 0)), ERR_FORMAT);
	assert_int_equal(pathkey_append(&key, slice_text("a/b")), ERR_FORMAT);
	assert_int_equal(pathkey_append(&key, slice_text("/a/")), ERR_FORMAT);
	assert_int_equal(pathkey_append(&key, slice_text("//")), ERR_FORMAT);
	assert_int_equal(pathkey_append(&key, slice_text("/a//b")), ERR_FORMAT);
	assert_int_equal(pathkey_append(&key, slice_of("/a\0b", 4)), ERR_FORMAT);
	assert_int_equal(
	        pathkey_append(&key, long_path(room, PATHKEY_PATH_BYTES + 1, 'x')), ERR_LIMIT);
	memset(room, 'x', sizeof(room));
	room[0] = '/';
	assert_int_equal(pathkey_append(&key, slice_of(room, 1 + 256)), ERR_LIMIT);
	assert_int_equal(pathkey_append_entries(&key, slice_text("/a/")), ERR_FORMAT);
	assert_int_equal(pathkey_append_deeper(&key, slice_text("a")), ERR_FORMAT);
	assert_int_equal(key.len, 0);
	assert_int_equal(pathkey_append(&key, slice_of(room, 1 + 255)), 0);
	buf_fini(&key);
}

static bool has_prefix(struct slice path, struct slice dir, bool deeper, int *out_rc)
{
	struct buf key = key_of(path);
	struct buf prefix = BUF_INIT;
	*out_rc = deeper ? pathkey_append_deeper(&prefix, dir)
	                 : pathkey_append_entries(&prefix, dir);
	assert_true(*out_rc >= 0);
	bool has = slice_starts_with(buf_slice(&key), buf_slice(&prefix));
	buf_fini(&key);
	buf_fini(&prefix);
	return has;
}

static void test_entries_and_deeper_have_their_prefixes(void **state)
{
	(void)state;
	static const struct {
		const char *path, *dir;
		bool is_entry, is_deeper;
	} rows[] = {
	        {"/a/b", "/a", true, false},
	        {"/a/b/c", "/a", false, true},
	        {"/a/b/c/d", "/a", false, true},
	        {"/a", "/a", false, false},
	        {"/ab", "/a", false, false},
	        {"/ab/c", "/a", false, false},
	        {"/a", "/", true, false},
	        {"/a/b", "/", false, true},
	};
	int rc;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct slice path = slice_text(rows[i].path), dir = slice_text(rows[i].dir);
		assert_int_equal(has_prefix(path, dir, false, &rc), rows[i].is_entry);
		assert_int_equal(rc, 0);
		assert_int_equal(has_prefix(path, dir, true, &rc), rows[i].is_deeper);
		assert_int_equal(rc, 0);
	}
}

/* Around the length where directories are shortened. */
static void test_deeper_prefix_covers_shortened_keys(void **state)
{
	(void)state;
	char room[PATHKEY_PATH_BYTES];
	int rc;
	for (size_t len = 190; len < 215; len++) {
		struct slice dir = long_path(room, len, 'x');
		if (room[len - 1] == '/')
			continue;
		memcpy(room + len, "/d/e/f", 6);
		assert_true(has_prefix(slice_of(room, len + 2), dir, false, &rc));
		assert_false(has_prefix(slice_of(room, len + 4), dir, false, &rc));
		assert_true(has_prefix(slice_of(room, len + 4), dir, true, &rc));
		assert_true(has_prefix(slice_of(room, len + 6), dir, true, &rc));
		assert_int_equal(rc, len >= PATHKEY_DIR_MAX);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_keys_split_directory_and_name),
	        cmocka_unit_test(test_keys_read_back_as_paths),
	        cmocka_unit_test(test_bytes_that_are_no_key_are_refused),
	        cmocka_unit_test(test_long_directories_are_shortened),
	        cmocka_unit_test(test_longest_path_has_the_longest_key),
	        cmocka_unit_test(test_impossible_paths_are_refused),
	        cmocka_unit_test(test_entries_and_deeper_have_their_prefixes),
	        cmocka_unit_test(test_deeper_prefix_covers_shortened_keys),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
