#include "agent/running/kernel_pairs.h"

#include <sys/utsname.h>

#include "agent/running/boot_time.h"
#include "agent/running/kernels.h"
#include "agent/running/proc_modules.h"
#include "agent/running/reboot.h"
#include "agent/source/root.h"
#include "agent/source/source.h"
#include "common/base/text.h"

#define KERNELS_BYTES_MAX (64u << 20) /* all packages of rpm, for those that matter */

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

/* Whole minutes make it likely that an agent that is started again tells the same. */
static int add_boot_time(const char *root, struct fact_list *out)
{
	struct buf text = BUF_INIT;
	uint64_t began_s = boot_time(root);
	if (began_s > 0)
		buf_printf(&text, "%llu", (unsigned long long)began_s / 60 * 60);
	int rc = add_pair(out, "boot_time", buf_slice(&text));
	buf_fini(&text);
	return rc;
}

/* --- what is installed besides ---------------------------------------------------------------- */

static int add_kernels(const char *root, struct fact_list *out, struct reason *out_why)
{
	struct arena *arena = arena_new(KERNELS_BYTES_MAX);
	struct buf reasons = BUF_INIT;
	struct kernels kernels;
	int rc = kernels_read(root, arena, &kernels, out_why);
	if (rc == 0 && kernels.is_unsure)
		rc = SOURCE_UNSURE; /* what was said of them before stays */
	if (rc == 0) {
		const struct kernel *newest = kernels_newest(&kernels);
		rc = newest ? add_pair(out, "kernel_newest", newest->release) : 0;
	}
	if (rc == 0) {
		reboot_reasons(root, &kernels, boot_time_by_the_clock(root), &reasons);
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
