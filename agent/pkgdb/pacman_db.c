#include "agent/pkgdb/pacman_db.h"

#include "common/base/text.h"

static bool is_section(struct slice line, struct slice *out_name)
{
	if (line.len < 3 || line.ptr[0] != '%' || line.ptr[line.len - 1] != '%')
		return false;
	*out_name = slice_of(line.ptr + 1, line.len - 2);
	return true;
}

static int refuse(struct reason *out_why, size_t line, const char *what)
{
	return fail(out_why, ERR_FORMAT, "line %zu: %s", line, what);
}

/* A value may look like a section's name (there are files of such names), so it is one only where a
 * section has ended. */
int pacman_each_value(struct slice text,
        int (*each)(void *ctx, struct slice section, size_t at, struct slice value), void *ctx,
        struct reason *out_why)
{
	struct slice line, section = {0};
	size_t number = 0, at = 0;
	if (text.len > 0 && text.ptr[text.len - 1] != '\n')
		return fail(out_why, ERR_FORMAT, "it ends within a line");
	while (text_take_line(&text, &line)) {
		number++;
		if (line.len == 0) {
			section = (struct slice){0};
			at = 0;
			continue;
		}
		if (memchr(line.ptr, '\0', line.len))
			return refuse(out_why, number, "a NUL byte");
		if (!section.ptr) {
			if (!is_section(line, &section))
				return refuse(out_why, number, "no section");
			continue;
		}
		int rc = each(ctx, section, at++, line);
		if (rc < 0)
			return rc;
	}
	return 0;
}

bool pacman_split_name(struct slice directory, struct slice *out_name, struct slice *out_version)
{
	struct slice name = directory;
	for (int dashes = 0; dashes < 2; dashes++) {
		const uint8_t *dash = name.len > 0 ? memrchr(name.ptr, '-', name.len) : NULL;
		if (!dash || dash == name.ptr || dash + 1 == name.ptr + name.len)
			return false;
		name.len = (size_t)(dash - name.ptr);
	}
	*out_name = name;
	*out_version = slice_of(name.ptr + name.len + 1, directory.len - name.len - 1);
	return true;
}
