#include "common/model/factlist.h"

#include "common/base/err.h"

#define FACTS_FIRST 64

int fact_list_add(struct fact_list *list, const struct fact *fact)
{
	if (list->count == list->room) {
		size_t room = list->room ? list->room * 2 : FACTS_FIRST;
		struct fact *more = arena_alloc(list->arena, room * sizeof(*more));
		if (!more)
			return ERR_LIMIT;
		if (list->count > 0)
			memcpy(more, list->fact, list->count * sizeof(*more));
		list->fact = more;
		list->room = room;
	}
	int rc = fact_copy(fact, list->arena, &list->fact[list->count]);
	if (rc == 0)
		list->count++;
	return rc;
}
