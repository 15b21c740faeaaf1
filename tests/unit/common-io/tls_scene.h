/*
 * tls_scene - certificates of a small fleet, and two sides that shake hands in memory.
 */
#ifndef TSUJIBAN_TESTS_UNIT_COMMON_IO_TLS_SCENE_H
#define TSUJIBAN_TESTS_UNIT_COMMON_IO_TLS_SCENE_H

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

static inline void make_ca(struct identity *out, const char *name)
{
	int64_t now_ns = clock_wall_ns();

	assert_int_equal(pki_key_new(&out->key, &why), 0);
	assert_int_equal(pki_ca_new(buf_slice(&out->key), name, now_ns - 48 * HOUR_NS, 96 * HOUR_NS,
	                         &out->cert, &why),
	        0);
}

static inline void make_leaf(struct identity *out, const struct identity *issuer, bool is_server,
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

static inline void drop_identity(struct identity *identity)
{
	buf_fini(&identity->key);
	buf_fini(&identity->cert);
}

static inline int make_identities(void **state)
{
	(void)state;
	make_ca(&ca, "test CA");
	make_ca(&other_ca, "other CA");
	make_leaf(&server, &ca, true, -HOUR_NS, HOUR_NS);
	make_leaf(&host, &ca, false, -HOUR_NS, HOUR_NS);
	return 0;
}

static inline int free_identities(void **state)
{
	(void)state;
	drop_identity(&ca);
	drop_identity(&other_ca);
	drop_identity(&server);
	drop_identity(&host);
	return 0;
}

/* --- two sides ----------------------------------------------------------------------------- */

static inline struct tls_context *server_context(
        const struct identity *me, const struct identity *trusted)
{
	struct tls_context *context;

	assert_int_equal(tls_server_new(buf_slice(&me->cert), buf_slice(&me->key),
	                         buf_slice(&trusted->cert), &context, &why),
	        0);
	return context;
}

static inline struct tls_context *client_context(
        const struct identity *me, const struct identity *trusted)
{
	struct tls_context *context;

	assert_int_equal(tls_client_new(buf_slice(&me->cert), buf_slice(&me->key),
	                         buf_slice(&trusted->cert), &context, &why),
	        0);
	return context;
}

static inline struct tls_context *enroll_context(const struct identity *pinned)
{
	struct tls_context *context;
	struct pki_cert_info info;

	assert_int_equal(pki_cert_info(buf_slice(&pinned->cert), &info, &why), 0);
	assert_int_equal(tls_enroll_new(info.fingerprint, &context, &why), 0);
	return context;
}

/* Takes the contexts, which so are freed before their sessions. */
static inline void open_sides(struct side *a, struct tls_context *a_context, struct side *b,
        struct tls_context *b_context, const char *server_name)
{
	*a = (struct side){0};
	*b = (struct side){0};
	assert_int_equal(tls_session_new(a_context, server_name, &a->session, &why), 0);
	assert_int_equal(tls_session_new(b_context, NULL, &b->session, &why), 0);
	tls_context_free(a_context);
	tls_context_free(b_context);
}

static inline void close_sides(struct side *a, struct side *b)
{
	tls_session_free(a->session);
	tls_session_free(b->session);
	buf_fini(&a->plain);
	buf_fini(&b->plain);
}

/* What `from` has to say goes to `to`, `step` bytes at a time. */
static inline bool carry(struct side *from, struct side *to, size_t step)
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

static inline void talk(struct side *a, struct side *b, size_t step)
{
	bool goes_on;

	do {
		goes_on = carry(a, b, step);
		goes_on |= carry(b, a, step);
	} while (goes_on);
}

/* The usual pair: a host and a collector that trust each other. */
static inline void open_stream(struct side *client, struct side *collector)
{
	open_sides(client, client_context(&host, &ca), collector, server_context(&server, &ca),
	        "collector.example.org");
	talk(client, collector, SIZE_MAX);
	assert_int_equal(client->code, 0);
	assert_int_equal(collector->code, 0);
}

#endif
