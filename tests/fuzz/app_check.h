/* Any bytes as the file of an application package: refused with a reason and without facts, or
 * taken as facts that can be told apart and encoded. */
#ifndef TSUJIBAN_TESTS_FUZZ_APP_CHECK_H
#define TSUJIBAN_TESTS_FUZZ_APP_CHECK_H

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agent/apps/app.h"

static inline int app_check_file(const uint8_t *data, size_t size)
{
	static int fd = -1;
	if (fd < 0)
		fd = memfd_create("fuzz", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, 0) < 0 || pwrite(fd, data, size, 0) != (ssize_t)size)
		abort();
	return fd;
}

static inline void app_check_fact(const struct fact *fact, struct slice path, struct buf *bytes)
{
	struct fact back;
	uint8_t key[FACT_KEY_MAX];
	buf_reset(bytes);
	fact_encode(fact, bytes);
	if (fact_decode(buf_slice(bytes), &back) < 0 || !fact_equal(&back, fact) ||
	        fact_key(&back, key) == 0 || fact->field[PACKAGE_NAME].len == 0 ||
	        !slice_starts_with(fact->field[PACKAGE_INSTANCE], path))
		abort();
}

/* No two of one key. */
static inline void app_check_keys(const struct fact_list *facts)
{
	uint8_t one[FACT_KEY_MAX], other[FACT_KEY_MAX];
	for (size_t i = 0; i < facts->count && i < 64; i++) {
		size_t len = fact_key(&facts->fact[i], one);
		for (size_t k = 0; k < i; k++)
			if (fact_key(&facts->fact[k], other) == len && memcmp(one, other, len) == 0)
				abort();
	}
}

static inline void app_check(const char *path, const uint8_t *data, size_t size)
{
	struct fact_list facts = {.arena = arena_new(16u << 20)};
	struct reason why = {""};
	struct buf bytes = BUF_INIT;
	struct stat stat = {.st_mode = S_IFREG | 0755, .st_size = (off_t)size};
	struct app_file file = {.path = slice_text(path), .stat = &stat};
	file.fd = app_check_file(data, size);
	int rc = app_reader_of(file.path, stat.st_mode)->read(&file, &facts, &why);
	if ((rc < 0 && facts.count > 0) || (rc == 0 && facts.count == 0) ||
	        (rc < 0 && rc != ERR_MISSING && !why.text[0]))
		abort();
	for (size_t i = 0; i < facts.count; i++)
		app_check_fact(&facts.fact[i], file.path, &bytes);
	app_check_keys(&facts);
	buf_fini(&bytes);
	arena_free(facts.arena);
}

#endif
