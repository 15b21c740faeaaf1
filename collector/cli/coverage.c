#include "collector/cli/coverage.h"

#include "common/base/text.h"

static long long count_of(const json_t *coverage, const char *key)
{
	return (long long)json_integer_value(json_object_get(coverage, key));
}

/* ", 2 are away" */
static void append_part(struct buf *out, long long hosts, const char *one, const char *more)
{
	if (hosts > 0)
		buf_printf(
		        out, "%s%lld %s", out->len > 0 ? ", " : "", hosts, hosts == 1 ? one : more);
}

static void append_managers(const json_t *coverage, struct buf *out)
{
	const json_t *managers = json_object_get(coverage, "unordered_managers");

	for (size_t i = 0; i < json_array_size(managers); i++) {
		const char *name = json_string_value(json_array_get(managers, i));
		buf_append_text(out, i > 0 ? ", " : " (");
		text_append_display(out, slice_text(name ? name : ""));
	}
	if (json_array_size(managers) > 0)
		buf_append_byte(out, ')');
}

void coverage_append(const json_t *coverage, struct buf *out)
{
	struct buf parts = BUF_INIT;

	append_part(&parts, count_of(coverage, "stale"), "is away (what it says may be stale)",
	        "are away (what they say may be stale)");
	append_part(&parts, count_of(coverage, "unknown"), "has sent no inventory yet",
	        "have sent no inventory yet");
	append_part(&parts, count_of(coverage, "unordered"),
	        "has a version that cannot be compared", "have versions that cannot be compared");
	append_managers(coverage, &parts);
	if (parts.len > 0)
		buf_printf(out, "of %lld host%s %s", count_of(coverage, "hosts"),
		        count_of(coverage, "hosts") == 1 ? "" : "s", buf_text(&parts));
	buf_fini(&parts);
}
