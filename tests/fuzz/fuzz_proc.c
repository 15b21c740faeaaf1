/* floor: agent/who - any bytes as what /proc and the proc connector say: the first byte picks the
 * parser. Refused or taken, never a crash; what is taken lies within what was given. */
#include <stdint.h>
#include <stdlib.h>

#include "agent/who/proc_news.h"
#include "common/model/proc_stat.h"
#include "agent/who/proc_status.h"
#include "common/model/proc_cgroup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_within(struct slice part, struct slice whole)
{
	if (part.ptr && (part.ptr < whole.ptr || part.ptr + part.len > whole.ptr + whole.len))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct proc_stat stat;
	struct proc_news news;
	uint32_t uid, gid;
	if (size == 0)
		return 0;
	struct slice text = slice_of(data + 1, size - 1);
	switch (data[0] % 5) {
	case 0:
		if (proc_stat_parse(text, &stat)) {
			check_within(stat.comm, text);
			if (stat.pid == 0)
				abort();
		}
		break;
	case 1:
		proc_status_parse(text, &uid, &gid);
		break;
	case 2:
		proc_id_parse(text, &uid);
		break;
	case 3: {
		struct slice container = proc_cgroup_container(text);
		check_within(container, text);
		if (container.ptr && (container.len == 0 || container.len > 256))
			abort();
		struct slice unit = proc_cgroup_unit(text);
		check_within(unit, text);
		if (unit.ptr && (unit.len == 0 || unit.len > 256))
			abort();
		break;
	}
	default:
		if (proc_news_parse(text, &news) > 0 && news.kind != NEWS_ANSWER && news.pid == 0)
			abort();
	}
	return 0;
}
