#include "collector/ingest/chatter.h"

#define MINUTE_MS 60000
#define LINES_MAX 20

bool chatter_may_log(struct chatter *chatter, uint64_t now_ms, unsigned *out_dropped)
{
	*out_dropped = 0;
	if (chatter->since_ms == 0 || now_ms - chatter->since_ms >= MINUTE_MS) {
		*out_dropped = chatter->dropped;
		*chatter = (struct chatter){.since_ms = now_ms};
	}
	if (chatter->lines == LINES_MAX) {
		chatter->dropped++;
		return false;
	}
	chatter->lines++;
	return true;
}
