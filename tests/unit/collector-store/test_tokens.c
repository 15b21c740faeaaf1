#include "fixture.h"

#include <stdio.h>

#include "collector/store/tokens.h"

static int put(struct kv_txn *txn, const char *text, enum token_role role, int64_t expires_ns)
{
	struct token_record token = {.role = role,
	        .created_ns = 10,
	        .expires_ns = expires_ns,
	        .label_count = 2,
	        .label_name = {slice_text("env"), slice_text("role")},
	        .label_value = {slice_text("prod"), slice_text("")}};

	return tokens_put(txn, slice_text(text), &token);
}

static int find(struct kv_txn *txn, const char *text, int64_t now_ns, struct token_record *out)
{
	struct reason why;

	return tokens_find(txn, slice_text(text), now_ns, out, &why);
}

static void test_drawn_tokens_differ_and_are_url_safe(void **state)
{
	char a[TOKEN_TEXT_BYTES + 1], b[TOKEN_TEXT_BYTES + 1];

	(void)state;
	for (int i = 0; i < 100; i++) {
		token_draw(a);
		token_draw(b);
		assert_int_equal(strlen(a), TOKEN_TEXT_BYTES);
		assert_string_not_equal(a, b);
		assert_int_equal(strspn(a, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		                           "0123456789-_"),
		        TOKEN_TEXT_BYTES);
	}
}

static void test_token_comes_back_and_is_used_once(void **state)
{
	struct kv_txn *txn = ((struct fixture *)*state)->txn;
	struct token_record token;

	assert_int_equal(put(txn, "secret", TOKEN_ENROLL, 1000), 0);
	assert_int_equal(find(txn, "secret", 999, &token), 0);
	assert_int_equal(token.role, TOKEN_ENROLL);
	assert_int_equal(token.expires_ns, 1000);
	assert_int_equal(token.label_count, 2);
	assert_true(slice_is(token.label_name[1], "role"));
	assert_int_equal(token.label_value[1].len, 0);
	assert_int_equal(find(txn, "secreT", 999, &token), ERR_MISSING);
	assert_int_equal(find(txn, "", 999, &token), ERR_MISSING);
	assert_int_equal(tokens_remove(txn, slice_text("secret")), 0);
	assert_int_equal(find(txn, "secret", 999, &token), ERR_MISSING);
	assert_int_equal(tokens_remove(txn, slice_text("secret")), ERR_MISSING);
}

static void test_expired_token_is_refused_and_zero_never_expires(void **state)
{
	struct kv_txn *txn = ((struct fixture *)*state)->txn;
	struct token_record token;

	assert_int_equal(put(txn, "short", TOKEN_ENROLL, 1000), 0);
	assert_int_equal(put(txn, "admin", TOKEN_ADMIN, 0), 0);
	assert_int_equal(find(txn, "short", 1000, &token), ERR_REFUSED);
	assert_int_equal(find(txn, "admin", INT64_MAX, &token), 0);
}

static void test_sweep_drops_what_has_ended(void **state)
{
	struct kv_txn *txn = ((struct fixture *)*state)->txn;
	struct token_record token;

	assert_int_equal(put(txn, "ended", TOKEN_ENROLL, 1000), 0);
	assert_int_equal(put(txn, "ended too", TOKEN_READ, 1001), 0);
	assert_int_equal(put(txn, "running", TOKEN_ENROLL, 3000), 0);
	assert_int_equal(put(txn, "reader", TOKEN_READ, 3000), 0);
	assert_int_equal(put(txn, "admin", TOKEN_ADMIN, 0), 0);
	assert_int_equal(tokens_sweep(txn, 2000), 0);
	assert_int_equal(kv_count(txn, STORE_TOKENS), 3);
	assert_int_equal(find(txn, "running", 2000, &token), 0);
	assert_int_equal(find(txn, "reader", 2000, &token), 0);
	assert_int_equal(find(txn, "admin", 2000, &token), 0);
}

struct seen {
	unsigned count, roles;
	char last[TOKEN_ID_BYTES + 1];
};

static int see(void *ctx, const char *id, const struct token_record *token)
{
	struct seen *seen = ctx;

	assert_true(strcmp(seen->last, id) < 0);
	snprintf(seen->last, sizeof(seen->last), "%s", id);
	seen->roles |= 1u << token->role;
	return ++seen->count == 3 ? 1 : 0;
}

static void test_all_are_visited_by_id_until_it_is_enough(void **state)
{
	struct kv_txn *txn = ((struct fixture *)*state)->txn;
	struct seen seen = {0}, again = {.count = 1}, behind = {0};

	assert_int_equal(tokens_each(txn, "", see, &seen), 0);
	assert_int_equal(put(txn, "reader", TOKEN_READ, 1000), 0);
	assert_int_equal(put(txn, "admin", TOKEN_ADMIN, 0), 0);
	assert_int_equal(tokens_each(txn, "", see, &seen), 0);
	assert_int_equal(seen.count, 2);
	assert_int_equal(seen.roles, 1u << TOKEN_READ | 1u << TOKEN_ADMIN);
	assert_int_equal(tokens_each(txn, "", see, &again), 1);
	assert_int_equal(tokens_each(txn, seen.last, see, &behind), 0);
	assert_int_equal(behind.count, 0);
	assert_int_equal(tokens_each(txn, "0000000000000000", see, &behind), 0);
	assert_int_equal(behind.count, 2);
}

static void test_revoked_by_id_but_for_an_admins(void **state)
{
	struct kv_txn *txn = ((struct fixture *)*state)->txn;
	char id[TOKEN_ID_BYTES + 1];
	struct token_record token;
	enum token_role role = 0;

	assert_int_equal(put(txn, "reader", TOKEN_READ, 0), 0);
	assert_int_equal(put(txn, "other", TOKEN_READ, 0), 0);
	assert_int_equal(put(txn, "admin", TOKEN_ADMIN, 0), 0);
	token_id(slice_text("reader"), id);
	assert_int_equal(tokens_revoke(txn, slice_of(id, TOKEN_ID_BYTES - 2), &role), ERR_MISSING);
	assert_int_equal(tokens_revoke(txn, slice_text("no hex, at all!!"), &role), ERR_MISSING);
	assert_int_equal(tokens_revoke(txn, slice_text(id), &role), 0);
	assert_int_equal(role, TOKEN_READ);
	assert_int_equal(find(txn, "reader", 1, &token), ERR_MISSING);
	assert_int_equal(find(txn, "other", 1, &token), 0);
	assert_int_equal(tokens_revoke(txn, slice_text(id), &role), ERR_MISSING);
	token_id(slice_text("admin"), id);
	assert_int_equal(tokens_revoke(txn, slice_text(id), &role), ERR_REFUSED);
	assert_int_equal(find(txn, "admin", 1, &token), 0);
	assert_int_equal(tokens_revoke(txn, slice_text("ffffffffffffffff"), &role), ERR_MISSING);
}

static void test_a_new_admins_token_is_the_only_one(void **state)
{
	struct kv_txn *txn = ((struct fixture *)*state)->txn;
	struct token_record token;

	assert_int_equal(tokens_replace_admin(txn, slice_text("first"), 5), 0);
	assert_int_equal(put(txn, "other", TOKEN_ADMIN, 0), 0);
	assert_int_equal(put(txn, "reader", TOKEN_READ, 0), 0);
	assert_int_equal(put(txn, "host", TOKEN_ENROLL, 1000), 0);
	assert_int_equal(tokens_replace_admin(txn, slice_text("second"), 10), 0);
	assert_int_equal(find(txn, "first", 11, &token), ERR_MISSING);
	assert_int_equal(find(txn, "other", 11, &token), ERR_MISSING);
	assert_int_equal(find(txn, "second", INT64_MAX, &token), 0);
	assert_int_equal(token.role, TOKEN_ADMIN);
	assert_int_equal(token.created_ns, 10);
	assert_int_equal(find(txn, "reader", 11, &token), 0);
	assert_int_equal(find(txn, "host", 11, &token), 0);
}

static void test_text_of_a_token_is_not_in_the_store(void **state)
{
	struct kv_txn *txn = ((struct fixture *)*state)->txn;
	struct kv_cursor *cursor;
	struct slice key, value;

	assert_int_equal(put(txn, "needle", TOKEN_ADMIN, 0), 0);
	assert_int_equal(kv_cursor_open(txn, STORE_TOKENS, &cursor), 0);
	assert_int_equal(kv_first(cursor, &key, &value), 0);
	assert_int_equal(key.len, 32);
	assert_null(memmem(key.ptr, key.len, "needle", 6));
	assert_null(memmem(value.ptr, value.len, "needle", 6));
	kv_cursor_close(cursor);
}

static void test_labels_beyond_the_caps_are_refused(void **state)
{
	struct kv_txn *txn = ((struct fixture *)*state)->txn;
	struct token_record token = {.role = TOKEN_ENROLL, .label_count = 1};

	assert_int_equal(tokens_put(txn, slice_text("t"), &token), ERR_LIMIT);
	token.label_count = TOKEN_LABELS_MAX + 1;
	assert_int_equal(tokens_put(txn, slice_text("t"), &token), ERR_LIMIT);
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_drawn_tokens_differ_and_are_url_safe),
	        WITH_STORE(test_token_comes_back_and_is_used_once),
	        WITH_STORE(test_expired_token_is_refused_and_zero_never_expires),
	        WITH_STORE(test_sweep_drops_what_has_ended),
	        WITH_STORE(test_all_are_visited_by_id_until_it_is_enough),
	        WITH_STORE(test_revoked_by_id_but_for_an_admins),
	        WITH_STORE(test_a_new_admins_token_is_the_only_one),
	        WITH_STORE(test_text_of_a_token_is_not_in_the_store),
	        WITH_STORE(test_labels_beyond_the_caps_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
