/* Whether a file was read, or its content taken from another name of it, is told by keeping a
 * content for it that it does not have. */
#include "agent/fim/probe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/fim/hashed.h"
#include "agent/fim/statted.h"
#include "agent/touch/explainer.h"
#include "tests/unit/agent-fim/scratch.h"

static struct scratch scratch;
static struct prober *prober;
static struct hashed *hashed;
static struct arena *arena;

static int begin(void **state)
{
	(void)state;
	if (!scratch_init(&scratch))
		return -1;
	prober = prober_new(1u << 20);
	hashed = hashed_new();
	arena = arena_new(1u << 20);
	prober_share(prober, hashed);
	scratch_write(&scratch, "m/one", "the content");
	return link(scratch_path(&scratch, "m/one"), scratch_path(&scratch, "m/two"));
}

static int end(void **state)
{
	(void)state;
	prober_free(prober);
	hashed_free(hashed);
	arena_free(arena);
	scratch_fini(&scratch);
	return 0;
}

static struct hashed_file file_of(const char *name)
{
	struct stat seen;
	assert_int_equal(lstat(scratch_path(&scratch, name), &seen), 0);
	return (struct hashed_file){
	        .device = seen.st_dev,
	        .inode = seen.st_ino,
	        .size = (uint64_t)seen.st_size,
	        .mtime_ns = statted_ns(seen.st_mtim),
	        .ctime_ns = statted_ns(seen.st_ctim),
	        .links = 2,
	};
}

/* As if it had been read so long after its last change. */
static void keep_another_content(const char *name, int64_t after_ns)
{
	struct hashed_file file = file_of(name);
	struct hashed_content content = {.is_fresh = after_ns == 0};
	uint64_t turn;
	memset(content.sha256, 0xaa, SHA256_BYTES);
	assert_false(hashed_begin(
	        hashed, &file, HASHED_NEVER, false, file.ctime_ns + after_ns, &turn, &content));
	hashed_end(hashed, &file, turn, &content);
}

static struct reading read_name(const char *name, const struct filestate *known)
{
	struct reading reading;
	struct slice path = slice_text(scratch_path(&scratch, name));
	assert_int_equal(probe_read(prober, path, known, arena, &reading), 0);
	assert_int_equal(reading.state.hash, HASH_DONE);
	return reading;
}

static bool is_taken(const struct reading *reading)
{
	return reading->state.sha256[0] == 0xaa && reading->state.sha256[31] == 0xaa;
}

static void assert_read(const struct reading *reading, const char *text)
{
	uint8_t wanted[SHA256_BYTES];
	digest_of(slice_text(text), wanted);
	assert_memory_equal(reading->state.sha256, wanted, SHA256_BYTES);
}

static void test_another_name_of_a_file_is_not_read(void **state)
{
	(void)state;
	struct reading reading;
	keep_another_content("m/one", HASHED_OLD_NS + 1);
	reading = read_name("m/two", NULL);
	assert_true(is_taken(&reading));
	assert_int_equal(reading.state.size, 11);
	assert_int_equal(reading.links, 2);
	assert_true(reading.state.has_attributes);
	struct slice path = slice_text(scratch_path(&scratch, "m/two"));
	assert_int_equal(probe_read_listed(prober, path, arena, &reading), 0);
	assert_true(is_taken(&reading));
}

static void test_what_was_read_soon_after_a_change_will_do_only_where_that_is_said(void **state)
{
	(void)state;
	keep_another_content("m/one", 0);
	prober_want_reread(prober, REREAD_SHARED);
	struct reading reading = read_name("m/two", NULL);
	assert_true(is_taken(&reading));
	assert_true(reading.is_fresh);
	prober_want_reread(prober, REREAD_CHANGED);
	reading = read_name("m/two", NULL);
	assert_read(&reading, "the content");
}

static void test_reading_again_reads(void **state)
{
	(void)state;
	keep_another_content("m/one", HASHED_OLD_NS + 1);
	prober_want_reread(prober, REREAD_ALL);
	struct reading reading = read_name("m/two", NULL);
	assert_read(&reading, "the content");
	/* and what was read is now what the other name has */
	prober_want_reread(prober, REREAD_SHARED);
	reading = read_name("m/one", NULL);
	assert_read(&reading, "the content");
}

static void test_what_another_name_had_outweighs_what_is_known_where_that_is_said(void **state)
{
	(void)state;
	struct filestate known = read_name("m/two", NULL).state;
	keep_another_content("m/one", HASHED_OLD_NS + 1);
	struct reading reading = read_name("m/two", &known);
	assert_read(&reading, "the content");
	prober_want_reread(prober, REREAD_SHARED);
	reading = read_name("m/two", &known);
	assert_true(is_taken(&reading));
}

static void test_a_file_with_one_name_is_read(void **state)
{
	(void)state;
	scratch_write(&scratch, "m/alone", "alone");
	keep_another_content("m/alone", HASHED_OLD_NS + 1);
	struct reading reading = read_name("m/alone", NULL);
	assert_read(&reading, "alone");
}

static void test_a_text_that_is_wanted_is_read(void **state)
{
	(void)state;
	keep_another_content("m/one", HASHED_OLD_NS + 1);
	prober_want_text(prober, 100);
	struct reading reading = read_name("m/two", NULL);
	assert_read(&reading, "the content");
	assert_int_equal(reading.text.len, 11);
	keep_another_content("m/one", HASHED_OLD_NS + 1);
	prober_want_text(prober, 10); /* it is larger */
	reading = read_name("m/two", NULL);
	assert_true(is_taken(&reading));
	assert_null(reading.text.ptr);
}

static void test_a_name_that_was_replaced_has_its_own_content(void **state)
{
	(void)state;
	keep_another_content("m/one", HASHED_OLD_NS + 1);
	scratch_write(&scratch, "m/new", "another one");
	assert_int_equal(
	        link(scratch_path(&scratch, "m/new"), scratch_path(&scratch, "m/newer")), 0);
	assert_int_equal(
	        rename(scratch_path(&scratch, "m/new"), scratch_path(&scratch, "m/one")), 0);
	struct reading reading = read_name("m/one", NULL);
	assert_read(&reading, "another one");
}

/* Writes of one clock tick bear one time. */
static void test_a_write_in_the_tick_of_the_reading_is_not_missed(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 200; i++) {
		const char *text = i % 2 ? "the content" : "some others";
		int fd = open(
		        scratch_path(&scratch, i % 3 ? "m/one" : "m/two"), O_WRONLY | O_CLOEXEC);
		assert_int_equal(write(fd, text, 11), 11);
		close(fd);
		struct reading reading = read_name("m/one", NULL);
		assert_read(&reading, text);
		reading = read_name("m/two", NULL);
		assert_read(&reading, text);
	}
}

static bool wants_md5(const struct explainer *explainer, struct slice path)
{
	(void)explainer, (void)path;
	return true;
}

static void test_an_md5_that_is_wanted_is_worked_out_once(void **state)
{
	(void)state;
	const struct explainer explainer = {.wants_md5 = wants_md5};
	keep_another_content("m/one", HASHED_OLD_NS + 1);
	prober_ask(prober, &explainer);
	struct reading reading = read_name("m/two", NULL);
	assert_read(&reading, "the content");
	assert_true(reading.has_md5);
	prober_want_reread(prober, REREAD_SHARED);
	struct reading other = read_name("m/one", NULL);
	assert_true(other.has_md5);
	assert_memory_equal(other.md5, reading.md5, MD5_BYTES);
}

#define WITH_FILES(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        WITH_FILES(test_another_name_of_a_file_is_not_read),
	        WITH_FILES(test_what_was_read_soon_after_a_change_will_do_only_where_that_is_said),
	        WITH_FILES(test_reading_again_reads),
	        WITH_FILES(test_what_another_name_had_outweighs_what_is_known_where_that_is_said),
	        WITH_FILES(test_a_file_with_one_name_is_read),
	        WITH_FILES(test_a_text_that_is_wanted_is_read),
	        WITH_FILES(test_a_name_that_was_replaced_has_its_own_content),
	        WITH_FILES(test_a_write_in_the_tick_of_the_reading_is_not_missed),
	        WITH_FILES(test_an_md5_that_is_wanted_is_worked_out_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
