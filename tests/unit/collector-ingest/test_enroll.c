#include "scene.h"

static void ask(struct client *client, const char *token, const char *host, const char *csr)
{
	struct message message = {.kind = FRAME_ENROLL_REQUEST};

	message.enroll_request.token = slice_text(token);
	message.enroll_request.host = slice_text(host);
	message.enroll_request.csr_pem = slice_text(csr);
	message.enroll_request.agent_version = slice_text("0.1.0");
	client_send(client, &message);
}

static void enrol(struct client *client, const char *token, const char *host)
{
	struct buf csr = BUF_INIT;
	struct reason why;

	/* The name in the request itself counts for nothing. */
	must(pki_csr_new(buf_slice(&client->scene->host_key), "whatever", &csr, &why), &why, "csr");
	ask(client, token, host, buf_text(&csr));
	buf_fini(&csr);
}

static void test_host_enrols_and_streams_with_its_certificate(void **state)
{
	struct scene *scene = *state;
	struct client client;
	struct buf cert = BUF_INIT;
	struct pki_cert_info info;
	struct host_record host;
	struct reason why;

	add_token(scene, "one-time", 0);
	client_open_enrolment(&client, scene);
	enrol(&client, "one-time", "web01");
	client_await(&client, FRAME_ENROLL_REPLY);
	assert_true(slice_is(client.last.enroll_reply.host, "web01"));
	assert_true(slice_equal(client.last.enroll_reply.ca_pem, buf_slice(&scene->ca_cert)));
	buf_append_slice(&cert, client.last.enroll_reply.cert_pem);
	must(pki_cert_info(buf_slice(&cert), &info, &why), &why, "cert");
	assert_string_equal(info.name, "web01");
	assert_int_equal(scene->enrolled, 1);
	assert_string_equal(scene->details, "production ");
	host = read_host(scene, scene->last_host);
	assert_memory_equal(host.serial, info.serial, PKI_SERIAL_BYTES);
	assert_int_equal(host.label_count, 1);
	client_fini(&client);

	client_stream(&client, scene, &cert, "stream a");
	assert_true(slice_is(client.last.welcome.host, "web01"));
	assert_int_equal(client.last.welcome.stored_seq, 0);
	assert_int_equal(client.last.welcome.heartbeat_s, 30);
	client_fini(&client);
	buf_fini(&cert);
}

static void refused_with_token(struct scene *scene, const char *token)
{
	struct client client;

	client_open_enrolment(&client, scene);
	enrol(&client, token, "web01");
	client_is_refused(&client, REFUSED_TOKEN, "enrolment token is unknown, used or expired");
	client_fini(&client);
	assert_int_equal(scene->enrolled, 0);
}

static void test_unknown_token_is_refused(void **state)
{
	refused_with_token(*state, "no-such-token");
}

static void test_expired_token_is_refused(void **state)
{
	add_token(*state, "expired", 5);
	refused_with_token(*state, "expired");
}

static int apply_admin_token(struct store_job *job, struct kv_txn *txn, struct reason *out_why)
{
	struct token_record token = {.role = TOKEN_ADMIN};

	(void)job;
	(void)out_why;
	return tokens_put(txn, slice_text("admin"), &token);
}

static void test_admin_token_enrols_nobody(void **state)
{
	struct scene *scene = *state;
	struct store_job job = {.apply = apply_admin_token};
	struct reason why;

	must(store_write(scene->store, &job, &why), &why, "write");
	refused_with_token(scene, "admin");
}

static void test_token_is_good_once(void **state)
{
	struct scene *scene = *state;
	struct client client;

	add_token(scene, "one-time", 0);
	client_open_enrolment(&client, scene);
	enrol(&client, "one-time", "web01");
	client_await(&client, FRAME_ENROLL_REPLY);
	client_fini(&client);
	client_open_enrolment(&client, scene);
	enrol(&client, "one-time", "web02");
	client_is_refused(&client, REFUSED_TOKEN, "used");
	client_fini(&client);
	assert_int_equal(scene->enrolled, 1);
}

static void test_of_two_that_race_with_one_token_one_wins(void **state)
{
	struct scene *scene = *state;
	struct client clients[2];
	struct kv_txn *hold;
	unsigned replies, refusals;

	add_token(scene, "one-time", 0);
	client_open_enrolment(&clients[0], scene);
	client_open_enrolment(&clients[1], scene);
	/* Both jobs wait behind this transaction, so both requests have passed the early check. */
	assert_int_equal(kv_begin_write(store_kv(scene->store), &hold), 0);
	enrol(&clients[0], "one-time", "web01");
	enrol(&clients[1], "one-time", "web02");
	while (store_waiting(scene->store) < 2) {
		struct timer *timer = timer_new(
		        scene->loop, (void (*)(void *))loop_stop, scene->loop);
		timer_start(timer, 1, 0);
		loop_run(scene->loop);
		timer_free(timer);
	}
	kv_abort(hold);
	do {
		loop_run(scene->loop);
		replies = clients[0].of_kind[FRAME_ENROLL_REPLY] +
		          clients[1].of_kind[FRAME_ENROLL_REPLY];
		refusals = clients[0].of_kind[FRAME_REFUSED] + clients[1].of_kind[FRAME_REFUSED];
	} while (replies + refusals < 2);
	assert_int_equal(replies, 1);
	assert_int_equal(refusals, 1);
	assert_int_equal(scene->enrolled, 1);
	client_fini(&clients[0]);
	client_fini(&clients[1]);
}

static void test_taken_name_is_refused_and_keeps_the_token(void **state)
{
	struct scene *scene = *state;
	struct client client;
	struct buf cert = BUF_INIT;

	add_host(scene, "web01", &cert);
	add_token(scene, "one-time", 0);
	client_open_enrolment(&client, scene);
	enrol(&client, "one-time", "web01");
	client_is_refused(
	        &client, REFUSED_NAME, "host 'web01' is already enrolled: revoke it first");
	client_fini(&client);
	client_open_enrolment(&client, scene);
	enrol(&client, "one-time", "web02");
	client_await(&client, FRAME_ENROLL_REPLY);
	client_fini(&client);
	buf_fini(&cert);
}

static void test_revoked_host_keeps_its_number_when_enrolled_again(void **state)
{
	struct scene *scene = *state;
	struct write_job job = {0};
	struct client client;
	struct buf cert = BUF_INIT;
	uint32_t id = add_host(scene, "web01", &cert);

	job.host = read_host(scene, id);
	job.host.name = slice_text("web01");
	job.host.is_revoked = true;
	write_now(scene, &job);
	add_token(scene, "one-time", 0);
	client_open_enrolment(&client, scene);
	enrol(&client, "one-time", "web01");
	client_await(&client, FRAME_ENROLL_REPLY);
	assert_int_equal(scene->last_host, id);
	assert_false(read_host(scene, id).is_revoked);
	client_fini(&client);
	client_open_stream(&client, scene, &cert);
	client_is_refused(&client, REFUSED_REVOKED, "newer");
	client_fini(&client);
	buf_fini(&cert);
}

static void test_bad_names_and_requests_are_refused(void **state)
{
	struct scene *scene = *state;
	struct client client;

	add_token(scene, "one-time", 0);
	client_open_enrolment(&client, scene);
	enrol(&client, "one-time", "web 01/../x");
	client_is_refused(&client, REFUSED_NAME, "no host name");
	client_fini(&client);
	client_open_enrolment(&client, scene);
	ask(&client, "one-time", "web01", "this is no PEM");
	client_is_refused(&client, REFUSED_PROTOCOL, "");
	client_fini(&client);
	assert_int_equal(scene->enrolled, 0);
}

static void test_enrolling_session_may_not_stream(void **state)
{
	struct scene *scene = *state;
	struct client client;

	client_open_enrolment(&client, scene);
	client_hello(&client, "stream a", 1, 1);
	client_is_refused(&client, REFUSED_PROTOCOL, "hello");
	client_fini(&client);
}

#define WITH_SCENE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        WITH_SCENE(test_host_enrols_and_streams_with_its_certificate),
	        WITH_SCENE(test_unknown_token_is_refused),
	        WITH_SCENE(test_expired_token_is_refused),
	        WITH_SCENE(test_admin_token_enrols_nobody),
	        WITH_SCENE(test_token_is_good_once),
	        WITH_SCENE(test_of_two_that_race_with_one_token_one_wins),
	        WITH_SCENE(test_taken_name_is_refused_and_keeps_the_token),
	        WITH_SCENE(test_revoked_host_keeps_its_number_when_enrolled_again),
	        WITH_SCENE(test_bad_names_and_requests_are_refused),
	        WITH_SCENE(test_enrolling_session_may_not_stream),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
