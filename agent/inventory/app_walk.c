#include "agent/inventory/app_walk_private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/apps/app.h"
#include "common/base/clock.h"
#include "common/base/digest.h"
#include "common/base/mem.h"
#include "common/base/text.h"
#include "common/store/pathkey.h"

#define CHANGES_BYTES (256u << 20) /* caps; a package needs some 200 bytes */
#define FILE_BYTES    (64u << 20)
#define MAY_HAVE_MODE (S_IFREG | 0755)

const struct fact_scope APP_SCOPES[] = {
        {FACT_PACKAGE, "pypi"},
        {FACT_PACKAGE, "npm"},
        {FACT_PACKAGE, "gem"},
        {FACT_PACKAGE, "composer"},
        {FACT_PACKAGE, "wordpress"},
        {FACT_PACKAGE, "golang"},
        {FACT_PACKAGE, "cargo"},
        {FACT_PACKAGE, "maven"},
        {FACT_PACKAGE, "generic"},
};
const size_t APP_SCOPE_COUNT = sizeof(APP_SCOPES) / sizeof(APP_SCOPES[0]);

static int walk_place(struct app_walk *walk, struct app_place place, unsigned depth);

/* --- directories ------------------------------------------------------------------------------ */

/* `name` is the end of walk->path. */
static void take_directory(
        struct app_walk *walk, const struct app_place *parent, const char *name, unsigned depth)
{
	struct slice path = buf_slice(&walk->path);
	struct app_place place;
	if (depth >= APP_DEPTH_MAX || app_bases_has(walk->options.bases, path))
		return;
	int rc = app_place_enter(parent, name, path, &place);
	if (rc == 0)
		rc = walk_place(walk, place, depth + 1);
	if (rc < 0 && rc != ERR_MISSING)
		app_walk_go_blind(walk, buf_slice(&walk->path), rc);
}

static unsigned char type_of(const struct app_place *place, const struct dirent *entry)
{
	struct stat info;
	if (entry->d_type != DT_UNKNOWN)
		return entry->d_type;
	if (fstatat(place->fd, entry->d_name, &info, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) < 0)
		return DT_UNKNOWN;
	return S_ISDIR(info.st_mode) ? DT_DIR : S_ISREG(info.st_mode) ? DT_REG : DT_UNKNOWN;
}

static void take_entry(struct app_walk *walk, const struct app_place *place,
        const struct dirent *entry, unsigned depth)
{
	size_t len = walk->path.len;
	unsigned char type = type_of(place, entry);
	if (type != DT_DIR && type != DT_REG)
		return;
	if (len != 1)
		buf_append_byte(&walk->path, '/');
	buf_append_text(&walk->path, entry->d_name);
	bool is_too_long = walk->path.len > PATHKEY_PATH_BYTES;
	walk->tally.files += type == DT_REG;
	if (type == DT_DIR && !is_too_long)
		take_directory(walk, place, entry->d_name, depth);
	else if (!is_too_long && app_reader_of(buf_slice(&walk->path), MAY_HAVE_MODE))
		app_walk_file(walk, place, entry->d_name);
	walk->path.len = len;
}

static bool is_dots(const char *name)
{
	return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

/* Closes the place. Negative errno when the listing broke off. */
static int walk_place(struct app_walk *walk, struct app_place place, unsigned depth)
{
	DIR *dir = fdopendir(place.fd);
	const struct dirent *entry;
	if (!dir) {
		int code = -errno;
		close(place.fd);
		return code;
	}
	walk->tally.directories++;
	while (!walk->is_capped && app_walk_pace(walk) && (errno = 0, entry = readdir(dir)))
		if (!is_dots(entry->d_name))
			take_entry(walk, &place, entry, depth);
	int code = walk->rc < 0 || walk->is_capped ? 0 : -errno;
	closedir(dir);
	return code;
}

static void walk_base(struct app_walk *walk, const char *base)
{
	struct app_place place;
	buf_reset(&walk->path);
	buf_append_text(&walk->path, base);
	int rc = app_place_open(walk->options.root, base, &place);
	if (rc == -ENOENT || rc == -ENOTDIR || rc == -ELOOP)
		return;
	if (rc == 0)
		rc = walk_place(walk, place, 0);
	if (rc < 0)
		app_walk_go_blind(walk, slice_text(base), rc);
}

/* --- public ----------------------------------------------------------------------------------- */

/* Another version may read a file otherwise, so it reads all once. */
static uint32_t this_reader(void)
{
	uint8_t digest[SHA256_BYTES];
	uint32_t reader = 0;
	digest_of(slice_text(TSUJIBAN_VERSION), digest);
	memcpy(&reader, digest, sizeof(reader));
	return reader;
}

void app_walk_init(struct app_walk *walk, const struct app_walk_options *options)
{
	*walk = (struct app_walk){.options = *options, .reader = this_reader()};
	walk->arena = arena_new(CHANGES_BYTES);
	walk->scratch = arena_new(FILE_BYTES);
	walk->paid_cpu_ns = budget_thread_cpu_ns();
	random_bytes(&walk->seed, sizeof(walk->seed));
}

void app_walk_fini(struct app_walk *walk)
{
	arena_free(walk->arena);
	arena_free(walk->scratch);
	free(walk->change);
	free(walk->met);
	buf_fini(&walk->blind);
	buf_fini(&walk->path);
}

void app_walk_all(struct app_walk *walk)
{
	for (size_t i = 0; walk->rc == 0 && i < walk->options.bases->count; i++)
		walk_base(walk, walk->options.bases->path[i]);
}

/* Goes down from `place`, which it closes, to what walk->path says is on the way to `path`. */
static void walk_down(struct app_walk *walk, struct app_place place, struct slice path)
{
	unsigned depth = 0;
	for (;; depth++) {
		char name[PATHKEY_NAME_MAX + 1];
		struct app_place next;
		size_t from = walk->path.len == 1 ? 1 : walk->path.len + 1;
		const uint8_t *slash = memchr(path.ptr + from, '/', path.len - from);
		size_t end = slash ? (size_t)(slash - path.ptr) : path.len;
		memcpy(name, path.ptr + from, end - from);
		name[end - from] = '\0';
		if (is_dots(name))
			break;
		buf_reset(&walk->path);
		buf_append(&walk->path, path.ptr, end);
		if (!slash) {
			take_directory(walk, &place, name, depth);
			if (app_reader_of(path, MAY_HAVE_MODE))
				app_walk_file(walk, &place, name);
			break;
		}
		int rc = depth >= APP_DEPTH_MAX
		                 ? ERR_MISSING
		                 : app_place_enter(&place, name, buf_slice(&walk->path), &next);
		if (rc < 0 && rc != ERR_MISSING)
			app_walk_go_blind(walk, buf_slice(&walk->path), rc);
		if (rc < 0)
			break;
		close(place.fd);
		place = next;
	}
	close(place.fd);
}

void app_walk_path(struct app_walk *walk, struct slice path)
{
	const char *base = app_bases_of(walk->options.bases, path);
	struct app_place place;
	if (!base || walk->rc < 0 || pathkey_check(path) < 0)
		return;
	if (slice_is(path, base)) {
		walk_base(walk, base);
		return;
	}
	buf_reset(&walk->path);
	buf_append_text(&walk->path, base);
	int rc = app_place_open(walk->options.root, base, &place);
	if (rc == 0)
		walk_down(walk, place, path);
	else if (rc != -ENOENT && rc != -ENOTDIR && rc != -ELOOP)
		app_walk_go_blind(walk, slice_text(base), rc);
}
