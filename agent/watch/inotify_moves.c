#include "agent/watch/inotify_moves.h"

#include <stdlib.h>

#include "common/base/mem.h"

bool moves_are_full(const struct watch_moves *moves)
{
	return moves->count == MOVES_MAX;
}

void moves_hold(struct watch_moves *moves, struct slice path, uint64_t at, uint32_t cookie,
        bool is_directory)
{
	moves->half[moves->count++] = (struct move_half){
	        .path = mem_copy(path.ptr, path.len),
	        .path_len = path.len,
	        .at = at,
	        .cookie = cookie,
	        .is_directory = is_directory,
	};
}

static void take_at(struct watch_moves *moves, size_t index, struct move_half *out)
{
	*out = moves->half[index];
	moves->count--;
	memmove(&moves->half[index], &moves->half[index + 1],
	        (moves->count - index) * sizeof(moves->half[0]));
}

bool moves_take(struct watch_moves *moves, uint32_t cookie, struct move_half *out)
{
	for (size_t i = moves->count; i > 0; i--) {
		if (moves->half[i - 1].cookie != cookie)
			continue;
		take_at(moves, i - 1, out);
		return true;
	}
	return false;
}

bool moves_take_lapsed(struct watch_moves *moves, uint64_t now_ms, struct move_half *out)
{
	if (moves->count == 0)
		return false;
	const struct move_half *oldest = &moves->half[0];
	if (now_ms != UINT64_MAX &&
	        (oldest->idle_ms == 0 || now_ms < oldest->idle_ms + MOVES_WAIT_MS))
		return false;
	take_at(moves, 0, out);
	return true;
}

void moves_saw_empty(struct watch_moves *moves, uint64_t now_ms)
{
	for (size_t i = moves->count; i > 0 && moves->half[i - 1].idle_ms == 0; i--)
		moves->half[i - 1].idle_ms = now_ms;
}

void moves_drop(struct move_half *half)
{
	free(half->path);
	half->path = NULL;
}
