/* Whom hosts and the collector trust. */
#include "tests/unit/common-io/tls_scene.h"

/* --- when all is well ---------------------------------------------------------------------- */

static void test_stream_has_a_certificate_on_both_sides(void **state)
{
	struct side client, collector;
	struct pki_cert_info peer;

	(void)state;
	open_stream(&client, &collector);
	assert_true(tls_session_is_ready(client.session));
	assert_true(tls_session_is_ready(collector.session));
	assert_string_equal(tls_session_protocol(client.session), TLS_ALPN_STREAM);
	assert_string_equal(tls_session_protocol(collector.session), TLS_ALPN_STREAM);
	assert_int_equal(tls_session_peer(collector.session, &peer), 0);
	assert_string_equal(peer.name, "web01");
	assert_int_equal(tls_session_peer(client.session, &peer), 0);
	assert_string_equal(peer.name, "collector");
	close_sides(&client, &collector);
}

static void test_handshake_works_byte_by_byte(void **state)
{
	struct side client, collector;

	(void)state;
	open_sides(&client, client_context(&host, &ca), &collector, server_context(&server, &ca),
	        "127.0.0.1");
	talk(&client, &collector, 1);
	assert_true(tls_session_is_ready(client.session));
	assert_true(tls_session_is_ready(collector.session));
	close_sides(&client, &collector);
}

static void test_server_is_known_by_each_of_its_names(void **state)
{
	(void)state;
	for (const char *const *name = server_names; *name; name++) {
		struct side client, collector;

		open_sides(&client, client_context(&host, &ca), &collector,
		        server_context(&server, &ca), *name);
		talk(&client, &collector, SIZE_MAX);
		assert_int_equal(client.code, 0);
		close_sides(&client, &collector);
	}
}

static void test_bytes_arrive_as_they_were_written(void **state)
{
	struct side client, collector;
	struct buf said = BUF_INIT;

	(void)state;
	open_stream(&client, &collector);
	for (unsigned i = 0; i < 50000; i++)
		buf_append_u32(&said, i * 2654435761u);
	assert_int_equal(tls_session_write(client.session, buf_slice(&said), &why), 0);
	assert_int_equal(tls_session_write(client.session, slice_text(""), &why), 0);
	assert_int_equal(tls_session_write(collector.session, slice_text("ack"), &why), 0);
	talk(&client, &collector, 1000);
	assert_true(slice_equal(buf_slice(&collector.plain), buf_slice(&said)));
	assert_true(slice_is(buf_slice(&client.plain), "ack"));
	buf_fini(&said);
	close_sides(&client, &collector);
}

static void test_close_arrives_after_what_was_said(void **state)
{
	struct side client, collector;

	(void)state;
	open_stream(&client, &collector);
	assert_int_equal(tls_session_write(client.session, slice_text("last"), &why), 0);
	tls_session_close(client.session);
	talk(&client, &collector, SIZE_MAX);
	assert_true(slice_is(buf_slice(&collector.plain), "last"));
	assert_int_equal(collector.code, ERR_CLOSED);
	close_sides(&client, &collector);
}

static void test_nothing_can_be_written_before_the_handshake_is_over(void **state)
{
	struct side client, collector;

	(void)state;
	open_sides(&client, client_context(&host, &ca), &collector, server_context(&server, &ca),
	        "127.0.0.1");
	assert_int_equal(
	        tls_session_write(client.session, slice_text("early"), &why), ERR_PROTOCOL);
	assert_null(tls_session_protocol(client.session));
	close_sides(&client, &collector);
}

/* --- whom a host does not trust ------------------------------------------------------------ */

static void expect_no_trust(const struct identity *shown, const char *server_name,
        const char *sentence, const char *refusal)
{
	struct side client, collector;

	open_sides(&client, client_context(&host, &ca), &collector, server_context(shown, &ca),
	        server_name);
	talk(&client, &collector, SIZE_MAX);
	assert_int_equal(client.code, ERR_TLS);
	if (!strstr(client.why.text, sentence))
		fail_msg("'%s' is not in '%s'", sentence, client.why.text);
	assert_int_equal(collector.code, ERR_TLS);
	if (!strstr(collector.why.text, refusal))
		fail_msg("'%s' is not in '%s'", refusal, collector.why.text);
	assert_false(tls_session_is_ready(client.session));
	close_sides(&client, &collector);
}

static void test_server_with_another_name_is_not_trusted(void **state)
{
	(void)state;
	expect_no_trust(&server, "evil.example.org",
	        "cannot trust collector 'evil.example.org': its certificate names "
	        "'collector.example.org', '127.0.0.1', '::1', not 'evil.example.org'",
	        "host refuses the connection: it does not accept our certificate");
	expect_no_trust(&server, "127.0.0.2", "not '127.0.0.2'", "refuses");
	/* The common name is no name of a server. */
	expect_no_trust(&server, "collector", "not 'collector'", "refuses");
}

static void test_server_of_another_ca_is_not_trusted(void **state)
{
	struct identity stranger = {0};

	(void)state;
	make_leaf(&stranger, &other_ca, true, -HOUR_NS, HOUR_NS);
	expect_no_trust(&stranger, "127.0.0.1",
	        "cannot trust collector '127.0.0.1': its certificate is not signed by the CA in "
	        "ca.crt, 'test CA'",
	        "it does not know the CA of our certificate");
	drop_identity(&stranger);
}

static void test_server_whose_certificate_has_ended_is_not_trusted(void **state)
{
	struct identity old = {0};

	(void)state;
	make_leaf(&old, &ca, true, -2 * HOUR_NS, -HOUR_NS);
	expect_no_trust(&old, "127.0.0.1",
	        "cannot trust collector '127.0.0.1': its certificate has ended on 2",
	        "it finds that our certificate has ended");
	drop_identity(&old);
}

static void test_server_whose_certificate_has_not_begun_is_not_trusted(void **state)
{
	struct identity early = {0};

	(void)state;
	make_leaf(&early, &ca, true, HOUR_NS, 2 * HOUR_NS);
	expect_no_trust(&early, "127.0.0.1", "its certificate begins only on 2", "refuses");
	drop_identity(&early);
}

static void test_host_cannot_play_the_collector(void **state)
{
	(void)state;
	expect_no_trust(&host, "127.0.0.1", "its certificate is not one of a collector", "refuses");
}

/* --- whom the collector does not trust ----------------------------------------------------- */

static void expect_no_entry(const struct identity *shown, const char *sentence, const char *refusal)
{
	struct side client, collector;

	open_sides(&client, client_context(shown, &ca), &collector, server_context(&server, &ca),
	        "127.0.0.1");
	talk(&client, &collector, SIZE_MAX);
	assert_int_equal(collector.code, ERR_TLS);
	if (!strstr(collector.why.text, sentence))
		fail_msg("'%s' is not in '%s'", sentence, collector.why.text);
	assert_false(tls_session_is_ready(collector.session));
	assert_int_equal(client.code, ERR_TLS);
	if (!strstr(client.why.text, refusal))
		fail_msg("'%s' is not in '%s'", refusal, client.why.text);
	close_sides(&client, &collector);
}

static void test_host_of_another_ca_has_no_entry(void **state)
{
	struct identity stranger = {0};

	(void)state;
	make_leaf(&stranger, &other_ca, false, -HOUR_NS, HOUR_NS);
	expect_no_entry(&stranger,
	        "cannot trust host 'web01': its certificate is not signed by the CA in ca.crt",
	        "collector refuses the connection: it does not know the CA of our certificate");
	drop_identity(&stranger);
}

static void test_host_whose_certificate_has_ended_has_no_entry(void **state)
{
	struct identity old = {0};

	(void)state;
	make_leaf(&old, &ca, false, -2 * HOUR_NS, -HOUR_NS);
	expect_no_entry(&old, "cannot trust host 'web01': its certificate has ended on 2",
	        "collector refuses the connection: it finds that our certificate has ended");
	drop_identity(&old);
}

static void test_collector_certificate_is_no_hosts(void **state)
{
	(void)state;
	expect_no_entry(&server, "its certificate is not one of a host", "refuses");
}

/* --- contexts ------------------------------------------------------------------------------ */

static void test_key_of_another_certificate_is_refused(void **state)
{
	struct tls_context *context;

	(void)state;
	assert_int_equal(tls_server_new(buf_slice(&server.cert), buf_slice(&host.key),
	                         buf_slice(&ca.cert), &context, &why),
	        ERR_FORMAT);
	assert_non_null(strstr(why.text, "the key is another's"));
}

static void test_ca_that_is_none_is_refused(void **state)
{
	struct tls_context *context;

	(void)state;
	assert_int_equal(tls_client_new(buf_slice(&host.cert), buf_slice(&host.key),
	                         buf_slice(&server.cert), &context, &why),
	        ERR_FORMAT);
	assert_int_equal(tls_client_new(buf_slice(&host.cert), buf_slice(&host.key), slice_text(""),
	                         &context, &why),
	        ERR_FORMAT);
}

static void test_client_needs_a_server_name(void **state)
{
	struct tls_context *context = client_context(&host, &ca);
	struct tls_session *session;

	(void)state;
	assert_int_equal(tls_session_new(context, "", &session, &why), ERR_FORMAT);
	assert_int_equal(tls_session_new(context, NULL, &session, &why), ERR_FORMAT);
	tls_context_free(context);
	tls_context_free(NULL);
	tls_session_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_stream_has_a_certificate_on_both_sides),
	        cmocka_unit_test(test_handshake_works_byte_by_byte),
	        cmocka_unit_test(test_server_is_known_by_each_of_its_names),
	        cmocka_unit_test(test_bytes_arrive_as_they_were_written),
	        cmocka_unit_test(test_close_arrives_after_what_was_said),
	        cmocka_unit_test(test_nothing_can_be_written_before_the_handshake_is_over),
	        cmocka_unit_test(test_server_with_another_name_is_not_trusted),
	        cmocka_unit_test(test_server_of_another_ca_is_not_trusted),
	        cmocka_unit_test(test_server_whose_certificate_has_ended_is_not_trusted),
	        cmocka_unit_test(test_server_whose_certificate_has_not_begun_is_not_trusted),
	        cmocka_unit_test(test_host_cannot_play_the_collector),
	        cmocka_unit_test(test_host_of_another_ca_has_no_entry),
	        cmocka_unit_test(test_host_whose_certificate_has_ended_has_no_entry),
	        cmocka_unit_test(test_collector_certificate_is_no_hosts),
	        cmocka_unit_test(test_key_of_another_certificate_is_refused),
	        cmocka_unit_test(test_ca_that_is_none_is_refused),
	        cmocka_unit_test(test_client_needs_a_server_name),
	};
	return cmocka_run_group_tests(tests, make_identities, free_identities);
}
