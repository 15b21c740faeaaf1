/* floor: agent/inventory - any bytes as a package's desc in pacman's database: refused or taken,
 * never a crash; what is taken can be encoded. The first line is a directory's name as well. */
#include <stdint.h>
#include <stdlib.h>

#include "agent/pkgdb/pacman_db.h"
#include "agent/pkgdb/sources.h"
#include "common/base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_name(struct slice text)
{
	struct slice directory, name, version;
	if (!text_take_line(&text, &directory) || !pacman_split_name(directory, &name, &version))
		return;
	if (name.len == 0 || name.len + 1 + version.len != directory.len ||
	        !memchr(version.ptr, '-', version.len))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fact_list facts = {.arena = arena_new(16u << 20)};
	struct reason why = {""};
	struct buf bytes = BUF_INIT;
	int rc = src_pacman_parse(slice_of(data, size), &facts, &why);
	bool is_right = rc < 0 ? why.text[0] && facts.count == 0
	                       : facts.count == 1 || facts.count == 2;
	if (!is_right)
		abort();
	check_name(slice_of(data, size));
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
