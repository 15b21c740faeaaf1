#include "agent/source/folder.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/unit/agent-source/scratch.h"

/* Behind ours: it defines a macro `fail`. */
#include <cmocka.h>

struct case_state {
	struct scratch scratch;
	struct folder folder;
	struct buf text;
	struct reason why;
};

static int set_up(void **state)
{
	struct case_state *at = calloc(1, sizeof(*at));
	*state = at;
	bool is_fine = scratch_init(&at->scratch) &&
	               scratch_write(&at->scratch, "/db/one.list", "1234") &&
	               scratch_write(&at->scratch, "/db/.hidden", "") &&
	               scratch_write(&at->scratch, "/db/deep/file", "deep");
	return is_fine && folder_open(at->scratch.root, "/db", &at->folder, &at->why) == 0 ? 0 : -1;
}

static int tear_down(void **state)
{
	struct case_state *at = *state;
	folder_close(&at->folder);
	buf_fini(&at->text);
	scratch_fini(&at->scratch);
	free(at);
	return 0;
}

static int read_file(struct case_state *at, const char *name, size_t limit)
{
	at->why.text[0] = '\0';
	return folder_read(&at->folder, name, limit, &at->text, &at->why);
}

static void test_names_are_told_but_hidden_ones(void **state)
{
	struct case_state *at = *state;
	const char *name = NULL;
	unsigned seen = 0;
	while (folder_next(&at->folder, &name, &at->why) > 0)
		seen += strcmp(name, "one.list") == 0 ? 1 : strcmp(name, "deep") == 0 ? 10 : 100;
	assert_int_equal(seen, 11);
}

static void test_file_is_read_up_to_its_limit(void **state)
{
	struct case_state *at = *state;
	assert_int_equal(read_file(at, "one.list", 4), 0);
	assert_true(slice_is(buf_slice(&at->text), "1234"));
	assert_int_equal(read_file(at, "deep/file", 4096), 0);
	assert_true(slice_is(buf_slice(&at->text), "deep"));
	assert_int_equal(read_file(at, "one.list", 3), ERR_LIMIT);
	assert_non_null(strstr(at->why.text, "/db/one.list"));
}

/* /proc says 0 of files that are not empty: as one that grows while it is read. */
static void test_file_longer_than_it_said_is_read_and_limited(void **state)
{
	struct case_state *at = *state;
	struct folder self;
	assert_int_equal(folder_open("/", "/proc/self", &self, &at->why), 0);
	assert_int_equal(folder_read(&self, "smaps", 64u << 20, &at->text, &at->why), 0);
	assert_true(at->text.len > 8192);
	assert_int_equal(folder_read(&self, "smaps", 100, &at->text, &at->why), ERR_LIMIT);
	folder_close(&self);
}

static void test_only_regular_files_are_read(void **state)
{
	struct case_state *at = *state;
	char path[256];
	assert_int_equal(read_file(at, "deep", 4096), -EINVAL);
	snprintf(path, sizeof(path), "%s/db/link", at->scratch.root);
	assert_int_equal(symlink("one.list", path), 0);
	assert_int_equal(read_file(at, "link", 4096), -ELOOP);
	snprintf(path, sizeof(path), "%s/db/pipe", at->scratch.root);
	assert_int_equal(mkfifo(path, 0644), 0);
	assert_int_equal(read_file(at, "pipe", 4096), -EINVAL);
}

static void test_what_is_not_there_is_missing(void **state)
{
	struct case_state *at = *state;
	struct folder folder;
	int64_t time_s;
	assert_int_equal(read_file(at, "gone", 4096), ERR_MISSING);
	assert_int_equal(folder_mtime(&at->folder, "gone", &time_s), ERR_MISSING);
	assert_int_equal(folder_open(at->scratch.root, "/nowhere", &folder, &at->why), ERR_MISSING);
	folder_close(&folder);
	assert_int_equal(
	        folder_open(at->scratch.root, "/db/one.list", &folder, &at->why), ERR_MISSING);
	folder_close(&folder);
}

static void test_stem_stands_before_the_ending(void **state)
{
	struct slice stem = {0};
	(void)state;
	assert_true(folder_stem("a.b.list", ".list", &stem));
	assert_true(slice_is(stem, "a.b"));
	assert_false(folder_stem(".list", ".list", &stem));
	assert_false(folder_stem("a.lis", ".list", &stem));
	assert_false(folder_stem("a.list2", ".list", &stem));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	        TEST(test_names_are_told_but_hidden_ones),
	        TEST(test_file_is_read_up_to_its_limit),
	        TEST(test_file_longer_than_it_said_is_read_and_limited),
	        TEST(test_only_regular_files_are_read),
	        TEST(test_what_is_not_there_is_missing),
	        TEST(test_stem_stands_before_the_ending),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
