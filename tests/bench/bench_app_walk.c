/* floor: agent/inventory - how long a walk for application packages takes, the first and one that
 * finds everything as it was, and what it needs. usage: bench_app_walk [DIRECTORY...] */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "agent/inventory/app_commit.h"
#include "common/base/clock.h"

static int remove_one(const char *path, const struct stat *info, int flag, struct FTW *walk)
{
	(void)info, (void)flag, (void)walk;
	return remove(path);
}

static void walk_once(struct state *state, const struct app_bases *bases, const char *name)
{
	struct app_walk walk;
	struct app_walk_options options = {.root = "/", .bases = bases, .state = state};
	struct app_commit commit = {.now_ns = clock_wall_ns()};
	struct reason why = {""};
	struct rusage used;
	uint64_t began_ms = clock_mono_ms(), cpu_ns = budget_thread_cpu_ns();
	app_walk_init(&walk, &options);
	app_walk_all(&walk);
	app_walk_end(&walk);
	uint64_t walked_ms = clock_mono_ms();
	int rc = walk.rc < 0 ? walk.rc : app_commit_run(&commit, &walk, &why);
	getrusage(RUSAGE_SELF, &used);
	printf("%s: rc=%d %s directories=%zu files=%zu looked_at=%zu opened=%zu markers=%zu "
	       "packages=%lld complaints=%zu %s\n"
	       "  walk_ms=%llu commit_ms=%llu cpu_ms=%llu max_rss_kb=%ld\n",
	        name, rc, why.text, walk.tally.directories, walk.tally.files, walk.tally.looked_at,
	        walk.tally.opened, walk.tally.markers, (long long)commit.packages,
	        walk.tally.complaints, walk.tally.complaint,
	        (unsigned long long)(walked_ms - began_ms),
	        (unsigned long long)(clock_mono_ms() - walked_ms),
	        (unsigned long long)((budget_thread_cpu_ns() - cpu_ns) / NS_PER_MS),
	        used.ru_maxrss);
	app_walk_fini(&walk);
}

int main(int argc, char **argv)
{
	static const char *const DEFAULT[] = {"/usr", "/opt"};
	char dir[] = "/tmp/bench-app-walk-XXXXXX";
	struct app_bases bases;
	struct state *state;
	struct reason why;
	if (!mkdtemp(dir) || state_open(dir, NULL, &state, &why) < 0) {
		fprintf(stderr, "%s\n", why.text);
		return 1;
	}
	if (argc > 1)
		app_bases_init(&bases, "/", (const char *const *)argv + 1, (size_t)argc - 1);
	else
		app_bases_init(&bases, "/", DEFAULT, 2);
	walk_once(state, &bases, "first");
	walk_once(state, &bases, "second");
	app_bases_fini(&bases);
	state_close(state);
	nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	return 0;
}
