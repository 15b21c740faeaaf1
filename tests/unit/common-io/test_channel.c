#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/io/channel.h"

/* Last: it makes a macro of `fail`. */
#include <cmocka.h>

#define MOST_BYTES 100000

struct end {
	struct loop *loop;
	struct channel *channel;
	struct buf got; /* kind and payload of each message, one behind the other */
	unsigned messages, stop_at, drained;
	bool is_closed, frees_itself;
	int code;
	char why[128];
};

static void on_message(void *ctx, uint8_t kind, struct slice payload)
{
	struct end *end = ctx;
	buf_append_byte(&end->got, kind);
	buf_append_slice(&end->got, payload);
	end->messages++;
	if (end->frees_itself) {
		channel_free(end->channel);
		end->channel = NULL;
	}
	if (end->messages == end->stop_at)
		loop_stop(end->loop);
}

static void on_drained(void *ctx)
{
	struct end *end = ctx;
	end->drained++;
}

static void on_closed(void *ctx, int code, const char *why)
{
	struct end *end = ctx;
	end->code = code;
	assert_false(end->is_closed);
	end->is_closed = true;
	snprintf(end->why, sizeof(end->why), "%s", why);
	loop_stop(end->loop);
}

static const struct channel_events EVENTS = {
        .message = on_message, .drained = on_drained, .closed = on_closed};

static struct loop *loop;
static struct end left, right;
static int raw; /* the left end, when it has no channel */

static int set_up(void **state)
{
	int ends[2];
	(void)state;
	loop = loop_new();
	left = (struct end){.loop = loop};
	right = (struct end){.loop = loop};
	assert_int_equal(channel_pair(ends), 0);
	raw = ends[0];
	right.channel = channel_new(loop, ends[1], MOST_BYTES, &EVENTS, &right);
	return 0;
}

static void open_left(void)
{
	left.channel = channel_new(loop, raw, MOST_BYTES, &EVENTS, &left);
	raw = -1;
}

static int tear_down(void **state)
{
	(void)state;
	channel_free(left.channel);
	channel_free(right.channel);
	loop_free(loop);
	if (raw >= 0)
		close(raw);
	buf_fini(&left.got);
	buf_fini(&right.got);
	return 0;
}

static void test_messages_arrive_whole_and_in_order(void **state)
{
	(void)state;
	open_left();
	channel_send(left.channel, 1, slice_text("one"));
	channel_send(left.channel, 2, slice_text(""));
	channel_send(left.channel, 3, slice_text("three"));
	right.stop_at = 3;
	loop_run(loop);
	assert_true(slice_is(buf_slice(&right.got), "\1one\2\3three"));
	assert_int_equal(channel_pending(left.channel), 0);
}

static void test_long_messages_pass_in_both_directions_at_once(void **state)
{
	char *bytes = malloc(MOST_BYTES);
	(void)state;
	memset(bytes, 'x', MOST_BYTES);
	open_left();
	for (unsigned i = 0; i < 20; i++) {
		channel_send(left.channel, 7, slice_of(bytes, MOST_BYTES));
		channel_send(right.channel, 8, slice_of(bytes, MOST_BYTES));
	}
	assert_true(channel_pending(left.channel) > 0);
	left.stop_at = right.stop_at = 20;
	while (left.messages < 20 || right.messages < 20)
		loop_run(loop);
	assert_int_equal(right.got.len, 20 * (MOST_BYTES + 1));
	assert_int_equal(left.got.len, 20 * (MOST_BYTES + 1));
	free(bytes);
}

static void write_raw(const void *bytes, size_t len)
{
	assert_int_equal(write(raw, bytes, len), len);
}

static void test_a_message_in_pieces_is_put_together(void **state)
{
	(void)state;
	write_raw("\0\0", 2);
	write_raw("\0\4\5ab", 5);
	right.stop_at = 1;
	write_raw("c\0\0\0\1\6", 6);
	loop_run(loop);
	assert_true(slice_starts_with(buf_slice(&right.got), slice_text("\5abc")));
}

static void test_a_message_that_is_too_long_ends_it(void **state)
{
	(void)state;
	write_raw("\xff\xff\xff\xff\1", 5);
	loop_run(loop);
	assert_true(right.is_closed);
	assert_int_equal(right.code, ERR_LIMIT);
	assert_string_equal(right.why, "a message of the other half is too long");
	assert_int_equal(right.messages, 0);
}

static void test_a_message_without_kind_ends_it(void **state)
{
	(void)state;
	write_raw("\0\0\0\0\1", 5);
	loop_run(loop);
	assert_true(right.is_closed);
}

static void test_the_end_of_the_other_side_is_told(void **state)
{
	(void)state;
	write_raw("\0\0\0\2\1a", 6);
	close(raw);
	raw = -1;
	loop_run(loop);
	assert_int_equal(right.messages, 1);
	assert_true(right.is_closed);
	assert_int_equal(right.code, ERR_CLOSED);
	channel_send(right.channel, 1, slice_text("to nobody"));
}

/* A process that is killed has read less than it was told: the kernel says reset, not end. */
static void test_an_end_with_unread_messages_is_an_end(void **state)
{
	(void)state;
	channel_send(right.channel, 1, slice_text("nobody reads this"));
	write_raw("\0\0\0\2\1a", 6);
	close(raw);
	raw = -1;
	loop_run(loop);
	assert_int_equal(right.messages, 1);
	assert_true(right.is_closed);
	assert_int_equal(right.code, ERR_CLOSED);
	assert_string_equal(right.why, "the other half is gone");
}

static void test_it_may_be_freed_in_its_own_callback(void **state)
{
	(void)state;
	write_raw("\0\0\0\2\1a\0\0\0\2\1b", 12);
	right.frees_itself = true;
	right.stop_at = 1;
	loop_run(loop);
	assert_int_equal(right.messages, 1);
}

static void test_drained_is_told_when_all_is_gone(void **state)
{
	char *bytes = calloc(1, MOST_BYTES);
	(void)state;
	open_left();
	for (unsigned i = 0; i < 30; i++)
		channel_send(left.channel, 7, slice_of(bytes, MOST_BYTES));
	right.stop_at = 30;
	loop_run(loop);
	channel_send(right.channel, 1, slice_text("enough"));
	left.stop_at = 1;
	loop_run(loop);
	assert_true(left.drained > 0);
	assert_int_equal(channel_pending(left.channel), 0);
	free(bytes);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	        TEST(test_messages_arrive_whole_and_in_order),
	        TEST(test_long_messages_pass_in_both_directions_at_once),
	        TEST(test_a_message_in_pieces_is_put_together),
	        TEST(test_a_message_that_is_too_long_ends_it),
	        TEST(test_a_message_without_kind_ends_it),
	        TEST(test_the_end_of_the_other_side_is_told),
	        TEST(test_an_end_with_unread_messages_is_an_end),
	        TEST(test_it_may_be_freed_in_its_own_callback),
	        TEST(test_drained_is_told_when_all_is_gone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
