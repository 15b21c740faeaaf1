#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/model/xattrs.h"
#include "common/store/staterec.h"

static struct filestate full_state(void)
{
	struct filestate state = {
	        .type = FILE_REGULAR,
	        .hash = HASH_DONE,
	        .mode = 07777,
	        .uid = UINT32_MAX,
	        .gid = 1,
	        .size = UINT64_MAX,
	        .mtime_ns = INT64_MIN,
	        .ctime_ns = INT64_MAX,
	        .inode = UINT64_MAX,
	        .device = 3,
	        .target = slice_text("t"),
	        .owner = slice_text("root"),
	        .group = slice_text("wheel"),
	};
	for (int i = 0; i < SHA256_BYTES; i++)
		state.sha256[i] = (uint8_t)i;
	return state;
}

static void assert_same(const struct filestate *a, const struct filestate *b)
{
	assert_int_equal(a->type, b->type);
	assert_int_equal(a->hash, b->hash);
	assert_int_equal(a->mode, b->mode);
	assert_int_equal(a->uid, b->uid);
	assert_int_equal(a->gid, b->gid);
	assert_true(a->size == b->size);
	assert_true(a->mtime_ns == b->mtime_ns);
	assert_true(a->ctime_ns == b->ctime_ns);
	assert_true(a->inode == b->inode);
	assert_true(a->device == b->device);
	assert_memory_equal(a->sha256, b->sha256, SHA256_BYTES);
	assert_true(slice_equal(a->target, b->target));
	assert_true(slice_equal(a->owner, b->owner));
	assert_true(slice_equal(a->group, b->group));
}

static void test_states_read_back_the_same(void **state)
{
	(void)state;
	struct filestate full = full_state();
	struct filestate small = {.type = FILE_SYMLINK, .target = slice_text("/x")};
	const struct filestate *const states[] = {&full, &small};
	for (size_t i = 0; i < 2; i++) {
		struct buf record = BUF_INIT;
		struct filestate read;
		struct slice path = slice_text("untouched");
		staterec_append(&record, slice_text("/etc/x"), states[i]);
		assert_int_equal(staterec_read(buf_slice(&record), &read, &path), 0);
		assert_same(&read, states[i]);
		assert_null(path.ptr);
		assert_int_equal(staterec_read(buf_slice(&record), &read, NULL), 0);
		buf_fini(&record);
	}
}

static void test_golden_record_has_not_changed(void **state)
{
	(void)state;
	static const uint8_t golden[] = {2, 0x02, 0xed, 0x03, 0, 5, 0x80, 0x20, 2, 1, 0x96, 0x01, 8,
	        0, 4, 'r', 'o', 'o', 't', 0, 0};
	struct filestate directory = {.type = FILE_DIRECTORY,
	        .mode = 0755,
	        .gid = 5,
	        .size = 4096,
	        .mtime_ns = 1,
	        .ctime_ns = -1,
	        .inode = 150,
	        .device = 8,
	        .owner = slice_text("root")};
	struct buf record = BUF_INIT;
	staterec_append(&record, slice_text("/etc"), &directory);
	assert_int_equal(record.len, sizeof(golden));
	assert_memory_equal(record.data, golden, sizeof(golden));
	buf_fini(&record);
}

static void test_a_record_of_version_1_has_no_attributes(void **state)
{
	(void)state;
	static const uint8_t old[] = {1, 0x02, 0xed, 0x03, 0, 5, 0x80, 0x20, 2, 1, 0x96, 0x01, 8, 0,
	        4, 'r', 'o', 'o', 't', 0, 0};
	struct filestate read;
	assert_int_equal(staterec_read(slice_of(old, sizeof old), &read, NULL), 0);
	assert_int_equal(read.mode, 0755);
	assert_false(read.has_attributes);
}

static void test_attributes_cost_a_byte_where_there_are_none(void **state)
{
	(void)state;
	struct filestate full = full_state(), read;
	struct buf unknown = BUF_INIT, none = BUF_INIT;
	staterec_append(&unknown, slice_text("/x"), &full);
	full.has_attributes = true;
	staterec_append(&none, slice_text("/x"), &full);
	assert_int_equal(none.len, unknown.len + 1);
	assert_int_equal(staterec_read(buf_slice(&none), &read, NULL), 0);
	assert_true(read.has_attributes);
	assert_null(read.xattrs.ptr);
	buf_fini(&unknown);
	buf_fini(&none);
}

static void test_attributes_read_back_the_same(void **state)
{
	(void)state;
	struct filestate full = full_state(), read;
	struct buf packed = BUF_INIT, record = BUF_INIT;
	assert_true(xattrs_append(&packed, slice_text("user.a"), slice_text("1")));
	full.has_attributes = true;
	full.flags = 0x10;
	full.xattrs = buf_slice(&packed);
	staterec_append(&record, slice_text("/x"), &full);
	assert_int_equal(staterec_read(buf_slice(&record), &read, NULL), 0);
	assert_int_equal(read.flags, 0x10);
	assert_true(slice_equal(read.xattrs, full.xattrs));
	record.len--; /* a cut list is not well formed */
	assert_int_equal(staterec_read(buf_slice(&record), &read, NULL), ERR_FORMAT);
	buf_fini(&packed);
	buf_fini(&record);
}

static void test_record_carries_the_path_of_a_shortened_key(void **state)
{
	(void)state;
	char path[300];
	struct filestate full = full_state(), read;
	struct slice kept;
	struct buf record = BUF_INIT;
	memset(path, 'x', sizeof(path));
	path[0] = path[150] = path[250] = '/';
	staterec_append(&record, slice_of(path, sizeof(path)), &full);
	assert_int_equal(staterec_read(buf_slice(&record), &read, &kept), 0);
	assert_true(slice_equal(kept, slice_of(path, sizeof(path))));
	assert_same(&read, &full);
	buf_fini(&record);
}

static void test_cut_and_longer_records_are_refused(void **state)
{
	(void)state;
	struct filestate full = full_state(), read;
	struct buf record = BUF_INIT;
	staterec_append(&record, slice_text("/x"), &full);
	for (size_t len = 0; len < record.len; len++)
		assert_int_equal(
		        staterec_read(slice_of(record.data, len), &read, NULL), ERR_FORMAT);
	buf_append(&record, "\0\1", 2); /* no flags, and no list either */
	assert_int_equal(staterec_read(buf_slice(&record), &read, NULL), ERR_FORMAT);
	buf_fini(&record);
}

static void test_other_versions_and_kinds_are_refused(void **state)
{
	(void)state;
	struct filestate full = full_state(), read;
	struct buf record = BUF_INIT;
	staterec_append(&record, slice_text("/x"), &full);
	record.data[0] = 3;
	assert_int_equal(staterec_read(buf_slice(&record), &read, NULL), ERR_VERSION);
	record.data[0] = 0;
	assert_int_equal(staterec_read(buf_slice(&record), &read, NULL), ERR_FORMAT);
	record.data[0] = 1;
	record.data[1] = FILE_BLOCK + 1;
	assert_int_equal(staterec_read(buf_slice(&record), &read, NULL), ERR_FORMAT);
	record.data[1] = (HASH_UNSTABLE + 1) << 4;
	assert_int_equal(staterec_read(buf_slice(&record), &read, NULL), ERR_FORMAT);
	buf_fini(&record);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_states_read_back_the_same),
	        cmocka_unit_test(test_golden_record_has_not_changed),
	        cmocka_unit_test(test_a_record_of_version_1_has_no_attributes),
	        cmocka_unit_test(test_attributes_cost_a_byte_where_there_are_none),
	        cmocka_unit_test(test_attributes_read_back_the_same),
	        cmocka_unit_test(test_record_carries_the_path_of_a_shortened_key),
	        cmocka_unit_test(test_cut_and_longer_records_are_refused),
	        cmocka_unit_test(test_other_versions_and_kinds_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
