#include "agent/apps/app.h"

#include <errno.h>
#include <unistd.h>

#include "agent/apps/readers.h"

const struct app_reader APP_READERS[] = {
        {"python", app_python_matches, app_python_read},
        {"node", app_node_matches, app_node_read},
        {"ruby", app_ruby_matches, app_ruby_read},
        {"composer", app_composer_matches, app_composer_read},
        {"wordpress", app_wordpress_matches, app_wordpress_read},
        {"java", app_java_matches, app_java_read},
        {"elf", app_elf_matches, app_elf_read}, /* last: any executable file */
        {0},
};

const struct app_reader *app_reader_of(struct slice path, mode_t mode)
{
	for (const struct app_reader *reader = APP_READERS; reader->name; reader++)
		if (reader->matches(path, mode))
			return reader;
	return NULL;
}

int app_read_whole(
        const struct app_file *file, size_t limit_bytes, struct buf *out, struct reason *out_why)
{
	uint8_t piece[16384];
	buf_reset(out);
	for (;;) {
		ssize_t got = pread(file->fd, piece, sizeof(piece), (off_t)out->len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return fail(out_why, -errno, "cannot read: %s", err_text(-errno));
		if (got == 0)
			return 0;
		if ((size_t)got > limit_bytes - out->len)
			return fail(out_why, ERR_LIMIT, "larger than %zu bytes", limit_bytes);
		buf_append(out, piece, (size_t)got);
	}
}

int app_add(struct fact_list *out, const char *manager, struct slice name, struct slice version,
        struct slice instance, struct reason *out_why)
{
	return app_add_built(out, manager, name, (struct slice){0}, version, instance, out_why);
}

int app_add_built(struct fact_list *out, const char *manager, struct slice name, struct slice arch,
        struct slice version, struct slice instance, struct reason *out_why)
{
	struct fact fact = {.kind = FACT_PACKAGE};
	fact.field[PACKAGE_MANAGER] = slice_text(manager);
	fact.field[PACKAGE_NAME] = name;
	fact.field[PACKAGE_ARCH] = arch;
	fact.field[PACKAGE_INSTANCE] = instance;
	fact.field[PACKAGE_VERSION] = version;
	fact.field[PACKAGE_STATUS] = slice_text("installed");
	if (!fact_is_valid(&fact))
		return fail(out_why, ERR_FORMAT, "a name or version is too long or has NUL bytes");
	int rc = fact_list_add(out, &fact);
	return rc < 0 ? fail(out_why, rc, "too many application packages") : 0;
}

struct slice app_path_name(struct slice path, unsigned up)
{
	for (;; up--) {
		const uint8_t *slash = path.len > 0 ? memrchr(path.ptr, '/', path.len) : NULL;
		if (!slash)
			return (struct slice){0};
		size_t before = (size_t)(slash - path.ptr);
		if (up == 0)
			return slice_of(slash + 1, path.len - before - 1);
		path.len = before;
	}
}
