#include "agent/packages/survey.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/mem.h"

#define ARENA_BYTES_MAX (1u << 20)

struct survey *survey_new(const struct manager *manager, struct state *state, const char *root)
{
	struct survey *survey = mem_new(sizeof(*survey));
	survey->manager = manager;
	survey->root = root;
	survey->state = state;
	survey->arena = arena_new(ARENA_BYTES_MAX);
	return survey;
}

void survey_free(struct survey *survey)
{
	if (!survey)
		return;
	manifest_free(survey->manifest);
	buf_fini(&survey->puts);
	arena_free(survey->arena);
	free(survey);
}

void survey_make(struct survey *survey)
{
	struct kv_txn *txn;
	survey->rc = kv_begin_read(state_kv(survey->state), &txn);
	if (survey->rc < 0) {
		fail(&survey->why, survey->rc, "cannot read the state: %s", err_text(survey->rc));
		return;
	}
	survey->rc = survey->manager->look(survey, txn);
	kv_abort(txn);
}

void survey_reset(struct survey *survey)
{
	buf_reset(&survey->puts);
	arena_reset(survey->arena);
	survey->unlogged_count = 0;
	survey->is_absent = false;
}

static void put_counted(struct buf *out, struct slice bytes)
{
	buf_append_u32(out, (uint32_t)bytes.len);
	buf_append_slice(out, bytes);
}

void survey_put(struct survey *survey, const char *name, struct slice value)
{
	put_counted(&survey->puts, slice_text(name));
	put_counted(&survey->puts, value);
}

void survey_tell(struct survey *survey, const char *file, const char *detail)
{
	char path[PATH_MAX];
	if (survey->unlogged_count++ >= UNLOGGED_MAX)
		return;
	struct unlogged *unlogged = &survey->unlogged[survey->unlogged_count - 1];
	snprintf(path, sizeof(path), "%s%s", survey->root, file);
	unlogged->path = arena_copy(survey->arena, slice_text(path));
	unlogged->detail = arena_copy(survey->arena, slice_text(detail));
}
