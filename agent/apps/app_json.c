#include "agent/apps/app_json.h"

#include "agent/apps/app_text.h"
#include "common/base/text.h"

#define MARKS_MAX 200000 /* at some 150 bytes each; a large site's installed.json has 50 000 */

/* Not fewer than there are values: each but the first has one of these before it. */
static size_t count_marks(struct slice text)
{
	size_t count = 0;
	for (size_t i = 0; i < text.len; i++) {
		uint8_t byte = text.ptr[i];
		count += byte == ',' || byte == ':' || byte == '[' || byte == '{';
	}
	return count;
}

/* Editors on other systems put one there; neither npm nor composer minds. */
static struct slice without_bom(struct slice text)
{
	return slice_starts_with(text, slice_text("\xef\xbb\xbf")) ? app_after(text, 3) : text;
}

/* Old packages have names of people in Latin-1, which node reads as it reads anything. Nothing
 * that is looked for has such bytes. */
static void without_foreign_bytes(struct buf *text)
{
	if (text_is_utf8(buf_slice(text)))
		return;
	for (size_t i = 0; i < text->len; i++)
		if (text->data[i] >= 0x80)
			text->data[i] = '?';
}

static json_t *parse(struct slice text, int *out_code, struct reason *out_why)
{
	json_error_t error = {0};
	json_t *root = json_loadb((const char *)text.ptr, text.len, JSON_ALLOW_NUL, &error);
	if (root)
		return root;
	bool is_deep = json_error_code(&error) == json_error_stack_overflow;
	*out_code = is_deep ? ERR_LIMIT : ERR_FORMAT;
	struct buf what = BUF_INIT; /* it quotes the file */
	text_append_display(&what, slice_text(error.text));
	(void)fail(out_why, *out_code, "no JSON: line %d: %s", error.line, buf_text(&what));
	buf_fini(&what);
	return NULL;
}

int app_json_parse(struct buf *text, json_t **out_root, struct reason *out_why)
{
	int rc = 0;
	if (count_marks(buf_slice(text)) > MARKS_MAX)
		return fail(out_why, ERR_LIMIT, "more than %u values of JSON", MARKS_MAX);
	without_foreign_bytes(text);
	struct slice json = without_bom(buf_slice(text));
	/* json_loadb takes no NULL, and what is empty is no JSON either. */
	json_t *root = parse(json.len ? json : slice_text(""), &rc, out_why);
	if (root)
		*out_root = root;
	return rc;
}

int app_json_read(
        const struct app_file *file, size_t limit_bytes, json_t **out_root, struct reason *out_why)
{
	struct buf text = BUF_INIT;
	int rc = app_read_whole(file, limit_bytes, &text, out_why);
	if (rc == 0)
		rc = app_json_parse(&text, out_root, out_why);
	buf_fini(&text);
	return rc;
}

struct slice app_json_text(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);
	if (!json_is_string(value))
		return (struct slice){0};
	return slice_of(json_string_value(value), json_string_length(value));
}
