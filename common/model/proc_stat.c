#include "common/model/proc_stat.h"

#include "common/base/text.h"

/* Numbers as proc_pid_stat(5) counts them. */
#define FIELD_STATE   3
#define FIELD_PPID    4
#define FIELD_FLAGS   9
#define FIELD_STARTED 22
#define FIELD_STACK   28

#define FLAG_KERNEL_THREAD 0x00200000 /* PF_KTHREAD of the kernel's sched.h */

/* The next word; the fields stand one space apart. */
static bool take_word(struct slice *rest, struct slice *out)
{
	*rest = text_trim(*rest);
	if (rest->len == 0)
		return false;
	const uint8_t *space = memchr(rest->ptr, ' ', rest->len);
	out->ptr = rest->ptr;
	out->len = space ? (size_t)(space - rest->ptr) : rest->len;
	*rest = slice_of(rest->ptr + out->len, rest->len - out->len);
	return true;
}

static bool take_field(unsigned number, struct slice word, struct proc_stat *out)
{
	uint64_t ppid, flags;
	switch (number) {
	case FIELD_STATE:
		out->state = (char)word.ptr[0];
		return word.len == 1;
	case FIELD_PPID:
		if (!text_parse_u64(word, UINT32_MAX, &ppid))
			return false;
		out->ppid = (uint32_t)ppid;
		return true;
	case FIELD_FLAGS:
		if (!text_parse_u64(word, UINT32_MAX, &flags))
			return false;
		out->is_kernels = flags & FLAG_KERNEL_THREAD;
		return true;
	case FIELD_STARTED:
		return text_parse_u64(word, UINT64_MAX, &out->started);
	case FIELD_STACK:
		return text_parse_u64(word, UINT64_MAX, &out->stack);
	default:
		return true; /* some may be negative */
	}
}

bool proc_stat_parse(struct slice text, struct proc_stat *out)
{
	struct proc_stat stat = {0};
	struct slice pid_text, rest, word;
	uint64_t pid;
	const uint8_t *end = text.len ? memrchr(text.ptr, ')', text.len) : NULL;
	if (!end || !text_split(text, '(', &pid_text, &rest) || rest.ptr > end)
		return false;
	if (!text_parse_u64(text_trim(pid_text), UINT32_MAX, &pid) || pid == 0)
		return false;
	stat.pid = (uint32_t)pid;
	stat.comm = slice_of(rest.ptr, (size_t)(end - rest.ptr));
	rest = slice_of(end + 1, (size_t)(text.ptr + text.len - end - 1));
	for (unsigned number = FIELD_STATE; number <= FIELD_STACK; number++) {
		if (!take_word(&rest, &word) || !take_field(number, word, &stat))
			return false;
	}
	*out = stat;
	return true;
}

bool proc_stat_has_ended(const struct proc_stat *stat)
{
	return stat->state == 'Z' || stat->state == 'X' || stat->state == 'x';
}
