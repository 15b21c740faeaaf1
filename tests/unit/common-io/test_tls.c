#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/ssl.h>
#include <stdio.h>

#include "common/base/clock.h"
#include "common/io/tls.h"

/* Last: it makes a macro of `fail`. */
#include <cmocka.h>

#define HOUR_NS (3600 * NS_PER_S)

struct identity {
	struct buf key;
	struct buf cert;
};

/* One end of a connection in memory. */
struct side {
	struct tls_session *session;
	struct buf plain;
	struct reason why;
	int code; /* of the last feed */
};

static struct identity ca, other_ca, server, host;
static const char *const server_names[] = {"collector.example.org", "127.0.0.1", "::1", NULL};
static struct reason why;

/* --- certificates -------------------------------------------------------------------------- */

static void make_ca(struct identity *out, const char *name)
{
	int64_t now_ns = clock_wall_ns();

	assert_int_equal(pki_key_new(&out->key, &why), 0);
	assert_int_equal(pki_ca_new(buf_slice(&out->key), name, now_ns - 48 * HOUR_NS, 96 * HOUR_NS,
	                         &out->cert, &why),
	        0);
}

static void make_leaf(struct identity *out, const struct identity *issuer, bool is_server,
        int64_t begin_ns, int64_t end_ns)
{
	int64_t now_ns = clock_wall_ns();
	struct buf csr = BUF_INIT;
	struct pki_grant grant = {.name = is_server ? "collector" : "web01",
	        .names = is_server ? server_names : NULL,
	        .is_server = is_server,
	        .not_before_ns = now_ns + begin_ns,
	        .not_after_ns = now_ns + end_ns};

	assert_int_equal(pki_key_new(&out->key, &why), 0);
	assert_int_equal(pki_csr_new(buf_slice(&out->key), "asked", &csr, &why), 0);
	assert_int_equal(pki_sign(buf_slice(&csr), buf_slice(&issuer->cert),
	                         buf_slice(&issuer->key), &grant, &out->cert, &why),
	        0);
	buf_fini(&csr);
}

static void drop_identity(struct identity *identity)
{
	buf_fini(&identity->key);
	buf_fini(&identity->cert);
}

static int make_identities(void **state)
{
	(void)state;
	make_ca(&ca, "test CA");
	make_ca(&other_ca, "other CA");
	make_leaf(&server, &ca, true, -HOUR_NS, HOUR_NS);
	make_leaf(&host, &ca, false, -HOUR_NS, HOUR_NS);
	return 0;
}

static int free_identities(void **state)
{
	(void)state;
	drop_identity(&ca);
	drop_identity(&other_ca);
	drop_identity(&server);
	drop_identity(&host);
	return 0;
}

/* --- two sides ----------------------------------------------------------------------------- */

static struct tls_context *server_context(const struct identity *me, const struct identity *trusted)
{
	struct tls_context *context;

	assert_int_equal(tls_server_new(buf_slice(&me->cert), buf_slice(&me->key),
	                         buf_slice(&trusted->cert), &context, &why),
	        0);
	return context;
}

static struct tls_context *client_context(const struct identity *me, const struct identity *trusted)
{
	struct tls_context *context;

	assert_int_equal(tls_client_new(buf_slice(&me->cert), buf_slice(&me->key),
	                         buf_slice(&trusted->cert), &context, &why),
	        0);
	return context;
}

static struct tls_context *enroll_context(const struct identity *pinned)
{
	struct tls_context *context;
	struct pki_cert_info info;

	assert_int_equal(pki_cert_info(buf_slice(&pinned->cert), &info, &why), 0);
	assert_int_equal(tls_enroll_new(info.fingerprint, &context, &why), 0);
	return context;
}

/* Takes the contexts, which so are freed before their sessions. */
static void open_sides(struct side *a, struct tls_context *a_context, struct side *b,
        struct tls_context *b_context, const char *server_name)
{
	*a = (struct side){0};
	*b = (struct side){0};
	assert_int_equal(tls_session_new(a_context, server_name, &a->session, &why), 0);
	assert_int_equal(tls_session_new(b_context, NULL, &b->session, &why), 0);
	tls_context_free(a_context);
	tls_context_free(b_context);
}

static void close_sides(struct side *a, struct side *b)
{
	tls_session_free(a->session);
	tls_session_free(b->session);
	buf_fini(&a->plain);
	buf_fini(&b->plain);
}

/* What `from` has to say goes to `to`, `step` bytes at a time. */
static bool carry(struct side *from, struct side *to, size_t step)
{
	struct buf wire = BUF_INIT;

	tls_session_take(from->session, &wire);
	bool had_some = wire.len > 0;
	for (struct slice rest = buf_slice(&wire); rest.len > 0 && to->code == 0;) {
		size_t len = rest.len < step ? rest.len : step;

		to->code = tls_session_feed(
		        to->session, slice_of(rest.ptr, len), &to->plain, &to->why);
		rest.ptr += len;
		rest.len -= len;
	}
	buf_fini(&wire);
	return had_some;
}

static void talk(struct side *a, struct side *b, size_t step)
{
	bool goes_on;

	do {
		goes_on = carry(a, b, step);
		goes_on |= carry(b, a, step);
	} while (goes_on);
}

/* The usual pair: a host and a collector that trust each other. */
static void open_stream(struct side *client, struct side *collector)
{
	open_sides(client, client_context(&host, &ca), collector, server_context(&server, &ca),
	        "collector.example.org");
	talk(client, collector, SIZE_MAX);
	assert_int_equal(client->code, 0);
	assert_int_equal(collector->code, 0);
}

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
	        cmocka_unit_test(test_key_of_another_certificate_is_refused),
	        cmocka_unit_test(test_ca_that_is_none_is_refused),
	        cmocka_unit_test(test_client_needs_a_server_name),
	};
	return cmocka_run_group_tests(tests, make_identities, free_identities);
}
