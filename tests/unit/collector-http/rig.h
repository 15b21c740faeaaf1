/*
 * rig - a directory with a CA and a server's certificate, a loop, and a client (libcurl, in a
 * thread of its own) that asks while the loop runs here.
 */
#ifndef TSUJIBAN_TESTS_COLLECTOR_HTTP_RIG_H
#define TSUJIBAN_TESTS_COLLECTOR_HTTP_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <curl/curl.h>
#include <ftw.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/io/file.h"
#include "common/io/loop.h"
#include "common/io/pki.h"

struct rig {
	char dir[64], cert[96], key[96], ca[96];
	struct loop *loop;
};

/* What to ask, and what came back. */
struct ask {
	const char *method, *path, *token, *header;
	const char *body; /* NULL: none */
	size_t body_len;
	size_t stop_after;   /* hangs up when so many bytes have come; 0: never */
	const char *stop_at; /* hangs up when this text has come */
	long status;
	CURLcode result;
	struct buf answer, head;
};

static inline void rig_write(const char *path, struct buf *content)
{
	assert_int_equal(file_write(path, buf_slice(content), 0600, NULL), 0);
}

static inline void rig_make_certificates(struct rig *rig)
{
	static const char *const names[] = {"localhost", "127.0.0.1", NULL};
	struct buf ca_key = BUF_INIT, ca = BUF_INIT, key = BUF_INIT, csr = BUF_INIT,
	           cert = BUF_INIT;
	int64_t now = clock_wall_ns();
	struct pki_grant grant = {.name = "server",
	        .names = names,
	        .is_server = true,
	        .not_before_ns = now - 3600 * NS_PER_S,
	        .not_after_ns = now + 3600 * NS_PER_S};

	assert_int_equal(pki_key_new(&ca_key, NULL), 0);
	assert_int_equal(pki_ca_new(buf_slice(&ca_key), "test CA", now - 3600 * NS_PER_S,
	                         86400 * NS_PER_S, &ca, NULL),
	        0);
	assert_int_equal(pki_key_new(&key, NULL), 0);
	assert_int_equal(pki_csr_new(buf_slice(&key), "server", &csr, NULL), 0);
	assert_int_equal(
	        pki_sign(buf_slice(&csr), buf_slice(&ca), buf_slice(&ca_key), &grant, &cert, NULL),
	        0);
	rig_write(rig->cert, &cert);
	rig_write(rig->key, &key);
	rig_write(rig->ca, &ca);
	buf_fini(&ca_key);
	buf_fini(&ca);
	buf_fini(&key);
	buf_fini(&csr);
	buf_fini(&cert);
}

static inline void rig_init(struct rig *rig)
{
	*rig = (struct rig){.dir = "/tmp/tsujiban-http-XXXXXX"};
	assert_non_null(mkdtemp(rig->dir));
	snprintf(rig->cert, sizeof(rig->cert), "%s/cert.pem", rig->dir);
	snprintf(rig->key, sizeof(rig->key), "%s/key.pem", rig->dir);
	snprintf(rig->ca, sizeof(rig->ca), "%s/ca.pem", rig->dir);
	rig_make_certificates(rig);
	rig->loop = loop_new();
}

static inline int rig_remove(const char *path, const struct stat *info, int kind, struct FTW *where)
{
	(void)info;
	(void)kind;
	(void)where;
	return remove(path);
}

static inline void rig_fini(struct rig *rig)
{
	loop_free(rig->loop);
	assert_int_equal(nftw(rig->dir, rig_remove, 8, FTW_DEPTH | FTW_PHYS), 0);
}

/* --- the client ---------------------------------------------------------------------------- */

struct errand {
	struct rig *rig;
	unsigned port;
	struct ask *asks;
	size_t count;
	struct waker *done;
};

static inline size_t ask_take(char *bytes, size_t size, size_t count, void *ctx)
{
	struct ask *ask = ctx;

	buf_append(&ask->answer, bytes, size * count);
	bool stops = (ask->stop_after && ask->answer.len >= ask->stop_after) ||
	             (ask->stop_at && strstr(buf_text(&ask->answer), ask->stop_at));
	return stops ? 0 : size * count;
}

static inline size_t ask_take_head(char *bytes, size_t size, size_t count, void *ctx)
{
	struct ask *ask = ctx;

	buf_append(&ask->head, bytes, size * count);
	return size * count;
}

static inline void ask_one(CURL *curl, const struct errand *errand, struct ask *ask)
{
	struct curl_slist *headers = NULL;
	char url[512], bearer[256];

	snprintf(url, sizeof(url), "https://localhost:%u%s", errand->port, ask->path);
	if (ask->token) {
		snprintf(bearer, sizeof(bearer), "authorization: Bearer %s", ask->token);
		headers = curl_slist_append(headers, bearer);
	}
	if (ask->header)
		headers = curl_slist_append(headers, ask->header);
	headers = curl_slist_append(headers, "expect:");
	curl_easy_reset(curl);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_CAINFO, errand->rig->ca);
	curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, ask_take);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, ask);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, ask_take_head);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, ask);
	if (ask->body) {
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)ask->body_len);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, ask->body);
	}
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, ask->method ? ask->method : "GET");
	ask->result = curl_easy_perform(curl);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &ask->status);
	buf_text(&ask->answer);
	buf_text(&ask->head);
	curl_slist_free_all(headers);
}

static inline void *run_errand(void *ctx)
{
	struct errand *errand = ctx;
	CURL *curl = curl_easy_init();

	for (size_t i = 0; i < errand->count; i++)
		ask_one(curl, errand, &errand->asks[i]);
	curl_easy_cleanup(curl);
	waker_wake(errand->done);
	return NULL;
}

static inline void stop_loop(void *ctx)
{
	loop_stop(ctx);
}

/* Asks one after the other, on one connection where the server keeps it. */
static inline void rig_ask(struct rig *rig, unsigned port, struct ask *asks, size_t count)
{
	struct errand errand = {.rig = rig, .port = port, .asks = asks, .count = count};
	pthread_t thread;

	errand.done = waker_new(rig->loop, stop_loop, rig->loop);
	assert_int_equal(pthread_create(&thread, NULL, run_errand, &errand), 0);
	loop_run(rig->loop);
	pthread_join(thread, NULL);
	waker_free(errand.done);
}

static inline void ask_fini(struct ask *ask)
{
	buf_fini(&ask->answer);
	buf_fini(&ask->head);
}

static inline bool ask_says(const struct ask *ask, const char *text)
{
	return strstr((const char *)ask->answer.data, text) != NULL;
}

#endif
