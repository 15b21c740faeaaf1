/*
 * The system: os-release(5), and what names this host and this boot of it.
 */
#include <errno.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "agent/host/host_pairs.h"
#include "agent/running/kernel_pairs.h"
#include "agent/source/root.h"
#include "agent/host/sources.h"
#include "common/base/text.h"

#define OS_RELEASE_BYTES_MAX (64u << 10)
#define VALUE_MAX            1024

/* --- os-release ------------------------------------------------------------------------------- */

/* os-release(5): values are quoted as in a shell, without any expansion; double quotes, $, ` and
 * backslash are escaped by a backslash. False when a quote is left open. */
static bool unquote(struct slice text, struct buf *out)
{
	uint8_t quote = 0;
	buf_reset(out);
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.ptr[i];
		if (quote ? c == quote : c == '"' || c == '\'') {
			quote = quote ? 0 : c;
			continue;
		}
		if (c == '\\' && quote != '\'') {
			bool is_escape = i + 1 < text.len &&
			                 (!quote || memchr("\"$`\\", text.ptr[i + 1], 4));
			if (is_escape)
				c = text.ptr[++i];
		}
		buf_append_byte(out, c);
	}
	return quote == 0 && out->len <= VALUE_MAX;
}

static int take_os_line(
        struct slice line, struct fact *fact, struct buf *value, struct arena *arena)
{
	static const char *const NAMES[] = {[OS_ID] = "ID",
	        [OS_VERSION_ID] = "VERSION_ID",
	        [OS_CODENAME] = "VERSION_CODENAME",
	        [OS_PRETTY_NAME] = "PRETTY_NAME"};
	struct slice name, rest;
	line = text_trim(line);
	if (line.len == 0 || line.ptr[0] == '#' || !text_split(line, '=', &name, &rest))
		return 0;
	for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++) {
		if (!slice_is(name, NAMES[i]) || !unquote(rest, value))
			continue;
		fact->field[i] = arena_copy(arena, buf_slice(value));
		return fact->field[i].ptr ? 0 : ERR_LIMIT;
	}
	return 0;
}

static int add_os(struct slice text, struct fact_list *out)
{
	struct fact fact = {.kind = FACT_OS};
	struct buf value = BUF_INIT;
	struct slice line;
	int rc = 0;
	fact.field[OS_ID] = slice_text("linux"); /* the default that os-release(5) gives */
	while (rc == 0 && text_take_line(&text, &line))
		rc = take_os_line(line, &fact, &value, out->arena);
	buf_fini(&value);
	return rc < 0 ? rc : fact_list_add(out, &fact);
}

static int read_os(const char *root, struct fact_list *out, struct reason *out_why)
{
	struct buf text = BUF_INIT;
	int rc = root_read(root, "/etc/os-release", OS_RELEASE_BYTES_MAX, &text, out_why);
	if (rc == -ENOENT)
		rc = root_read(root, "/usr/lib/os-release", OS_RELEASE_BYTES_MAX, &text, out_why);
	if (rc == 0)
		rc = add_os(buf_slice(&text), out);
	buf_fini(&text);
	return rc == -ENOENT ? 0 : rc;
}

/* --- the host --------------------------------------------------------------------------------- */

static int add_pair(struct fact_list *out, const char *name, struct slice value)
{
	struct fact fact = {.kind = FACT_HOST};
	fact.field[PAIR_NAME] = slice_text(name);
	fact.field[PAIR_VALUE] = value;
	return value.len == 0 || value.len > VALUE_MAX ? 0 : fact_list_add(out, &fact);
}

/* What is not there is no fact, and nothing to complain of. */
static int add_file(const char *root, const char *path, const char *name, struct fact_list *out)
{
	struct buf text = BUF_INIT;
	int rc = 0;
	if (root_read(root, path, VALUE_MAX + 1, &text, NULL) == 0)
		rc = add_pair(out, name, text_trim(buf_slice(&text)));
	buf_fini(&text);
	return rc;
}

static int add_host_name(const char *root, struct fact_list *out)
{
	char name[256] = "";
	if (!root_is_host(root))
		return add_file(root, "/etc/hostname", "host_name", out);
	if (gethostname(name, sizeof(name) - 1) != 0)
		return 0;
	return add_pair(out, "host_name", slice_text(name));
}

static int add_architecture(struct fact_list *out)
{
	struct utsname host;
	if (uname(&host) != 0)
		return 0;
	return add_pair(out, "architecture", slice_text(host.machine));
}

int src_system_read(const char *root, struct fact_list *out, struct reason *out_why)
{
	int rc = read_os(root, out, out_why);
	if (rc == 0)
		rc = add_host_name(root, out);
	if (rc == 0)
		rc = add_file(root, "/etc/machine-id", "machine_id", out);
	if (rc == 0)
		rc = add_file(root, "/proc/sys/kernel/random/boot_id", "boot_id", out);
	if (rc == 0)
		rc = add_architecture(out);
	int told = rc == 0 ? kernel_pairs_add(root, out, out_why) : rc;
	rc = told < 0 ? told : host_pairs_add(root, out);
	if (rc == ERR_LIMIT)
		return fail(out_why, rc, "cannot read the system's facts: they are too large");
	return rc == 0 ? told : rc;
}
