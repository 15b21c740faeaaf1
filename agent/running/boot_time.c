#include "agent/running/boot_time.h"

#include "agent/source/root.h"
#include "common/base/text.h"

#define STAT_BYTES_MAX (4u << 20) /* a line a processor, one with a number an interrupt */
#define BOOT_ID_BYTES  64
#define STEP_MOST_S    90 /* a clock is set right by so much without the host having booted */

uint64_t boot_time_by_the_clock(const char *root)
{
	struct buf text = BUF_INIT;
	struct slice line, name, value;
	uint64_t btime = 0;
	bool is_found = false;
	root_read(root, "/proc/stat", STAT_BYTES_MAX, &text, NULL);
	struct slice rest = buf_slice(&text);
	while (!is_found && text_take_line(&rest, &line))
		is_found = text_split(line, ' ', &name, &value) && slice_is(name, "btime") &&
		           text_parse_u64(text_trim(value), UINT32_MAX, &btime);
	buf_fini(&text);
	return is_found ? btime : 0;
}

static uint64_t first_told(struct slice boot_id, uint64_t btime)
{
	static char known_id[BOOT_ID_BYTES];
	static uint64_t known_btime;
	uint64_t apart = btime > known_btime ? btime - known_btime : known_btime - btime;
	bool is_known = boot_id.len > 0 && slice_is(boot_id, known_id);
	if ((!is_known || apart > STEP_MOST_S) && boot_id.len < sizeof(known_id)) {
		memset(known_id, 0, sizeof(known_id));
		if (boot_id.len > 0)
			memcpy(known_id, boot_id.ptr, boot_id.len);
		known_btime = btime;
		is_known = true;
	}
	return is_known ? known_btime : btime;
}

uint64_t boot_time(const char *root)
{
	struct buf id = BUF_INIT;
	uint64_t btime = boot_time_by_the_clock(root);
	root_read(root, "/proc/sys/kernel/random/boot_id", BOOT_ID_BYTES, &id, NULL);
	if (btime > 0)
		btime = first_told(text_trim(buf_slice(&id)), btime);
	buf_fini(&id);
	return btime;
}
