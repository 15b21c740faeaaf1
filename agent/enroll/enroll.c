#include "agent/enroll/enroll.h"

#include <errno.h>
#include <unistd.h>

#include "agent/identity/identity.h"
#include "common/base/clock.h"
#include "common/base/text.h"
#include "common/codec/wire.h"
#include "common/io/conn.h"
#include "common/io/file.h"

#define ENROLL_MS         30000
#define MESSAGE_BYTES_MAX (256u << 10)

/* One enrolment: connect, ask, take the answer. `code` 1: still under way. */
struct enrolment {
	const struct enroll_options *options;
	struct loop *loop;
	struct conn *conn;
	struct timer *deadline;
	struct buf key_pem, csr_pem;
	struct arena *arena;
	struct buf scratch;
	struct buf *out_name;
	int code;
	struct reason *why;
};

static void finish(struct enrolment *enrolment, int code)
{
	enrolment->code = code;
	if (enrolment->conn)
		conn_drop(enrolment->conn);
	enrolment->conn = NULL;
	loop_stop(enrolment->loop);
}

static void on_ready(
        void *ctx, struct conn *conn, const char *protocol, const struct pki_cert_info *peer)
{
	struct enrolment *enrolment = ctx;
	struct message message = {.kind = FRAME_ENROLL_REQUEST};
	struct buf frame = BUF_INIT;
	(void)protocol;
	(void)peer;
	message.enroll_request.token = slice_text(enrolment->options->token);
	message.enroll_request.host = slice_text(enrolment->options->name);
	message.enroll_request.csr_pem = buf_slice(&enrolment->csr_pem);
	message.enroll_request.agent_version = slice_text(TSUJIBAN_VERSION);
	if (wire_append_frame(&message, &enrolment->scratch, &frame) == 0)
		conn_send(conn, buf_slice(&frame));
	buf_fini(&frame);
}

static int refused(struct enrolment *enrolment, const struct refused *refused)
{
	struct buf text = BUF_INIT;
	text_append_display(&text, refused->text);
	int rc = fail(enrolment->why, ERR_REFUSED, "cannot enroll at collector '%s': %s",
	        enrolment->options->collector, buf_text(&text));
	buf_fini(&text);
	return rc;
}

static int accepted(struct enrolment *enrolment, const struct enroll_reply *reply)
{
	const struct enroll_options *options = enrolment->options;
	int rc = identity_save_collector(options->dir, options->collector, enrolment->why);
	if (rc == 0) /* last: with agent.crt this host is enrolled */
		rc = identity_install(options->dir, buf_slice(&enrolment->key_pem), reply->cert_pem,
		        reply->ca_pem, enrolment->why);
	if (rc == 0)
		buf_append_slice(enrolment->out_name, reply->host);
	return rc;
}

static void on_frame(void *ctx, struct conn *conn, const struct frame *frame)
{
	struct enrolment *enrolment = ctx;
	struct slice payload;
	struct message message;
	(void)conn;
	int rc = frame_open(frame, &enrolment->scratch, &payload, enrolment->why);
	if (rc == 0)
		rc = wire_decode(frame->kind, payload, enrolment->arena, &message, enrolment->why);
	if (rc == 0 && message.kind == FRAME_HEARTBEAT)
		return;
	if (rc == 0 && message.kind == FRAME_REFUSED)
		rc = refused(enrolment, &message.refused);
	else if (rc == 0 && message.kind == FRAME_ENROLL_REPLY)
		rc = accepted(enrolment, &message.enroll_reply);
	else if (rc == 0)
		rc = fail(enrolment->why, ERR_PROTOCOL, "cannot enroll: collector '%s' sent %s",
		        enrolment->options->collector, frame_kind_name(message.kind));
	finish(enrolment, rc);
}

static void on_closed(void *ctx, struct conn *conn, int code, const struct reason *why)
{
	struct enrolment *enrolment = ctx;
	(void)conn;
	enrolment->conn = NULL;
	const char *text = why && why->text[0] ? why->text : "it closed the connection";
	finish(enrolment, fail(enrolment->why, code < 0 ? code : ERR_CLOSED,
	                          "cannot enroll at collector '%s': %s",
	                          enrolment->options->collector, text));
}

static void on_deadline(void *ctx)
{
	struct enrolment *enrolment = ctx;
	finish(enrolment, fail(enrolment->why, -ETIMEDOUT,
	                          "cannot enroll: collector '%s' did not answer in %d s",
	                          enrolment->options->collector, ENROLL_MS / 1000));
}

static const struct conn_events CONN_EVENTS = {
        .ready = on_ready, .frame = on_frame, .closed = on_closed};

static int talk(struct enrolment *enrolment, struct tls_context *tls)
{
	enrolment->code = 1;
	enrolment->loop = loop_new();
	enrolment->arena = arena_new(MESSAGE_BYTES_MAX);
	enrolment->deadline = timer_new(enrolment->loop, on_deadline, enrolment);
	timer_start(enrolment->deadline, ENROLL_MS, 0);
	enrolment->conn = conn_connect(
	        enrolment->loop, tls, enrolment->options->collector, &CONN_EVENTS, enrolment);
	loop_run(enrolment->loop);
	timer_free(enrolment->deadline);
	loop_free(enrolment->loop);
	arena_free(enrolment->arena);
	return enrolment->code;
}

/* An identity that works is never overwritten: it would cut this host's history in two. */
static int check_no_identity(const char *dir, struct reason *out_why)
{
	struct identity identity;
	int rc = identity_load(dir, &identity, NULL);
	if (rc == 0 && identity.cert.not_after_ns > clock_wall_ns())
		rc = fail(out_why, ERR_EXISTS,
		        "cannot enroll: '%s/agent.crt' already makes this host '%s' (remove it to "
		        "enroll again)",
		        dir, identity.cert.name);
	else
		rc = 0;
	identity_fini(&identity);
	return rc;
}

static int prepare(
        struct enrolment *enrolment, struct tls_context **out_tls, struct reason *out_why)
{
	const struct enroll_options *options = enrolment->options;
	uint8_t fingerprint[PKI_FINGERPRINT_BYTES];
	if (!pki_fingerprint_parse(slice_text(options->ca_fingerprint), fingerprint))
		return fail(out_why, ERR_CONFIG,
		        "cannot use CA fingerprint '%s': expected sha256: and 64 hex digits",
		        options->ca_fingerprint);
	if (!text_is_host_name(slice_text(options->name)))
		return fail(
		        out_why, ERR_CONFIG, "cannot use '%s' as this host's name", options->name);
	int rc = file_make_dir(options->dir, 0700, out_why);
	if (rc == 0)
		rc = check_no_identity(options->dir, out_why);
	if (rc == 0)
		rc = pki_key_new(&enrolment->key_pem, out_why);
	if (rc == 0)
		rc = pki_csr_new(buf_slice(&enrolment->key_pem), options->name, &enrolment->csr_pem,
		        out_why);
	if (rc == 0)
		rc = tls_enroll_new(fingerprint, out_tls, out_why);
	return rc;
}

int enroll(const struct enroll_options *options, struct buf *out_name, struct reason *out_why)
{
	char host_name[256] = "";
	struct enroll_options effective = *options;
	struct enrolment enrolment = {.options = &effective, .out_name = out_name, .why = out_why};
	struct tls_context *tls = NULL;
	if (!effective.name && gethostname(host_name, sizeof host_name - 1) == 0)
		effective.name = host_name;
	if (!effective.name)
		return fail(out_why, -errno, "cannot read this host's name: %s", err_text(-errno));
	int rc = prepare(&enrolment, &tls, out_why);
	if (rc == 0)
		rc = talk(&enrolment, tls);
	tls_context_free(tls);
	buf_fini(&enrolment.key_pem);
	buf_fini(&enrolment.csr_pem);
	buf_fini(&enrolment.scratch);
	return rc;
}
