#include "agent/touch/explainer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Explains the one path that it knows. */
struct guide {
	struct explainer explainer; /* first */
	const char *path;
	uint64_t transaction;
	struct tally told;
	bool is_disposed;
};

static bool guide_wants_md5(const struct explainer *explainer, struct slice path)
{
	return slice_is(path, ((const struct guide *)explainer)->path);
}

static bool guide_explain(const struct explainer *explainer, struct slice path,
        const struct filestate *before, const struct filestate *after, const uint8_t *md5,
        struct explained *out)
{
	const struct guide *guide = (const struct guide *)explainer;
	(void)before, (void)after, (void)md5;
	out->transaction = guide->transaction;
	return slice_is(path, guide->path);
}

static void guide_told(struct explainer *explainer, const struct tally *tally)
{
	((struct guide *)explainer)->told = *tally;
}

static void guide_dispose(struct explainer *explainer)
{
	((struct guide *)explainer)->is_disposed = true;
}

static struct guide guide_new(const char *path, uint64_t transaction)
{
	return (struct guide){
	        .explainer = {.references = 1,
	                .wants_md5 = guide_wants_md5,
	                .explain = guide_explain,
	                .told = guide_told,
	                .dispose = guide_dispose},
	        .path = path,
	        .transaction = transaction,
	};
}

static void test_events_are_counted_for_their_run(void **unused)
{
	struct explained a = {.state = EXPLAINED_VERIFIED, .transaction = 1};
	struct explained b = {.state = EXPLAINED_REMOVED, .transaction = 2};
	struct explained c = {.state = EXPLAINED_REMOVED, .transaction = 3};
	struct tally tally = {0};
	(void)unused;
	tally_add(&tally, &a);
	tally_add(&tally, &b);
	tally_add(&tally, &a);
	tally_add(&tally, NULL);
	tally_add(&tally, &c); /* one run more than can be told at one time */
	assert_int_equal(tally.run[0].events[EXPLAINED_VERIFIED], 2);
	assert_int_equal(tally.run[1].events[EXPLAINED_REMOVED], 1);
	assert_int_equal(tally.none, 2);
}

static void test_the_second_is_asked_for_what_the_first_does_not_know(void **unused)
{
	struct guide one = guide_new("/a", 1), two = guide_new("/b", 2);
	struct explainer *both = explainer_both(&one.explainer, &two.explainer);
	struct explained out;
	(void)unused;
	assert_true(both->explain(both, slice_text("/a"), NULL, NULL, NULL, &out));
	assert_int_equal(out.transaction, 1);
	assert_true(both->explain(both, slice_text("/b"), NULL, NULL, NULL, &out));
	assert_int_equal(out.transaction, 2);
	assert_false(both->explain(both, slice_text("/c"), NULL, NULL, NULL, &out));
	assert_true(both->wants_md5(both, slice_text("/b")));
	assert_false(both->wants_md5(both, slice_text("/c")));
	explainer_drop(both);
}

static void test_both_are_told_and_let_go(void **unused)
{
	struct guide one = guide_new("/a", 1), two = guide_new("/b", 2);
	struct explainer *both = explainer_both(&one.explainer, &two.explainer);
	(void)unused;
	both->told(both, &(struct tally){.none = 7});
	assert_int_equal(one.told.none, 7);
	assert_int_equal(two.told.none, 7);
	explainer_drop(&one.explainer);
	explainer_drop(&two.explainer);
	assert_false(one.is_disposed || two.is_disposed);
	explainer_drop(both);
	assert_true(one.is_disposed && two.is_disposed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_events_are_counted_for_their_run),
	        cmocka_unit_test(test_the_second_is_asked_for_what_the_first_does_not_know),
	        cmocka_unit_test(test_both_are_told_and_let_go),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
