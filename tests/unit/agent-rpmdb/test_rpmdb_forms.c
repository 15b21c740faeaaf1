#include "agent/rpmdb/rpmdb_format.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/base/digest.h"
#include "common/base/text.h"

/* See make_forms.py. */
static char top[] = "/tmp/tsujiban-forms-XXXXXX";

static int make_forms(void **state)
{
	char command[256];
	(void)state;
	if (!mkdtemp(top))
		return -1;
	snprintf(command, sizeof(command), "python3 tests/unit/agent-rpmdb/make_forms.py %s", top);
	return system(command); // NOLINT(cert-env33-c)
}

static int remove_forms(void **state)
{
	char command[256];
	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", top);
	return system(command); // NOLINT(cert-env33-c)
}

static struct buf content(const char *folder, const char *name)
{
	struct buf out = BUF_INIT;
	char path[512];
	snprintf(path, sizeof(path), "%s/%s/%s", top, folder, name);
	FILE *file = fopen(path, "re");
	assert_non_null(file);
	size_t got;
	while ((got = fread(buf_reserve(&out, 65536), 1, 65536, file)) > 0)
		out.len += got;
	fclose(file);
	return out;
}

struct line {
	uint32_t number;
	char text[96];
};

struct lines {
	struct line *line;
	size_t count;
};

static int take(void *ctx, uint32_t number, struct slice bytes)
{
	struct lines *lines = ctx;
	struct buf hex = BUF_INIT;
	uint8_t digest[SHA256_BYTES];
	lines->line = realloc(lines->line, (lines->count + 1) * sizeof(*lines->line));
	assert_non_null(lines->line);
	struct line *line = &lines->line[lines->count++];
	digest_of(bytes, digest);
	text_append_hex(&hex, slice_of(digest, sizeof(digest)));
	line->number = number;
	snprintf(line->text, sizeof(line->text), "%u %zu %s\n", number, bytes.len, buf_text(&hex));
	buf_fini(&hex);
	return 0;
}

static int by_number(const void *a, const void *b)
{
	const struct line *one = a, *other = b;
	return (one->number > other->number) - (one->number < other->number);
}

/* Ours as make_forms.py has it. */
static struct buf read_folder(const char *folder)
{
	struct lines lines = {0};
	struct buf out = BUF_INIT;
	struct reason why;
	char path[512];
	snprintf(path, sizeof(path), "%s/%s/db", top, folder);
	bool is_sqlite = strncmp(folder, "sqlite-", 7) == 0;
	int rc = is_sqlite ? rpmdb_sqlite_each(path, take, &lines, &why)
	                   : rpmdb_bdb_each(path, take, &lines, &why);
	if (rc < 0)
		fail_msg("%s: %s", folder, why.text);
	if (lines.count > 0)
		qsort(lines.line, lines.count, sizeof(*lines.line), by_number);
	for (size_t i = 0; i < lines.count; i++)
		buf_append_text(&out, lines.line[i].text);
	free(lines.line);
	return out;
}

/* How many folders begin so. */
static size_t compare_all(const char *beginning)
{
	size_t count = 0;
	DIR *dir = opendir(top);
	struct dirent *entry;
	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		if (strncmp(entry->d_name, beginning, strlen(beginning)) != 0)
			continue;
		struct buf theirs = content(entry->d_name, "expected");
		struct buf ours = read_folder(entry->d_name);
		if (strcmp(buf_text(&ours), buf_text(&theirs)) != 0)
			fail_msg("%s: %zu bytes of lines, expected %zu", entry->d_name, ours.len,
			        theirs.len);
		buf_fini(&ours);
		buf_fini(&theirs);
		count++;
	}
	closedir(dir);
	return count;
}

static void test_tables_are_read_as_sqlite_reads_them(void **state)
{
	(void)state;
	assert_int_equal(compare_all("sqlite-page-"), 4);
	assert_int_equal(compare_all("sqlite-numbers"), 1);
	assert_int_equal(compare_all("sqlite-vacuumed"), 1);
	assert_int_equal(compare_all("sqlite-empty"), 1);
	assert_int_equal(compare_all("sqlite-deep"), 1);
}

static void test_logs_are_read_as_sqlite_reads_them(void **state)
{
	(void)state;
	assert_int_equal(compare_all("sqlite-wal-"), 14);
}

static void test_berkeley_db_is_read_whatever_its_pages(void **state)
{
	(void)state;
	if (compare_all("bdb-") == 0)
		skip();
	assert_int_equal(compare_all("bdb-"), 6);
}

static int refuse(void *ctx, uint32_t number, struct slice bytes)
{
	(void)number;
	(void)bytes;
	++*(unsigned *)ctx;
	return ERR_LIMIT;
}

static void test_what_each_answers_ends_the_reading(void **state)
{
	struct reason why;
	char path[512];
	unsigned calls = 0;
	(void)state;
	snprintf(path, sizeof(path), "%s/sqlite-deep/db", top);
	assert_int_equal(rpmdb_sqlite_each(path, refuse, &calls, &why), ERR_LIMIT);
	assert_int_equal(calls, 1);
}

/* The reader takes no lock and makes no file: what it leaves is what it found. */
static void test_no_file_is_made_or_changed(void **state)
{
	struct stat before, after, found;
	char path[512], shm[520];
	(void)state;
	snprintf(path, sizeof(path), "%s/sqlite-wal-commits/db-wal", top);
	snprintf(shm, sizeof(shm), "%s/sqlite-wal-commits/db-shm", top);
	assert_int_equal(stat(path, &before), 0);
	assert_int_equal(compare_all("sqlite-wal-commits"), 1);
	assert_int_equal(stat(path, &after), 0);
	assert_int_equal(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
	assert_int_equal(before.st_size, after.st_size);
	assert_int_not_equal(stat(shm, &found), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_tables_are_read_as_sqlite_reads_them),
	        cmocka_unit_test(test_logs_are_read_as_sqlite_reads_them),
	        cmocka_unit_test(test_berkeley_db_is_read_whatever_its_pages),
	        cmocka_unit_test(test_what_each_answers_ends_the_reading),
	        cmocka_unit_test(test_no_file_is_made_or_changed),
	};
	return cmocka_run_group_tests(tests, make_forms, remove_forms);
}
