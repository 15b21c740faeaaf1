#include "agent/rpmdb/rpmdb.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/rpmdb/rpm_files.h"
#include "common/base/buf.h"
#include "common/base/text.h"

/* Real databases, made once: see make_databases.py. */
static char top[] = "/tmp/tsujiban-rpmdb-XXXXXX";
static bool is_made;

static int make_databases(void **state)
{
	char command[256];
	(void)state;
	if (!mkdtemp(top))
		return -1;
	snprintf(command, sizeof(command),
	        "python3 tests/unit/agent-rpmdb/make_databases.py %s 2>%s/errors", top, top);
	int status = system(command); // NOLINT(cert-env33-c)
	is_made = WIFEXITED(status) && WEXITSTATUS(status) == 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) != 77 && !is_made) {
		snprintf(command, sizeof(command), "cat %s/errors", top);
		return system(command) == 0 ? -1 : -2; // NOLINT(cert-env33-c)
	}
	return 0;
}

static int remove_databases(void **state)
{
	char command[256];
	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", top);
	return system(command); // NOLINT(cert-env33-c)
}

static const char *path_of(const char *name)
{
	static char path[256];
	snprintf(path, sizeof(path), "%s/%s", top, name);
	return path;
}

static struct buf content(const char *path)
{
	struct buf out = BUF_INIT;
	FILE *file = fopen(path, "re");
	assert_non_null(file);
	size_t got;
	while ((got = fread(buf_reserve(&out, 65536), 1, 65536, file)) > 0)
		out.len += got;
	fclose(file);
	return out;
}

/* As QUERY in make_databases.py. */
static void say_file(struct buf *out, const struct rpm_file *file)
{
	buf_printf(out, "%.*s%.*s %u %llu %.*s:%.*s %u <", SLICE_ARG(file->directory),
	        SLICE_ARG(file->name), file->mode, (unsigned long long)file->size,
	        SLICE_ARG(file->user), SLICE_ARG(file->group), file->flags);
	text_append_hex(out, slice_of(file->digest, file->digest_len));
	buf_printf(out, "> <%.*s>\n", SLICE_ARG(file->link));
}

static int say_package(void *ctx, const struct rpm_header *header)
{
	static const enum rpm_tag TAGS[] = {
	        RPM_VERSION, RPM_RELEASE, RPM_ARCH, RPM_SOURCERPM, RPM_VENDOR};
	struct buf *out = ctx;
	struct slice text;
	struct reason why;
	struct rpm_files *files;
	struct rpm_file file;
	uint64_t epoch;
	bool has_name = rpm_header_text(header, RPM_NAME, &text);
	buf_append_slice(out, has_name ? text : slice_text("absent"));
	if (rpm_header_number(header, RPM_EPOCH, 0, &epoch))
		buf_printf(out, " %llu", (unsigned long long)epoch);
	else
		buf_append_text(out, " -");
	for (size_t i = 0; i < sizeof(TAGS) / sizeof(TAGS[0]); i++) {
		bool is_there = rpm_header_text(header, TAGS[i], &text);
		buf_printf(out, " %.*s", SLICE_ARG(is_there ? text : slice_text("absent")));
	}
	buf_append_byte(out, '\n');
	if (rpm_files_open(header, &files, &why) < 0) {
		buf_printf(out, "%s\n", why.text);
		return 0;
	}
	while (rpm_files_next(files, &file))
		say_file(out, &file);
	rpm_files_close(files);
	return 0;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Lines in order; rpm lists packages in another one than the database. */
static void sort_lines(struct buf *text)
{
	size_t count = 0, cap = 1;
	for (size_t i = 0; i < text->len; i++)
		cap += text->data[i] == '\n';
	char **line = calloc(cap, sizeof(*line));
	struct buf sorted = BUF_INIT;
	char *rest = NULL;
	buf_text(text);
	for (char *at = strtok_r((char *)text->data, "\n", &rest); at;
	        at = strtok_r(NULL, "\n", &rest))
		line[count++] = at;
	qsort(line, count, sizeof(*line), by_text);
	for (size_t i = 0; i < count; i++)
		buf_printf(&sorted, "%s\n", line[i]);
	free(line);
	buf_fini(text);
	*text = sorted;
}

static int read_all(const char *root, struct buf *out, struct reason *why)
{
	struct rpmdb *db;
	int rc = rpmdb_open(root, &db, why);
	if (rc < 0)
		return rc;
	rc = rpmdb_each(db, say_package, out, why);
	rpmdb_close(db);
	return rc;
}

static void assert_as_rpm_says(const char *form)
{
	struct buf ours = BUF_INIT;
	struct reason why;
	if (!is_made)
		skip();
	if (read_all(path_of(form), &ours, &why) < 0)
		fail_msg("%s: %s", form, why.text);
	struct buf theirs = content(path_of("expected"));
	sort_lines(&ours);
	sort_lines(&theirs);
	assert_true(ours.len > 3000);
	assert_string_equal(buf_text(&ours), buf_text(&theirs));
	buf_fini(&ours);
	buf_fini(&theirs);
}

static void test_sqlite_is_read_as_rpm_reads_it(void **state)
{
	(void)state;
	assert_as_rpm_says("sqlite");
}

static void test_what_stands_in_the_log_alone_is_read(void **state)
{
	(void)state;
	assert_as_rpm_says("wal");
}

static void test_ndb_is_read(void **state)
{
	(void)state;
	assert_as_rpm_says("ndb");
}

static void test_berkeley_db_is_read_in_both_byte_orders(void **state)
{
	(void)state;
	assert_as_rpm_says("bdb");
	assert_as_rpm_says("bdb-big");
}

static void test_reading_leaves_nothing_behind(void **state)
{
	struct stat found;
	(void)state;
	assert_as_rpm_says("wal");
	assert_int_equal(stat(path_of("wal/var/lib/rpm/rpmdb.sqlite-wal"), &found), 0);
	assert_int_not_equal(stat(path_of("wal/var/lib/rpm/rpmdb.sqlite-shm"), &found), 0);
}

static void test_without_a_database_there_is_none(void **state)
{
	struct reason why;
	struct rpmdb *db;
	(void)state;
	assert_int_equal(rpmdb_open("/nowhere", &db, &why), ERR_MISSING);
}

static void test_a_journal_means_that_somebody_writes(void **state)
{
	struct buf out = BUF_INIT;
	struct reason why;
	(void)state;
	if (!is_made)
		skip();
	char journal[256];
	snprintf(
	        journal, sizeof(journal), "%s", path_of("sqlite/var/lib/rpm/rpmdb.sqlite-journal"));
	FILE *file = fopen(journal, "we");
	assert_non_null(file);
	fputs("half", file);
	fclose(file);
	assert_int_equal(read_all(path_of("sqlite"), &out, &why), ERR_BUSY);
	unlink(journal);
	assert_int_equal(read_all(path_of("sqlite"), &out, &why), 0);
	buf_fini(&out);
}

/* Whatever is broken, there is an answer: fewer packages with a warning, or an error. */
static void test_broken_databases_are_refused_or_read_in_part(void **state)
{
	static const char *const FILES[] = {"sqlite/var/lib/rpm/rpmdb.sqlite",
	        "ndb/usr/lib/sysimage/rpm/Packages.db", "bdb/var/lib/rpm/Packages",
	        "wal/var/lib/rpm/rpmdb.sqlite-wal"};
	static const char *const FORMS[] = {"sqlite", "ndb", "bdb", "wal"};
	(void)state;
	if (!is_made)
		skip();
	for (size_t i = 0; i < 4; i++) {
		struct buf whole = content(path_of(FILES[i]));
		for (uint64_t round = 0; round < 24; round++) {
			struct buf out = BUF_INIT;
			struct reason why = {.text = ""};
			uint64_t at = (round * round * 7919 + round) % whole.len;
			uint8_t byte = (uint8_t)(round * 37 + 255);
			int fd = open(path_of(FILES[i]), O_WRONLY | O_CLOEXEC);
			assert_int_equal(pwrite(fd, &byte, 1, (off_t)at), 1);
			if (round % 8 == 7)
				assert_int_equal(ftruncate(fd, (off_t)at), 0);
			int rc = read_all(path_of(FORMS[i]), &out, &why);
			assert_true(rc >= 0 || why.text[0] != '\0');
			assert_int_equal(pwrite(fd, whole.data, whole.len, 0), whole.len);
			close(fd);
			buf_fini(&out);
		}
		buf_fini(&whole);
		assert_as_rpm_says(FORMS[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_sqlite_is_read_as_rpm_reads_it),
	        cmocka_unit_test(test_what_stands_in_the_log_alone_is_read),
	        cmocka_unit_test(test_ndb_is_read),
	        cmocka_unit_test(test_berkeley_db_is_read_in_both_byte_orders),
	        cmocka_unit_test(test_reading_leaves_nothing_behind),
	        cmocka_unit_test(test_without_a_database_there_is_none),
	        cmocka_unit_test(test_a_journal_means_that_somebody_writes),
	        cmocka_unit_test(test_broken_databases_are_refused_or_read_in_part),
	};
	return cmocka_run_group_tests(tests, make_databases, remove_databases);
}
