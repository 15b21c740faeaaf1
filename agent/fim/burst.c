#include "agent/fim/burst.h"

void burst_add(struct burst *burst, size_t paths, uint64_t now_ms)
{
	if (now_ms - burst->since_ms >= BURST_GATHER_MS) {
		burst->since_ms = now_ms;
		burst->paths = 0;
	}
	burst->paths += paths;
	burst->until_ms = burst->paths >= BURST_PATHS ? now_ms + BURST_GATHER_MS : 0;
}

bool burst_is_gathering(const struct burst *burst, size_t waiting, uint64_t now_ms)
{
	return now_ms < burst->until_ms && waiting < BURST_MOST_PATHS;
}
