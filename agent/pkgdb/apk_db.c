#include "agent/pkgdb/apk_db.h"

#include <errno.h>

#include "agent/source/root.h"
#include "common/base/text.h"

const char *const APK_DB_DIRECTORIES[APK_DB_PLACES] = {
        "/lib/apk/db", "/usr/lib/apk/db", "/var/lib/apk/db"};

struct parser {
	const struct apk_reader *reader;
	struct reason *why;
	size_t line;
	size_t stanza_line; /* where the stanza begins; 0: between stanzas */
	struct apk_package package;
	struct slice directory; /* absent: the files have not begun */
};

int apk_db_read(const char *root, struct buf *out, struct reason *out_why)
{
	struct buf path = BUF_INIT;
	int rc = -ENOENT;
	for (size_t i = 0; i < APK_DB_PLACES && (rc == -ENOENT || rc == -ENOTDIR); i++) {
		buf_reset(&path);
		buf_printf(&path, "%s/installed", APK_DB_DIRECTORIES[i]);
		rc = root_read(root, buf_text(&path), APK_DB_BYTES_MAX, out, out_why);
	}
	buf_fini(&path);
	return rc == -ENOENT || rc == -ENOTDIR ? ERR_MISSING : rc;
}

static int refuse(const struct parser *parser, size_t line, const char *what)
{
	return fail(
	        parser->why, ERR_FORMAT, "cannot read apk's database: line %zu: %s", line, what);
}

static bool is_word(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] <= ' ' || text.ptr[i] == 0x7f)
			return false;
	return text.len > 0;
}

static int check_package(const struct parser *parser)
{
	const struct apk_package *package = &parser->package;
	if (!is_word(package->name))
		return refuse(parser, parser->stanza_line, "a stanza without a package name");
	if (!is_word(package->version))
		return refuse(parser, parser->stanza_line, "a stanza without a version");
	return 0;
}

static int end_stanza(struct parser *parser)
{
	const struct apk_reader *reader = parser->reader;
	int rc = check_package(parser);
	parser->stanza_line = 0;
	return rc == 0 && reader->package ? reader->package(reader->ctx, &parser->package) : rc;
}

static int take_word(struct parser *parser, struct slice value, struct slice *out)
{
	if (out->ptr || parser->directory.ptr)
		return refuse(parser, parser->line, "a field that the stanza has already");
	if (!is_word(value))
		return refuse(parser, parser->line, "a field that is no word");
	*out = value;
	return 0;
}

static int take_path(struct parser *parser, struct slice name)
{
	const struct apk_reader *reader = parser->reader;
	return reader->path ? reader->path(reader->ctx, &parser->package, parser->directory, name)
	                    : 0;
}

static int take_field(struct parser *parser, uint8_t letter, struct slice value)
{
	int rc = 0;
	switch (letter) {
	case 'P':
		return take_word(parser, value, &parser->package.name);
	case 'V':
		return take_word(parser, value, &parser->package.version);
	case 'A':
		return take_word(parser, value, &parser->package.arch);
	case 'o':
		return take_word(parser, value, &parser->package.origin);
	case 'F':
		if (!parser->directory.ptr)
			rc = check_package(parser);
		parser->directory = value;
		return rc == 0 ? take_path(parser, (struct slice){0}) : rc;
	case 'R':
		if (!parser->directory.ptr)
			return refuse(parser, parser->line, "a file without a directory");
		return take_path(parser, value);
	default:
		return 0;
	}
}

static int take_line(struct parser *parser, struct slice line)
{
	if (line.len == 0)
		return parser->stanza_line ? end_stanza(parser) : 0;
	if (memchr(line.ptr, '\0', line.len))
		return refuse(parser, parser->line, "a NUL byte");
	if (line.len < 2 || line.ptr[1] != ':')
		return refuse(parser, parser->line, "no field");
	if (!parser->stanza_line) {
		parser->stanza_line = parser->line;
		parser->package = (struct apk_package){0};
		parser->directory = (struct slice){0};
	}
	return take_field(parser, line.ptr[0], slice_of(line.ptr + 2, line.len - 2));
}

int apk_db_each(struct slice text, const struct apk_reader *reader, struct reason *out_why)
{
	struct parser parser = {.reader = reader, .why = out_why};
	struct slice line;
	int rc = 0;
	if (text.len > 0 && text.ptr[text.len - 1] != '\n')
		return fail(
		        out_why, ERR_FORMAT, "cannot read apk's database: it ends within a line");
	while (rc == 0 && text_take_line(&text, &line)) {
		parser.line++;
		rc = take_line(&parser, line);
	}
	if (rc == 0 && parser.stanza_line)
		return refuse(&parser, parser.line, "it ends within a stanza");
	return rc;
}
