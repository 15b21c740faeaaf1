#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/err.h"
#include "common/model/event.h"

static const struct filestate FILE_STATE = {.type = FILE_REGULAR, .hash = HASH_DONE, .mode = 0644};
static const struct transaction TRANSACTION = {.id = 1};
static struct fact label = {.kind = FACT_LABEL};

/* The least that is well formed for this action. */
static struct event least(enum event_action action)
{
	struct event event = {.kind = EVENT_FILE, .action = action, .cause = CAUSE_LIVE};
	event.path = slice_text("/etc/x");
	switch (action) {
	case ACTION_CREATED:
		event.after = &FILE_STATE;
		break;
	case ACTION_MOVED:
		event.old_path = slice_text("/etc/y");
		event.after = &FILE_STATE;
		break;
	case ACTION_MODIFIED:
	case ACTION_ATTRIBUTES:
		event.before = event.after = &FILE_STATE;
		break;
	case ACTION_DELETED:
		event.before = &FILE_STATE;
		break;
	case ACTION_TRANSIENT:
		event.count = 1;
		break;
	case ACTION_GAP:
	case ACTION_DEGRADED:
		event.detail = slice_text("the kernel's queue overflowed");
		break;
	case ACTION_INSTALLED:
	case ACTION_UPGRADED:
	case ACTION_REMOVED:
		event.kind = EVENT_FACT;
		event.path = (struct slice){0};
		event.fact_before = action != ACTION_INSTALLED ? &label : NULL;
		event.fact_after = action != ACTION_REMOVED ? &label : NULL;
		break;
	case ACTION_STARTED:
	case ACTION_LINKED:
		event.kind = EVENT_AGENT;
		break;
	case ACTION_SILENT:
	case ACTION_RETURNED:
	case ACTION_STOPPED:
		event.kind = EVENT_AGENT;
		event.path = (struct slice){0};
		break;
	case ACTION_COMPLETED:
		event.kind = EVENT_TRANSACTION;
		event.path = (struct slice){0};
		event.transaction = &TRANSACTION;
		break;
	case ACTION_UNLOGGED:
		event.kind = EVENT_TRANSACTION;
		break;
	case ACTION_RETIRED:
	case ACTION_BASELINED:
	case ACTION_RESTORED:
		break;
	}
	return event;
}

static void assert_refused(const struct event *event)
{
	struct reason why = {""};
	assert_int_equal(event_check(event, &why), ERR_FORMAT);
	assert_memory_equal(why.text, "cannot take event: ", 19);
	assert_int_equal(event_check(event, NULL), ERR_FORMAT);
}

static void test_the_least_event_of_each_action_is_taken(void **state)
{
	(void)state;
	for (unsigned action = 1; action <= ACTION_MAX; action++) {
		struct event event = least((enum event_action)action);
		struct reason why = {""};
		if (event_check(&event, &why) != 0)
			fail_msg("%s: %s", event_action_name((enum event_action)action), why.text);
	}
}

static void test_numbers_out_of_range_are_refused(void **state)
{
	(void)state;
	struct event event = least(ACTION_CREATED);
	event.kind = (enum event_kind)0;
	assert_refused(&event);
	event.kind = (enum event_kind)4;
	assert_refused(&event);
	event = least(ACTION_CREATED);
	event.action = (enum event_action)0;
	assert_refused(&event);
	event.action = (enum event_action)(ACTION_MAX + 1);
	assert_refused(&event);
	event.action = (enum event_action)UINT32_MAX;
	assert_refused(&event);
	event = least(ACTION_CREATED);
	event.cause = (enum event_cause)0;
	assert_refused(&event);
	event.cause = (enum event_cause)(CAUSE_MAX + 1);
	assert_refused(&event);
	event = least(ACTION_MODIFIED);
	event.changed = (1u << CHANGED_COUNT) - 1;
	assert_int_equal(event_check(&event, NULL), 0);
	event.changed = 1u << CHANGED_COUNT;
	assert_refused(&event);
}

static void test_missing_and_foreign_parts_are_refused(void **state)
{
	(void)state;
	struct event event = least(ACTION_CREATED);
	event.before = &FILE_STATE;
	assert_refused(&event);
	event = least(ACTION_CREATED);
	event.after = NULL;
	assert_refused(&event);
	event = least(ACTION_DELETED);
	event.after = &FILE_STATE;
	assert_refused(&event);
	event = least(ACTION_MOVED);
	event.old_path = (struct slice){0};
	assert_refused(&event);
	event = least(ACTION_CREATED);
	event.old_path = slice_text("/x");
	assert_refused(&event);
	event = least(ACTION_TRANSIENT);
	event.count = 0;
	assert_refused(&event);
	event = least(ACTION_GAP);
	event.detail = (struct slice){0};
	assert_refused(&event);
	event = least(ACTION_CREATED);
	event.fact_after = &label;
	assert_refused(&event);
	event = least(ACTION_INSTALLED);
	event.after = &FILE_STATE;
	assert_refused(&event);
	event = least(ACTION_INSTALLED);
	event.path = slice_text("/x");
	assert_refused(&event);
	event = least(ACTION_INSTALLED);
	event.kind = EVENT_FILE;
	assert_refused(&event);
}

static void test_who_stopped_the_agent_is_an_actor(void **state)
{
	static const struct actor SOMEBODY = {.pid = 7};
	struct reason why;
	struct event event = least(ACTION_STOPPED);
	(void)state;
	event.actor = &SOMEBODY;
	assert_int_equal(event_check(&event, &why), 0);
	event = least(ACTION_STARTED);
	event.actor = &SOMEBODY;
	assert_refused(&event);
}

static void test_paths_are_absolute_whole_and_bounded(void **state)
{
	(void)state;
	struct event event = least(ACTION_CREATED);
	static char path[EVENT_PATH_BYTES + 1];
	memset(path, '/', sizeof(path));
	event.path = slice_of(path, EVENT_PATH_BYTES);
	assert_int_equal(event_check(&event, NULL), 0);
	event.path.len++;
	assert_refused(&event);
	event.path = slice_text("etc/x");
	assert_refused(&event);
	event.path = slice_of("/etc\0x", 6);
	assert_refused(&event);
	event.path = (struct slice){0};
	assert_refused(&event);
	event = least(ACTION_MOVED);
	event.old_path = slice_text("x");
	assert_refused(&event);
}

static void assert_state_refused(struct filestate file)
{
	struct event event = least(ACTION_MODIFIED);
	event.before = &file;
	assert_refused(&event);
	event = least(ACTION_MODIFIED);
	event.after = &file;
	assert_refused(&event);
}

static void test_states_that_cannot_be_are_refused(void **state)
{
	(void)state;
	assert_state_refused((struct filestate){.type = FILE_ABSENT});
	assert_state_refused((struct filestate){.type = (enum file_type)8});
	assert_state_refused((struct filestate){.type = FILE_REGULAR, .hash = (enum hash_status)5});
	assert_state_refused((struct filestate){.type = FILE_DIRECTORY, .hash = HASH_DONE});
	assert_state_refused((struct filestate){.type = FILE_REGULAR, .mode = 010000});
	assert_state_refused((struct filestate){.type = FILE_REGULAR, .target = slice_text("x")});
}

static void test_an_upgrade_keeps_its_key(void **state)
{
	(void)state;
	struct fact before = {.kind = FACT_LABEL}, after = before;
	before.field[PAIR_NAME] = after.field[PAIR_NAME] = slice_text("env");
	after.field[PAIR_VALUE] = slice_text("production");
	struct event event = least(ACTION_UPGRADED);
	event.fact_before = &before;
	event.fact_after = &after;
	assert_int_equal(event_check(&event, NULL), 0);
	after.field[PAIR_NAME] = slice_text("role");
	assert_refused(&event);
	after = before;
	after.kind = FACT_HOST;
	assert_refused(&event);
	after.kind = (enum fact_kind)77;
	assert_refused(&event);
}

static void test_names_come_back(void **state)
{
	(void)state;
	for (unsigned number = 1; number <= ACTION_MAX; number++) {
		enum event_action action;
		const char *name = event_action_name((enum event_action)number);
		assert_true(event_action_parse(slice_text(name), &action) && action == number);
	}
	for (unsigned number = 1; number <= CAUSE_MAX; number++) {
		enum event_cause cause;
		const char *name = event_cause_name((enum event_cause)number);
		assert_true(event_cause_parse(slice_text(name), &cause) && cause == number);
	}
	enum event_action action;
	enum event_cause cause;
	assert_false(event_action_parse(slice_text("unknown"), &action));
	assert_false(event_cause_parse(slice_text(""), &cause));
	assert_string_equal(event_action_name((enum event_action)0), "unknown");
}

static void test_the_kind_of_a_fact_stands_for_itself(void **state)
{
	(void)state;
	struct event event = least(ACTION_REMOVED);
	assert_string_equal(event_kind_name(&event), "label");
	event = least(ACTION_CREATED);
	assert_string_equal(event_kind_name(&event), "file");
	event = least(ACTION_STARTED);
	assert_string_equal(event_kind_name(&event), "agent");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_the_least_event_of_each_action_is_taken),
	        cmocka_unit_test(test_numbers_out_of_range_are_refused),
	        cmocka_unit_test(test_missing_and_foreign_parts_are_refused),
	        cmocka_unit_test(test_who_stopped_the_agent_is_an_actor),
	        cmocka_unit_test(test_paths_are_absolute_whole_and_bounded),
	        cmocka_unit_test(test_states_that_cannot_be_are_refused),
	        cmocka_unit_test(test_an_upgrade_keeps_its_key),
	        cmocka_unit_test(test_names_come_back),
	        cmocka_unit_test(test_the_kind_of_a_fact_stands_for_itself),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
