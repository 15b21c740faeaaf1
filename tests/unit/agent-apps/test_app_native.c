/* The readers beside the package managers themselves, where these are: see native.py. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>

#include "tests/unit/agent-apps/reading.h"

#include "common/base/text.h"

/* False where the tool is not there. What it makes lies in `top`. */
static bool ask(const char *tool, const char *top, struct buf *out)
{
	char command[256];
	snprintf(command, sizeof(command), "python3 tests/unit/agent-apps/native.py %s %s", tool,
	        top);
	FILE *pipe = popen(command, "r"); // NOLINT(cert-env33-c)
	size_t got;
	do {
		got = pipe ? fread(buf_reserve(out, 65536), 1, 65536, pipe) : 0;
		out->len += got;
	} while (got > 0);
	int status = pipe ? pclose(pipe) : -1;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		return false;
	if (status != 0)
		fail_msg("cannot ask %s", tool);
	return true;
}

static void forget(const char *top)
{
	char command[256];
	snprintf(command, sizeof(command), "rm -rf %s", top);
	(void)!system(command); // NOLINT(cert-env33-c)
}

/* Reads a file if it is one that the agent reads. */
static void read_one(struct reading *reading, struct slice path)
{
	char text[4096];
	snprintf(text, sizeof(text), "%.*s", SLICE_ARG(path));
	if (!app_reader_of(slice_text(text), S_IFREG))
		return;
	int fd = open(text, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		fail_msg("cannot open '%s'", text);
	if (reading_file(reading, text, fd) < 0 && reading->rc != ERR_MISSING)
		fail_msg("'%s' is refused: %s", text, reading->why.text);
	close(fd);
}

static struct slice take_column(struct slice *line)
{
	struct slice column = *line, rest = {0};
	text_split(*line, '\t', &column, &rest);
	*line = rest;
	return column;
}

/* Of "fact NAME VERSION ARCH". */
static bool is_row_of(struct slice line, const struct fact *fact)
{
	if (!slice_is(take_column(&line), "fact"))
		return false;
	struct slice name = take_column(&line), version = take_column(&line);
	return slice_equal(fact->field[PACKAGE_NAME], name) &&
	       slice_equal(fact->field[PACKAGE_VERSION], version) &&
	       slice_equal(fact->field[PACKAGE_ARCH], take_column(&line));
}

static bool is_listed(struct slice rows, const struct fact *fact)
{
	struct slice line;
	while (text_take_line(&rows, &line))
		if (is_row_of(line, fact))
			return true;
	return false;
}

static bool is_found(const struct reading *reading, struct slice line)
{
	for (size_t i = 0; i < reading->facts.count; i++)
		if (is_row_of(line, &reading->facts.fact[i]))
			return true;
	return false;
}

/* What the one has, the other has: some tools tell once what lies in two places. */
static void compare_with(struct reading *reading, const char *tool)
{
	char top[] = "/tmp/tsujiban-native-XXXXXX";
	struct buf output = BUF_INIT;
	struct slice line;
	if (!mkdtemp(top))
		fail_msg("cannot make a directory");
	bool is_there = ask(tool, top, &output);
	for (struct slice rest = buf_slice(&output); text_take_line(&rest, &line);)
		if (slice_is(take_column(&line), "file"))
			read_one(reading, line);
	forget(top);
	if (!is_there) {
		buf_fini(&output);
		skip();
	}
	assert_true(reading->facts.count > 0);
	for (size_t i = 0; i < reading->facts.count; i++) {
		const struct slice *field = reading->facts.fact[i].field;
		if (!is_listed(buf_slice(&output), &reading->facts.fact[i]))
			fail_msg("%s does not list %.*s %.*s", tool, SLICE_ARG(field[PACKAGE_NAME]),
			        SLICE_ARG(field[PACKAGE_VERSION]));
	}
	for (struct slice rest = buf_slice(&output); text_take_line(&rest, &line);)
		if (slice_starts_with(line, slice_text("fact")) && !is_found(reading, line))
			fail_msg("%s lists %.*s", tool, SLICE_ARG(line));
	buf_fini(&output);
}

static void test_python_is_as_pip_lists_it(void **state)
{
	compare_with(*state, "pip");
}

static void test_node_is_as_npm_lists_it(void **state)
{
	compare_with(*state, "npm");
}

static void test_ruby_is_as_gem_lists_it(void **state)
{
	compare_with(*state, "gem");
}

static void test_php_is_as_composer_shows_it(void **state)
{
	compare_with(*state, "composer");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        READING_TEST(test_python_is_as_pip_lists_it),
	        READING_TEST(test_node_is_as_npm_lists_it),
	        READING_TEST(test_ruby_is_as_gem_lists_it),
	        READING_TEST(test_php_is_as_composer_shows_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
