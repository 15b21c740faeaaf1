/* floor: common/io - load for the collector: many hosts that always have a batch to send.
 *
 * One connection for each state directory that `tsujiban-agent enroll` made. Each says Hello with a
 * stream of its own and keeps a window of batches in flight until the time is over. The events are
 * encoded beforehand: PATHS files of the host are created once, then modified again and again, so
 * that before and after always fit what the collector knows. What is counted is what was
 * acknowledged, and so durable, after the warm-up. The frames are built and compressed as an agent
 * does it: that work stands in counted_cpu_s, the collector's own is for the caller to read.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/codec/wire.h"
#include "common/io/conn.h"
#include "common/io/file.h"

#define PATHS         1000 /* files of each host */
#define VARIANTS      3    /* created A; modified A to B; modified B to A */
#define WINDOW_MAX    64
#define MESSAGE_BYTES (64u << 10)
#define HOSTS_MAX     1024
#define LATENCIES_MAX (8u << 20)
#define HANDSHAKES_MS 5000 /* for all of them, and 100 ms more for each */

struct flight {
	uint64_t last_seq, sent_us;
};

struct host {
	struct load *load;
	struct tls_context *tls;
	struct conn *conn;
	uint64_t sent_seq;
	struct flight flight[WINDOW_MAX]; /* a ring of the batches that are not acknowledged */
	unsigned first, count;
	struct buf encoded;
	struct slice events[VARIANTS * PATHS];
};

struct load {
	struct loop *loop;
	struct timer *timer;
	const char *collector;
	uint64_t batch, window, seconds, warmup;
	unsigned host_count, ready_count;
	struct host *hosts[HOSTS_MAX];

	bool is_counting, is_broken;
	uint64_t began_us, events, batches, wire_bytes, wire_events;
	double began_cpu_s;
	uint32_t *latencies_us;
	size_t latency_count;

	struct arena *arena;
	struct buf payload, scratch, frames;
	struct slice chosen[WIRE_BATCH_EVENTS_MAX];
};

static uint64_t now_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static double cpu_s(void)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* --- the events ------------------------------------------------------------------------------ */

/* https://prng.di.unimi.it/splitmix64.c: the same files in every run. */
static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

static struct filestate make_state(uint64_t *random, int64_t now_ns)
{
	struct filestate state = {
	        .type = FILE_REGULAR,
	        .hash = HASH_DONE,
	        .mode = next_random(random) % 8 ? 0644 : 0755,
	        .size = 200 + next_random(random) % 20000,
	        .mtime_ns = now_ns + (int64_t)(next_random(random) % NS_PER_S),
	        .inode = 1000000 + next_random(random) % 1000000,
	        .device = 0xfe00,
	        .owner = slice_text("root"),
	        .group = slice_text("root"),
	};
	state.ctime_ns = state.mtime_ns;
	for (size_t i = 0; i < SHA256_BYTES; i += sizeof(uint64_t)) {
		uint64_t word = next_random(random);
		memcpy(state.sha256 + i, &word, sizeof word);
	}
	return state;
}

static int encode_event(struct host *host, const struct event *event, size_t *out_len)
{
	size_t before = host->encoded.len;
	int rc = wire_event_encode(event, &host->encoded);
	*out_len = host->encoded.len - before;
	return rc;
}

static int encode_path(struct host *host, unsigned number, unsigned path, size_t lens[VARIANTS])
{
	static const char *const areas[] = {"etc/app", "usr/lib/python3/dist-packages/app",
	        "srv/www/htdocs", "opt/vendor/share/data"};
	char text[128];
	uint64_t random = ((uint64_t)number << 32) + path;
	int64_t now_ns = clock_wall_ns();
	int len = snprintf(text, sizeof text, "/%s%u/part-%02u/module_%03u.conf",
	        areas[path / 100 % 4], number, path / 20, path);
	struct filestate a = make_state(&random, now_ns), b = make_state(&random, now_ns);
	struct event event = {
	        .time_ns = now_ns,
	        .kind = EVENT_FILE,
	        .action = ACTION_CREATED,
	        .cause = CAUSE_LIVE,
	        .path = slice_of(text, (size_t)len),
	        .after = &a,
	};
	b.inode = a.inode;
	b.mode = a.mode;
	int rc = encode_event(host, &event, &lens[0]);
	event.action = ACTION_MODIFIED;
	event.changed = filestate_diff(&a, &b);
	event.before = &a;
	event.after = &b;
	rc = rc < 0 ? rc : encode_event(host, &event, &lens[1]);
	event.before = &b;
	event.after = &a;
	return rc < 0 ? rc : encode_event(host, &event, &lens[2]);
}

static int encode_events(struct host *host, unsigned number)
{
	size_t(*lens)[VARIANTS] = mem_new_array(PATHS, sizeof *lens);
	int rc = 0;
	for (unsigned path = 0; path < PATHS && rc == 0; path++)
		rc = encode_path(host, number, path, lens[path]);
	const uint8_t *at = host->encoded.data;
	for (unsigned i = 0; i < VARIANTS * PATHS && rc == 0; i++) {
		size_t len = lens[i / VARIANTS][i % VARIANTS];
		host->events[i] = slice_of(at, len);
		at += len;
	}
	free(lens);
	return rc;
}

static struct slice event_of(const struct host *host, uint64_t seq)
{
	uint64_t round = (seq - 1) / PATHS, path = (seq - 1) % PATHS;
	uint64_t variant = round == 0 ? 0 : 1 + (round - 1) % 2;
	return host->events[path * VARIANTS + variant];
}

/* --- a session ------------------------------------------------------------------------------- */

static void give_up(struct load *load, const char *why)
{
	if (!load->is_broken)
		fprintf(stderr, "bench_ingest: %s\n", why);
	load->is_broken = true;
	loop_stop(load->loop);
}

static void send_message(struct host *host, const struct message *message)
{
	struct load *load = host->load;
	buf_reset(&load->frames);
	if (wire_append_frame(message, &load->scratch, &load->frames) < 0)
		give_up(load, "cannot encode a message");
	else
		conn_send(host->conn, buf_slice(&load->frames));
}

static void send_batch(struct host *host)
{
	struct load *load = host->load;
	struct message message = {.kind = FRAME_BATCH};
	for (uint64_t i = 0; i < load->batch; i++)
		load->chosen[i] = event_of(host, host->sent_seq + 1 + i);
	message.batch = (struct batch){
	        .first_seq = host->sent_seq + 1, .count = load->batch, .events = load->chosen};
	host->sent_seq += load->batch;
	host->flight[(host->first + host->count++) % WINDOW_MAX] = (struct flight){
	        .last_seq = host->sent_seq, .sent_us = now_us()};
	send_message(host, &message);
	load->wire_bytes += load->frames.len;
	load->wire_events += load->batch;
}

static void note_ack(struct load *load, uint64_t sent_us)
{
	if (!load->is_counting || load->latency_count == LATENCIES_MAX)
		return;
	load->batches++;
	load->events += load->batch;
	load->latencies_us[load->latency_count++] = (uint32_t)(now_us() - sent_us);
}

static void take_ack(struct host *host, uint64_t stored_seq)
{
	while (host->count && host->flight[host->first].last_seq <= stored_seq) {
		note_ack(host->load, host->flight[host->first].sent_us);
		host->first = (host->first + 1) % WINDOW_MAX;
		host->count--;
	}
	while (host->count < host->load->window)
		send_batch(host);
}

static void begin_when_all_are_ready(struct load *load)
{
	if (++load->ready_count < load->host_count)
		return;
	timer_start(load->timer, load->warmup * 1000, 0);
	for (unsigned i = 0; i < load->host_count; i++)
		take_ack(load->hosts[i], 0);
}

static void on_frame(void *ctx, struct conn *conn, const struct frame *frame)
{
	struct host *host = ctx;
	struct load *load = host->load;
	struct message message;
	struct slice payload;
	struct reason why;
	(void)conn;
	arena_reset(load->arena);
	int rc = frame_open(frame, &load->payload, &payload, &why);
	if (rc == 0)
		rc = wire_decode(frame->kind, payload, load->arena, &message, &why);
	if (rc < 0)
		give_up(load, why.text);
	else if (message.kind == FRAME_WELCOME)
		begin_when_all_are_ready(load);
	else if (message.kind == FRAME_ACK)
		take_ack(host, message.ack.stored_seq);
	else if (message.kind == FRAME_REFUSED)
		give_up(load, "the collector refused");
}

static void on_ready(
        void *ctx, struct conn *conn, const char *protocol, const struct pki_cert_info *peer)
{
	struct message message = {.kind = FRAME_HELLO};
	(void)conn;
	(void)protocol;
	(void)peer;
	random_bytes(message.hello.stream_id, WIRE_STREAM_ID_BYTES);
	message.hello.first_seq = 1;
	message.hello.next_seq = 1;
	message.hello.agent_version = slice_text(TSUJIBAN_VERSION);
	send_message(ctx, &message);
}

static void on_closed(void *ctx, struct conn *conn, int code, const struct reason *why)
{
	struct host *host = ctx;
	(void)conn;
	(void)code;
	host->conn = NULL;
	give_up(host->load, why && why->text[0] ? why->text : "the collector closed a connection");
}

static const struct conn_events CONN_EVENTS = {
        .ready = on_ready,
        .frame = on_frame,
        .closed = on_closed,
};

/* --- life ------------------------------------------------------------------------------------ */

static int read_identity(const char *dir, const char *name, struct buf *out, struct reason *out_why)
{
	char path[4096];
	snprintf(path, sizeof path, "%s/%s", dir, name);
	return file_read(path, MESSAGE_BYTES, out, out_why);
}

static int host_new(struct load *load, const char *dir, struct host **out, struct reason *out_why)
{
	struct buf cert = BUF_INIT, key = BUF_INIT, ca = BUF_INIT;
	struct host *host = mem_new(sizeof *host);
	host->load = load;
	*out = host;
	int rc = read_identity(dir, "agent.crt", &cert, out_why);
	rc = rc < 0 ? rc : read_identity(dir, "agent.key", &key, out_why);
	rc = rc < 0 ? rc : read_identity(dir, "ca.crt", &ca, out_why);
	if (rc == 0)
		rc = tls_client_new(
		        buf_slice(&cert), buf_slice(&key), buf_slice(&ca), &host->tls, out_why);
	if (rc == 0 && encode_events(host, load->host_count) < 0)
		rc = fail(out_why, ERR_FORMAT, "cannot encode the events");
	buf_fini(&cert);
	buf_fini(&key);
	buf_fini(&ca);
	return rc;
}

static void host_free(struct host *host)
{
	if (host->conn)
		conn_drop(host->conn);
	tls_context_free(host->tls);
	buf_fini(&host->encoded);
	free(host);
}

static void on_timer(void *ctx)
{
	struct load *load = ctx;
	if (load->ready_count < load->host_count) {
		give_up(load, "not all connections were welcomed in time");
	} else if (!load->is_counting) {
		load->is_counting = true;
		load->began_us = now_us();
		load->began_cpu_s = cpu_s();
		timer_start(load->timer, load->seconds * 1000, 0);
	} else {
		loop_stop(load->loop);
	}
}

static int compare_u32(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return (x > y) - (x < y);
}

static uint32_t percentile(const struct load *load, unsigned percent)
{
	size_t at = load->latency_count * percent / 100;
	return load->latency_count ? load->latencies_us[at] : 0;
}

static void print_result(struct load *load)
{
	double seconds = (double)(now_us() - load->began_us) / 1e6;
	double cpu = cpu_s() - load->began_cpu_s;
	qsort(load->latencies_us, load->latency_count, sizeof(uint32_t), compare_u32);
	printf("connections=%u batch=%llu window=%llu seconds=%.3f events=%llu batches=%llu "
	       "events_per_s=%.0f ack_p50_us=%u ack_p99_us=%u counted_cpu_s=%.3f "
	       "wire_bytes_per_event=%.1f"
	       "\n",
	        load->host_count, (unsigned long long)load->batch, (unsigned long long)load->window,
	        seconds, (unsigned long long)load->events, (unsigned long long)load->batches,
	        (double)load->events / seconds, percentile(load, 50), percentile(load, 99), cpu,
	        load->wire_events ? (double)load->wire_bytes / (double)load->wire_events : 0.0);
}

static int run(struct load *load, char **dirs, int dir_count, struct reason *out_why)
{
	int rc = 0;
	load->loop = loop_new();
	load->timer = timer_new(load->loop, on_timer, load);
	load->arena = arena_new(MESSAGE_BYTES);
	load->latencies_us = mem_new_array(LATENCIES_MAX, sizeof(uint32_t));
	for (int i = 0; i < dir_count && rc == 0; i++) {
		rc = host_new(load, dirs[i], &load->hosts[i], out_why);
		load->host_count++;
	}
	timer_start(load->timer, HANDSHAKES_MS + 100 * (uint64_t)load->host_count, 0);
	for (unsigned i = 0; i < load->host_count && rc == 0; i++)
		load->hosts[i]->conn = conn_connect(load->loop, load->hosts[i]->tls,
		        load->collector, &CONN_EVENTS, load->hosts[i]);
	if (rc == 0)
		loop_run(load->loop);
	if (rc == 0 && !load->is_broken)
		print_result(load);
	for (unsigned i = 0; i < load->host_count; i++)
		host_free(load->hosts[i]);
	timer_free(load->timer);
	loop_free(load->loop);
	arena_free(load->arena);
	buf_fini(&load->payload);
	buf_fini(&load->scratch);
	buf_fini(&load->frames);
	free(load->latencies_us);
	return rc;
}

/* Options stand before the directories: there may be hundreds of those. Returns where they begin, 0
 * when something is wrong. */
static int parse(int argc, char **argv, struct load *load)
{
	const struct {
		const char *name;
		uint64_t least, most, *out;
	} numbers[] = {
	        {"--batch", 1, WIRE_BATCH_EVENTS_MAX, &load->batch},
	        {"--window", 1, WINDOW_MAX, &load->window},
	        {"--seconds", 1, 3600, &load->seconds},
	        {"--warmup", 0, 3600, &load->warmup},
	};
	int at = 1;
	for (; at + 1 < argc && argv[at][0] == '-'; at += 2) {
		bool is_known = strcmp(argv[at], "--collector") == 0;
		if (is_known)
			load->collector = argv[at + 1];
		for (size_t i = 0; i < sizeof numbers / sizeof numbers[0] && !is_known; i++)
			is_known = strcmp(argv[at], numbers[i].name) == 0 &&
			           text_parse_u64(slice_text(argv[at + 1]), numbers[i].most,
			                   numbers[i].out) &&
			           *numbers[i].out >= numbers[i].least;
		if (!is_known)
			return 0;
	}
	return load->collector && at < argc && argc - at <= HOSTS_MAX ? at : 0;
}

int main(int argc, char **argv)
{
	static struct load load = {.batch = 100, .window = 8, .seconds = 10, .warmup = 1};
	struct reason why;
	int dirs = parse(argc, argv, &load);
	if (!dirs) {
		fprintf(stderr, "usage: bench_ingest --collector HOST:PORT [--batch EVENTS] "
		                "[--window BATCHES] [--seconds N] [--warmup N] STATE_DIR...\n");
		return 2;
	}
	int rc = run(&load, argv + dirs, argc - dirs, &why);
	if (rc < 0)
		fprintf(stderr, "bench_ingest: %s\n", why.text);
	return rc < 0 || load.is_broken ? 1 : 0;
}
