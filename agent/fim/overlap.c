#include "agent/fim/overlap.h"

#include <stdlib.h>

#include "common/base/mem.h"

struct slice overlap_dir(struct slice path)
{
	const uint8_t *slash = memrchr(path.ptr, '/', path.len);
	return slice_of(path.ptr, slash && slash > path.ptr ? (size_t)(slash - path.ptr) : 1);
}

void overlap_reset(struct overlap *overlap)
{
	overlap->count = overlap->run_count = 0;
}

void overlap_fini(struct overlap *overlap)
{
	free(overlap->path);
	free(overlap->run);
	*overlap = (struct overlap){0};
}

static bool is_in_last_run(const struct overlap *overlap, struct slice dir)
{
	return overlap->run_count > 0 && slice_equal(overlap->run[overlap->run_count - 1].dir, dir);
}

static void begin_run(struct overlap *overlap, struct slice dir)
{
	if (overlap->run_count == overlap->run_room) {
		overlap->run_room = overlap->run_room ? overlap->run_room * 2 : 16;
		overlap->run = mem_resize(overlap->run, overlap->run_room * sizeof(*overlap->run));
	}
	overlap->run[overlap->run_count++] = (struct overlap_run){
	        .dir = dir, .first = overlap->count};
}

void overlap_add(struct overlap *overlap, struct slice path)
{
	struct slice dir = overlap_dir(path);
	if (overlap->count == overlap->room) {
		overlap->room = overlap->room ? overlap->room * 2 : 64;
		overlap->path = mem_resize(overlap->path, overlap->room * sizeof(*overlap->path));
	}
	if (!is_in_last_run(overlap, dir))
		begin_run(overlap, dir);
	overlap->path[overlap->count++] = path;
	overlap->run[overlap->run_count - 1].count++;
}

static bool is_behind(struct slice path, struct slice dir, struct slice after)
{
	size_t at = dir.len > 1 ? dir.len + 1 : 1;
	return !after.ptr || slice_compare(slice_of(path.ptr + at, path.len - at), after) > 0;
}

void overlap_each(const struct overlap *overlap, struct slice dir, struct slice after,
        void (*each)(void *ctx, struct slice path), void *ctx)
{
	struct slice above = overlap_dir(dir);
	for (size_t i = 0; i < overlap->run_count; i++) {
		const struct overlap_run *run = &overlap->run[i];
		bool is_inside = slice_equal(run->dir, dir);
		if (!is_inside && !slice_equal(run->dir, above))
			continue;
		for (size_t j = run->first; j < run->first + run->count; j++) {
			struct slice path = overlap->path[j];
			bool is_self = slice_equal(path, dir);
			if (is_self || (is_inside && is_behind(path, dir, after)))
				each(ctx, path);
		}
	}
}
