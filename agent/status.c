#include "agent/status.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "agent/state/baseline.h"
#include "common/base/text.h"
#include "common/io/file.h"

#define HEAD "tsujiban-agent status 1\n"
#define TAIL "end\n"

static void path_in(const char *dir, const char *name, char out[PATH_MAX])
{
	snprintf(out, PATH_MAX, "%s/%s", dir, name);
}

/* --- writing --------------------------------------------------------------------------------- */

int status_open(const char *dir, struct status *out, struct reason *out_why)
{
	char path[PATH_MAX];
	path_in(dir, "status", path);
	*out = (struct status){.fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
	if (out->fd < 0)
		return fail(out_why, -errno, "cannot open '%s': %s", path, err_text(-errno));
	status_begin(out);
	status_end(out);
	return 0;
}

void status_close(struct status *status)
{
	if (status->fd > 0)
		close(status->fd);
	status->fd = -1;
	buf_fini(&status->text);
}

void status_begin(struct status *status)
{
	buf_reset(&status->text);
	buf_append_text(&status->text, HEAD);
}

void status_put(struct status *status, const char *key, const char *format, ...)
{
	struct buf value = BUF_INIT;
	va_list args;
	va_start(args, format);
	buf_vprintf(&value, format, args);
	va_end(args);
	if (status->text.len + strlen(key) + 4 * value.len + sizeof TAIL + 2 < STATUS_FILE_BYTES) {
		buf_append_text(&status->text, key);
		buf_append_byte(&status->text, '\t');
		text_append_display(&status->text, buf_slice(&value));
		buf_append_byte(&status->text, '\n');
	}
	buf_fini(&value);
}

void status_end(struct status *status)
{
	buf_append_text(&status->text, TAIL);
	size_t rest = STATUS_FILE_BYTES - status->text.len;
	memset(buf_reserve(&status->text, rest), '\n', rest);
	status->text.len += rest;
	/* The file is only for people to look at: when it cannot be written, the agent's work goes
	 * on. */
	ssize_t written = pwrite(status->fd, status->text.data, status->text.len, 0);
	(void)written;
	buf_shrink(&status->text, 0);
}

/* --- reading --------------------------------------------------------------------------------- */

/* The lines between head and tail; ERR_FORMAT when another process is writing it right now. */
static int read_lines(
        const char *dir, struct buf *file, struct slice *out_lines, struct reason *out_why)
{
	char path[PATH_MAX];
	path_in(dir, "status", path);
	int rc = file_read(path, STATUS_FILE_BYTES, file, out_why);
	if (rc < 0)
		return rc;
	struct slice text = buf_slice(file);
	const uint8_t *tail = memmem(text.ptr, text.len, "\n" TAIL, strlen("\n" TAIL));
	if (!slice_starts_with(text, slice_text(HEAD)) || !tail)
		return fail(out_why, ERR_FORMAT, "cannot read '%s': it is no status file", path);
	size_t head = strlen(HEAD);
	const uint8_t *end = tail + 1;
	*out_lines = slice_of(text.ptr + head, (size_t)(end - text.ptr) - head);
	return 0;
}

static bool is_running(const char *dir)
{
	char path[PATH_MAX];
	path_in(dir, "lock", path);
	return file_is_locked(path);
}

/* Every value as text: the keys are few and their forms stand in the manual. */
static void append_json_text(struct buf *out, struct slice text)
{
	buf_append_byte(out, '"');
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] == '"' || text.ptr[i] == '\\')
			buf_append_byte(out, '\\');
		buf_append_byte(out, text.ptr[i]);
	}
	buf_append_byte(out, '"');
}

static void append_json_value(struct buf *out, struct slice value)
{
	uint64_t number;
	if (text_parse_u64(value, UINT64_MAX, &number) || slice_is(value, "true") ||
	        slice_is(value, "false"))
		buf_append_slice(out, value);
	else
		append_json_text(out, value);
}

static void append_entry(struct buf *out, bool as_json, struct slice key, struct slice value)
{
	if (as_json) {
		buf_append_text(out, out->len > 1 ? "," : "");
		append_json_text(out, key);
		buf_append_byte(out, ':');
		append_json_value(out, value);
	} else {
		buf_printf(out, "%-20.*s %.*s\n", SLICE_ARG(key), SLICE_ARG(value));
	}
}

static void append_number(struct buf *out, bool as_json, const char *key, uint64_t number)
{
	char text[32];
	snprintf(text, sizeof text, "%llu", (unsigned long long)number);
	append_entry(out, as_json, slice_text(key), slice_text(text));
}

/* Lines with the key "degraded" are a list in JSON. */
static void append_lines(struct buf *out, bool as_json, struct slice lines)
{
	struct slice rest = lines, line, key, value;
	bool is_first = true;
	while (text_take_line(&rest, &line))
		if (text_split(line, '\t', &key, &value) &&
		        (!as_json || !slice_is(key, "degraded")))
			append_entry(out, as_json, key, value);
	if (!as_json)
		return;
	buf_append_text(out, ",\"degraded\":[");
	while (text_take_line(&lines, &line)) {
		if (!text_split(line, '\t', &key, &value) || !slice_is(key, "degraded"))
			continue;
		buf_append_text(out, is_first ? "" : ",");
		append_json_text(out, value);
		is_first = false;
	}
	buf_append_byte(out, ']');
}

static int append_store(const char *dir, bool as_json, struct buf *out, struct reason *out_why)
{
	struct state *state;
	struct kv_txn *txn;
	int rc = state_open_read_only(dir, &state, out_why);
	if (rc == -ENOENT)
		return fail(out_why, rc, "no agent has been run on '%s' yet", dir);
	if (rc < 0)
		return rc;
	struct state_position position = state_position(state);
	append_number(out, as_json, "next_seq", position.next_seq);
	append_number(out, as_json, "spooled", position.next_seq - position.first_seq);
	append_number(out, as_json, "spool_bytes", position.spool_bytes);
	if (kv_begin_read(state_kv(state), &txn) == 0) {
		append_number(out, as_json, "baseline_files", baseline_count(txn));
		kv_abort(txn);
	}
	state_close(state);
	return 0;
}

int status_print(const char *dir, bool as_json, struct buf *out, struct reason *out_why)
{
	struct buf file = BUF_INIT, text = BUF_INIT;
	struct slice lines;
	buf_append_text(&text, as_json ? "{" : "");
	append_entry(&text, as_json, slice_text("running"),
	        slice_text(is_running(dir) ? "true" : "false"));
	int rc = append_store(dir, as_json, &text, out_why);
	if (rc == 0)
		rc = read_lines(dir, &file, &lines, out_why);
	if (rc == 0) {
		append_lines(&text, as_json, lines);
		buf_append_text(&text, as_json ? "}\n" : "");
		buf_append_slice(out, buf_slice(&text));
	}
	buf_fini(&file);
	buf_fini(&text);
	return rc;
}
