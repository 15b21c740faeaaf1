/*
 * Python distributions. What an installer leaves is core metadata (packaging.python.org, "Core
 * metadata specifications"): fields as in RFC 822, an empty line, and in newer ones the description
 * as a body, which may well hold lines that look like fields. Name and Version are required and
 * stand first; the first of a name counts, as it does for importlib.metadata.
 */
#include "agent/apps/app_text.h"
#include "agent/apps/readers.h"
#include "common/base/text.h"

#define HEAD_BYTES (64u << 10)

bool app_python_matches(struct slice path, mode_t mode)
{
	struct slice name = app_path_name(path, 0);
	if (!S_ISREG(mode))
		return false;
	if (slice_is(name, "METADATA"))
		return app_ends_with(app_path_name(path, 1), ".dist-info");
	if (slice_is(name, "PKG-INFO"))
		return app_ends_with(app_path_name(path, 1), ".egg-info") ||
		       slice_is(app_path_name(path, 1), "EGG-INFO");
	return app_ends_with(name, ".egg-info");
}

/* A field's name is printable, without blanks (RFC 5322 section 3.6.8). */
static bool is_field_name(struct slice name)
{
	for (size_t i = 0; i < name.len; i++)
		if (name.ptr[i] <= ' ' || name.ptr[i] > '~')
			return false;
	return name.len > 0;
}

static void take_first(struct slice value, struct slice *out)
{
	if (!out->ptr)
		*out = text_trim(value);
}

/* Ends at the empty line, or as email.parser does at the first that is no field. */
static void take_fields(struct slice text, struct slice *out_name, struct slice *out_version)
{
	struct slice line, field, value;
	while (text_take_line(&text, &line)) {
		if (line.len > 0 && (line.ptr[0] == ' ' || line.ptr[0] == '\t'))
			continue;
		if (!text_split(line, ':', &field, &value) || !is_field_name(field))
			return;
		if (app_is_nocase(field, "Name"))
			take_first(value, out_name);
		else if (app_is_nocase(field, "Version"))
			take_first(value, out_version);
	}
}

/* PEP 508: letters, digits and "._-" between letters or digits. */
static bool is_name(struct slice name)
{
	return app_is_word(name) && app_has_only(name, "._-") &&
	       app_has_only(slice_of(name.ptr, 1), "") &&
	       app_has_only(slice_of(name.ptr + name.len - 1, 1), "");
}

/* PEP 503: lower case, and each run of "._-" one dash. */
static struct slice normalise(struct slice name, struct buf *out)
{
	buf_reset(out);
	for (size_t i = 0; i < name.len; i++) {
		bool is_mark = strchr("._-", name.ptr[i]) != NULL;
		bool is_upper = name.ptr[i] >= 'A' && name.ptr[i] <= 'Z';
		if (!is_mark)
			buf_append_byte(out, is_upper ? name.ptr[i] | 0x20 : name.ptr[i]);
		else if (out->data[out->len - 1] != '-')
			buf_append_byte(out, '-');
	}
	return buf_slice(out);
}

static int take_distribution(const struct app_file *file, struct slice head, struct fact_list *out,
        struct reason *out_why)
{
	struct slice name = {0}, version = {0};
	take_fields(head, &name, &version);
	if (!name.ptr && !version.ptr)
		return ERR_MISSING;
	if (!name.ptr || !is_name(name))
		return fail(out_why, ERR_FORMAT, "no name of a Python distribution");
	if (!app_is_word(version))
		return fail(out_why, ERR_FORMAT, "no version of a Python distribution");
	struct buf normal = BUF_INIT;
	int rc = app_add(out, "pypi", normalise(name, &normal), version, file->path, out_why);
	buf_fini(&normal);
	return rc;
}

int app_python_read(const struct app_file *file, struct fact_list *out, struct reason *out_why)
{
	struct buf head = BUF_INIT;
	int rc = app_read_head(file, HEAD_BYTES, &head, out_why);
	bool may_be_cut = head.len == HEAD_BYTES;
	while (may_be_cut && head.len > 0 && head.data[head.len - 1] != '\n')
		head.len--;
	if (rc == 0)
		rc = take_distribution(file, buf_slice(&head), out, out_why);
	buf_fini(&head);
	return rc;
}
