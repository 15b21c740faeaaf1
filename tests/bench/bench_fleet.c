/* floor: agent - a fleet that meets its collector for the first time: many hosts of few images.
 *
 * The packages of this host are varied into images. One connection for each state directory that
 * `tsujiban-agent enroll` made, all at once; each says Hello with what its image's facts add up
 * to, and answers what the collector wants as an agent does (agent/sender/sections.h). Every image
 * has the package "fleet-marker", so that a search tells how many hosts have arrived.
 *
 * A line on standard input is the next step: "upgrade" has each host send one upgraded package,
 * "again" has each connect once more with nothing changed, the end of the input ends it. Bytes are
 * those of frames, both ways, without what TLS and TCP add.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent/pkgdb/sources.h"
#include "agent/sender/sections.h"
#include "agent/state/factbook.h"
#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/io/conn.h"
#include "common/io/file.h"

#define HOSTS_MAX     4096
#define IMAGES_MAX    64
#define PEM_BYTES     (64u << 10)
#define ARENA_BYTES   (64u << 20)
#define MESSAGE_BYTES (1u << 20)
#define POLL_MS       20

struct image {
	char dir[64];
	struct state *state;
	struct fact_list facts;
	struct section_sum sums[FACT_KIND_MAX + 1];
};

struct host {
	struct fleet *fleet;
	struct image *image;
	struct tls_context *tls;
	struct conn *conn;
	uint8_t stream_id[WIRE_STREAM_ID_BYTES];
	uint64_t sent, received; /* bytes of the step at hand */
	bool has_shown;
	uint64_t seq;
};

enum step { FIRST, UPGRADE, AGAIN };

struct fleet {
	struct loop *loop;
	struct timer *timer;
	const char *collector;
	uint64_t image_count;
	struct image image[IMAGES_MAX];
	unsigned host_count;
	struct host *hosts[HOSTS_MAX];
	enum step step;
	bool is_broken;
	struct arena *arena;
	struct buf payload, scratch, frames;
};

static void give_up(struct fleet *fleet, const char *why)
{
	if (!fleet->is_broken)
		fprintf(stderr, "bench_fleet: %s\n", why);
	fleet->is_broken = true;
	loop_stop(fleet->loop);
}

/* --- images ----------------------------------------------------------------------------------- */

static uint64_t next_random(uint64_t *state) /* https://prng.di.unimi.it/splitmix64.c */
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

/* A tenth of the packages is not there, a twentieth has another revision; but image 0 is this
 * host. */
static int vary(const struct fact_list *base, uint64_t seed, struct fact_list *out)
{
	struct fact marker = {.kind = FACT_PACKAGE};
	uint64_t random = seed;
	marker.field[PACKAGE_MANAGER] = slice_text("dpkg");
	marker.field[PACKAGE_NAME] = slice_text("fleet-marker");
	marker.field[PACKAGE_VERSION] = slice_text("1");
	int rc = fact_list_add(out, &marker);
	for (size_t i = 0; rc == 0 && i < base->count; i++) {
		struct fact fact = base->fact[i];
		uint64_t chance = next_random(&random);
		struct buf version = BUF_INIT;
		if (fact.kind != FACT_PACKAGE || (seed > 0 && chance % 10 == 0))
			continue;
		if (seed > 0 && chance % 20 == 1) {
			buf_printf(&version, "%.*s+%llu", SLICE_ARG(fact.field[PACKAGE_VERSION]),
			        (unsigned long long)(chance >> 32 & 0xff));
			fact.field[PACKAGE_VERSION] = buf_slice(&version);
		}
		rc = fact_list_add(out, &fact);
		buf_fini(&version);
	}
	return rc;
}

static void sum_up(struct image *image)
{
	struct buf encoded = BUF_INIT;
	for (size_t i = 0; i < image->facts.count; i++) {
		buf_reset(&encoded);
		fact_encode(&image->facts.fact[i], &encoded);
		section_sum_add(&image->sums[FACT_PACKAGE], buf_slice(&encoded));
	}
	buf_fini(&encoded);
}

static int image_new(
        struct image *image, const struct fact_list *base, uint64_t seed, struct reason *out_why)
{
	struct state_limits limits = {.spool_bytes = 1u << 20};
	struct fact_scope scope = {FACT_PACKAGE, "dpkg"};
	struct state_txn *txn;
	image->facts.arena = base->arena;
	snprintf(image->dir, sizeof(image->dir), "/tmp/tsujiban-bench-fleet-XXXXXX");
	if (!mkdtemp(image->dir))
		return fail(out_why, ERR_STORE, "cannot make a directory");
	int rc = vary(base, seed, &image->facts);
	if (rc == 0)
		rc = state_open(image->dir, &limits, &image->state, out_why);
	if (rc == 0)
		rc = state_begin(image->state, &txn, out_why);
	if (rc < 0)
		return rc;
	rc = factbook_sync(txn, &scope, 1, image->facts.fact, image->facts.count, CAUSE_LIVE, 1);
	rc = rc < 0 ? rc : state_commit(txn, out_why);
	sum_up(image);
	return rc;
}

static void image_free(struct image *image)
{
	char path[128];
	state_close(image->state);
	for (const char *const *name =
	                (const char *const[]){"db/data.mdb", "db/lock.mdb", "db", "lock", "", NULL};
	        *name; name++) {
		snprintf(path, sizeof(path), "%s/%s", image->dir, *name);
		remove(path);
	}
}

static int make_images(struct fleet *fleet, struct reason *out_why)
{
	struct fact_list base = {.arena = fleet->arena};
	int rc = src_dpkg_read("/", &base, out_why);
	for (uint64_t i = 0; rc == 0 && i < fleet->image_count; i++)
		rc = image_new(&fleet->image[i], &base, i, out_why);
	return rc;
}

/* --- a session -------------------------------------------------------------------------------- */

static int send_message(void *ctx, const struct message *message)
{
	struct host *host = ctx;
	struct fleet *fleet = host->fleet;
	buf_reset(&fleet->frames);
	int rc = wire_append_frame(message, &fleet->scratch, &fleet->frames);
	if (rc < 0)
		give_up(fleet, "cannot encode a message");
	else
		conn_send(host->conn, buf_slice(&fleet->frames));
	host->sent += fleet->frames.len;
	host->has_shown |= message->kind == FRAME_BUCKET;
	return rc;
}

static void on_frame(void *ctx, struct conn *conn, const struct frame *frame)
{
	struct host *host = ctx;
	struct fleet *fleet = host->fleet;
	struct arena *arena = arena_new(MESSAGE_BYTES);
	struct message message;
	struct slice payload;
	struct reason why;
	(void)conn;
	host->received += FRAME_HEADER_BYTES + frame->payload.len;
	int rc = frame_open(frame, &fleet->payload, &payload, &why);
	if (rc == 0)
		rc = wire_decode(frame->kind, payload, arena, &message, &why);
	if (rc < 0)
		give_up(fleet, why.text);
	else if (message.kind == FRAME_WANT)
		sections_answer(host->image->state, &message.want, send_message, host);
	else if (message.kind == FRAME_REFUSED)
		give_up(fleet, "the collector refused");
	arena_free(arena);
}

static void on_ready(
        void *ctx, struct conn *conn, const char *protocol, const struct pki_cert_info *peer)
{
	struct host *host = ctx;
	struct message message = {.kind = FRAME_HELLO};
	uint8_t root[SECTION_ROOT_BYTES];
	(void)conn;
	(void)protocol;
	(void)peer;
	section_root(host->image->sums, root);
	memcpy(message.hello.stream_id, host->stream_id, WIRE_STREAM_ID_BYTES);
	message.hello.first_seq = 1;
	message.hello.next_seq = host->seq + 1;
	message.hello.agent_version = slice_text(TSUJIBAN_VERSION);
	message.hello.facts_root = slice_of(root, SECTION_ROOT_BYTES);
	send_message(host, &message);
}

static void on_closed(void *ctx, struct conn *conn, int code, const struct reason *why)
{
	struct host *host = ctx;
	(void)conn;
	(void)code;
	host->conn = NULL;
	give_up(host->fleet, why && why->text[0] ? why->text : "a connection was closed");
}

static const struct conn_events CONN_EVENTS = {
        .ready = on_ready,
        .frame = on_frame,
        .closed = on_closed,
};

static void connect_host(struct host *host)
{
	struct fleet *fleet = host->fleet;
	host->conn = conn_connect(fleet->loop, host->tls, fleet->collector, &CONN_EVENTS, host);
}

/* --- steps ------------------------------------------------------------------------------------ */

/* The root that goes along is of the image with the one package changed. */
static void send_upgrade(struct host *host)
{
	struct message message = {.kind = FRAME_BATCH};
	const struct fact *before = &host->image->facts.fact[host->image->facts.count / 2];
	struct fact after = *before;
	struct section_sum sums[FACT_KIND_MAX + 1];
	struct buf version = BUF_INIT, encoded = BUF_INIT, event = BUF_INIT;
	uint8_t root[SECTION_ROOT_BYTES];
	buf_printf(&version, "%.*s.1", SLICE_ARG(before->field[PACKAGE_VERSION]));
	after.field[PACKAGE_VERSION] = after.field[PACKAGE_SOURCE_VERSION] = buf_slice(&version);
	memcpy(sums, host->image->sums, sizeof(sums));
	fact_encode(before, &encoded);
	section_sum_take(&sums[FACT_PACKAGE], buf_slice(&encoded));
	buf_reset(&encoded);
	fact_encode(&after, &encoded);
	section_sum_add(&sums[FACT_PACKAGE], buf_slice(&encoded));
	section_root(sums, root);
	struct event upgrade = {.time_ns = 1,
	        .kind = EVENT_FACT,
	        .action = ACTION_UPGRADED,
	        .cause = CAUSE_LIVE,
	        .fact_before = before,
	        .fact_after = &after};
	wire_event_encode(&upgrade, &event);
	struct slice events = buf_slice(&event);
	message.batch = (struct batch){.first_seq = ++host->seq,
	        .count = 1,
	        .events = &events,
	        .facts_root = slice_of(root, SECTION_ROOT_BYTES)};
	send_message(host, &message);
	buf_fini(&version);
	buf_fini(&encoded);
	buf_fini(&event);
}

static int compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

static void print_bytes(const struct fleet *fleet, const char *name, bool has_shown)
{
	static uint64_t sent[HOSTS_MAX], received[HOSTS_MAX];
	uint64_t total = 0;
	size_t count = 0;
	for (unsigned i = 0; i < fleet->host_count; i++) {
		const struct host *host = fleet->hosts[i];
		if (host->has_shown != has_shown)
			continue;
		sent[count] = host->sent;
		received[count++] = host->received;
		total += host->sent + host->received;
	}
	qsort(sent, count, sizeof(sent[0]), compare_u64);
	qsort(received, count, sizeof(received[0]), compare_u64);
	printf(" %s_hosts=%zu %s_sent=%llu %s_sent_most=%llu %s_received=%llu %s_total=%llu", name,
	        count, name, (unsigned long long)(count ? sent[count / 2] : 0), name,
	        (unsigned long long)(count ? sent[count - 1] : 0), name,
	        (unsigned long long)(count ? received[count / 2] : 0), name,
	        (unsigned long long)total);
}

static uint64_t most_sent(const struct fleet *fleet, const struct image *image)
{
	uint64_t most = 0;
	for (unsigned i = 0; i < fleet->host_count; i++)
		if (fleet->hosts[i]->image == image && fleet->hosts[i]->sent > most)
			most = fleet->hosts[i]->sent;
	return most;
}

/* One line: what the step that is over has cost. */
static void end_step(struct fleet *fleet)
{
	printf("step=%d packages=%zu own_packages=%zu own_sent=%llu", (int)fleet->step,
	        fleet->image[fleet->image_count - 1].facts.count, fleet->image[0].facts.count,
	        (unsigned long long)most_sent(fleet, &fleet->image[0]));
	print_bytes(fleet, "showing", true);
	print_bytes(fleet, "others", false);
	printf("\n");
	fflush(stdout);
	for (unsigned i = 0; i < fleet->host_count; i++) {
		struct host *host = fleet->hosts[i];
		host->sent = host->received = 0;
		host->has_shown = false;
	}
}

static void begin_step(struct fleet *fleet, struct slice name)
{
	end_step(fleet);
	fleet->step = slice_is(name, "again") ? AGAIN : UPGRADE;
	for (unsigned i = 0; i < fleet->host_count; i++) {
		struct host *host = fleet->hosts[i];
		if (fleet->step == UPGRADE) {
			send_upgrade(host);
			continue;
		}
		conn_drop(host->conn);
		connect_host(host);
	}
}

static void on_timer(void *ctx)
{
	struct fleet *fleet = ctx;
	struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
	char line[64];
	if (poll(&input, 1, 0) <= 0)
		return;
	ssize_t len = read(STDIN_FILENO, line, sizeof(line));
	if (len > 0) {
		begin_step(fleet, text_trim(slice_of(line, (size_t)len)));
		return;
	}
	end_step(fleet);
	loop_stop(fleet->loop);
}

/* --- life ------------------------------------------------------------------------------------- */

static int read_pem(const char *dir, const char *name, struct buf *out, struct reason *out_why)
{
	char path[4096];
	snprintf(path, sizeof path, "%s/%s", dir, name);
	return file_read(path, PEM_BYTES, out, out_why);
}

static int host_new(struct fleet *fleet, const char *dir, struct reason *out_why)
{
	struct buf cert = BUF_INIT, key = BUF_INIT, ca = BUF_INIT;
	struct host *host = mem_new(sizeof(*host));
	host->fleet = fleet;
	host->image = &fleet->image[fleet->host_count % fleet->image_count];
	fleet->hosts[fleet->host_count++] = host;
	random_bytes(host->stream_id, sizeof(host->stream_id));
	int rc = read_pem(dir, "agent.crt", &cert, out_why);
	rc = rc < 0 ? rc : read_pem(dir, "agent.key", &key, out_why);
	rc = rc < 0 ? rc : read_pem(dir, "ca.crt", &ca, out_why);
	if (rc == 0)
		rc = tls_client_new(
		        buf_slice(&cert), buf_slice(&key), buf_slice(&ca), &host->tls, out_why);
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
	free(host);
}

static int run(struct fleet *fleet, char **dirs, int dir_count, struct reason *out_why)
{
	fleet->loop = loop_new();
	fleet->timer = timer_new(fleet->loop, on_timer, fleet);
	fleet->arena = arena_new(ARENA_BYTES);
	int rc = make_images(fleet, out_why);
	for (int i = 0; i < dir_count && rc == 0; i++)
		rc = host_new(fleet, dirs[i], out_why);
	printf("ready\n");
	fflush(stdout);
	for (unsigned i = 0; i < fleet->host_count && rc == 0; i++)
		connect_host(fleet->hosts[i]);
	timer_start(fleet->timer, POLL_MS, POLL_MS);
	if (rc == 0)
		loop_run(fleet->loop);
	for (unsigned i = 0; i < fleet->host_count; i++)
		host_free(fleet->hosts[i]);
	for (uint64_t i = 0; i < fleet->image_count; i++)
		if (fleet->image[i].state)
			image_free(&fleet->image[i]);
	timer_free(fleet->timer);
	loop_free(fleet->loop);
	arena_free(fleet->arena);
	buf_fini(&fleet->payload);
	buf_fini(&fleet->scratch);
	buf_fini(&fleet->frames);
	return rc;
}

int main(int argc, char **argv)
{
	static struct fleet fleet;
	struct reason why = {""};
	if (argc < 4 || argc - 3 > HOSTS_MAX ||
	        !text_parse_u64(slice_text(argv[2]), IMAGES_MAX, &fleet.image_count) ||
	        fleet.image_count == 0) {
		fprintf(stderr, "usage: bench_fleet COLLECTOR IMAGES STATE_DIR...\n");
		return 2;
	}
	fleet.collector = argv[1];
	int rc = run(&fleet, argv + 3, argc - 3, &why);
	if (rc < 0)
		fprintf(stderr, "bench_fleet: %s\n", why.text);
	return rc < 0 || fleet.is_broken ? 1 : 0;
}
