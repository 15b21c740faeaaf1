/*
 * usage: sim [--seed N --runs M] [--trace] [SEED...]
 *
 * Runs the seeds N to N+M-1 and those that are named; each that fails is made shorter and shown.
 * With --trace only the first, with everything that went on.
 * The runs are done in a child process, so that one that ends it is a failed seed as well.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/sim/run.h"

#define SHOWN_MAX 5

/* What child and parent share. */
struct shared {
	uint64_t seed; /* under way */
	uint64_t done, failed, steps, events, restarts;
	uint64_t failed_seed[1000];
	bool has_failed; /* the last run */
};

static struct shared *shared;

/* --- runs ------------------------------------------------------------------------------------- */

static void run_one(uint64_t seed)
{
	struct run_result result;
	shared->seed = seed;
	run_plan(seed, NULL, false, &result);
	shared->steps += result.steps;
	shared->events += result.events;
	shared->restarts += result.restarts;
	if (result.has_failed && shared->failed < 1000)
		shared->failed_seed[shared->failed] = seed;
	shared->failed += result.has_failed;
	shared->done++;
	buf_fini(&result.report);
}

static void run_seeds(const uint64_t *seeds, size_t count)
{
	size_t begun = 0;
	while (begun < count) {
		int status;
		fflush(stdout);
		pid_t child = fork();
		if (child == 0) {
			for (size_t i = begun; i < count; i++)
				run_one(seeds[i]);
			exit(0);
		}
		uint64_t before = shared->done;
		waitpid(child, &status, 0);
		begun += shared->done - before;
		if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
			continue;
		if (begun >= count) {
			shared->failed++; /* a leak, said when the process ended */
			return;
		}
		shared->failed_seed[shared->failed++] = seeds[begun++];
		shared->done++;
	}
}

/* --- a seed that failed ----------------------------------------------------------------------- */

/* In a process of its own; whether it fails. */
static bool fails(uint64_t seed, const bool *skips, bool is_shown)
{
	int status;
	fflush(stdout);
	shared->has_failed = true; /* unless it comes through */
	pid_t child = fork();
	if (child == 0) {
		struct run_result result;
		if (!is_shown && !freopen("/dev/null", "w", stderr))
			_exit(1);
		run_plan(seed, skips, is_shown, &result);
		shared->has_failed = result.has_failed;
		if (is_shown)
			fputs(buf_text(&result.report), stdout);
		fflush(stdout);
		_exit(0);
	}
	waitpid(child, &status, 0);
	return shared->has_failed || !WIFEXITED(status) || WEXITSTATUS(status) != 0;
}

/* Leaves out ever smaller parts of the plan as long as it still fails. */
static size_t shorten(uint64_t seed, bool skips[OPS_MAX], size_t count)
{
	size_t left = count;
	for (size_t part = count / 2; part > 0; part /= 2) {
		for (size_t from = 0; from < count; from += part) {
			bool tried[OPS_MAX];
			size_t more = 0;
			memcpy(tried, skips, sizeof tried);
			for (size_t i = from; i < from + part && i < count; i++) {
				more += !tried[i];
				tried[i] = true;
			}
			if (more == 0 || !fails(seed, tried, false))
				continue;
			memcpy(skips, tried, sizeof tried);
			left -= more;
		}
	}
	return left;
}

static void show(uint64_t seed)
{
	bool skips[OPS_MAX] = {false};
	size_t count = run_plan_size(seed);
	if (!fails(seed, NULL, false)) {
		printf("FAIL sim: seed %llu, but not by itself\n", (unsigned long long)seed);
		return;
	}
	size_t left = shorten(seed, skips, count);
	printf("FAIL sim: seed %llu (%zu operations, shortened to %zu)\n", (unsigned long long)seed,
	        count, left);
	fails(seed, skips, true);
}

/* --- the command line ------------------------------------------------------------------------- */

struct options {
	uint64_t *seeds;
	size_t count;
	bool is_trace;
};

int __real_clock_gettime(clockid_t clock, struct timespec *out);

static int64_t real_ns(void)
{
	struct timespec now;
	__real_clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static void add_seed(struct options *options, uint64_t seed)
{
	options->seeds = realloc(options->seeds, (options->count + 1) * sizeof(uint64_t));
	options->seeds[options->count++] = seed;
}

int main(int argc, char **argv)
{
	static const struct option OPTIONS[] = {{"seed", required_argument, NULL, 's'},
	        {"runs", required_argument, NULL, 'r'}, {"trace", no_argument, NULL, 't'}, {0}};
	struct options options = {0};
	uint64_t seed = 1, runs = 0;
	int option;
	while ((option = getopt_long(argc, argv, "", OPTIONS, NULL)) >= 0) {
		if (option == 's')
			seed = strtoull(optarg, NULL, 10);
		else if (option == 'r')
			runs = strtoull(optarg, NULL, 10);
		else if (option == 't')
			options.is_trace = true;
		else
			return 2;
	}
	for (; optind < argc; optind++)
		add_seed(&options, strtoull(argv[optind], NULL, 10));
	for (uint64_t i = 0; i < runs; i++)
		add_seed(&options, seed + i);
	shared = mmap(
	        NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return 1;
	if (options.is_trace)
		return fails(options.seeds[0], NULL, true);
	int64_t began_ns = real_ns();
	run_seeds(options.seeds, options.count);
	double seconds = (double)(real_ns() - began_ns) / 1e9;
	for (size_t i = 0; i < shared->failed && i < SHOWN_MAX; i++)
		if (shared->failed_seed[i])
			show(shared->failed_seed[i]);
	for (size_t i = 0; i < shared->failed; i++)
		printf("%s%llu",
		        i ? " " : "failed seeds: ", (unsigned long long)shared->failed_seed[i]);
	printf("%s%.0f interleavings and %.0f steps a second; %llu events, %llu restarts\n",
	        shared->failed ? "\n" : "", (double)shared->done / seconds,
	        (double)shared->steps / seconds, (unsigned long long)shared->events,
	        (unsigned long long)shared->restarts);
	printf("sim: %llu passed, %llu failed, 0 skipped\n",
	        (unsigned long long)(shared->done - shared->failed),
	        (unsigned long long)shared->failed);
	free(options.seeds);
	return shared->failed > 0;
}
