/* A temporary root directory with files, and facts to look things up in. */
#ifndef TSUJIBAN_TESTS_UNIT_AGENT_SOURCE_SCRATCH_H
#define TSUJIBAN_TESTS_UNIT_AGENT_SOURCE_SCRATCH_H

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/source/source.h"

struct scratch {
	char root[64];
	struct fact_list facts;
	struct reason why;
};

static inline int scratch_remove_one(
        const char *path, const struct stat *info, int flag, struct FTW *walk)
{
	(void)info, (void)flag, (void)walk;
	return remove(path);
}

static inline void scratch_forget(struct scratch *scratch)
{
	arena_free(scratch->facts.arena);
	scratch->facts = (struct fact_list){.arena = arena_new(64u << 20)};
	scratch->why.text[0] = '\0';
}

static inline bool scratch_init(struct scratch *scratch)
{
	*scratch = (struct scratch){.root = "/tmp/test-inventory-XXXXXX"};
	scratch_forget(scratch);
	return mkdtemp(scratch->root) != NULL;
}

static inline void scratch_fini(struct scratch *scratch)
{
	arena_free(scratch->facts.arena);
	nftw(scratch->root, scratch_remove_one, 32, FTW_DEPTH | FTW_PHYS);
}

/* Writes ROOT/path, replacing it by rename, and makes the directories on the way. */
static inline bool scratch_write(struct scratch *scratch, const char *path, const char *text)
{
	char full[512], fresh[520];
	snprintf(full, sizeof(full), "%s%s", scratch->root, path);
	for (char *slash = full + strlen(scratch->root) + 1; (slash = strchr(slash, '/'));
	        slash++) {
		*slash = '\0';
		mkdir(full, 0755);
		*slash = '/';
	}
	snprintf(fresh, sizeof(fresh), "%s-new", full);
	int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	bool is_fine = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	close(fd);
	return is_fine && rename(fresh, full) == 0;
}

/* The fact of this kind whose field `at` says `key`; NULL when there is none. */
static inline const struct fact *scratch_find(
        const struct scratch *scratch, enum fact_kind kind, unsigned at, const char *key)
{
	for (size_t i = 0; i < scratch->facts.count; i++) {
		const struct fact *fact = &scratch->facts.fact[i];
		if (fact->kind == kind && slice_is(fact->field[at], key))
			return fact;
	}
	return NULL;
}

static inline const struct fact *scratch_package(struct scratch *scratch, const char *name)
{
	return scratch_find(scratch, FACT_PACKAGE, PACKAGE_NAME, name);
}

/* Of a test that needs no more. */
static inline int scratch_set_up(void **state)
{
	struct scratch *scratch = calloc(1, sizeof(*scratch));
	*state = scratch;
	return scratch_init(scratch) ? 0 : -1;
}

static inline int scratch_tear_down(void **state)
{
	scratch_fini(*state);
	free(*state);
	return 0;
}

#endif
