#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/buf.h"
#include "common/codec/wire.h"
#include "common/model/xattrs.h"

static struct arena *arena;
static struct buf out, packed;
static struct filestate before, after;
static struct event event;

static int begin(void **state)
{
	(void)state;
	arena = arena_new(1 << 20);
	before = after = (struct filestate){.type = FILE_FIFO, .mode = 0600};
	event = (struct event){.kind = EVENT_FILE,
	        .action = ACTION_MODIFIED,
	        .cause = CAUSE_LIVE,
	        .path = slice_text("/etc/x"),
	        .changed = CHANGED_MODE,
	        .before = &before,
	        .after = &after};
	return 0;
}

static int end(void **state)
{
	(void)state;
	arena_free(arena);
	buf_fini(&out);
	buf_fini(&packed);
	return 0;
}

static struct event there_and_back(void)
{
	struct event same;
	struct reason why = {""};
	buf_reset(&out);
	assert_int_equal(wire_event_encode(&event, &out), 0);
	if (wire_event_decode(buf_slice(&out), arena, &same, &why) < 0)
		fail_msg("%s", why.text);
	return same;
}

static void assert_refused(int code)
{
	buf_reset(&out);
	assert_int_equal(wire_event_encode(&event, &out), code);
	assert_int_equal(out.len, 0);
}

static void test_actor_comes_back_the_same(void **state)
{
	(void)state;
	struct actor actor = {.pid = 811,
	        .started_ns = -5,
	        .exe = slice_text("/bin/x"),
	        .cmdline = slice_text("x \xff"),
	        .gid = UINT32_MAX,
	        .login_uid = 0,
	        .session = ACTOR_NO_ID,
	        .user = slice_text("root"),
	        .container = slice_text("c0ffee"),
	        .parent = {slice_text("/bin/sh"), slice_text("")},
	        .parent_count = 2};
	event.actor = &actor;
	event.actor_gap = ACTOR_MANY;
	const struct event same = there_and_back();
	assert_int_equal(same.actor->pid, 811);
	assert_true(same.actor->started_ns == -5);
	assert_true(slice_is(same.actor->exe, "/bin/x"));
	assert_true(slice_is(same.actor->cmdline, "x \xff"));
	assert_true(same.actor->gid == UINT32_MAX);
	assert_true(same.actor->login_uid == 0 && same.actor->session == ACTOR_NO_ID);
	assert_true(slice_is(same.actor->container, "c0ffee"));
	assert_int_equal(same.actor->parent_count, 2);
	assert_true(slice_is(same.actor->parent[0], "/bin/sh"));
	assert_int_equal(same.actor_gap, ACTOR_MANY);
}

static void test_explanation_diff_and_count_come_back_the_same(void **state)
{
	(void)state;
	struct explained explained = {.state = EXPLAINED_CONFFILE,
	        .manager = slice_text("dpkg"),
	        .package = slice_text("p"),
	        .version = slice_text("1"),
	        .transaction = UINT64_MAX};
	event.explained = &explained;
	event.diff = slice_text("@@");
	event.count = 3;
	const struct event same = there_and_back();
	assert_int_equal(same.explained->state, EXPLAINED_CONFFILE);
	assert_true(slice_is(same.explained->package, "p"));
	assert_true(same.explained->transaction == UINT64_MAX);
	assert_true(slice_is(same.diff, "@@"));
	assert_int_equal(same.count, 3);
	event.diff = (struct slice){0};
	event.diff_gap = DIFF_BINARY;
	assert_int_equal(there_and_back().diff_gap, DIFF_BINARY);
}

static void test_transaction_comes_back_the_same(void **state)
{
	(void)state;
	struct transaction transaction = {
	        .id = 9, .manager = slice_text("dpkg"), .packages = 2, .events = {1, 2, 3, 4, 5}};
	event = (struct event){.kind = EVENT_TRANSACTION,
	        .action = ACTION_COMPLETED,
	        .cause = CAUSE_LIVE,
	        .transaction = &transaction};
	const struct event same = there_and_back();
	assert_int_equal(same.transaction->id, 9);
	assert_int_equal(same.transaction->packages, 2);
	assert_memory_equal(
	        same.transaction->events, transaction.events, sizeof transaction.events);
	transaction.id = 0;
	assert_refused(ERR_FORMAT);
}

static void test_attributes_come_back_the_same_or_are_refused(void **state)
{
	(void)state;
	assert_true(xattrs_append(&packed, slice_text("user.a"), slice_text("1")));
	after.has_attributes = true;
	after.flags = 0x30;
	after.xattrs = buf_slice(&packed);
	const struct event same = there_and_back();
	assert_true(same.after->has_attributes && !same.before->has_attributes);
	assert_int_equal(same.after->flags, 0x30);
	assert_true(slice_equal(same.after->xattrs, after.xattrs));
	after.flags = 0x80000;
	assert_refused(ERR_FORMAT);
	after.flags = 0x30;
	after.xattrs.len--;
	assert_refused(ERR_FORMAT);
	after.xattrs = (struct slice){0};
	after.has_attributes = false;
	assert_refused(ERR_FORMAT);
}

static void test_parts_out_of_their_limits_are_refused(void **state)
{
	(void)state;
	static char large[EVENT_DIFF_BYTES + 1];
	struct actor actor = {.pid = 0};
	struct explained explained = {.state = EXPLAINED_NONE};
	event.actor = &actor;
	assert_refused(ERR_FORMAT);
	actor = (struct actor){.pid = 1, .parent_count = ACTOR_PARENTS_MAX + 1};
	assert_refused(ERR_FORMAT);
	actor = (struct actor){.pid = 1, .exe = slice_of(large, ACTOR_EXE_BYTES + 1)};
	assert_refused(ERR_LIMIT);
	event.actor = NULL;
	event.actor_gap = (enum actor_gap)(ACTOR_GAP_MAX + 1);
	assert_refused(ERR_FORMAT);
	event.actor_gap = ACTOR_KNOWN;
	event.explained = &explained;
	assert_refused(ERR_FORMAT);
	explained.state = (enum explained_state)(EXPLAINED_MAX + 1);
	assert_refused(ERR_FORMAT);
	event.explained = NULL;
	event.diff = slice_of(large, sizeof large);
	assert_refused(ERR_LIMIT);
	event.diff = (struct slice){0};
	event.diff_gap = (enum diff_gap)(DIFF_GAP_MAX + 1);
	assert_refused(ERR_FORMAT);
}

static void test_what_belongs_to_files_is_refused_elsewhere(void **state)
{
	(void)state;
	struct actor actor = {.pid = 1};
	event = (struct event){.kind = EVENT_AGENT, .action = ACTION_STARTED, .cause = CAUSE_LIVE};
	there_and_back();
	event.actor = &actor;
	assert_refused(ERR_FORMAT);
}

/* Nothing that an agent may have to tell is too long to be told. */
static void test_the_largest_of_all_file_events_is_taken(void **state)
{
	(void)state;
	static char path[EVENT_PATH_BYTES], text[EVENT_DIFF_BYTES];
	memset(path, 'x', sizeof path);
	memset(text, 'x', sizeof text);
	path[0] = '/';
	for (size_t len = 1; xattrs_append(&packed, slice_of(text, len), slice_of(text, 500));)
		len++;
	struct slice longest = slice_of(path, sizeof path), name = slice_of(text, 256);
	struct actor actor = {.pid = UINT32_MAX,
	        .started_ns = INT64_MIN,
	        .exe = slice_of(text, ACTOR_EXE_BYTES),
	        .cmdline = slice_of(text, ACTOR_CMDLINE_BYTES),
	        .user = name,
	        .login_user = name,
	        .container = name,
	        .parent_count = ACTOR_PARENTS_MAX};
	for (unsigned i = 0; i < ACTOR_PARENTS_MAX; i++)
		actor.parent[i] = slice_of(text, ACTOR_PARENT_BYTES);
	struct explained explained = {
	        .state = EXPLAINED_VERIFIED, .package = name, .version = name};
	before = after = (struct filestate){.type = FILE_SYMLINK,
	        .target = longest,
	        .owner = name,
	        .group = name,
	        .has_attributes = true,
	        .xattrs = buf_slice(&packed)};
	event.action = ACTION_MOVED;
	event.path = event.old_path = longest;
	event.actor = &actor;
	event.explained = &explained;
	event.diff = slice_of(text, EVENT_DIFF_BYTES);
	there_and_back();
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
	        CASE(test_actor_comes_back_the_same),
	        CASE(test_explanation_diff_and_count_come_back_the_same),
	        CASE(test_transaction_comes_back_the_same),
	        CASE(test_attributes_come_back_the_same_or_are_refused),
	        CASE(test_parts_out_of_their_limits_are_refused),
	        CASE(test_what_belongs_to_files_is_refused_elsewhere),
	        CASE(test_the_largest_of_all_file_events_is_taken),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
