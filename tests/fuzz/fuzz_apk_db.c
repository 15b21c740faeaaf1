/* floor: agent/inventory - any bytes as apk's file of installed packages: refused or taken, never a
 * crash; what is taken can be encoded. */
#include <stdint.h>
#include <stdlib.h>

#include "agent/pkgdb/apk_db.h"
#include "agent/pkgdb/sources.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int take_path(
        void *ctx, const struct apk_package *package, struct slice directory, struct slice name)
{
	(void)ctx;
	if (!package->name.len || !package->version.len || !directory.ptr ||
	        (name.ptr && memchr(name.ptr, '\n', name.len)))
		abort();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fact_list facts = {.arena = arena_new(16u << 20)};
	struct apk_reader reader = {.path = take_path};
	struct reason why = {""};
	struct buf bytes = BUF_INIT;
	int rc = src_apk_parse(slice_of(data, size), &facts, &why);
	if (rc < 0 && !why.text[0])
		abort();
	int again = apk_db_each(slice_of(data, size), &reader, &why);
	if (again != rc && rc != ERR_LIMIT)
		abort();
	for (size_t i = 0; i < facts.count; i++) {
		struct fact back;
		buf_reset(&bytes);
		fact_encode(&facts.fact[i], &bytes);
		if (fact_decode(buf_slice(&bytes), &back) < 0 || !fact_equal(&back, &facts.fact[i]))
			abort();
	}
	buf_fini(&bytes);
	arena_free(facts.arena);
	return 0;
}
