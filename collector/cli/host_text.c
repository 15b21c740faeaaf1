#include "collector/cli/host_text.h"

#include "collector/cli/cli.h"
#include "collector/cli/fact_line.h"
#include "common/base/clock.h"
#include "common/base/text.h"

#define LABEL_WIDTH 20

struct page {
	const json_t *host;
	const char *name; /* the host's, escaped */
	bool has_color;
	struct buf *out;
};

/* --- lines --------------------------------------------------------------------------------- */

static void append_title(struct page *page, const char *title)
{
	buf_printf(page->out, page->has_color ? "\n\033[1m%s\033[0m\n" : "\n%s\n", title);
}

/* "  label           text", and without a label the text alone; nothing without a text. */
static void append_line(struct page *page, const char *label, struct slice text)
{
	struct buf shown = BUF_INIT;

	if (text.len == 0)
		return;
	buf_append_text(page->out, "  ");
	if (label) {
		text_append_display(&shown, slice_text(label));
		buf_printf(page->out, "%-*s  ", LABEL_WIDTH, buf_text(&shown));
	}
	text_append_display(page->out, text);
	buf_append_byte(page->out, '\n');
	buf_fini(&shown);
}

static void append_member(struct page *page, const char *label, const char *key)
{
	struct buf text = BUF_INIT;

	cli_cell_text(page->host, key, &text);
	append_line(page, label, buf_slice(&text));
	buf_fini(&text);
}

static void append_time(struct page *page, const char *label, const char *key)
{
	struct buf text = BUF_INIT;

	cli_cell_time(page->host, key, &text);
	append_line(page, label, buf_slice(&text));
	buf_fini(&text);
}

/* Seconds since 1970 are for programs. */
static void append_pair(struct page *page, const char *name, struct slice value)
{
	char time[CLOCK_TEXT_MAX];
	uint64_t seconds;

	if (strcmp(name, "boot_time") == 0 && text_parse_u64(value, UINT64_C(1) << 33, &seconds)) {
		clock_format((int64_t)seconds * NS_PER_S, time);
		time[10] = ' ';
		append_line(page, name, slice_of(time, strlen("2026-11-22 10:00:00")));
		return;
	}
	append_line(page, name, value);
}

/* "name  value" lines of an object, of those that `is_wanted` takes. */
static void append_pairs(struct page *page, const char *key, bool (*is_wanted)(const char *name))
{
	const json_t *pairs = json_object_get(page->host, key);
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)pairs, name, value)
	{
		if (!is_wanted || is_wanted(name))
			append_pair(page, name, slice_text(json_string_value(value)));
	}
}

/* --- lists of facts ------------------------------------------------------------------------ */

static long long count_of(const struct page *page, const char *kind)
{
	return (long long)json_integer_value(
	        json_object_get(json_object_get(page->host, "counts"), kind));
}

static void append_fact(struct page *page, const char *kind, const json_t *fact)
{
	struct buf text = BUF_INIT;

	fact_line_append_name(kind, fact, &text);
	size_t name_len = text.len;
	buf_append_text(&text, "  ");
	fact_line_append_value(kind, fact, &text);
	if (text.len == name_len + 2)
		text.len = name_len;
	append_line(page, NULL, buf_slice(&text));
	buf_fini(&text);
}

/* A group of its own, if there is any. The API's list may have ended before the facts did. */
static void append_list(
        struct page *page, const char *title, const char *key, const char *kind, bool is_whole)
{
	const json_t *list = json_object_get(page->host, key);
	size_t count = json_array_size(list);
	long long more = count_of(page, kind) - (long long)count;

	if (count == 0)
		return;
	append_title(page, title);
	for (size_t i = 0; i < count; i++)
		append_fact(page, kind, json_array_get(list, i));
	if (is_whole && more > 0)
		buf_printf(page->out, "  and %lld more: tsujiban facts %s %s\n", more, page->name,
		        kind);
}

/* --- groups -------------------------------------------------------------------------------- */

static bool is_of_kernel(const char *name)
{
	return strncmp(name, "kernel", 6) == 0 || strncmp(name, "boot", 4) == 0 ||
	       strncmp(name, "reboot", 6) == 0;
}

static bool is_of_system(const char *name)
{
	return !is_of_kernel(name);
}

static void append_host(struct page *page)
{
	buf_printf(page->out, page->has_color ? "\033[1m%s\033[0m\n" : "%s\n", page->name);
	append_member(page, "state", "state");
	append_member(page, "held back today", "held");
	append_time(page, "last seen", "last_seen");
	append_time(page, "enrolled", "enrolled");
	append_member(page, "agent", "agent_version");
	append_member(page, "labels", "labels");
	append_member(page, "files", "files");
}

static void append_system(struct page *page)
{
	const json_t *os = json_array_get(json_object_get(page->host, "os_release"), 0);
	const char *pretty = json_string_value(json_object_get(os, "pretty_name"));

	append_title(page, "SYSTEM");
	if (pretty && *pretty)
		append_line(page, "os", slice_text(pretty));
	else
		append_member(page, "os", "os");
	append_pairs(page, "facts", is_of_system);
}

static void append_kernel(struct page *page)
{
	const json_t *kernels = json_object_get(page->host, "kernels");

	append_title(page, "KERNEL AND REBOOT");
	for (size_t i = 0; i < json_array_size(kernels); i++) {
		const json_t *kernel = json_array_get(kernels, i);
		const char *state = json_string_value(json_object_get(kernel, "state"));
		struct buf text = BUF_INIT;
		cli_cell_text(kernel, "release", &text);
		buf_append_text(&text, "  ");
		cli_cell_text(kernel, "version", &text);
		append_line(page, state ? state : "", text_trim(buf_slice(&text)));
		buf_fini(&text);
	}
	append_pairs(page, "facts", is_of_kernel);
}

static void append_mitigations(struct page *page)
{
	if (json_object_size(json_object_get(page->host, "mitigations")) == 0)
		return;
	append_title(page, "MITIGATIONS");
	append_pairs(page, "mitigations", NULL);
}

static void append_counts(struct page *page)
{
	static const struct {
		const char *kind, *label;
	} rows[] = {{"package", "packages"}, {"module", "modules"}, {"unit", "units"},
	        {"cron", "cron entries"}, {"user", "accounts"}, {"group", "groups"}};
	struct buf text = BUF_INIT;

	append_title(page, "COUNTS");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_reset(&text);
		buf_printf(&text, "%lld", count_of(page, rows[i].kind));
		append_line(page, rows[i].label, buf_slice(&text));
	}
	buf_fini(&text);
	buf_printf(page->out, "  tsujiban facts %s KIND lists them\n", page->name);
}

void host_text_append(const json_t *host, bool has_color, struct buf *out)
{
	struct buf name = BUF_INIT;
	text_append_display(&name, slice_text(json_string_value(json_object_get(host, "host"))));
	struct page page = {host, buf_text(&name), has_color, out};

	append_host(&page);
	append_system(&page);
	append_kernel(&page);
	append_list(&page, "LIVE PATCHES", "livepatches", "livepatch", true);
	append_mitigations(&page);
	append_list(&page, "NEEDS RESTART", "restarts", "restart", true);
	append_list(&page, "ADDRESSES", "addresses", "address", true);
	append_list(&page, "LISTENING", "sockets", "socket", true);
	append_list(&page, "ACCOUNTS WITH LOGIN", "login_accounts", "user", false);
	append_counts(&page);
	buf_fini(&name);
}
