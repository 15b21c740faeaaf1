/* Clients that are not ours, and hosts that enrol. */
#include "tests/unit/common-io/tls_scene.h"

/* --- a client that is not ours: OpenSSL as it comes ---------------------------------------- */

struct raw_client {
	SSL_CTX *context;
	SSL *ssl;
	BIO *in;
	BIO *out;
	bool was_asked; /* for a certificate */
};

/* SSL_CTX_set_client_cert_cb: called for a certificate request. */
static int note_request(SSL *ssl, X509 **out_cert, EVP_PKEY **out_key)
{
	struct raw_client *raw = SSL_get_app_data(ssl);

	(void)out_cert;
	(void)out_key;
	raw->was_asked = true;
	return 0;
}

static void open_raw(struct raw_client *raw, const char *alpn, int version)
{
	raw->context = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_max_proto_version(raw->context, version);
	SSL_CTX_set_client_cert_cb(raw->context, note_request);
	raw->was_asked = false;
	raw->ssl = SSL_new(raw->context);
	SSL_set_app_data(raw->ssl, raw);
	raw->in = BIO_new(BIO_s_mem());
	raw->out = BIO_new(BIO_s_mem());
	SSL_set_bio(raw->ssl, raw->in, raw->out);
	if (alpn)
		SSL_set_alpn_protos(raw->ssl, (const unsigned char *)alpn, (unsigned)strlen(alpn));
	SSL_set_connect_state(raw->ssl);
}

/* Speaks until both have nothing more to say; what the collector says of it is in `collector`. */
static void talk_raw(struct raw_client *raw, struct side *collector)
{
	struct tls_context *context = server_context(&server, &ca);
	struct buf wire = BUF_INIT;
	char *bytes;

	*collector = (struct side){0};
	assert_int_equal(tls_session_new(context, NULL, &collector->session, &why), 0);
	tls_context_free(context);
	for (;;) {
		SSL_do_handshake(raw->ssl);
		long len = BIO_get_mem_data(raw->out, &bytes);
		if (len <= 0)
			break;
		if (collector->code == 0)
			collector->code = tls_session_feed(collector->session,
			        slice_of(bytes, (size_t)len), &collector->plain, &collector->why);
		(void)BIO_reset(raw->out);
		buf_reset(&wire);
		tls_session_take(collector->session, &wire);
		if (wire.len > 0)
			BIO_write(raw->in, wire.data, (int)wire.len);
	}
	buf_fini(&wire);
}

static void close_raw(struct raw_client *raw, struct side *collector)
{
	SSL_free(raw->ssl);
	SSL_CTX_free(raw->context);
	tls_session_free(collector->session);
	buf_fini(&collector->plain);
}

/* Holds that the ALPN callback's choice comes early enough for the certificate request. */
static void test_stream_client_without_a_certificate_has_no_entry(void **state)
{
	struct raw_client raw;
	struct side collector;

	(void)state;
	open_raw(&raw, "\x0atsujiban/1", TLS1_3_VERSION);
	talk_raw(&raw, &collector);
	assert_int_equal(collector.code, ERR_TLS);
	assert_string_equal(collector.why.text, "cannot trust host: it sent no certificate");
	assert_true(raw.was_asked);
	close_raw(&raw, &collector);
}

static void test_enrolling_client_is_not_asked_for_a_certificate(void **state)
{
	struct raw_client raw;
	struct side collector;
	struct pki_cert_info peer;

	(void)state;
	open_raw(&raw, "\x11tsujiban-enroll/1", TLS1_3_VERSION);
	talk_raw(&raw, &collector);
	assert_int_equal(collector.code, 0);
	assert_string_equal(tls_session_protocol(collector.session), TLS_ALPN_ENROLL);
	assert_int_equal(tls_session_peer(collector.session, &peer), ERR_MISSING);
	assert_false(raw.was_asked);
	close_raw(&raw, &collector);
}

static void test_client_that_offers_both_gets_the_strict_one(void **state)
{
	struct raw_client raw;
	struct side collector;

	(void)state;
	open_raw(&raw, "\x11tsujiban-enroll/1\x0atsujiban/1", TLS1_3_VERSION);
	talk_raw(&raw, &collector);
	assert_int_equal(collector.code, ERR_TLS);
	assert_false(tls_session_is_ready(collector.session));
	close_raw(&raw, &collector);
}

static void test_client_with_another_protocol_or_none_has_no_entry(void **state)
{
	const char *offers[] = {"\x02h2\x08http/1.1", NULL};

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct raw_client raw;
		struct side collector;

		open_raw(&raw, offers[i], TLS1_3_VERSION);
		talk_raw(&raw, &collector);
		assert_int_equal(collector.code, ERR_TLS);
		assert_non_null(strstr(collector.why.text, "does not speak our protocol"));
		close_raw(&raw, &collector);
	}
}

static void test_client_of_tls_1_2_has_no_entry(void **state)
{
	struct raw_client raw;
	struct side collector;

	(void)state;
	open_raw(&raw, "\x0atsujiban/1", TLS1_2_VERSION);
	talk_raw(&raw, &collector);
	assert_int_equal(collector.code, ERR_TLS);
	assert_string_equal(collector.why.text, "peer does not speak TLS 1.3");
	close_raw(&raw, &collector);
}

static void test_http_request_is_no_tls(void **state)
{
	struct side collector = {0};
	struct tls_context *context = server_context(&server, &ca);

	(void)state;
	assert_int_equal(tls_session_new(context, NULL, &collector.session, &why), 0);
	tls_context_free(context);
	assert_int_equal(
	        tls_session_feed(collector.session, slice_text("GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
	                &collector.plain, &why),
	        ERR_TLS);
	assert_string_equal(why.text, "peer does not speak TLS");
	assert_int_equal(
	        tls_session_feed(collector.session, slice_text("more"), &collector.plain, &why),
	        ERR_TLS);
	tls_session_free(collector.session);
	buf_fini(&collector.plain);
}

/* --- enrolment ----------------------------------------------------------------------------- */

static void test_enrolling_host_trusts_the_pinned_ca(void **state)
{
	struct side client, collector;

	(void)state;
	open_sides(&client, enroll_context(&ca), &collector, server_context(&server, &ca),
	        "127.0.0.1");
	talk(&client, &collector, SIZE_MAX);
	assert_int_equal(client.code, 0);
	assert_int_equal(collector.code, 0);
	assert_string_equal(tls_session_protocol(client.session), TLS_ALPN_ENROLL);
	assert_string_equal(tls_session_protocol(collector.session), TLS_ALPN_ENROLL);
	assert_int_equal(tls_session_write(client.session, slice_text("token"), &why), 0);
	talk(&client, &collector, SIZE_MAX);
	assert_true(slice_is(buf_slice(&collector.plain), "token"));
	close_sides(&client, &collector);
}

static void expect_no_enrolment(const struct identity *pinned, const struct identity *shown,
        const struct identity *shown_ca, const char *server_name, const char *sentence)
{
	struct side client, collector;

	open_sides(&client, enroll_context(pinned), &collector, server_context(shown, shown_ca),
	        server_name);
	talk(&client, &collector, SIZE_MAX);
	assert_int_equal(client.code, ERR_TLS);
	if (!strstr(client.why.text, sentence))
		fail_msg("'%s' is not in '%s'", sentence, client.why.text);
	assert_int_equal(collector.code, ERR_TLS);
	close_sides(&client, &collector);
}

static void test_wrong_fingerprint_is_told_with_both(void **state)
{
	struct pki_cert_info shown, pinned;
	char expected[2 * PKI_FINGERPRINT_TEXT + 64];
	char texts[2][PKI_FINGERPRINT_TEXT];

	(void)state;
	assert_int_equal(pki_cert_info(buf_slice(&ca.cert), &shown, &why), 0);
	assert_int_equal(pki_cert_info(buf_slice(&other_ca.cert), &pinned, &why), 0);
	pki_fingerprint_text(shown.fingerprint, texts[0]);
	pki_fingerprint_text(pinned.fingerprint, texts[1]);
	snprintf(expected, sizeof(expected), "its CA has the fingerprint %s, not %s", texts[0],
	        texts[1]);
	expect_no_enrolment(&other_ca, &server, &ca, "127.0.0.1", expected);
}

/* Anybody can send the genuine CA's certificate along: the leaf has to be signed by it. */
static void test_pinned_ca_in_the_chain_is_not_enough(void **state)
{
	struct identity forged = {0};

	(void)state;
	make_leaf(&forged, &other_ca, true, -HOUR_NS, HOUR_NS);
	expect_no_enrolment(&ca, &forged, &ca, "127.0.0.1", "is not signed by the pinned CA");
	drop_identity(&forged);
}

/* The pinned certificate has to be a CA's, or every host's could be pinned. */
static void test_pinned_leaf_is_no_ca(void **state)
{
	(void)state;
	expect_no_enrolment(&server, &server, &ca, "127.0.0.1", "is no CA");
}

static void test_enrolling_host_checks_name_end_and_purpose(void **state)
{
	struct identity old = {0};

	(void)state;
	make_leaf(&old, &ca, true, -2 * HOUR_NS, -HOUR_NS);
	expect_no_enrolment(&ca, &server, &ca, "evil.example.org", "not 'evil.example.org'");
	expect_no_enrolment(&ca, &old, &ca, "127.0.0.1", "has ended on");
	expect_no_enrolment(&ca, &host, &ca, "127.0.0.1", "is not one of a collector");
	drop_identity(&old);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_stream_client_without_a_certificate_has_no_entry),
	        cmocka_unit_test(test_enrolling_client_is_not_asked_for_a_certificate),
	        cmocka_unit_test(test_client_that_offers_both_gets_the_strict_one),
	        cmocka_unit_test(test_client_with_another_protocol_or_none_has_no_entry),
	        cmocka_unit_test(test_client_of_tls_1_2_has_no_entry),
	        cmocka_unit_test(test_http_request_is_no_tls),
	        cmocka_unit_test(test_enrolling_host_trusts_the_pinned_ca),
	        cmocka_unit_test(test_wrong_fingerprint_is_told_with_both),
	        cmocka_unit_test(test_pinned_ca_in_the_chain_is_not_enough),
	        cmocka_unit_test(test_pinned_leaf_is_no_ca),
	        cmocka_unit_test(test_enrolling_host_checks_name_end_and_purpose),
	};
	return cmocka_run_group_tests(tests, make_identities, free_identities);
}
