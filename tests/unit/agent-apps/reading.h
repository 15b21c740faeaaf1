/* Bytes that are read as a file of some path, and what came of it. */
#ifndef TSUJIBAN_TESTS_UNIT_AGENT_APPS_READING_H
#define TSUJIBAN_TESTS_UNIT_AGENT_APPS_READING_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agent/apps/app.h"

/* Behind ours: it defines a macro `fail`. */
#include <setjmp.h>

#include <cmocka.h>

struct reading {
	struct fact_list facts;
	struct reason why;
	int rc;
};

static inline int reading_init(void **state)
{
	struct reading *reading = calloc(1, sizeof(*reading));
	reading->facts.arena = arena_new(64u << 20);
	*state = reading;
	return 0;
}

static inline int reading_fini(void **state)
{
	struct reading *reading = *state;
	arena_free(reading->facts.arena);
	free(reading);
	return 0;
}

static inline void reading_forget(struct reading *reading)
{
	arena_reset(reading->facts.arena);
	reading->facts = (struct fact_list){.arena = reading->facts.arena};
	reading->why.text[0] = '\0';
}

/* Reads with the reader of the path, behind what was read before. */
__attribute__((nonnull)) static inline int reading_file(
        struct reading *reading, const char *path, int fd)
{
	struct stat stat;
	if (fstat(fd, &stat) < 0)
		fail_msg("no file for '%s'", path);
	const struct app_reader *reader = app_reader_of(slice_text(path), stat.st_mode);
	if (!reader)
		fail_msg("nobody reads '%s'", path);
	struct app_file file = {.path = slice_text(path), .fd = fd, .stat = &stat};
	reading->rc = reader->read(&file, &reading->facts, &reading->why);
	if (reading->rc < 0 && reading->rc != ERR_MISSING && !reading->why.text[0])
		fail_msg("'%s' is refused without a reason", path);
	return reading->rc;
}

/* Reads these bytes alone. */
__attribute__((nonnull)) static inline int reading_bytes(
        struct reading *reading, const char *path, struct slice bytes)
{
	int fd = memfd_create("reading", MFD_CLOEXEC);
	size_t written = 0;
	while (fd >= 0 && written < bytes.len) {
		ssize_t got = write(fd, bytes.ptr + written, bytes.len - written);
		if (got <= 0)
			fail_msg("cannot write");
		written += (size_t)got;
	}
	reading_forget(reading);
	reading_file(reading, path, fd);
	close(fd);
	return reading->rc;
}

static inline int reading_text(struct reading *reading, const char *path, const char *text)
{
	return reading_bytes(reading, path, slice_text(text));
}

static inline void reading_expect(const struct reading *reading, size_t at, const char *manager,
        const char *name, const char *arch, const char *version)
{
	if (at >= reading->facts.count)
		fail_msg("%zu facts (%d: %s), no %zu", reading->facts.count, reading->rc,
		        reading->why.text, at);
	const struct fact *fact = &reading->facts.fact[at];
	const char *const want[] = {manager, name, arch, version, "installed"};
	const unsigned field[] = {
	        PACKAGE_MANAGER, PACKAGE_NAME, PACKAGE_ARCH, PACKAGE_VERSION, PACKAGE_STATUS};
	for (size_t i = 0; i < sizeof(field) / sizeof(field[0]); i++)
		if (!slice_is(fact->field[field[i]], want[i]))
			fail_msg("field %u is '%.*s', not '%s'", field[i],
			        SLICE_ARG(fact->field[field[i]]), want[i]);
}

/* Reads one package with this name and version, whose instance is the path. */
static inline void reading_gives(struct reading *reading, const char *path, const char *text,
        const char *manager, const char *name, const char *version)
{
	if (reading_text(reading, path, text) < 0)
		fail_msg("'%s' is refused: %d %s", path, reading->rc, reading->why.text);
	assert_int_equal(reading->facts.count, 1);
	reading_expect(reading, 0, manager, name, "", version);
	if (!slice_is(reading->facts.fact[0].field[PACKAGE_INSTANCE], path))
		fail_msg("the instance is not '%s'", path);
}

/* Reads nothing: ERR_MISSING, ERR_FORMAT or ERR_LIMIT. */
static inline void reading_refuses(
        struct reading *reading, const char *path, struct slice bytes, int code)
{
	int rc = reading_bytes(reading, path, bytes);
	if (rc != code)
		fail_msg("'%s' gives %d (%s), not %d", path, rc, reading->why.text, code);
	assert_int_equal(reading->facts.count, 0);
}

static inline bool reading_is_read_by(const char *path, const char *reader)
{
	const struct app_reader *found = app_reader_of(slice_text(path), S_IFREG | 0644);
	return reader ? found && strcmp(found->name, reader) == 0 : !found;
}

#define READING_TEST(test) cmocka_unit_test_setup_teardown(test, reading_init, reading_fini)

#endif
