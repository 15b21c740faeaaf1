/* The configured paths with where links lead, and what the agent watches of itself besides. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/own_paths.h"
#include "agent/watchlist.h"

/* Last: it makes a macro of `fail`. */
#include <cmocka.h>

static char dir[PATH_MAX];
static struct arena *arena;
static struct agent_config config;
static struct watch_config item[4];
static struct watchlist *list;
static struct reason why;

static int set_up(void **state)
{
	char made[] = "/tmp/tsujiban-watchlist-XXXXXX";
	(void)state;
	assert_non_null(mkdtemp(made));
	assert_non_null(realpath(made, dir));
	arena = arena_new(1u << 20);
	config = (struct agent_config){.watch.item = item, .state_dir = "/var/lib/agent"};
	memset(item, 0, sizeof(item));
	return 0;
}

static int tear_down(void **state)
{
	char command[PATH_MAX + 16];
	(void)state;
	watchlist_free(list);
	list = NULL;
	arena_free(arena);
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	return system(command);
}

static const char *in_dir(const char *name)
{
	struct buf path = BUF_INIT;
	buf_printf(&path, "%s/%s", dir, name);
	const char *text = arena_text(arena, buf_slice(&path));
	buf_fini(&path);
	return text;
}

static void watch(const char *path, bool is_recursive)
{
	item[config.watch.count++] = (struct watch_config){.path = path, .recursive = is_recursive};
}

static void make_list(void)
{
	watchlist_free(list);
	list = NULL;
	assert_int_equal(watchlist_new(&config, &list, &why), 0);
}

static const struct watch_entry *entry_of(const char *path)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->entry[i].path, path) == 0)
			return &list->entry[i];
	return NULL;
}

static void test_a_link_is_watched_and_where_it_leads(void **state)
{
	(void)state;
	assert_int_equal(mkdir(in_dir("real"), 0700), 0);
	assert_int_equal(symlink(in_dir("real"), in_dir("link")), 0);
	watch(in_dir("link"), true);
	make_list();
	assert_int_equal(list->count, 2);
	assert_non_null(entry_of(in_dir("link")));
	assert_true(entry_of(in_dir("real"))->recursive);
	assert_true(watchlist_is_current(list));
	assert_int_equal(unlink(in_dir("link")), 0);
	assert_false(watchlist_is_current(list));
}

static void test_own_files_are_watched_besides(void **state)
{
	char program[PATH_MAX];
	(void)state;
	ssize_t len = readlink("/proc/self/exe", program, sizeof(program) - 1);
	assert_true(len > 0);
	program[len] = '\0';
	watch(in_dir("tree"), true);
	fclose(fopen(in_dir("agent.yaml"), "w"));
	assert_int_equal(own_paths_find(&config, in_dir("agent.yaml"), arena, &why), 0);
	make_list();
	assert_non_null(entry_of(program));
	assert_non_null(entry_of(in_dir("agent.yaml")));
	assert_non_null(entry_of("/etc/systemd/system/tsujiban-agent.service.d"));
	const struct watch_entry *own = entry_of("/var/lib/agent");
	assert_non_null(own);
	assert_false(own->recursive);
	assert_true(own->exclude_count > 0);
	assert_true(watchlist_is_current(list));
}

static void test_what_the_configuration_covers_is_not_watched_twice(void **state)
{
	(void)state;
	watch("/", true);
	fclose(fopen(in_dir("agent.yaml"), "w"));
	assert_int_equal(own_paths_find(&config, in_dir("agent.yaml"), arena, &why), 0);
	make_list();
	assert_int_equal(list->count, 2);
	assert_non_null(entry_of("/"));
	assert_non_null(entry_of("/var/lib/agent")); /* it writes there itself all the time */
	assert_true(watchlist_is_current(list));
}

static void test_who_lists_the_state_directory_has_it_his_way(void **state)
{
	(void)state;
	watch("/var/lib/agent", true);
	assert_int_equal(own_paths_find(&config, "/nowhere/agent.yaml", arena, &why), 0);
	make_list();
	assert_true(entry_of("/var/lib/agent")->recursive);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	        TEST(test_a_link_is_watched_and_where_it_leads),
	        TEST(test_own_files_are_watched_besides),
	        TEST(test_what_the_configuration_covers_is_not_watched_twice),
	        TEST(test_who_lists_the_state_directory_has_it_his_way),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
