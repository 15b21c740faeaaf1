/* Who may speak, and what happens under load and in trouble. */
#include "scene.h"

#include <signal.h>
#include <sys/resource.h>

/* --- who may speak ---------------------------------------------------------------------------- */

static void test_unknown_host_is_refused(void **state)
{
	struct scene *scene = *state;
	struct client client;
	struct buf cert = BUF_INIT;

	sign_cert(scene, buf_slice(&scene->host_key), "stranger", false, &cert);
	client_open_stream(&client, scene, &cert);
	client_is_refused(&client, REFUSED_REVOKED, "host 'stranger' is not enrolled");
	client_fini(&client);
	buf_fini(&cert);
}

static void revoke_record(struct scene *scene, uint32_t id)
{
	struct write_job job = {.host = read_host(scene, id)};

	job.host.name = slice_text("web01");
	job.host.agent_version = slice_text("");
	job.host.label_count = 0;
	job.host.is_revoked = true;
	write_now(scene, &job);
}

static void test_revoked_host_is_refused_at_the_door_and_inside(void **state)
{
	struct scene *scene = *state;
	struct client client;
	struct buf cert = BUF_INIT;
	uint32_t host = add_host(scene, "web01", &cert);

	client_stream(&client, scene, &cert, "stream a");
	client_batch(&client, 1, 1);
	client_await(&client, FRAME_ACK);
	revoke_record(scene, host);
	ingest_revoke(scene->ingest, host);
	client_is_refused(&client, REFUSED_REVOKED, "host 'web01' is revoked");
	assert_false(ingest_is_connected(scene->ingest, host));
	client_fini(&client);
	client_open_stream(&client, scene, &cert);
	client_is_refused(&client, REFUSED_REVOKED, "host 'web01' is revoked");
	client_fini(&client);
	buf_fini(&cert);
}

static void test_batch_of_a_host_revoked_meanwhile_is_not_stored(void **state)
{
	struct scene *scene = *state;
	struct client client;
	struct buf cert = BUF_INIT;
	uint32_t host = add_host(scene, "web01", &cert);

	client_stream(&client, scene, &cert, "stream a");
	revoke_record(scene, host);
	client_batch(&client, 1, 1);
	client_is_refused(&client, REFUSED_REVOKED, "revoked");
	assert_int_equal(log_end(scene), 0);
	client_fini(&client);
	buf_fini(&cert);
}

static void test_newer_session_ends_the_older(void **state)
{
	struct scene *scene = *state;
	struct client older, newer;
	struct buf cert = BUF_INIT;
	uint32_t host = add_host(scene, "web01", &cert);

	client_stream(&older, scene, &cert, "stream a");
	client_stream(&newer, scene, &cert, "stream a");
	client_is_refused(&older, REFUSED_SUPERSEDED, "host 'web01' has connected anew");
	assert_true(ingest_is_connected(scene->ingest, host));
	assert_int_equal(status_of(scene).sessions, 1);
	client_batch(&newer, 1, 1);
	client_await(&newer, FRAME_ACK);
	client_fini(&older);
	client_fini(&newer);
	buf_fini(&cert);
}

static void test_renewed_certificate_replaces_the_old_once_it_is_seen(void **state)
{
	struct scene *scene = *state;
	struct client client;
	struct message message = {.kind = FRAME_RENEW_REQUEST};
	struct buf cert = BUF_INIT, next = BUF_INIT, csr = BUF_INIT;
	struct reason why;

	add_host(scene, "web01", &cert);
	client_stream(&client, scene, &cert, "stream a");
	must(pki_csr_new(buf_slice(&scene->host_key), "db01", &csr, &why), &why, "csr");
	message.renew_request.csr_pem = buf_slice(&csr);
	client_send(&client, &message);
	client_await(&client, FRAME_RENEW_REPLY);
	assert_true(slice_is(client.last.renew_reply.host, "web01"));
	buf_append_slice(&next, client.last.renew_reply.cert_pem);
	client_fini(&client);

	client_stream(&client, scene, &cert, "stream a"); /* the old one is good until then */
	client_fini(&client);
	client_stream(&client, scene, &next, "stream a");
	client_batch(&client, 1, 1);
	client_await(&client, FRAME_ACK); /* stored behind the record of the certificate */
	client_fini(&client);
	client_open_stream(&client, scene, &cert);
	client_is_refused(&client, REFUSED_REVOKED, "newer");
	client_fini(&client);
	buf_fini(&cert);
	buf_fini(&next);
	buf_fini(&csr);
}

/* --- under load and in trouble ---------------------------------------------------------------- */

static void test_every_batch_of_a_flood_is_acknowledged_in_order(void **state)
{
	struct scene *scene = *state;
	struct client client;
	struct buf cert = BUF_INIT;
	uint32_t host = add_host(scene, "web01", &cert);

	client_stream(&client, scene, &cert, "stream a");
	for (unsigned i = 0; i < 300; i++)
		client_batch(&client, 1 + i * 10, 10);
	while (client.acked < 3000 && !client.is_closed)
		loop_run(scene->loop);
	assert_int_equal(client.acked, 3000);
	assert_int_equal(scene->stored_events, 3000);
	assert_int_equal(count_files(scene, host), 3000);
	client_fini(&client);
	buf_fini(&cert);
}

/* The kernel refuses to let any file grow beyond this: a full disk, for who writes. */
static void limit_files(rlim_t bytes)
{
	struct rlimit limit;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes == RLIM_INFINITY ? limit.rlim_max : bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void test_full_disk_refuses_and_goes_on_when_there_is_room(void **state)
{
	struct scene *scene = *state;
	struct client client;
	struct buf cert = BUF_INIT;
	uint32_t host = add_host(scene, "web01", &cert);
	uint64_t seq = 1, acked = 0;

	client_stream(&client, scene, &cert, "stream a");
	limit_files(512u << 10);
	for (; client.of_kind[FRAME_REFUSED] == 0; seq += 50) {
		acked = client.acked;
		client_batch(&client, seq, 50);
		while (client.acked == acked && client.of_kind[FRAME_REFUSED] == 0)
			loop_run(scene->loop);
	}
	client_is_refused(&client, REFUSED_STORE, "cannot store now");
	assert_true(acked > 0);
	assert_true(status_of(scene).is_store_failing);
	assert_int_equal(count_files(scene, host), acked);
	client_fini(&client);

	limit_files(RLIM_INFINITY);
	client_stream(&client, scene, &cert, "stream a");
	assert_int_equal(client.last.welcome.stored_seq, acked);
	client_batch(&client, acked + 1, 50);
	client_await(&client, FRAME_ACK);
	assert_int_equal(count_files(scene, host), acked + 50);
	assert_false(status_of(scene).is_store_failing);
	client_fini(&client);
	buf_fini(&cert);
}

static void test_close_while_batches_wait_keeps_them(void **state)
{
	struct scene *scene = *state;
	struct client client;
	struct buf cert = BUF_INIT;
	uint32_t host = add_host(scene, "web01", &cert);
	struct kv_txn *hold;

	client_stream(&client, scene, &cert, "stream a");
	client_batch(&client, 1, 1);
	client_await(&client, FRAME_ACK); /* nothing of the greeting waits any more */
	assert_int_equal(kv_begin_write(store_kv(scene->store), &hold), 0);
	client_batch(&client, 2, 2);
	while (store_waiting(scene->store) == 0) {
		struct timer *timer = timer_new(
		        scene->loop, (void (*)(void *))loop_stop, scene->loop);
		timer_start(timer, 1, 0);
		loop_run(scene->loop);
		timer_free(timer);
	}
	kv_abort(hold);
	ingest_close(scene->ingest);
	store_close(scene->store);
	assert_int_equal(scene->stored_calls, 1);
	open_store(scene, MAP_BYTES);
	open_ingest(scene, 30);
	assert_int_equal(count_files(scene, host), 3);
	client_fini(&client);
	buf_fini(&cert);
}

static void test_heartbeat_is_said_when_nothing_else_is(void **state)
{
	struct scene *scene = *state;
	struct client client;
	struct buf cert = BUF_INIT;

	ingest_close(scene->ingest);
	open_ingest(scene, 1);
	add_host(scene, "web01", &cert);
	client_stream(&client, scene, &cert, "stream a");
	client_await(&client, FRAME_HEARTBEAT);
	/* … and a host that says nothing at all is given up. */
	client_await_close(&client);
	assert_int_equal(client.of_kind[FRAME_REFUSED], 0);
	assert_int_equal(status_of(scene).sessions, 0);
	client_fini(&client);
	buf_fini(&cert);
}

#define WITH_SCENE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        WITH_SCENE(test_unknown_host_is_refused),
	        WITH_SCENE(test_revoked_host_is_refused_at_the_door_and_inside),
	        WITH_SCENE(test_batch_of_a_host_revoked_meanwhile_is_not_stored),
	        WITH_SCENE(test_newer_session_ends_the_older),
	        WITH_SCENE(test_renewed_certificate_replaces_the_old_once_it_is_seen),
	        WITH_SCENE(test_every_batch_of_a_flood_is_acknowledged_in_order),
	        WITH_SCENE(test_full_disk_refuses_and_goes_on_when_there_is_room),
	        WITH_SCENE(test_close_while_batches_wait_keeps_them),
	        WITH_SCENE(test_heartbeat_is_said_when_nothing_else_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
