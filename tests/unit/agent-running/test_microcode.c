/* Microcode: files made here as the vendors make theirs, small. */
#include "agent/running/microcode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "tests/unit/agent-source/scratch.h"

/* Behind ours: it defines a macro `fail`. */
#include <cmocka.h>

#define CPUINFO(vendor, family, model, stepping, revision, flags)                              \
	"processor\t: 0\nvendor_id\t: " vendor "\ncpu family\t: " family "\nmodel\t\t: " model \
	"\nmodel name\t: Some processor @ 3.00GHz\nstepping\t: " stepping                      \
	"\nmicrocode\t: " revision "\nflags\t\t: fpu vme " flags "\n\n"
#define SKYLAKE(revision, flags) CPUINFO("GenuineIntel", "6", "94", "3", revision, flags)
#define ZEN2(revision)           CPUINFO("AuthenticAMD", "23", "113", "0", revision, "sse")

#define SKYLAKE_SIGNATURE 0x506e3u
#define ZEN2_SIGNATURE    0x870f10u

static void put32(struct buf *out, uint32_t number)
{
	for (int shift = 0; shift < 32; shift += 8)
		buf_append_byte(out, (uint8_t)(number >> shift));
}

/* One of Intel's with 16 bytes of data, and a table of one further processor if there is any. */
static void put_intel(struct buf *out, uint32_t revision, uint32_t signature, uint32_t platforms,
        uint32_t further)
{
	const uint32_t DATA = 16;
	uint32_t total = 48 + DATA + (further ? 20 + 12 : 0);
	const uint32_t HEAD[] = {1, revision, 0x01022024, signature, 0, 1, platforms, DATA, total};
	for (size_t i = 0; i < sizeof(HEAD) / sizeof(HEAD[0]); i++)
		put32(out, HEAD[i]);
	for (size_t i = 0; i < 3 + DATA / 4; i++)
		put32(out, 0);
	if (!further)
		return;
	const uint32_t TABLE[] = {1, 0, 0, 0, 0, further, 0, 0};
	for (size_t i = 0; i < sizeof(TABLE) / sizeof(TABLE[0]); i++)
		put32(out, TABLE[i]);
}

static void put_amd_table(struct buf *out, uint32_t signature, uint32_t number)
{
	put32(out, 0x00414d44);
	put32(out, 0);
	put32(out, 32);
	const uint32_t ENTRIES[] = {signature, 0, 0, number, 0, 0, 0, 0};
	for (size_t i = 0; i < sizeof(ENTRIES) / sizeof(ENTRIES[0]); i++)
		put32(out, ENTRIES[i]);
}

static void put_amd_patch(struct buf *out, uint32_t revision, uint32_t number)
{
	put32(out, 1);
	put32(out, 32);
	const uint32_t HEAD[] = {0x20240101, revision, 0, 0, 0, 0, number, 0};
	for (size_t i = 0; i < sizeof(HEAD) / sizeof(HEAD[0]); i++)
		put32(out, HEAD[i]);
}

static struct processor parsed(const char *text)
{
	struct processor processor;
	assert_true(microcode_parse_cpuinfo(slice_text(text), &processor));
	return processor;
}

static void test_processors_are_known_by_what_the_kernel_says(void **state)
{
	struct processor processor = parsed(SKYLAKE("0xf0", "vmx") SKYLAKE("0xea", "vmx"));
	(void)state;
	assert_true(processor.is_intel && !processor.is_amd && !processor.is_virtual);
	assert_int_equal(processor.family, 6);
	assert_int_equal(processor.model, 94);
	assert_int_equal(processor.stepping, 3);
	assert_int_equal(processor.revision, 0xea); /* the oldest of all */
	assert_true(parsed(SKYLAKE("0x1", "hypervisor ssse3")).is_virtual);
	assert_false(microcode_parse_cpuinfo(slice_text("Processor\t: ARMv8\n"), &processor));
	assert_false(microcode_parse_cpuinfo(
	        slice_text(CPUINFO("HygonGenuine", "24", "0", "1", "0x1", "")), &processor));
}

static void test_intels_updates_are_for_some_platforms(void **state)
{
	struct processor processor = parsed(SKYLAKE("0xea", "vmx"));
	struct buf file = BUF_INIT;
	(void)state;
	processor.flags = 2;
	put_intel(&file, 0xf0, SKYLAKE_SIGNATURE, 0x36, 0);
	put_intel(&file, 0xf6, SKYLAKE_SIGNATURE, 0x08, 0); /* another platform's */
	put_intel(&file, 0xff, 0x506e0, 0x36, 0);           /* another stepping's */
	assert_int_equal(microcode_of_intel(buf_slice(&file), &processor), 0xf0);
	put_intel(&file, 0xf4, 0x406e3, 0, SKYLAKE_SIGNATURE);
	assert_int_equal(microcode_of_intel(buf_slice(&file), &processor), 0xf4);
	for (size_t len = 0; len < file.len; len++) /* cut anywhere */
		microcode_of_intel(slice_of(file.data, len), &processor);
	buf_fini(&file);
}

static void test_amds_patches_go_by_a_table(void **state)
{
	struct processor processor = parsed(ZEN2("0x8701021"));
	struct buf file = BUF_INIT;
	(void)state;
	put_amd_table(&file, 0x800f12, 0x8012);
	put_amd_patch(&file, 0x9999999, 0x8012);
	put_amd_table(&file, ZEN2_SIGNATURE, 0x8710);
	put_amd_patch(&file, 0x8701030, 0x8710);
	put_amd_patch(&file, 0x8701034, 0x8710);
	put_amd_patch(&file, 0x8909999, 0x8012); /* of no processor in this table */
	assert_int_equal(microcode_of_amd(buf_slice(&file), &processor), 0x8701034);
	for (size_t len = 0; len < file.len; len++)
		microcode_of_amd(slice_of(file.data, len), &processor);
	buf_fini(&file);
}

static void write_update(struct scratch *scratch, const char *path, const struct buf *file)
{
	char full[256];
	assert_true(scratch_write(scratch, path, ""));
	snprintf(full, sizeof(full), "%s%s", scratch->root, path);
	FILE *out = fopen(full, "we");
	assert_non_null(out);
	assert_int_equal(fwrite(file->data, 1, file->len, out), file->len);
	fclose(out);
}

static void test_what_a_boot_would_load_is_told(void **state)
{
	struct scratch *scratch = *state;
	struct buf file = BUF_INIT;
	uint32_t runs = 0, installed = 0;
	put_intel(&file, 0xf0, SKYLAKE_SIGNATURE, 0, 0);
	write_update(scratch, "/usr/lib/firmware/intel-ucode/06-5e-03", &file);
	scratch_write(scratch, "/proc/cpuinfo", SKYLAKE("0xea", "vmx"));
	assert_true(microcode_is_outdated(scratch->root, &runs, &installed));
	assert_int_equal(runs, 0xea);
	assert_int_equal(installed, 0xf0);
	scratch_write(scratch, "/proc/cpuinfo", SKYLAKE("0xf0", "vmx"));
	assert_false(microcode_is_outdated(scratch->root, &runs, &installed));
	scratch_write(scratch, "/proc/cpuinfo", SKYLAKE("0x1", "hypervisor"));
	assert_false(microcode_is_outdated(scratch->root, &runs, &installed));
	scratch_write(scratch, "/proc/cpuinfo", ZEN2("0x8701021")); /* no file has it */
	assert_false(microcode_is_outdated(scratch->root, &runs, &installed));
	buf_reset(&file);
	put_amd_table(&file, ZEN2_SIGNATURE, 0x8710);
	put_amd_patch(&file, 0x8701034, 0x8710);
	write_update(scratch, "/lib/firmware/amd-ucode/microcode_amd_fam17h.bin", &file);
	assert_true(microcode_is_outdated(scratch->root, &runs, &installed));
	assert_int_equal(installed, 0x8701034);
	buf_fini(&file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_processors_are_known_by_what_the_kernel_says),
	        cmocka_unit_test(test_intels_updates_are_for_some_platforms),
	        cmocka_unit_test(test_amds_patches_go_by_a_table),
	        cmocka_unit_test_setup_teardown(
	                test_what_a_boot_would_load_is_told, scratch_set_up, scratch_tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
