#include "agent/host/host_pairs.h"

#include <ctype.h>

#include "agent/host/host_dmi.h"
#include "agent/host/host_virtual.h"
#include "agent/source/hostfile.h"
#include "common/base/err.h"
#include "common/base/text.h"

#define CPUINFO_BYTES_MAX (4u << 20) /* 1000 processors of 2 KiB; the first ones tell */
#define MEMINFO_BYTES_MAX (64u << 10)
#define VALUE_MAX         1024

static int add_pair(struct fact_list *out, const char *name, struct slice value)
{
	struct fact fact = {.kind = FACT_HOST};
	fact.field[PAIR_NAME] = slice_text(name);
	fact.field[PAIR_VALUE] = value;
	return value.len == 0 || value.len > VALUE_MAX ? 0 : fact_list_add(out, &fact);
}

static int add_number(struct fact_list *out, const char *name, uint64_t number)
{
	struct buf text = BUF_INIT;
	buf_printf(&text, "%llu", (unsigned long long)number);
	int rc = number > 0 ? add_pair(out, name, buf_slice(&text)) : 0;
	buf_fini(&text);
	return rc;
}

/* The first line "NAME : VALUE" of it; empty: none. */
static struct slice first_value(struct slice text, const char *name)
{
	struct slice line, head, tail;
	while (text_take_line(&text, &line))
		if (text_split(line, ':', &head, &tail) && slice_is(text_trim(head), name))
			return text_trim(tail);
	return (struct slice){0};
}

/* --- processors ------------------------------------------------------------------------------- */

/* ARM processors say numbers only. Those that servers have, by maker and part: Linux,
 * arch/arm64/include/asm/cputype.h. */
static const char *arm_model(struct slice maker, struct slice part)
{
	static const struct {
		const char *maker, *part, *model;
	} PARTS[] = {
	        {"0x41", "0xd03", "ARM Cortex-A53"},
	        {"0x41", "0xd07", "ARM Cortex-A57"},
	        {"0x41", "0xd08", "ARM Cortex-A72"},
	        {"0x41", "0xd0b", "ARM Cortex-A76"},
	        {"0x41", "0xd0c", "ARM Neoverse-N1"},
	        {"0x41", "0xd40", "ARM Neoverse-V1"},
	        {"0x41", "0xd49", "ARM Neoverse-N2"},
	        {"0x41", "0xd4f", "ARM Neoverse-V2"},
	        {"0xc0", "0xac3", "Ampere-1"},
	};
	for (size_t i = 0; i < sizeof(PARTS) / sizeof(PARTS[0]); i++)
		if (slice_is(maker, PARTS[i].maker) && slice_is(part, PARTS[i].part))
			return PARTS[i].model;
	return NULL;
}

/* Makers fill the middle of a name with spaces. */
static void append_words(struct slice text, struct buf *out)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] != ' ' || (i > 0 && text.ptr[i - 1] != ' '))
			buf_append_byte(out, text.ptr[i]);
}

static int add_cpu_model(struct slice cpuinfo, struct fact_list *out)
{
	/* Of x86; of MIPS; of POWER; of older ARM. */
	static const char *const NAMES[] = {"model name", "cpu model", "cpu", "Processor"};
	struct buf text = BUF_INIT;
	for (size_t i = 0; text.len == 0 && i < sizeof(NAMES) / sizeof(NAMES[0]); i++)
		append_words(first_value(cpuinfo, NAMES[i]), &text);
	struct slice maker = first_value(cpuinfo, "CPU implementer");
	struct slice part = first_value(cpuinfo, "CPU part");
	if (text.len == 0 && arm_model(maker, part))
		buf_append_text(&text, arm_model(maker, part));
	else if (text.len == 0 && maker.len > 0)
		buf_printf(
		        &text, "ARM implementer %.*s part %.*s", SLICE_ARG(maker), SLICE_ARG(part));
	int rc = add_pair(out, "cpu_model", buf_slice(&text));
	buf_fini(&text);
	return rc;
}

/* sysfs writes sets of processors as "0-3,8": cpulist, Documentation/admin-guide/cputopology. */
static uint64_t count_list(struct slice list)
{
	struct slice part, low, high;
	uint64_t count = 0, first = 0, last = 0;
	bool is_more = list.len > 0;
	while (is_more) {
		is_more = text_split(list, ',', &part, &list);
		if (!is_more)
			part = list;
		if (!text_split(part, '-', &low, &high))
			low = high = part;
		if (!text_parse_u64(low, UINT16_MAX, &first) ||
		        !text_parse_u64(high, UINT16_MAX, &last) || last < first)
			return 0;
		count += last - first + 1;
	}
	return count;
}

static uint64_t count_lines(struct slice cpuinfo, const char *name)
{
	struct slice line, head, tail;
	uint64_t count = 0;
	while (text_take_line(&cpuinfo, &line))
		count += text_split(line, ':', &head, &tail) && slice_is(text_trim(head), name);
	return count;
}

static int add_cpu_count(const char *root, struct slice cpuinfo, struct fact_list *out)
{
	struct buf text = BUF_INIT;
	uint64_t count = count_list(hostfile_value(root, "/sys/devices/system/cpu/online", &text));
	if (count == 0)
		count = count_lines(cpuinfo, "processor");
	buf_fini(&text);
	return add_number(out, "cpu_count", count);
}

/* --- memory ----------------------------------------------------------------------------------- */

/* Whole MiB, since the kernel keeps some KiB more or less for itself at each start. A guest whose
 * host takes memory back (virtio balloon) has less for as long. */
static int add_memory(const char *root, struct fact_list *out)
{
	struct buf text = BUF_INIT;
	struct slice kib, unit;
	uint64_t count = 0;
	if (hostfile_read(root, "/proc/meminfo", MEMINFO_BYTES_MAX, &text) == 0 &&
	        text_split(first_value(buf_slice(&text), "MemTotal"), ' ', &kib, &unit))
		text_parse_u64(kib, UINT64_MAX / 2, &count);
	buf_fini(&text);
	return add_number(out, "memory_mb", (count + 512) / 1024);
}

/* --- time zone -------------------------------------------------------------------------------- */

static bool is_zone(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if (!isalnum(text.ptr[i]) && !memchr("+-_/", text.ptr[i], 4))
			return false;
	return text.len > 0 && text.len < VALUE_MAX;
}

/* The link is what the C library goes by; Debian's text file may have been left behind. */
static int add_timezone(const char *root, struct fact_list *out)
{
	static const char DIR[] = "zoneinfo/";
	struct buf text = BUF_INIT;
	struct slice zone = {0};
	if (hostfile_link(root, "/etc/localtime", &text) == 0 && text.len > 0) {
		const uint8_t *at = memmem(text.data, text.len, DIR, sizeof(DIR) - 1);
		if (at)
			zone = slice_of(at + sizeof(DIR) - 1,
			        (size_t)(text.data + text.len - at) - (sizeof(DIR) - 1));
	}
	if (!is_zone(zone))
		zone = hostfile_value(root, "/etc/timezone", &text);
	int rc = is_zone(zone) ? add_pair(out, "timezone", zone) : 0;
	buf_fini(&text);
	return rc;
}

/* --- the machine ------------------------------------------------------------------------------ */

static int add_machine(const char *root, const struct host_dmi *dmi, struct fact_list *out)
{
	struct buf text = BUF_INIT;
	struct slice vendor = dmi->field[DMI_SYS_VENDOR], model = dmi->field[DMI_PRODUCT_NAME];
	if (vendor.len == 0 && model.len == 0) {
		vendor = dmi->field[DMI_BOARD_VENDOR];
		model = dmi->field[DMI_BOARD_NAME];
	}
	/* ARM boards: of the device tree, with the NUL byte that ends its texts. */
	if (vendor.len == 0 && model.len == 0 &&
	        hostfile_read_bytes(root, "/proc/device-tree/model", VALUE_MAX, &text) == 0)
		model = slice_of(text.data, strnlen((const char *)text.data, text.len));
	int rc = add_pair(out, "vendor", vendor);
	if (rc == 0)
		rc = add_pair(out, "model", model);
	buf_fini(&text);
	return rc;
}

static int add_virtual(
        const char *root, const struct host_dmi *dmi, struct slice cpuinfo, struct fact_list *out)
{
	struct buf text = BUF_INIT, id = BUF_INIT;
	int rc = add_pair(
	        out, "virtualisation", slice_text(host_virtualisation(root, dmi, cpuinfo)));
	host_container(root, &text);
	if (rc == 0)
		rc = add_pair(out, "container", buf_slice(&text));
	host_cloud(root, dmi, &text, &id);
	if (rc == 0)
		rc = add_pair(out, "cloud", buf_slice(&text));
	if (rc == 0)
		rc = add_pair(out, "cloud_instance", buf_slice(&id));
	buf_fini(&text);
	buf_fini(&id);
	return rc;
}

int host_pairs_add(const char *root, struct fact_list *out)
{
	struct host_dmi dmi;
	struct buf cpuinfo = BUF_INIT;
	hostfile_read(root, "/proc/cpuinfo", CPUINFO_BYTES_MAX, &cpuinfo);
	host_dmi_read(root, &dmi);
	int rc = add_cpu_model(buf_slice(&cpuinfo), out);
	if (rc == 0)
		rc = add_cpu_count(root, buf_slice(&cpuinfo), out);
	if (rc == 0)
		rc = add_memory(root, out);
	if (rc == 0)
		rc = add_timezone(root, out);
	if (rc == 0)
		rc = add_machine(root, &dmi, out);
	if (rc == 0)
		rc = add_virtual(root, &dmi, buf_slice(&cpuinfo), out);
	host_dmi_fini(&dmi);
	buf_fini(&cpuinfo);
	return rc;
}
