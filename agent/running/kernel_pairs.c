#include "agent/running/kernel_pairs.h"

#include <sys/utsname.h>

#include "agent/running/kernels.h"
#include "agent/running/proc_modules.h"
#include "agent/running/reboot.h"
#include "agent/source/root.h"
#include "agent/source/source.h"
#include "common/base/text.h"

#define KERNELS_BYTES_MAX (64u << 20) /* all packages of rpm, for those that matter */
#define STAT_BYTES_MAX    (4u << 20)  /* a line a processor, one with a number an interrupt */
#define BOOT_ID_BYTES     64
#define STEP_MOST_S       90 /* a clock is set right by so much without the host having booted */

static int add_pair(struct fact_list *out, const char *name, struct slice value)
{
	struct fact fact = {.kind = FACT_HOST};
	fact.field[PAIR_NAME] = slice_text(name);
	fact.field[PAIR_VALUE] = value;
	return value.len == 0 || value.len > FACT_FIELD_BYTES ? 0 : fact_list_add(out, &fact);
}

/* Empty when there is no such file. */
static struct slice read_text(const char *root, const char *path, struct buf *text)
{
	if (root_read(root, path, FACT_FIELD_BYTES, text, NULL) < 0)
		return (struct slice){0};
	return text_trim(buf_slice(text));
}

/* --- of the running kernel -------------------------------------------------------------------- */

static int add_build(const char *root, struct fact_list *out)
{
	struct utsname host;
	struct buf text = BUF_INIT;
	int rc = 0;
	if (!root_is_host(root))
		rc = add_pair(
		        out, "kernel_build", read_text(root, "/proc/sys/kernel/version", &text));
	else if (uname(&host) == 0)
		rc = add_pair(out, "kernel_build", slice_text(host.version));
	buf_fini(&text);
	return rc;
}

static int add_cmdline(const char *root, struct fact_list *out)
{
	struct buf text = BUF_INIT;
	int rc = add_pair(out, "kernel_cmdline", read_text(root, "/proc/cmdline", &text));
	buf_fini(&text);
	return rc;
}

static int add_taint(const char *root, struct fact_list *out)
{
	struct buf text = BUF_INIT;
	char letters[TAINT_LETTERS_MAX];
	uint64_t tainted = 0;
	int rc = 0;
	if (text_parse_u64(
	            read_text(root, "/proc/sys/kernel/tainted", &text), UINT64_MAX, &tainted))
		rc = add_pair(
		        out, "kernel_tainted", slice_of(letters, taint_letters(tainted, letters)));
	buf_fini(&text);
	return rc;
}

/* --- when it began ---------------------------------------------------------------------------- */

static bool read_btime(const char *root, uint64_t *out)
{
	struct buf text = BUF_INIT;
	struct slice line, name, value;
	bool is_found = false;
	root_read(root, "/proc/stat", STAT_BYTES_MAX, &text, NULL);
	struct slice rest = buf_slice(&text);
	while (!is_found && text_take_line(&rest, &line))
		is_found = text_split(line, ' ', &name, &value) && slice_is(name, "btime") &&
		           text_parse_u64(text_trim(value), UINT32_MAX, out);
	buf_fini(&text);
	return is_found;
}

/* The kernel reckons the time of its start back from the clock's, so that it moves with every step
 * of the clock, by a second or so on many hosts. What was first told of one start stays, unless the
 * clock turns out to have been wrong for real; whole minutes make it likely that an agent that is
 * started again tells the same. */
static uint64_t boot_minute(struct slice boot_id, uint64_t btime)
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
	return (is_known ? known_btime : btime) / 60 * 60;
}

static int add_boot_time(const char *root, struct fact_list *out)
{
	struct buf id = BUF_INIT, text = BUF_INIT;
	uint64_t btime = 0;
	int rc = 0;
	if (read_btime(root, &btime)) {
		struct slice boot_id = read_text(root, "/proc/sys/kernel/random/boot_id", &id);
		buf_printf(&text, "%llu", (unsigned long long)boot_minute(boot_id, btime));
		rc = add_pair(out, "boot_time", buf_slice(&text));
	}
	buf_fini(&id);
	buf_fini(&text);
	return rc;
}

/* --- what is installed besides ---------------------------------------------------------------- */

static int add_kernels(const char *root, struct fact_list *out, struct reason *out_why)
{
	struct arena *arena = arena_new(KERNELS_BYTES_MAX);
	struct buf reasons = BUF_INIT;
	struct kernels kernels;
	uint64_t boot_s;
	int rc = kernels_read(root, arena, &kernels, out_why);
	if (rc == 0 && kernels.is_unsure)
		rc = SOURCE_UNSURE; /* what was said of them before stays */
	if (rc == 0) {
		const struct kernel *newest = kernels_newest(&kernels);
		rc = newest ? add_pair(out, "kernel_newest", newest->release) : 0;
	}
	if (rc == 0) {
		reboot_reasons(root, &kernels, read_btime(root, &boot_s) ? boot_s : 0, &reasons);
		rc = add_pair(out, "reboot_required", buf_slice(&reasons));
	}
	buf_fini(&reasons);
	arena_free(arena);
	return rc;
}

int kernel_pairs_add(const char *root, struct fact_list *out, struct reason *out_why)
{
	int told = add_kernels(root, out, out_why);
	int rc = told < 0 ? told : add_cmdline(root, out);
	if (rc == 0)
		rc = add_build(root, out);
	if (rc == 0)
		rc = add_taint(root, out);
	if (rc == 0)
		rc = add_boot_time(root, out);
	return rc == 0 ? told : rc;
}
