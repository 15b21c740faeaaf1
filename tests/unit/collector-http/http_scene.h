/*
 * http_scene - a server with routes of its own, and a client: for the tests of http.
 */
#ifndef TSUJIBAN_TESTS_UNIT_COLLECTOR_HTTP_HTTP_SCENE_H
#define TSUJIBAN_TESTS_UNIT_COLLECTOR_HTTP_HTTP_SCENE_H

#include "tests/unit/collector-http/rig.h"

#include <errno.h>

#include "collector/http/http.h"

#define MANY 64 /* chunks */

struct fixture {
	struct rig rig;
	struct http_server *server;
	struct timer *wake;
	unsigned produced, finished, handled;
	bool stops_when_finished;
	size_t endless_bytes;
};

/* --- routes of the test -------------------------------------------------------------------- */

static inline void echo(
        void *ctx, const struct http_request *request, struct http_response *response)
{
	struct slice name = http_param(request, "name"), id = http_header(request, "last-event-id");

	((struct fixture *)ctx)->handled++;
	buf_printf(&response->body, "{\"method\":\"%s\",\"tail\":\"%s\",\"name\":\"%.*s\",",
	        request->method, request->tail, SLICE_ARG(name));
	buf_printf(&response->body, "\"has_name\":%d,\"id\":\"%.*s\",\"body\":\"%.*s\"}\n",
	        name.ptr != NULL, SLICE_ARG(id), SLICE_ARG(request->body));
}

static inline void finish(void *ctx)
{
	struct fixture *fixture = ctx;

	fixture->finished++;
	if (fixture->stops_when_finished)
		loop_stop(fixture->rig.loop);
}

static inline enum http_more produce_many(void *ctx, struct buf *out)
{
	struct fixture *fixture = ctx;

	for (int i = 0; i < 1000; i++)
		buf_printf(out, "line %06u of many lines that are long enough to matter\n",
		        fixture->produced * 1000 + (unsigned)i);
	return ++fixture->produced == MANY ? HTTP_END : HTTP_MORE;
}

static inline void many(
        void *ctx, const struct http_request *request, struct http_response *response)
{
	(void)request;
	buf_append_text(&response->body, "first\n");
	response->produce = produce_many;
	response->finish = finish;
	response->ctx = ctx;
}

static inline enum http_more produce_endless(void *ctx, struct buf *out)
{
	struct fixture *fixture = ctx;

	memset(buf_reserve(out, 65536), 'x', 65536);
	out->len += 65536;
	fixture->endless_bytes += 65536;
	return HTTP_MORE;
}

static inline void endless(
        void *ctx, const struct http_request *request, struct http_response *response)
{
	many(ctx, request, response);
	response->produce = produce_endless;
}

/* Gives an event, waits, is woken by a timer, and so on. */
static inline enum http_more produce_event(void *ctx, struct buf *out)
{
	struct fixture *fixture = ctx;

	buf_printf(out, "id: %u\ndata: {}\n\n", fixture->produced++);
	timer_start(fixture->wake, 1, 0);
	return HTTP_WAIT;
}

static inline void stream(
        void *ctx, const struct http_request *request, struct http_response *response)
{
	many(ctx, request, response);
	buf_reset(&response->body);
	response->content_type = "text/event-stream";
	response->produce = produce_event;
}

/* Says nothing at first, then fails: an answer that waited for a job. */
static struct http_response *late_response;

static inline enum http_more produce_late(void *ctx, struct buf *out)
{
	struct fixture *fixture = ctx;

	(void)out;
	timer_start(fixture->wake, 1, 0);
	if (fixture->produced++ == 0)
		return HTTP_WAIT;
	http_fail(late_response, 404, "no host '%s'", "x\"y");
	return HTTP_END;
}

static inline void late(
        void *ctx, const struct http_request *request, struct http_response *response)
{
	stream(ctx, request, response);
	response->produce = produce_late;
	late_response = response;
}

static inline void large(
        void *ctx, const struct http_request *request, struct http_response *response)
{
	(void)ctx;
	(void)request;
	memset(buf_reserve(&response->body, 1 << 20), 'y', 1 << 20);
	response->body.len += 1 << 20;
}

static const struct http_route routes[] = {
        {"GET", "/echo", HTTP_READ, echo},
        {"GET", "/echo/*", HTTP_READ, echo},
        {"POST", "/echo", HTTP_ADMIN, echo},
        {"GET", "/open", HTTP_NOBODY, echo},
        {"GET", "/many", HTTP_READ, many},
        {"GET", "/endless", HTTP_READ, endless},
        {"GET", "/stream", HTTP_READ, stream},
        {"GET", "/late", HTTP_READ, late},
        {"GET", "/large", HTTP_READ, large},
        {NULL, NULL, HTTP_NOBODY, NULL},
};

static inline enum http_role authorize(void *ctx, struct slice token)
{
	(void)ctx;
	return slice_is(token, "admin")  ? HTTP_ADMIN
	       : slice_is(token, "read") ? HTTP_READ
	                                 : HTTP_NOBODY;
}

static inline void wake_server(void *ctx)
{
	http_wake(((struct fixture *)ctx)->server);
}

/* --- life ---------------------------------------------------------------------------------- */

static inline int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct http_options options = {.address = "127.0.0.1:0",
	        .cert_file = fixture->rig.cert,
	        .key_file = fixture->rig.key,
	        .routes = routes,
	        .authorize = authorize,
	        .ctx = fixture,
	        .connections = 8};
	struct reason why;

	rig_init(&fixture->rig);
	fixture->wake = timer_new(fixture->rig.loop, wake_server, fixture);
	if (http_open(fixture->rig.loop, &options, &fixture->server, &why) < 0)
		fail_msg("%s", why.text);
	*state = fixture;
	return 0;
}

static inline int tear_down(void **state)
{
	struct fixture *fixture = *state;

	http_close(fixture->server);
	timer_free(fixture->wake);
	rig_fini(&fixture->rig);
	free(fixture);
	return 0;
}

static inline void ask(struct fixture *fixture, struct ask *asks, size_t count)
{
	rig_ask(&fixture->rig, http_port(fixture->server), asks, count);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
