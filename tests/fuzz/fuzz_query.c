/* floor: collector/query - any bytes as a query: what is accepted prints as a query that reads the
 * same, and can be asked; what is refused has a sentence. */
#include <assert.h>
#include <stdlib.h>

#include "collector/query/count.h"
#include "common/base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct index *fleet(void)
{
	static struct index *index;
	if (index)
		return index;
	index = index_new();
	struct fact package = {.kind = FACT_PACKAGE};
	package.field[PACKAGE_MANAGER] = slice_text("dpkg");
	package.field[PACKAGE_NAME] = slice_text("openssl");
	package.field[PACKAGE_VERSION] = slice_text("3.0.15-1~deb12u1");
	struct fact kernel = {.kind = FACT_KERNEL};
	kernel.field[KERNEL_STATE] = slice_text("running");
	kernel.field[KERNEL_RELEASE] = slice_text("6.1.0-28-amd64");
	struct fact socket = {.kind = FACT_SOCKET};
	socket.field[SOCKET_PORT] = slice_text("443");
	socket.field[SOCKET_PROGRAM] = slice_text("/usr/sbin/nginx");
	struct fact lodash = package;
	lodash.field[PACKAGE_MANAGER] = slice_text("npm");
	index_add_host(index, 0, slice_text("web01"));
	index_add_host(index, 1, slice_text("web02"));
	index_fact_begins(index, 0, &package);
	index_fact_begins(index, 1, &kernel);
	index_fact_begins(index, 1, &socket);
	index_fact_begins(index, 1, &lodash);
	return index;
}

static bool go_on(void *ctx, const struct fact *fact)
{
	(void)ctx;
	(void)fact;
	return true;
}

static bool go_on_counting(void *ctx, const struct fact *fact, const struct hostset *hosts)
{
	assert(hostset_count(hosts) > 0);
	return go_on(ctx, fact);
}

static void ask(const struct query *query, enum query_about about)
{
	struct filestate state = {.type = FILE_REGULAR};
	struct event event = {.seq = 3,
	        .kind = EVENT_FILE,
	        .action = ACTION_CREATED,
	        .cause = CAUSE_LIVE,
	        .path = slice_text("/etc/passwd"),
	        .after = &state};
	if (about == QUERY_EVENTS) {
		query_matches_event(query, fleet(), 0, &event);
		query_only_host(query, fleet());
		return;
	}
	struct hostset *set = query_hosts(query, fleet());
	assert(hostset_count(set) <= 2);
	hostset_free(set);
	set = query_unsure_hosts(query, fleet(), go_on_counting, NULL);
	assert(hostset_count(set) <= 2);
	hostset_free(set);
	query_each_reason(query, fleet(), NULL, 0, go_on, NULL);
}

static void try_text(struct slice text, enum query_about about)
{
	struct query *query = NULL, *again = NULL;
	struct buf print = BUF_INIT, print_again = BUF_INIT;
	struct reason why = {""};
	if (query_parse(text, about, &query, &why) < 0) {
		assert(!query && why.text[0] && text_is_utf8(slice_text(why.text)));
		return;
	}
	ask(query, about);
	query_print(query, &print);
	/* The print has more quotes and parentheses: caps may refuse it, nothing else. */
	if (query_parse(buf_slice(&print), about, &again, &why) == 0) {
		query_print(again, &print_again);
		if (!slice_equal(buf_slice(&print), buf_slice(&print_again)))
			abort();
	} else if (!strstr(why.text, "at most")) {
		abort();
	}
	buf_fini(&print);
	buf_fini(&print_again);
	query_free(query);
	query_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_of(data, size);
	try_text(text, QUERY_HOSTS);
	try_text(text, QUERY_EVENTS);
	return 0;
}
