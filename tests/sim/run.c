#include "tests/sim/run.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "agent/config.h"
#include "agent/fim/settle.h"
#include "agent/fim/walk.h"
#include "agent/pipeline.h"
#include "agent/watch/watch.h"
#include "common/base/clock.h"
#include "tests/sim/calls.h"
#include "tests/sim/check.h"
#include "tests/sim/disk.h"
#include "tests/sim/loop.h"
#include "tests/sim/notify.h"
#include "tests/sim/stages.h"
#include "tests/sim/store.h"
#include "tests/sim/task.h"

#define STEPS_MAX      2000000
#define CALM_NS        (60 * NS_PER_S) /* nothing more to come for so long: it is over */
#define END_NS         (3600 * NS_PER_S)
#define MOODS          64 /* steps until the scheduler prefers somebody else */
#define WEIGHTS        8
#define WATCHES_ENOUGH 1000

struct machine {
	struct plan plan;
	const bool *skips;
	size_t next_op;
	int64_t op_at_ns;
	uint64_t spool_bytes;
	size_t restarts;
	unsigned weight[WEIGHTS];
	unsigned mood_left;

	struct agent_config config;
	struct state *state;
	struct loop *loop;
	struct pipeline *pipeline;
	struct task *task; /* of the loop */
	bool is_waiting;   /* the loop, between two callbacks */
};

static struct machine machine;

/* --- the agent -------------------------------------------------------------------------------- */

static const struct watch_config WATCH[] = {{.path = "/m", .recursive = true}};

static void on_end(void *ctx, enum pipeline_end why)
{
	(void)ctx;
	(void)why;
	sim_fault(NULL, "the collector is said to want everything anew");
}

static void boot(struct machine *m)
{
	struct reason why;
	struct state_limits limits = {.spool_bytes = m->spool_bytes};
	struct pipeline_options options = {.config = &m->config};
	m->loop = loop_new();
	if (state_open("/state", &limits, &m->state, &why) < 0 ||
	        pipeline_new(m->loop, m->state, &options, on_end, m, &m->pipeline, &why) < 0) {
		m->pipeline = NULL;
		if (!SIM.is_dying)
			sim_fault(NULL, "the agent does not start: %s", why.text);
	}
}

static void loop_body(void *ctx)
{
	struct machine *m = ctx;
	boot(m);
	for (;;) {
		m->is_waiting = true;
		task_yield();
		m->is_waiting = false;
		sim_loop_dispatch(m->loop);
	}
}

static void start_agent(struct machine *m)
{
	sim_trace("agent: starts");
	m->is_waiting = false;
	m->task = task_new(loop_body, m);
}

/* The end of main.c: stop, free the loop, free the rest. With is_dying nothing of it counts. */
static void end_agent(struct machine *m)
{
	while (m->task && !m->is_waiting) {
		for (size_t i = m->loop ? sim_loop_workable(m->loop) : 0; i > 0; i--)
			sim_loop_work(m->loop, i - 1);
		task_run(m->task);
	}
	while (m->loop && sim_loop_workable(m->loop) > 0)
		sim_loop_work(m->loop, sim_below(&SIM.choices, sim_loop_workable(m->loop)));
	task_free(m->task);
	pipeline_stop(m->pipeline);
	loop_free(m->loop);
	pipeline_free(m->pipeline);
	state_close(m->state);
	store_forget_writer();
	if (calls_open_count() > 0)
		sim_fault(NULL, "the agent leaves %zu descriptors open", calls_open_count());
	m->task = NULL;
	m->pipeline = NULL;
	m->loop = NULL;
	m->state = NULL;
}

static void kill_agent(struct machine *m)
{
	sim_trace("agent: is killed");
	SIM.is_dying = true;
	end_agent(m);
	SIM.is_dying = false;
}

static void restart(struct machine *m, bool is_kill)
{
	m->restarts++;
	SIM.is_disk_full = false;
	if (is_kill) {
		kill_agent(m);
	} else {
		sim_trace("agent: is stopped");
		end_agent(m);
	}
	start_agent(m);
}

/* --- what is seen of it ----------------------------------------------------------------------- */

void __real_settle_touch(struct settle *settle, const struct touch *touch, uint64_t now_ms);
void __wrap_settle_touch(struct settle *settle, const struct touch *touch, uint64_t now_ms);
void __wrap_settle_touch(struct settle *settle, const struct touch *touch, uint64_t now_ms)
{
	sim_trace("touch: %.*s%s%.*s hints %x cause %d", SLICE_ARG(touch->path),
	        touch->old_path.ptr ? " from " : "", SLICE_ARG(touch->old_path), touch->hints,
	        touch->cause);
	__real_settle_touch(settle, touch, now_ms);
}

void __real_watch_remove(struct watch *watch, struct slice dir);
void __wrap_watch_remove(struct watch *watch, struct slice dir);
void __wrap_watch_remove(struct watch *watch, struct slice dir)
{
	sim_trace("agent: no watch %.*s", SLICE_ARG(dir));
	__real_watch_remove(watch, dir);
}

void __real_walk_request(struct walk *walk, struct slice path, enum event_cause cause);
void __wrap_walk_request(struct walk *walk, struct slice path, enum event_cause cause);
void __wrap_walk_request(struct walk *walk, struct slice path, enum event_cause cause)
{
	sim_trace("agent: walk %.*s", SLICE_ARG(path));
	__real_walk_request(walk, path, cause);
}

static void trace_line(const char *level, const char *format, va_list args)
{
	struct buf line = BUF_INIT;
	if (SIM.is_tracing) {
		buf_vprintf(&line, format, args);
		sim_trace("agent: log %s: %s", level, buf_text(&line));
	}
	buf_fini(&line);
}

#define LOG(level)                                                                              \
	void __wrap_log_##level(const char *format, ...) __attribute__((format(printf, 1, 2))); \
	void __wrap_log_##level(const char *format, ...)                                        \
	{                                                                                       \
		va_list args;                                                                   \
		va_start(args, format);                                                         \
		trace_line(#level, format, args);                                               \
		va_end(args);                                                                   \
	}
LOG(error)
LOG(warn)
LOG(info)
LOG(debug)

/* --- steps ------------------------------------------------------------------------------------ */

enum { DO_OP, DO_LOOP, DO_WORK }; /* then one for each worker */

static void schedule_op(struct machine *m)
{
	while (m->next_op < m->plan.count && m->skips && m->skips[m->next_op])
		m->next_op++;
	if (m->next_op < m->plan.count)
		m->op_at_ns = SIM.now_ns + (int64_t)m->plan.op[m->next_op].after_ns;
}

static void do_fault(struct machine *m, const struct op *op)
{
	switch (op->kind) {
	case OP_LINK_DOWN:
	case OP_LINK_UP:
		SIM.is_link_down = op->kind == OP_LINK_DOWN;
		break;
	case OP_DISK_FULL:
	case OP_DISK_FREE:
		/* An agent that cannot even begin its store ends, with a message. */
		SIM.is_disk_full = op->kind == OP_DISK_FULL && m->pipeline;
		break;
	case OP_CLOCK:
		SIM.wall_offset_ns += ((int64_t)op->number - 3600) * NS_PER_S + 1234567;
		break;
	default:
		restart(m, op->kind == OP_KILL);
	}
}

static void do_next_op(struct machine *m)
{
	const struct op *op = &m->plan.op[m->next_op++];
	if (op_is_fault(op)) {
		struct buf text = BUF_INIT;
		op_print(op, &text);
		sim_trace("do: %s", buf_text(&text));
		buf_fini(&text);
		do_fault(m, op);
	} else {
		op_do(op);
	}
	schedule_op(m);
}

static void change_mood(struct machine *m)
{
	static const unsigned MOOD[] = {1, 1, 1, 10, 10, 100};
	if (m->mood_left-- > 0)
		return;
	m->mood_left = (unsigned)sim_below(&SIM.choices, MOODS);
	for (size_t i = 0; i < WEIGHTS; i++)
		m->weight[i] = MOOD[sim_below(&SIM.choices, 6)];
}

static size_t gather(const struct machine *m, size_t out[WEIGHTS])
{
	size_t count = 0;
	if (m->next_op < m->plan.count && SIM.now_ns >= m->op_at_ns)
		out[count++] = DO_OP;
	if (!m->is_waiting || sim_loop_has_event(m->loop))
		out[count++] = DO_LOOP;
	for (size_t i = 0; m->loop && i < sim_loop_workable(m->loop); i++)
		out[count++] = DO_WORK + i;
	return count;
}

static size_t choose(const struct machine *m, const size_t *from, size_t count)
{
	size_t total = 0;
	for (size_t i = 0; i < count; i++)
		total += m->weight[from[i]];
	size_t at = sim_below(&SIM.choices, total);
	for (size_t i = 0; i < count; i++) {
		if (at < m->weight[from[i]])
			return from[i];
		at -= m->weight[from[i]];
	}
	return from[0];
}

/* Nothing can go on: time passes until something can. False: nothing is to come. */
static bool pass_time(struct machine *m)
{
	uint64_t next_ms = sim_loop_next_ms(m->loop);
	int64_t next_ns = next_ms > END_NS / NS_PER_MS ? INT64_MAX : (int64_t)next_ms * NS_PER_MS;
	bool has_op = m->next_op < m->plan.count;
	if (has_op && m->op_at_ns < next_ns)
		next_ns = m->op_at_ns;
	if (!has_op && next_ns > SIM.now_ns + CALM_NS)
		return false;
	if (next_ns > SIM.now_ns)
		SIM.now_ns = next_ns;
	return true;
}

static bool step(struct machine *m)
{
	size_t from[WEIGHTS];
	SIM.steps++;
	SIM.now_ns += (int64_t)sim_below(&SIM.choices, 20000);
	change_mood(m);
	size_t count = gather(m, from);
	if (count == 0)
		return pass_time(m);
	size_t what = choose(m, from, count);
	if (what == DO_OP)
		do_next_op(m);
	else if (what == DO_LOOP)
		task_run(m->task);
	else
		sim_loop_work(m->loop, what - DO_WORK);
	return true;
}

/* --- a run ------------------------------------------------------------------------------------ */

static void prepare(struct machine *m)
{
	for (size_t i = 0; i < m->plan.prepared; i++) {
		if (!m->skips || !m->skips[i])
			op_do(&m->plan.op[i]);
		SIM.now_ns += (int64_t)sim_below(&SIM.choices, 2 * SIM_TICK_NS);
	}
	m->next_op = m->plan.prepared;
	if (sim_chance(&SIM.choices, 50))
		SIM.now_ns += NS_PER_S;
	schedule_op(m);
}

static void calm_down(struct machine *m)
{
	ops_end();
	SIM.is_link_down = SIM.is_disk_full = false;
	m->next_op = m->plan.count;
}

static void run_to_the_end(struct machine *m)
{
	while (SIM.fault.len == 0 && step(m)) {
		if (SIM.steps > STEPS_MAX || SIM.now_ns > END_NS)
			sim_fault(NULL, "it does not come to an end");
	}
}

static void run_until_quiet(struct machine *m)
{
	while (SIM.fault.len == 0 && m->next_op < m->plan.count && step(m))
		continue;
	calm_down(m);
	run_to_the_end(m);
	/* Where a watch could not be placed changes are found by the next scan: D08. */
	if (m->plan.settings.watch_limit < WATCHES_ENOUGH && SIM.fault.len == 0) {
		restart(m, false);
		run_to_the_end(m);
	}
}

static bool is_about(const char *line, const char *path)
{
	char dir[4096];
	snprintf(dir, sizeof dir, "%s", path);
	for (;;) {
		if (strstr(line, dir))
			return true;
		char *slash = strrchr(dir, '/');
		if (!slash || slash == dir || strchr(dir + 1, '/') == NULL)
			return false;
		*slash = '\0';
	}
}

static void append_trace(const char *path, struct buf *out)
{
	char *at = (char *)SIM.trace.data;
	buf_text(&SIM.trace);
	for (char *line = strtok_r((char *)SIM.trace.data, "\n", &at); line;
	        line = strtok_r(NULL, "\n", &at)) {
		bool is_main = strstr(line, "agent: ") && !strstr(line, "agent: watch");
		if (!path[0] || is_main || is_about(line, path))
			buf_printf(out, "  %s\n", line);
	}
}

static void explain(struct run_result *out)
{
	buf_printf(&out->report, "%s\n", buf_text(&SIM.fault));
	if (!SIM.is_tracing)
		return;
	buf_append_text(&out->report, "what went on there:\n");
	append_trace(SIM.fault_path, &out->report);
	buf_append_text(&out->report, "events:\n");
	check_print_events(SIM.fault_path, &out->report);
}

void run_plan(uint64_t seed, const bool *skips, bool is_tracing, struct run_result *out)
{
	struct machine *m = &machine;
	*out = (struct run_result){0};
	sim_begin(seed, is_tracing);
	memset(m, 0, sizeof *m);
	m->skips = skips;
	plan_make(&m->plan, seed);
	SIM.settings = m->plan.settings;
	m->spool_bytes = SIM.settings.spool_bytes;
	m->config = (struct agent_config){
	        .collector = "collector:1",
	        .state_dir = "/state",
	        .source = "inotify",
	        .watch_source = WATCH_INOTIFY,
	        .watch = {.count = 1, .item = (void *)WATCH},
	        .packages = {.root = "/"},
	        .limits = {.file_mb = 1024,
	                .spool_mb = 256,
	                .busy_per_min = SIM.settings.busy_per_min},
	};
	calls_begin();
	notify_begin();
	disk_begin();
	store_begin();
	collector_begin();
	ops_begin();
	prepare(m);
	start_agent(m);
	run_until_quiet(m);
	if (SIM.fault.len == 0)
		check_quiet(m->pipeline);
	kill_agent(m);
	out->has_failed = SIM.fault.len > 0;
	out->steps = SIM.steps;
	out->events = COLLECTOR.count;
	out->restarts = m->restarts;
	if (out->has_failed)
		explain(out);
	sim_end();
}

size_t run_plan_size(uint64_t seed)
{
	sim_begin(seed, false);
	plan_make(&machine.plan, seed);
	sim_end();
	return machine.plan.count;
}
