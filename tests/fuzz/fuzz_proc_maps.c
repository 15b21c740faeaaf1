/* floor: agent/inventory - any bytes as what /proc and package databases say of what runs: the
 * first byte picks the parser. Refused or taken, never a crash; what is taken lies within what was
 * given. */
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agent/running/kernel_release.h"
#include "agent/running/proc_maps.h"
#include "agent/running/proc_modules.h"
#include "agent/running/restart_path.h"
#include "common/base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_within(struct slice part, struct slice whole)
{
	if (part.len > 0 && (part.ptr < whole.ptr || part.ptr + part.len > whole.ptr + whole.len))
		abort();
}

static int check_map(void *ctx, const struct proc_map *map)
{
	struct buf path = BUF_INIT;
	size_t *lines = ctx;
	struct slice bare = map->path;
	proc_maps_unescape(map->path, &path);
	if (path.len > map->path.len)
		abort();
	restart_path_strip_deleted(&bare);
	restart_path_strip_manager(&bare);
	check_within(bare, map->path);
	restart_path_is_ignored(map->path);
	restart_path_is_code(bare);
	buf_fini(&path);
	(*lines)++;
	return 0;
}

/* What is read in pieces is what each line tells by itself. */
static void try_maps(struct slice text)
{
	size_t lines = 0, parsed = 0;
	struct slice rest = text, line;
	struct proc_map map;
	int fd = memfd_create("maps", MFD_CLOEXEC);
	if (fd < 0 || write(fd, text.ptr, text.len) != (ssize_t)text.len)
		abort();
	lseek(fd, 0, SEEK_SET);
	if (proc_maps_each(fd, check_map, &lines) != 0)
		abort();
	close(fd);
	while (memchr(rest.ptr, '\n', rest.len) && text_take_line(&rest, &line))
		if (proc_maps_parse(line, &map)) {
			check_within(map.path, text);
			parsed++;
		}
	if (text.len < 4096 && lines != parsed)
		abort();
}

static void try_modules(struct slice text)
{
	struct proc_module module;
	struct slice rest = text;
	while (proc_modules_take(&rest, &module)) {
		check_within(module.name, text);
		check_within(module.taint, text);
		if (module.name.len == 0)
			abort();
	}
}

static void try_versions(struct slice text)
{
	struct slice first = text, second = {0};
	text_split(text, '\n', &first, &second);
	check_within(kernel_version_of_build(text), text);
	check_within(kernel_version_of_signature(first, second), text);
	check_within(kernel_version_of_rpm(first), text);
}

/* Manager, name, version, architecture and origin, a line each. */
static void try_package(struct slice text)
{
	static const unsigned FIELDS[] = {
	        PACKAGE_MANAGER, PACKAGE_NAME, PACKAGE_VERSION, PACKAGE_ARCH, PACKAGE_ORIGIN};
	struct fact fact = {.kind = FACT_PACKAGE};
	struct buf release = BUF_INIT;
	for (size_t i = 0; i < sizeof(FIELDS) / sizeof(FIELDS[0]); i++)
		text_take_line(&text, &fact.field[FIELDS[i]]);
	if (kernel_release_of(&fact, &release) && !kernel_is_release(buf_slice(&release)))
		abort();
	buf_fini(&release);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	struct slice text = slice_of(data + 1, size - 1);
	switch (data[0] % 4) {
	case 0:
		try_maps(text);
		break;
	case 1:
		try_modules(text);
		break;
	case 2:
		try_versions(text);
		break;
	default:
		try_package(text);
	}
	return 0;
}
