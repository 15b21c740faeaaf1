#include "scene.h"

#include <zstd.h>

static void test_batch_is_stored_told_and_acknowledged(void **state)
{
	struct scene *scene = *state;
	struct client client;
	struct buf cert = BUF_INIT;
	uint32_t host = add_host(scene, "web01", &cert);

	client_stream(&client, scene, &cert, "stream a");
	assert_true(ingest_is_connected(scene->ingest, host));
	client_batch(&client, 1, 3);
	client_await(&client, FRAME_ACK);
	assert_int_equal(client.acked, 3);
	assert_int_equal(scene->stored_calls, 1);
	assert_string_equal(scene->details, "/f/1 /f/2 /f/3 ");
	assert_int_equal(scene->new_streams, 0);
	assert_int_equal(count_files(scene, host), 3);
	assert_true(read_host(scene, host).last_seen_ns > 0);
	client_batch(&client, 4, 1);
	client_await(&client, FRAME_ACK);
	assert_int_equal(client.acked, 4);
	assert_int_equal(status_of(scene).events, 4);
	client_fini(&client);
	buf_fini(&cert);
}

static void test_batch_that_comes_twice_is_acknowledged_and_applied_once(void **state)
{
	struct scene *scene = *state;
	struct client client;
	struct buf cert = BUF_INIT;

	add_host(scene, "web01", &cert);
	client_stream(&client, scene, &cert, "stream a");
	client_batch(&client, 1, 3);
	client_await(&client, FRAME_ACK);
	client_batch(&client, 1, 3);
	client_await(&client, FRAME_ACK);
	assert_int_equal(client.acked, 3);
	assert_int_equal(scene->stored_events, 3);
	assert_int_equal(log_end(scene), 1);
	assert_int_equal(status_of(scene).duplicates, 1);
	/* Half of it is known. */
	client_batch(&client, 2, 4);
	client_await(&client, FRAME_ACK);
	assert_int_equal(client.acked, 5);
	assert_string_equal(scene->details, "/f/1 /f/2 /f/3 /f/4 /f/5 ");
	client_fini(&client);
	buf_fini(&cert);
}

static void test_new_connection_goes_on_where_the_last_ended(void **state)
{
	struct scene *scene = *state;
	struct client client;
	struct buf cert = BUF_INIT;

	add_host(scene, "web01", &cert);
	client_stream(&client, scene, &cert, "stream a");
	client_batch(&client, 1, 3);
	client_await(&client, FRAME_ACK);
	client_fini(&client);
	client_stream(&client, scene, &cert, "stream a");
	assert_int_equal(client.last.welcome.stored_seq, 3);
	client_fini(&client);
	buf_fini(&cert);
}

static void test_hole_is_refused(void **state)
{
	struct scene *scene = *state;
	struct client client;
	struct buf cert = BUF_INIT;

	add_host(scene, "web01", &cert);
	client_stream(&client, scene, &cert, "stream a");
	client_batch(&client, 1, 3);
	client_batch(&client, 5, 1);
	client_is_refused(&client, REFUSED_SEQUENCE, "from event 5 does not follow event 3");
	assert_int_equal(client.acked, 3);
	assert_int_equal(log_end(scene), 1);
	client_fini(&client);
	buf_fini(&cert);
}

static void test_stream_has_to_begin_with_one(void **state)
{
	struct scene *scene = *state;
	struct client client;
	struct buf cert = BUF_INIT;

	add_host(scene, "web01", &cert);
	client_stream(&client, scene, &cert, "stream a");
	client_batch(&client, 2, 1);
	client_is_refused(&client, REFUSED_SEQUENCE, "");
	assert_int_equal(log_end(scene), 0);
	client_fini(&client);
	buf_fini(&cert);
}

static void test_new_stream_forgets_the_picture_and_says_so(void **state)
{
	struct scene *scene = *state;
	struct client client;
	struct buf cert = BUF_INIT;
	uint32_t host = add_host(scene, "web01", &cert);

	client_stream(&client, scene, &cert, "stream a");
	client_batch(&client, 1, 3);
	client_await(&client, FRAME_ACK);
	client_fini(&client);
	client_stream(&client, scene, &cert, "stream b");
	assert_int_equal(client.last.welcome.stored_seq, 0);
	scene->details[0] = '\0';
	client_batch(&client, 1, 1);
	client_await(&client, FRAME_ACK);
	assert_int_equal(scene->new_streams, 1);
	assert_string_equal(scene->details,
	        "a new stream began: the agent's state was lost or replaced web /f/1 ");
	assert_int_equal(count_files(scene, host), 1);
	/* gap, label, batch */
	assert_int_equal(log_end(scene), 4);
	client_fini(&client);

	/* The old stream is told that nothing can follow in it. */
	client_stream(&client, scene, &cert, "stream a");
	assert_true(client.last.welcome.stored_seq == UINT64_MAX);
	client_batch(&client, 4, 1);
	client_is_refused(&client, REFUSED_SEQUENCE, "begin a new one");
	assert_int_equal(count_files(scene, host), 1);
	client_fini(&client);
	buf_fini(&cert);
}

static void test_stream_that_was_put_back_loses_nothing_silently(void **state)
{
	struct scene *scene = *state;
	struct client client;
	struct buf cert = BUF_INIT;

	add_host(scene, "web01", &cert);
	client_stream(&client, scene, &cert, "stream a");
	client_batch(&client, 1, 5);
	client_await(&client, FRAME_ACK);
	client_fini(&client);
	/* The agent's disk is that of yesterday: it would give the numbers 3 to 5 again. */
	client_open_stream(&client, scene, &cert);
	client_hello(&client, "stream a", 3, 3);
	client_await(&client, FRAME_WELCOME);
	assert_int_equal(client.last.welcome.stored_seq, 5);
	client_batch(&client, 3, 1);
	client_is_refused(&client, REFUSED_SEQUENCE, "begin a new one");
	client_fini(&client);
	buf_fini(&cert);
}

/* --- what must not get in --------------------------------------------------------------------- */

static void send_raw(struct client *client, const void *bytes, size_t len)
{
	conn_send(client->conn, slice_of(bytes, len));
}

static void test_bad_event_refuses_the_whole_batch(void **state)
{
	struct scene *scene = *state;
	struct client client;
	struct message message = {.kind = FRAME_BATCH};
	struct event good = {.kind = EVENT_AGENT, .action = ACTION_STARTED, .cause = CAUSE_LIVE};
	struct buf cert = BUF_INIT, event = BUF_INIT;
	struct slice events[2];

	add_host(scene, "web01", &cert);
	client_stream(&client, scene, &cert, "stream a");
	assert_int_equal(wire_event_encode(&good, &event), 0);
	events[0] = buf_slice(&event);
	events[1] = slice_text("\x10\x01\x18\x05"); /* a deletion of nothing */
	message.batch = (struct batch){.first_seq = 1, .count = 2, .events = events};
	client_send(&client, &message);
	client_is_refused(&client, REFUSED_PROTOCOL, "event 2");
	assert_int_equal(log_end(scene), 0);
	assert_int_equal(status_of(scene).refused, 1);
	client_fini(&client);
	buf_fini(&cert);
	buf_fini(&event);
}

static void test_path_that_no_key_holds_refuses_the_batch(void **state)
{
	struct scene *scene = *state;
	struct client client;
	struct message message = {.kind = FRAME_BATCH};
	struct event bad = {.kind = EVENT_FILE,
	        .action = ACTION_GAP,
	        .cause = CAUSE_LIVE,
	        .path = slice_text("/etc//x"),
	        .detail = slice_text("overflow")};
	struct buf cert = BUF_INIT, event = BUF_INIT;
	struct slice events[1];

	add_host(scene, "web01", &cert);
	client_stream(&client, scene, &cert, "stream a");
	assert_int_equal(wire_event_encode(&bad, &event), 0);
	events[0] = buf_slice(&event);
	message.batch = (struct batch){.first_seq = 1, .count = 1, .events = events};
	client_send(&client, &message);
	client_is_refused(&client, REFUSED_PROTOCOL, "/etc//x");
	client_fini(&client);
	buf_fini(&cert);
	buf_fini(&event);
}

static void others_do_not_notice(struct scene *scene, struct client *other, uint64_t next_seq)
{
	client_batch(other, next_seq, 1);
	client_await(other, FRAME_ACK);
	assert_int_equal(other->acked, next_seq);
	assert_int_equal(status_of(scene).sessions, 1);
}

static void test_garbage_ends_that_connection_only(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
	} garbage[] = {
	        {"\x00\x00\x00\x02\xee\x00", 6},             /* unknown kind */
	        {"\x00\x00\x00\x01\x03\x00", 6},             /* too short */
	        {"\x7f\xff\xff\xff\x03\x00", 6},             /* a length that lies */
	        {"\x00\x00\x00\x02\x03\x80", 6},             /* unknown flag */
	        {"\x00\x00\x00\x05\x03\x00\xff\xff\xff", 9}, /* no protobuf */
	        {"\x00\x00\x00\x05\x03\x01zip", 9},          /* no zstd */
	        {"\x00\x00\x00\x02\x01\x00", 6},             /* a second hello, empty */
	        {"\x00\x00\x00\x02\x05\x00", 6},             /* not spoken: offer */
	        {"GET / HTTP/1.0\r\n\r\n", 18},
	};
	struct scene *scene = *state;
	struct client client, other;
	struct buf cert = BUF_INIT, other_cert = BUF_INIT;

	add_host(scene, "web01", &cert);
	add_host(scene, "db01", &other_cert);
	client_stream(&other, scene, &other_cert, "stream o");
	for (size_t i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++) {
		client_stream(&client, scene, &cert, "stream a");
		send_raw(&client, garbage[i].bytes, garbage[i].len);
		client_await_close(&client);
		assert_int_equal(status_of(scene).refused, i + 1);
		others_do_not_notice(scene, &other, i + 1);
		client_fini(&client);
	}
	client_fini(&other);
	buf_fini(&cert);
	buf_fini(&other_cert);
}

/* A frame of `flags` zstd whose content is `len` zeros. */
static void send_zipped_zeros(struct client *client, size_t len)
{
	size_t room = ZSTD_compressBound(len);
	uint8_t *zeros = calloc(1, len), *frame = malloc(room + 6);
	size_t packed = ZSTD_compress(frame + 6, room, zeros, len, 1);

	assert_false(ZSTD_isError(packed));
	packed += 2;
	for (int i = 0; i < 4; i++)
		frame[i] = (uint8_t)(packed >> (8 * (3 - i)));
	frame[4] = FRAME_BATCH;
	frame[5] = FRAME_ZSTD;
	send_raw(client, frame, packed + 4);
	free(zeros);
	free(frame);
}

static void test_zip_bomb_is_refused(void **state)
{
	struct scene *scene = *state;
	struct client client;
	struct buf cert = BUF_INIT;

	add_host(scene, "web01", &cert);
	client_stream(&client, scene, &cert, "stream a");
	send_zipped_zeros(&client, 512u << 20);
	client_is_refused(&client, REFUSED_PROTOCOL, "limit");
	client_fini(&client);
	client_stream(&client, scene, &cert, "stream a");
	send_zipped_zeros(&client, FRAME_PAYLOAD_MAX);
	client_is_refused(&client, REFUSED_PROTOCOL, "");
	client_fini(&client);
	buf_fini(&cert);
}

static void test_batch_before_hello_is_refused(void **state)
{
	struct scene *scene = *state;
	struct client client;
	struct buf cert = BUF_INIT;

	add_host(scene, "web01", &cert);
	client_open_stream(&client, scene, &cert);
	client_batch(&client, 1, 1);
	client_is_refused(&client, REFUSED_PROTOCOL, "message 'batch' at the wrong moment");
	assert_int_equal(log_end(scene), 0);
	client_fini(&client);
	buf_fini(&cert);
}

static void test_stream_id_of_zeros_is_refused(void **state)
{
	struct scene *scene = *state;
	struct client client;
	struct message message = {.kind = FRAME_HELLO};
	struct buf cert = BUF_INIT, out = BUF_INIT, payload = BUF_INIT;

	add_host(scene, "web01", &cert);
	client_open_stream(&client, scene, &cert);
	message.hello = (struct hello){.first_seq = 1, .next_seq = 1};
	if (wire_encode(&message, &payload) == 0) {
		assert_int_equal(frame_append(&out, FRAME_HELLO, buf_slice(&payload)), 0);
		conn_send(client.conn, buf_slice(&out));
	} else { /* our own encoder refuses it: by hand, first_seq and next_seq 1 */
		send_raw(&client, "\x00\x00\x00\x06\x01\x00\x10\x01\x18\x01", 10);
	}
	client_is_refused(&client, REFUSED_PROTOCOL, "");
	client_fini(&client);
	buf_fini(&cert);
	buf_fini(&out);
	buf_fini(&payload);
}

#define WITH_SCENE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        WITH_SCENE(test_batch_is_stored_told_and_acknowledged),
	        WITH_SCENE(test_batch_that_comes_twice_is_acknowledged_and_applied_once),
	        WITH_SCENE(test_new_connection_goes_on_where_the_last_ended),
	        WITH_SCENE(test_hole_is_refused),
	        WITH_SCENE(test_stream_has_to_begin_with_one),
	        WITH_SCENE(test_new_stream_forgets_the_picture_and_says_so),
	        WITH_SCENE(test_stream_that_was_put_back_loses_nothing_silently),
	        WITH_SCENE(test_bad_event_refuses_the_whole_batch),
	        WITH_SCENE(test_path_that_no_key_holds_refuses_the_batch),
	        WITH_SCENE(test_garbage_ends_that_connection_only),
	        WITH_SCENE(test_zip_bomb_is_refused),
	        WITH_SCENE(test_batch_before_hello_is_refused),
	        WITH_SCENE(test_stream_id_of_zeros_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
