/* floor: agent/inventory */
/*
 * One reading of a package database, or one look-up of the owners of many paths in it, as a process
 * of its own, so that its time and peak memory stand beside those of the manager's own program.
 *
 * usage: bench_inventory dpkg|rpm|apk|pacman ROOT
 *        bench_inventory owners ROOT <PATHS      a line a path
 *        bench_inventory run PROGRAM...          time and memory of a program that says little else
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agent/pkgdb/owner.h"
#include "agent/pkgdb/sources.h"

#define ARENA_BYTES (256u << 20)

static const struct {
	const char *name;
	int (*read)(const char *root, struct fact_list *out, struct reason *out_why);
} READERS[] = {
        {"dpkg", src_dpkg_read},
        {"rpm", src_rpm_read},
        {"apk", src_apk_read},
        {"pacman", src_pacman_read},
};

static double now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static int say(const char *root, int rc, const struct reason *why)
{
	if (rc < 0)
		fprintf(stderr, "%s: %s\n", root, why->text[0] ? why->text : err_text(rc));
	return rc < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int bench_facts(size_t reader, const char *root)
{
	struct fact_list facts = {.arena = arena_new(ARENA_BYTES)};
	struct reason why = {""};
	size_t packages = 0;
	double began = now_ms();
	int rc = READERS[reader].read(root, &facts, &why);
	double took = now_ms() - began;
	for (size_t i = 0; i < facts.count; i++)
		packages += facts.fact[i].kind == FACT_PACKAGE;
	printf("packages=%zu facts=%zu arena_kib=%zu read_ms=%.3f\n", packages, facts.count,
	        arena_used(facts.arena) / 1024, took);
	arena_free(facts.arena);
	return say(root, rc, &why);
}

static int bench_owners(const char *root)
{
	struct arena *arena = arena_new(ARENA_BYTES);
	struct owners *owners = owners_new(arena);
	struct reason why = {""};
	char line[4096];
	size_t paths = 0, owned = 0;
	int rc = 0;
	struct slice *path = calloc(1 << 20, sizeof(*path));
	while (path && rc == 0 && paths < 1 << 20 && fgets(line, sizeof(line), stdin)) {
		path[paths] = arena_copy(arena, slice_of(line, strcspn(line, "\n")));
		rc = owners_want(owners, path[paths++]);
	}
	double began = now_ms();
	if (rc == 0)
		rc = owners_resolve(owners, root, &why);
	double took = now_ms() - began;
	for (size_t i = 0; i < paths; i++)
		owned += owners_of(owners, path[i]).package.ptr != NULL;
	printf("paths=%zu owned=%zu resolve_ms=%.3f\n", paths, owned, took);
	free(path);
	owners_free(owners);
	arena_free(arena);
	return say(root, rc, &why);
}

/* What a process that forks is large at is counted as the program's own peak: so it is this small
 * one that forks. */
static int bench_run(char **program)
{
	struct rusage usage;
	int status = -1;
	double began = now_ms();
	pid_t child = fork();
	if (child == 0) {
		int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
		if (nowhere >= 0 && dup2(nowhere, STDOUT_FILENO) >= 0)
			execvp(program[0], program);
		_exit(127);
	}
	if (child < 0 || wait4(child, &status, 0, &usage) != child)
		return EXIT_FAILURE;
	printf("wall_ms=%.3f peak_kib=%ld\n", now_ms() - began, usage.ru_maxrss);
	return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	if (argc >= 3 && strcmp(argv[1], "run") == 0)
		return bench_run(argv + 2);
	if (argc == 3 && strcmp(argv[1], "owners") == 0)
		return bench_owners(argv[2]);
	for (size_t i = 0; argc == 3 && i < sizeof(READERS) / sizeof(READERS[0]); i++)
		if (strcmp(argv[1], READERS[i].name) == 0)
			return bench_facts(i, argv[2]);
	fprintf(stderr, "usage: bench_inventory dpkg|rpm|apk|pacman|owners ROOT\n");
	return 2;
}
