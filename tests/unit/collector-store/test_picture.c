#include "fixture.h"

#include "collector/store/picture.h"
#include "common/base/buf.h"

#define HOST 5

static struct filestate regular(uint64_t size)
{
	return (struct filestate){.type = FILE_REGULAR,
	        .hash = HASH_UNREADABLE,
	        .mode = 0644,
	        .size = size,
	        .owner = slice_text("root")};
}

static const struct filestate directory = {.type = FILE_DIRECTORY, .mode = 0755};

static void create(struct kv_txn *txn, const char *path, const struct filestate *state)
{
	struct event event = {.kind = EVENT_FILE,
	        .action = ACTION_CREATED,
	        .cause = CAUSE_LIVE,
	        .path = slice_text(path),
	        .after = state};

	assert_int_equal(picture_apply(txn, HOST, &event), 0);
}

static void create_file(struct kv_txn *txn, const char *path, uint64_t size)
{
	struct filestate state = regular(size);

	create(txn, path, &state);
}

static void delete (struct kv_txn *txn, const char *path, const struct filestate *before)
{
	struct event event = {.kind = EVENT_FILE,
	        .action = ACTION_DELETED,
	        .cause = CAUSE_LIVE,
	        .path = slice_text(path),
	        .before = before};

	assert_int_equal(picture_apply(txn, HOST, &event), 0);
}

static void move(
        struct kv_txn *txn, const char *from, const char *to, const struct filestate *after)
{
	struct event event = {.kind = EVENT_FILE,
	        .action = ACTION_MOVED,
	        .cause = CAUSE_LIVE,
	        .path = slice_text(to),
	        .old_path = slice_text(from),
	        .after = after};

	assert_int_equal(picture_apply(txn, HOST, &event), 0);
}

static int append_path(void *ctx, struct slice path, const struct filestate *state)
{
	(void)state;
	buf_append_slice(ctx, path);
	buf_append_byte(ctx, ' ');
	return 0;
}

/* Every file below the prefix, in pages of `page`, as "path path ". */
static const char *list_paged(
        struct kv_txn *txn, uint32_t host, const char *prefix, size_t page, struct buf *out)
{
	struct buf cursor = BUF_INIT;
	int rc;

	buf_reset(out);
	do {
		rc = picture_files(txn, host, slice_text(prefix), &cursor, page, append_path, out);
		assert_true(rc >= 0);
	} while (rc == 1);
	buf_fini(&cursor);
	return buf_text(out);
}

static const char *list(struct kv_txn *txn, const char *prefix, struct buf *out)
{
	return list_paged(txn, HOST, prefix, 100000, out);
}

static void test_event_becomes_the_picture(void **state)
{
	struct kv_txn *txn = ((struct fixture *)*state)->txn;
	struct filestate file;
	struct filestate old = regular(1), new = regular(9);
	struct event event = {.kind = EVENT_FILE,
	        .action = ACTION_MODIFIED,
	        .cause = CAUSE_LIVE,
	        .path = slice_text("/etc/hosts"),
	        .before = &old,
	        .after = &new};

	create_file(txn, "/etc/hosts", 1);
	assert_int_equal(picture_apply(txn, HOST, &event), 0);
	assert_int_equal(picture_file(txn, HOST, slice_text("/etc/hosts"), &file), 0);
	assert_int_equal(file.size, 9);
	assert_true(slice_is(file.owner, "root"));
	assert_int_equal(picture_file(txn, HOST + 1, slice_text("/etc/hosts"), &file), ERR_MISSING);
	assert_int_equal(picture_count_files(txn, HOST), 1);
}

static void test_gap_and_transient_change_nothing(void **state)
{
	struct kv_txn *txn = ((struct fixture *)*state)->txn;
	struct event event = {.kind = EVENT_FILE,
	        .action = ACTION_GAP,
	        .cause = CAUSE_LIVE,
	        .path = slice_text("/etc"),
	        .detail = slice_text("overflow")};
	struct buf out = BUF_INIT;

	create_file(txn, "/etc/a", 1);
	assert_int_equal(picture_apply(txn, HOST, &event), 0);
	event.action = ACTION_TRANSIENT;
	event.path = slice_text("/etc/a");
	assert_int_equal(picture_apply(txn, HOST, &event), 0);
	assert_string_equal(list(txn, "", &out), "/etc/a ");
	buf_fini(&out);
}

static void test_deleted_directory_takes_everything_below_along(void **state)
{
	struct kv_txn *txn = ((struct fixture *)*state)->txn;
	struct buf out = BUF_INIT;

	create(txn, "/a", &directory);
	create(txn, "/a/b", &directory);
	create_file(txn, "/a/b/c", 1);
	create_file(txn, "/a/b/d/e/f", 1);
	create_file(txn, "/a/bb", 1);
	create_file(txn, "/a/b.c", 1);
	create_file(txn, "/a/b/\x01x", 1);
	delete (txn, "/a/b", &directory);
	assert_string_equal(list(txn, "", &out), "/a /a/b.c /a/bb ");
	buf_fini(&out);
}

static void test_retired_path_goes_with_all_below_and_root_takes_all(void **state)
{
	struct kv_txn *txn = ((struct fixture *)*state)->txn;
	struct event event = {.kind = EVENT_FILE,
	        .action = ACTION_RETIRED,
	        .cause = CAUSE_LIVE,
	        .path = slice_text("/etc")};
	struct buf out = BUF_INIT;

	create(txn, "/", &directory);
	create(txn, "/etc", &directory);
	create_file(txn, "/etc/x/y", 1);
	create_file(txn, "/usr/z", 1);
	assert_int_equal(picture_apply(txn, HOST, &event), 0);
	assert_string_equal(list(txn, "", &out), "/ /usr/z ");
	event.path = slice_text("/");
	assert_int_equal(picture_apply(txn, HOST, &event), 0);
	assert_string_equal(list(txn, "", &out), "");
	buf_fini(&out);
}

static void test_directory_replaced_by_a_file_loses_its_content(void **state)
{
	struct kv_txn *txn = ((struct fixture *)*state)->txn;
	struct filestate file = regular(1);
	struct event event = {.kind = EVENT_FILE,
	        .action = ACTION_MODIFIED,
	        .cause = CAUSE_OFFLINE,
	        .path = slice_text("/a"),
	        .before = &directory,
	        .after = &file};
	struct buf out = BUF_INIT;

	create(txn, "/a", &directory);
	create_file(txn, "/a/b", 1);
	assert_int_equal(picture_apply(txn, HOST, &event), 0);
	assert_string_equal(list(txn, "", &out), "/a ");
	buf_fini(&out);
}

static void test_moved_directory_takes_its_content_along(void **state)
{
	struct kv_txn *txn = ((struct fixture *)*state)->txn;
	struct filestate file;
	struct buf out = BUF_INIT;

	create(txn, "/old", &directory);
	create_file(txn, "/old/a", 41);
	create_file(txn, "/old/sub/b", 42);
	create_file(txn, "/older", 1);
	create(txn, "/srv/new", &directory);
	create_file(txn, "/srv/new/left-over", 1);
	move(txn, "/old", "/srv/new", &directory);
	assert_string_equal(list(txn, "", &out), "/older /srv/new /srv/new/a /srv/new/sub/b ");
	assert_int_equal(picture_file(txn, HOST, slice_text("/srv/new/sub/b"), &file), 0);
	assert_int_equal(file.size, 42);
	buf_fini(&out);
}

static void test_moved_file_replaces_what_stood_there(void **state)
{
	struct kv_txn *txn = ((struct fixture *)*state)->txn;
	struct filestate file = regular(2);
	struct buf out = BUF_INIT;

	create_file(txn, "/etc/.x.swp", 2);
	create_file(txn, "/etc/x", 1);
	move(txn, "/etc/.x.swp", "/etc/x", &file);
	assert_string_equal(list(txn, "", &out), "/etc/x ");
	assert_int_equal(picture_file(txn, HOST, slice_text("/etc/x"), &file), 0);
	assert_int_equal(file.size, 2);
	buf_fini(&out);
}

static void test_move_into_itself_ends(void **state)
{
	struct kv_txn *txn = ((struct fixture *)*state)->txn;
	struct buf out = BUF_INIT;

	create(txn, "/a", &directory);
	create_file(txn, "/a/x", 1);
	move(txn, "/a", "/a/b", &directory);
	assert_string_equal(list(txn, "", &out), "/a/b ");
	create_file(txn, "/a/b/y", 1);
	move(txn, "/a/b", "/a", &directory);
	assert_string_equal(list(txn, "", &out), "/a /a/y ");
	move(txn, "/a", "/a", &directory);
	assert_string_equal(list(txn, "", &out), "/a /a/y ");
	buf_fini(&out);
}

/* "/d<number>" in front of a directory of `len` bytes in all. */
static void make_long_dir(struct buf *out, char first, size_t len)
{
	buf_reset(out);
	while (out->len < len) {
		size_t name = len - out->len - 1 < 100 ? len - out->len - 1 : 99;
		if (len - out->len - name - 1 == 1)
			name--;
		buf_append_byte(out, '/');
		memset(buf_reserve(out, name), first, name);
		out->len += name;
	}
	buf_text(out);
}

static void test_long_directories_keep_to_themselves(void **state)
{
	struct kv_txn *txn = ((struct fixture *)*state)->txn;
	struct buf dir = BUF_INIT, path = BUF_INIT, want = BUF_INIT, out = BUF_INIT;
	static const size_t lengths[] = {199, 200, 201, 250, 600};

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		make_long_dir(&dir, 'd', lengths[i]);
		assert_int_equal(dir.len, lengths[i]);
		create(txn, buf_text(&dir), &directory);
		for (int n = 0; n < 4; n++) {
			static const char *const tails[] = {"/a", "/sub/b", "/sub/deep/c", "x/z"};
			buf_reset(&path);
			buf_printf(&path, "%s%s", buf_text(&dir), tails[n]);
			create_file(txn, buf_text(&path), 1);
		}
		buf_reset(&want);
		buf_printf(&want, "%s %s/a %s/sub/b %s/sub/deep/c ", buf_text(&dir), buf_text(&dir),
		        buf_text(&dir), buf_text(&dir));
		/* In key order when the key is a digest is not in path order. */
		assert_int_equal(strlen(list(txn, buf_text(&dir), &out)), want.len);
		move(txn, buf_text(&dir), "/short", &directory);
		assert_string_equal(list(txn, buf_text(&dir), &out), "");
		assert_string_equal(list(txn, "/short", &out),
		        "/short /short/a /short/sub/b /short/sub/deep/c ");
		move(txn, "/short", buf_text(&dir), &directory);
		assert_int_equal(strlen(list(txn, buf_text(&dir), &out)), want.len);
		assert_int_equal(picture_count_files(txn, HOST), 5);
		delete (txn, buf_text(&dir), &directory);
		assert_int_equal(picture_count_files(txn, HOST), 1);
		assert_int_equal(picture_clear(txn, HOST), 0);
	}
	buf_fini(&dir);
	buf_fini(&path);
	buf_fini(&want);
	buf_fini(&out);
}

static void test_pages_give_every_file_once(void **state)
{
	struct kv_txn *txn = ((struct fixture *)*state)->txn;
	struct buf whole = BUF_INIT, paged = BUF_INIT, path = BUF_INIT, dir = BUF_INIT;
	static const char *const prefixes[] = {"", "/", "/p", "/p/", "/p/sub", "/p/7", "/none"};

	create(txn, "/p", &directory);
	make_long_dir(&dir, 'q', 260);
	for (int i = 0; i < 40; i++) {
		buf_reset(&path);
		buf_printf(&path, i % 3 == 0 ? "/p/%d" : "/p/sub/%d/x", i);
		create_file(txn, buf_text(&path), 1);
		buf_reset(&path);
		buf_printf(&path, i % 2 ? "%s/%d" : "%s/s/%d", buf_text(&dir), i);
		create_file(txn, buf_text(&path), 1);
	}
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		list(txn, prefixes[i], &whole);
		for (size_t page = 1; page < 8; page++)
			assert_string_equal(
			        list_paged(txn, HOST, prefixes[i], page, &paged), buf_text(&whole));
	}
	list(txn, buf_text(&dir), &whole);
	assert_string_equal(list_paged(txn, HOST, buf_text(&dir), 3, &paged), buf_text(&whole));
	assert_string_equal(list(txn, "/p/0", &whole), "/p/0 ");
	assert_string_equal(list(txn, "/none", &whole), "");
	buf_fini(&whole);
	buf_fini(&paged);
	buf_fini(&path);
	buf_fini(&dir);
}

static void test_large_directory_moves_whole(void **state)
{
	struct kv_txn *txn = ((struct fixture *)*state)->txn;
	struct buf path = BUF_INIT, out = BUF_INIT;

	create(txn, "/big", &directory);
	for (int i = 0; i < 3000; i++) {
		buf_reset(&path);
		buf_printf(&path, i % 2 ? "/big/%d" : "/big/s/%d", i);
		create_file(txn, buf_text(&path), 1);
	}
	move(txn, "/big", "/bigger", &directory);
	assert_int_equal(picture_count_files(txn, HOST), 3001);
	assert_string_equal(list(txn, "/big", &out), "");
	/* Into a directory that sorts behind it, where a walk would meet the moved again. */
	move(txn, "/bigger", "/zz", &directory);
	assert_int_equal(picture_count_files(txn, HOST), 3001);
	buf_fini(&path);
	buf_fini(&out);
}

static void test_paths_that_no_key_can_hold_are_refused(void **state)
{
	struct buf path = BUF_INIT;
	struct event event = {.kind = EVENT_FILE, .action = ACTION_DELETED, .cause = CAUSE_LIVE};
	struct reason why;

	(void)state;
	buf_append_byte(&path, '/');
	memset(buf_reserve(&path, 256), 'n', 256);
	path.len += 256;
	event.path = buf_slice(&path);
	assert_int_equal(picture_check(&event, &why), ERR_LIMIT);
	event.path = slice_text("/a//b");
	assert_int_equal(picture_check(&event, &why), ERR_FORMAT);
	event.path = slice_text("/a/b");
	assert_int_equal(picture_check(&event, &why), 0);
	event.old_path = slice_text("relative");
	assert_int_equal(picture_check(&event, &why), ERR_FORMAT);
	buf_fini(&path);
}

static struct fact package(const char *name, const char *version)
{
	struct fact fact = {.kind = FACT_PACKAGE};

	fact.field[PACKAGE_MANAGER] = slice_text("dpkg");
	fact.field[PACKAGE_NAME] = slice_text(name);
	fact.field[PACKAGE_ARCH] = slice_text("amd64");
	fact.field[PACKAGE_VERSION] = slice_text(version);
	return fact;
}

static void tell(struct kv_txn *txn, enum event_action action, const struct fact *before,
        const struct fact *after)
{
	struct event event = {.kind = EVENT_FACT,
	        .action = action,
	        .cause = CAUSE_LIVE,
	        .fact_before = before,
	        .fact_after = after};

	assert_int_equal(picture_apply(txn, HOST, &event), 0);
}

static int append_fact(void *ctx, const struct fact *fact)
{
	buf_printf(ctx, "%s:%.*s ", fact_kind_name(fact->kind),
	        SLICE_ARG(fact->field[fact->kind == FACT_PACKAGE ? PACKAGE_VERSION : 0]));
	return 0;
}

static void test_facts_come_by_pieces_each_once_and_one_by_its_key(void **state)
{
	struct fixture *fixture = *state;
	struct kv_txn *txn = fixture->txn;
	struct fact a = package("a", "1"), b = package("b", "2"), c = package("c", "3");
	struct fact label = {.kind = FACT_LABEL, .field = {slice_text("env"), slice_text("prod")}};
	struct fact like = package("b", "any"), found;
	struct buf out = BUF_INIT, at = BUF_INIT;

	tell(txn, ACTION_INSTALLED, NULL, &label);
	tell(txn, ACTION_INSTALLED, NULL, &c);
	tell(txn, ACTION_INSTALLED, NULL, &a);
	tell(txn, ACTION_INSTALLED, NULL, &b);
	assert_int_equal(picture_facts_from(txn, HOST, FACT_PACKAGE, &at, 2, append_fact, &out), 1);
	assert_string_equal(buf_text(&out), "package:1 package:2 ");
	/* Where it would go on is gone meanwhile. */
	tell(txn, ACTION_REMOVED, &c, NULL);
	assert_int_equal(picture_facts_from(txn, HOST, FACT_PACKAGE, &at, 2, append_fact, &out), 0);
	assert_string_equal(buf_text(&out), "package:1 package:2 ");
	buf_reset(&at);
	assert_int_equal(picture_facts_from(txn, HOST, FACT_PACKAGE, &at, 2, append_fact, &out), 0);
	assert_int_equal(picture_fact(txn, HOST, &like, &found), 0);
	assert_true(fact_equal(&found, &b));
	assert_int_equal(picture_fact(txn, HOST, &c, &found), ERR_MISSING);
	assert_int_equal(picture_fact(txn, HOST + 1, &like, &found), ERR_MISSING);
	buf_fini(&out);
	buf_fini(&at);
}

static void test_facts_begin_change_and_end(void **state)
{
	struct kv_txn *txn = ((struct fixture *)*state)->txn;
	struct fact ssl1 = package("openssl", "1"), ssl2 = package("openssl", "2");
	struct fact curl = package("curl", "7");
	struct fact label = {.kind = FACT_LABEL, .field = {slice_text("env"), slice_text("prod")}};
	struct buf out = BUF_INIT;

	tell(txn, ACTION_INSTALLED, NULL, &ssl1);
	tell(txn, ACTION_INSTALLED, NULL, &curl);
	tell(txn, ACTION_INSTALLED, NULL, &label);
	tell(txn, ACTION_UPGRADED, &ssl1, &ssl2);
	assert_int_equal(picture_facts(txn, HOST, 0, append_fact, &out), 0);
	assert_string_equal(buf_text(&out), "package:7 package:2 label:env ");
	buf_reset(&out);
	tell(txn, ACTION_REMOVED, &curl, NULL);
	assert_int_equal(picture_facts(txn, HOST, FACT_PACKAGE, append_fact, &out), 0);
	assert_string_equal(buf_text(&out), "package:2 ");
	buf_fini(&out);
}

static void test_clear_forgets_one_host_only(void **state)
{
	struct kv_txn *txn = ((struct fixture *)*state)->txn;
	struct fact curl = package("curl", "7");
	struct filestate file = regular(1);
	struct event event = {.kind = EVENT_FILE,
	        .action = ACTION_CREATED,
	        .cause = CAUSE_LIVE,
	        .path = slice_text("/x"),
	        .after = &file};
	struct buf out = BUF_INIT;

	create_file(txn, "/x", 1);
	tell(txn, ACTION_INSTALLED, NULL, &curl);
	assert_int_equal(picture_apply(txn, HOST + 1, &event), 0);
	assert_int_equal(picture_clear(txn, HOST), 0);
	assert_int_equal(picture_count_files(txn, HOST), 0);
	assert_int_equal(picture_facts(txn, HOST, 0, append_fact, &out), 0);
	assert_int_equal(out.len, 0);
	assert_int_equal(picture_count_files(txn, HOST + 1), 1);
	buf_fini(&out);
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        WITH_STORE(test_event_becomes_the_picture),
	        WITH_STORE(test_gap_and_transient_change_nothing),
	        WITH_STORE(test_deleted_directory_takes_everything_below_along),
	        WITH_STORE(test_retired_path_goes_with_all_below_and_root_takes_all),
	        WITH_STORE(test_directory_replaced_by_a_file_loses_its_content),
	        WITH_STORE(test_moved_directory_takes_its_content_along),
	        WITH_STORE(test_moved_file_replaces_what_stood_there),
	        WITH_STORE(test_move_into_itself_ends),
	        WITH_STORE(test_long_directories_keep_to_themselves),
	        WITH_STORE(test_pages_give_every_file_once),
	        WITH_STORE(test_large_directory_moves_whole),
	        cmocka_unit_test(test_paths_that_no_key_can_hold_are_refused),
	        WITH_STORE(test_facts_begin_change_and_end),
	        WITH_STORE(test_facts_come_by_pieces_each_once_and_one_by_its_key),
	        WITH_STORE(test_clear_forgets_one_host_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
