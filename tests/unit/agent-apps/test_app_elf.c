/* Programs: what Go and Rust note in them. */
#include <stdio.h>
#include <zlib.h>

#include "common/base/text.h"
#include "tests/unit/agent-apps/making_elf.h"
#include "tests/unit/agent-apps/reading.h"

#define PROGRAM "/opt/app/bin/server"
#define MODULES                                    \
	"path\texample.org/server/cmd\n"           \
	"mod\texample.org/server\tv1.2.3\th1:x=\n" \
	"dep\tgithub.com/a/b\tv0.1.0\th1:x=\n"     \
	"dep\tgithub.com/c/d\tv1.0.0\n"            \
	"=>\tgithub.com/fork/d\tv1.0.1\th1:x=\n"   \
	"dep\texample.org/local\tv0.0.0\n"         \
	"=>\t../local\t(devel)\t\n"                \
	"build\t-compiler=gc\n"

static int read_made(struct reading *reading, const struct making *making)
{
	struct buf file = BUF_INIT;
	making_finish(making, &file);
	int rc = reading_bytes(reading, PROGRAM, buf_slice(&file));
	buf_fini(&file);
	return rc;
}

static void expect_modules(struct reading *reading)
{
	if (reading->rc < 0)
		fail_msg("%d: %s", reading->rc, reading->why.text);
	assert_int_equal(reading->facts.count, 5);
	reading_expect(reading, 0, "golang", "stdlib", "", "1.22.3");
	reading_expect(reading, 1, "golang", "example.org/server", "", "v1.2.3");
	reading_expect(reading, 2, "golang", "github.com/a/b", "", "v0.1.0");
	reading_expect(reading, 3, "golang", "github.com/fork/d", "", "v1.0.1");
	reading_expect(reading, 4, "golang", "example.org/local", "", "(devel)");
	assert_true(slice_is(reading->facts.fact[4].field[PACKAGE_INSTANCE], PROGRAM));
}

/* A program of Go 1.18 or newer with this version and these modules. */
static void read_go(struct reading *reading, const char *version, const char *modules)
{
	struct buf info = BUF_INIT;
	making_go(&info, version, modules);
	struct making making = {.part = {{".go.buildinfo", buf_slice(&info)}}, .count = 1};
	read_made(reading, &making);
	buf_fini(&info);
}

static void test_executables_and_known_libraries_are_looked_at(void **state)
{
	(void)state;
	const struct app_reader *reader = app_reader_of(slice_text("/bin/x"), S_IFREG | 0755);
	assert_non_null(reader);
	assert_string_equal(reader->name, "elf");
	assert_non_null(app_reader_of(slice_text("/bin/x"), S_IFREG | 0100));
	assert_null(app_reader_of(slice_text("/bin/x"), S_IFREG | 0644));
	assert_null(app_reader_of(slice_text("/bin/x"), S_IFDIR | 0755));
	assert_null(app_reader_of(slice_text("/bin/x"), S_IFLNK | 0777));
	assert_true(reading_is_read_by("/usr/local/lib/libcrypto.so.3", "elf"));
	assert_true(reading_is_read_by("/usr/local/lib/libcrypto.a", NULL));
	assert_true(reading_is_read_by("/usr/local/lib/libc.so.6", NULL));
	assert_true(reading_is_read_by("/usr/share/nginx", NULL));
}

static void test_modules_are_read_from_their_section(void **state)
{
	read_go(*state, "go1.22.3", MODULES);
	expect_modules(*state);
}

static void test_older_modules_are_read_through_pointers(void **state)
{
	for (unsigned form = 0; form < 8; form++) {
		struct making making = {.is_32 = form & 1,
		        .is_big = form & 2,
		        .has_no_sections = form & 4,
		        .count = 1};
		struct buf info = BUF_INIT;
		making_old_go(&making, &info, "go1.22.3", MODULES);
		making.part[0].name = ".go.buildinfo";
		making.part[0].bytes = buf_slice(&info);
		read_made(*state, &making);
		expect_modules(*state);
		buf_fini(&info);
	}
}

static void test_modules_are_found_in_the_data_without_sections(void **state)
{
	static uint8_t before[70000]; /* beyond the first piece that is searched */
	memcpy(before + 24, "\xff Go buildinf:", 14);
	struct buf info = BUF_INIT;
	making_go(&info, "go1.22.3", MODULES);
	struct making making = {.has_no_sections = true,
	        .part = {{"", slice_of(before, sizeof(before))}, {"", buf_slice(&info)}},
	        .count = 2};
	read_made(*state, &making);
	expect_modules(*state);
	buf_fini(&info);
}

static void test_release_is_told_from_what_stands_beside_it(void **state)
{
	static const char *const RELEASES[][2] = {{"go1.22.3", "1.22.3"},
	        {"go1.23.1 X:nocoverageredesign", "1.23.1"}, {"go1.21rc2", "1.21rc2"},
	        {"devel go1.25-0f2e Mon Feb 3 2025 X:a", "1.25-0f2e"},
	        {"devel +b7a85e0003 Mon Feb 3 2020", "+b7a85e0003"},
	        {"go1.20.12-fips", "1.20.12-fips"}};
	struct reading *reading = *state;
	for (size_t i = 0; i < sizeof(RELEASES) / sizeof(RELEASES[0]); i++) {
		read_go(reading, RELEASES[i][0], "");
		assert_int_equal(reading->facts.count, 1);
		reading_expect(reading, 0, "golang", "stdlib", "", RELEASES[i][1]);
	}
}

static void test_a_main_module_without_version_is_devel(void **state)
{
	struct reading *reading = *state;
	read_go(reading, "go1.22", "path\ta\nmod\texample.org/a\t(devel)\t\n");
	reading_expect(reading, 1, "golang", "example.org/a", "", "(devel)");
	read_go(reading, "go1.22", "path\ta\nmod\texample.org/a\t\t\n");
	reading_expect(reading, 1, "golang", "example.org/a", "", "(devel)");
	read_go(reading, "go1.22", "mod\texample.org/a\n");
	reading_expect(reading, 1, "golang", "example.org/a", "", "(devel)");
}

static void test_odd_lines_of_modules_do_no_harm(void **state)
{
	struct reading *reading = *state;
	read_go(reading, "go1.22", "=>\tb\tv1\nmod\t\nmodule\n\t\n\ndep\ta\tv2\ndep\ta\tv2\n");
	assert_int_equal(reading->facts.count, 2);
	reading_expect(reading, 1, "golang", "a", "", "v2");
}

static void test_build_information_that_lies_is_refused(void **state)
{
	struct reading *reading = *state;
	static const char *const BAD[] = {"\xff Go buildinf:\x08\x02", "nothing of Go at all",
	        "\xff Go buildinf:\x08\x02" MAKING_MARK "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80",
	        "\xff Go buildinf:\x08\x02" MAKING_MARK "\xff\xff\xff\xff\xff\xff\xff\x7f",
	        "\xff Go buildinf:\x08\x02" MAKING_MARK "\x7fgo",
	        "\xff Go buildinf:\x03\x04" MAKING_MARK};
	for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
		struct making making = {
		        .part = {{".go.buildinfo", slice_text(BAD[i])}}, .count = 1};
		int rc = read_made(reading, &making);
		if (rc != ERR_FORMAT && rc != ERR_LIMIT)
			fail_msg("%zu gives %d", i, rc);
		assert_int_equal(reading->facts.count, 0);
	}
}

static void test_modules_that_are_not_between_marks_are_none(void **state)
{
	struct reading *reading = *state;
	read_go(reading, "go1.22", "mod\ta\tv1"); /* the line's end belongs to the marks */
	assert_int_equal(reading->facts.count, 1);
}

static void test_a_release_that_is_too_long_is_refused(void **state)
{
	char release[1026];
	struct reading *reading = *state;
	memset(release, 'x', sizeof(release));
	release[2] = ' ';
	for (size_t len = 1024; len <= 1025; len++) {
		struct making making = {.part = {{".go.buildinfo", {0}}}, .count = 1};
		struct buf info = BUF_INIT;
		release[len] = '\0';
		read_go(reading, release, "");
		assert_int_equal(reading->rc, len == 1024 ? 0 : ERR_LIMIT);
		making_old_go(&making, &info, release, "");
		making.part[0].bytes = buf_slice(&info);
		assert_int_equal(read_made(reading, &making), len == 1024 ? 0 : ERR_LIMIT);
		buf_fini(&info);
		release[len] = 'x';
	}
}

/* --- recorded programs ------------------------------------------------------------------------ */

static void read_data(const char *name, struct buf *out)
{
	char path[256];
	snprintf(path, sizeof(path), "tests/data/apps/%s", name);
	FILE *file = fopen(path, "re");
	if (!file)
		fail_msg("cannot open '%s'", path);
	buf_reset(out);
	out->len = fread(buf_reserve(out, 1u << 20), 1, 1u << 20, file);
	fclose(file);
}

/* "\tdep\tNAME\tVERSION\tSUM" of go version -m, or the first line's "FILE: go1.15". */
static bool take_listed(struct slice line, struct slice *name, struct slice *version)
{
	struct slice kind, rest, sum;
	if (line.len > 0 && line.ptr[0] != '\t') {
		*name = slice_text("stdlib");
		return text_split(line, ':', &kind, &rest) && text_split(rest, 'o', &kind, version);
	}
	if (!text_split(slice_of(line.ptr + 1, line.len - 1), '\t', &kind, &rest) ||
	        (!slice_is(kind, "dep") && !slice_is(kind, "mod")))
		return false;
	return text_split(rest, '\t', name, &rest) && text_split(rest, '\t', version, &sum);
}

static void expect_listed(struct reading *reading, const char *program, const char *listing)
{
	struct buf bytes = BUF_INIT, list = BUF_INIT;
	read_data(program, &bytes);
	read_data(listing, &list);
	if (reading_bytes(reading, PROGRAM, buf_slice(&bytes)) < 0)
		fail_msg("'%s' is refused: %s", program, reading->why.text);
	struct slice text = buf_slice(&list), line, name, version;
	size_t count = 0;
	while (text_take_line(&text, &line)) {
		if (!take_listed(line, &name, &version))
			continue;
		assert_true(count < reading->facts.count);
		const struct slice *field = reading->facts.fact[count++].field;
		if (!slice_equal(field[PACKAGE_NAME], name) ||
		        !slice_equal(field[PACKAGE_VERSION], version))
			fail_msg("'%.*s' '%.*s' is not '%.*s'", SLICE_ARG(field[PACKAGE_NAME]),
			        SLICE_ARG(field[PACKAGE_VERSION]), SLICE_ARG(line));
	}
	assert_int_equal(reading->facts.count, count);
	buf_fini(&bytes);
	buf_fini(&list);
}

static void test_modules_of_kubectl_are_those_that_go_lists(void **state)
{
	struct reading *reading = *state;
	expect_listed(reading, "kubectl-go1.23.elf", "kubectl-go1.23.txt");
	assert_int_equal(reading->facts.count, 84);
}

static void test_modules_of_an_old_program_are_those_that_go_lists(void **state)
{
	struct reading *reading = *state;
	expect_listed(reading, "esbuild-go1.15.elf", "esbuild-go1.15.txt");
	assert_int_equal(reading->facts.count, 3);
}

/* --- Rust ------------------------------------------------------------------------------------- */

static int read_rust(struct reading *reading, struct slice json)
{
	uLongf len = compressBound(json.len);
	uint8_t *packed = malloc(len);
	assert_int_equal(compress(packed, &len, json.ptr, json.len), Z_OK);
	struct making making = {.part = {{".dep-v0", slice_of(packed, len)}}, .count = 1};
	int rc = read_made(reading, &making);
	free(packed);
	return rc;
}

static void test_crates_are_read_but_for_those_of_the_build(void **state)
{
	struct reading *reading = *state;
	read_rust(reading,
	        slice_text("{\"packages\":["
	                   "{\"name\":\"adler\",\"version\":\"1.0.2\",\"source\":\"crates.io\"},"
	                   "{\"name\":\"cc\",\"version\":\"1.0.83\",\"source\":\"crates.io\","
	                   "\"kind\":\"build\"},"
	                   "{\"name\":\"app\",\"version\":\"0.1.0\",\"source\":\"local\","
	                   "\"kind\":\"runtime\",\"dependencies\":[0,1],\"root\":true}],"
	                   "\"format\":1}"));
	assert_int_equal(reading->facts.count, 2);
	reading_expect(reading, 0, "cargo", "adler", "", "1.0.2");
	reading_expect(reading, 1, "cargo", "app", "", "0.1.0");
}

static void test_two_versions_of_a_crate_are_told_apart(void **state)
{
	struct reading *reading = *state;
	read_rust(reading, slice_text("{\"packages\":["
	                              "{\"name\":\"syn\",\"version\":\"1.0.109\"},"
	                              "{\"name\":\"syn\",\"version\":\"2.0.5\"},"
	                              "{\"name\":\"syn\",\"version\":\"2.0.5\"}]}"));
	assert_int_equal(reading->facts.count, 2);
	reading_expect(reading, 0, "cargo", "syn", "", "1.0.109");
	reading_expect(reading, 1, "cargo", "syn", "", "2.0.5");
	const struct fact *fact = reading->facts.fact;
	assert_true(slice_is(fact[0].field[PACKAGE_INSTANCE], PROGRAM));
	assert_true(slice_is(fact[1].field[PACKAGE_INSTANCE], PROGRAM "!/syn@2.0.5"));
}

static void test_crates_of_no_known_form_are_refused(void **state)
{
	static const char *const BAD[] = {"", "{}", "[]", "{\"packages\":{}}", "{\"packages\":[1]}",
	        "{\"packages\":[{\"name\":\"a\"}]}",
	        "{\"packages\":[{\"name\":\"a\",\"version\":\"1\"},{\"version\":\"1\"}]}",
	        "{\"packages\":[{\"name\":\"a\\n\",\"version\":\"1\"}]}", "{\"packages\":["};
	struct reading *reading = *state;
	for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
		if (read_rust(reading, slice_text(BAD[i])) != ERR_FORMAT)
			fail_msg("%zu gives %d", i, reading->rc);
		assert_int_equal(reading->facts.count, 0);
	}
}

static void test_crates_that_unpack_to_too_much_are_refused(void **state)
{
	size_t len = (8u << 20) + 1;
	char *json = malloc(len);
	memset(json, ' ', len);
	assert_int_equal(read_rust(*state, slice_of(json, len)), ERR_LIMIT);
	memcpy(json, "{\"packages\":[]}", 15);
	assert_int_equal(read_rust(*state, slice_of(json, len - 1)), ERR_MISSING);
	free(json);
}

static void test_more_crates_than_the_limit_are_refused(void **state)
{
	struct buf json = BUF_INIT;
	struct reading *reading = *state;
	for (unsigned count = 8192; count <= 8193; count++) {
		buf_reset(&json);
		for (unsigned i = 0; i < count; i++)
			buf_printf(&json, "%s{\"name\":\"a%u\",\"version\":\"1\"}",
			        i ? "," : "{\"packages\":[", i);
		buf_append_text(&json, "]}");
		read_rust(reading, buf_slice(&json));
		assert_int_equal(reading->rc, count == 8192 ? 0 : ERR_LIMIT);
		assert_int_equal(reading->facts.count, count == 8192 ? count : 0);
	}
	buf_fini(&json);
}

static void test_crates_that_are_cut_are_refused(void **state)
{
	uint8_t packed[64];
	uLongf len = sizeof(packed);
	assert_int_equal(compress(packed, &len, (const uint8_t *)"{\"packages\":[]}", 15), Z_OK);
	for (size_t cut = 1; cut < len; cut++) {
		struct making making = {
		        .part = {{".dep-v0", slice_of(packed, len - cut)}}, .count = 1};
		if (read_made(*state, &making) != ERR_FORMAT)
			fail_msg("cut by %zu", cut);
	}
}

/* --- ELF -------------------------------------------------------------------------------------- */

static void test_what_is_no_program_is_left(void **state)
{
	struct reading *reading = *state;
	reading_refuses(reading, PROGRAM, slice_text(""), ERR_MISSING);
	reading_refuses(reading, PROGRAM, slice_text("#!/bin/sh\nexit 0\n"), ERR_MISSING);
	reading_refuses(reading, PROGRAM,
	        slice_text("\x7f"
	                   "ELF"),
	        ERR_MISSING);
	reading_refuses(reading, PROGRAM,
	        slice_text("\x7f"
	                   "ELF"
	                   "\x03\x01\x01 234567890"),
	        ERR_MISSING);
	struct making object = {.type = ET_REL, .part = {{".dep-v0", slice_text("x")}}, .count = 1};
	assert_int_equal(read_made(reading, &object), ERR_MISSING);
	struct making plain = {.part = {{".text", slice_text("x")}}, .count = 1};
	assert_int_equal(read_made(reading, &plain), ERR_MISSING);
}

static void test_a_program_that_is_cut_is_refused(void **state)
{
	struct reading *reading = *state;
	struct buf info = BUF_INIT, file = BUF_INIT;
	making_go(&info, "go1.22.3", MODULES);
	struct making making = {.part = {{".go.buildinfo", buf_slice(&info)}}, .count = 1};
	making_finish(&making, &file);
	for (size_t len = EI_NIDENT; len < file.len; len++)
		reading_refuses(reading, PROGRAM, slice_of(file.data, len), ERR_FORMAT);
	buf_fini(&info);
	buf_fini(&file);
}

static void put16(struct buf *file, size_t at, uint16_t value)
{
	file->data[at] = (uint8_t)value;
	file->data[at + 1] = (uint8_t)(value >> 8);
}

static void test_headers_that_lie_are_refused(void **state)
{
	static const struct {
		size_t at;
		uint16_t value;
	} LIES[] = {
	        {offsetof(Elf64_Ehdr, e_shoff) + 6, 0xffff},
	        {offsetof(Elf64_Ehdr, e_phoff) + 6, 0xffff},
	        {offsetof(Elf64_Ehdr, e_shnum), 0xfeff},
	        {offsetof(Elf64_Ehdr, e_phnum), 0x0fff},
	        {offsetof(Elf64_Ehdr, e_shstrndx), 3},
	        {offsetof(Elf64_Ehdr, e_shstrndx), 0xffff - 1},
	        {offsetof(Elf64_Ehdr, e_shentsize), 40},
	        {offsetof(Elf64_Ehdr, e_phentsize), 32},
	};
	struct reading *reading = *state;
	struct buf info = BUF_INIT, file = BUF_INIT;
	making_go(&info, "go1.22.3", MODULES);
	struct making making = {.part = {{".go.buildinfo", buf_slice(&info)}}, .count = 1};
	for (size_t i = 0; i < sizeof(LIES) / sizeof(LIES[0]); i++) {
		making_finish(&making, &file);
		put16(&file, LIES[i].at, LIES[i].value);
		if (reading_bytes(reading, PROGRAM, buf_slice(&file)) != ERR_FORMAT)
			fail_msg("lie %zu gives %d", i, reading->rc);
	}
	buf_fini(&info);
	buf_fini(&file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        READING_TEST(test_executables_and_known_libraries_are_looked_at),
	        READING_TEST(test_modules_are_read_from_their_section),
	        READING_TEST(test_older_modules_are_read_through_pointers),
	        READING_TEST(test_modules_are_found_in_the_data_without_sections),
	        READING_TEST(test_release_is_told_from_what_stands_beside_it),
	        READING_TEST(test_a_main_module_without_version_is_devel),
	        READING_TEST(test_odd_lines_of_modules_do_no_harm),
	        READING_TEST(test_build_information_that_lies_is_refused),
	        READING_TEST(test_modules_that_are_not_between_marks_are_none),
	        READING_TEST(test_a_release_that_is_too_long_is_refused),
	        READING_TEST(test_modules_of_kubectl_are_those_that_go_lists),
	        READING_TEST(test_modules_of_an_old_program_are_those_that_go_lists),
	        READING_TEST(test_crates_are_read_but_for_those_of_the_build),
	        READING_TEST(test_two_versions_of_a_crate_are_told_apart),
	        READING_TEST(test_crates_of_no_known_form_are_refused),
	        READING_TEST(test_crates_that_unpack_to_too_much_are_refused),
	        READING_TEST(test_more_crates_than_the_limit_are_refused),
	        READING_TEST(test_crates_that_are_cut_are_refused),
	        READING_TEST(test_what_is_no_program_is_left),
	        READING_TEST(test_a_program_that_is_cut_is_refused),
	        READING_TEST(test_headers_that_lie_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
