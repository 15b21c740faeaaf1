#include "common/base/budget.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "common/base/clock.h"
#include "common/base/mem.h"

struct budget {
	uint64_t cpu_percent;
	uint64_t bytes_per_s;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	uint64_t paid_ns; /* guarded by mutex, like the two below */
	bool is_hurried;
	bool is_stopped;
};

static uint64_t read_ns(clockid_t clock)
{
	struct timespec now;
	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

uint64_t budget_thread_cpu_ns(void)
{
	return read_ns(CLOCK_THREAD_CPUTIME_ID);
}

struct budget *budget_new(uint64_t cpu_percent, uint64_t bytes_per_s)
{
	struct budget *budget = mem_new(sizeof *budget);
	pthread_condattr_t monotonic;
	budget->cpu_percent = cpu_percent;
	budget->bytes_per_s = bytes_per_s;
	pthread_mutex_init(&budget->mutex, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&budget->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	return budget;
}

void budget_free(struct budget *budget)
{
	if (!budget)
		return;
	pthread_cond_destroy(&budget->changed);
	pthread_mutex_destroy(&budget->mutex);
	free(budget);
}

bool budget_counts_cpu(const struct budget *budget)
{
	return budget->cpu_percent > 0;
}

/* The two limits hold side by side: the slower one counts. */
static uint64_t cost_ns(const struct budget *budget, uint64_t bytes, uint64_t cpu_ns)
{
	uint64_t for_bytes = 0, for_cpu = 0;
	if (budget->bytes_per_s > 0)
		for_bytes = (uint64_t)((double)bytes * NS_PER_S / (double)budget->bytes_per_s);
	if (budget->cpu_percent > 0)
		for_cpu = cpu_ns * 100 / budget->cpu_percent;
	return for_bytes > for_cpu ? for_bytes : for_cpu;
}

uint64_t budget_owe(const struct budget *budget, uint64_t bytes, uint64_t cpu_ns, uint64_t now_ns,
        uint64_t *paid_ns)
{
	const uint64_t MOST_NS = DEBT_MS_MAX * (uint64_t)NS_PER_MS;
	if (*paid_ns < now_ns)
		*paid_ns = now_ns;
	*paid_ns += cost_ns(budget, bytes, cpu_ns);
	if (*paid_ns > now_ns + MOST_NS)
		*paid_ns = now_ns + MOST_NS;
	return *paid_ns - now_ns;
}

void budget_spend(struct budget *budget, uint64_t bytes, uint64_t cpu_ns)
{
	const uint64_t FREE_NS = FREE_MS * (uint64_t)NS_PER_MS;
	if (!budget || (budget->cpu_percent == 0 && budget->bytes_per_s == 0))
		return;
	pthread_mutex_lock(&budget->mutex);
	uint64_t now_ns = read_ns(CLOCK_MONOTONIC);
	uint64_t owed_ns = budget_owe(budget, bytes, cpu_ns, now_ns, &budget->paid_ns);
	uint64_t until_ns = now_ns + (owed_ns > FREE_NS ? owed_ns - FREE_NS : 0);
	while (!budget->is_stopped && !budget->is_hurried && now_ns < until_ns) {
		struct timespec until = {.tv_sec = (time_t)(until_ns / NS_PER_S),
		        .tv_nsec = (long)(until_ns % NS_PER_S)};
		pthread_cond_timedwait(&budget->changed, &budget->mutex, &until);
		now_ns = read_ns(CLOCK_MONOTONIC);
	}
	pthread_mutex_unlock(&budget->mutex);
}

static void set(struct budget *budget, bool *flag, bool value)
{
	pthread_mutex_lock(&budget->mutex);
	bool is_news = *flag != value;
	*flag = value;
	if (is_news && value)
		pthread_cond_broadcast(&budget->changed);
	pthread_mutex_unlock(&budget->mutex);
}

void budget_hurry(struct budget *budget, bool hurry)
{
	if (budget)
		set(budget, &budget->is_hurried, hurry);
}

void budget_stop(struct budget *budget)
{
	if (budget)
		set(budget, &budget->is_stopped, true);
}
