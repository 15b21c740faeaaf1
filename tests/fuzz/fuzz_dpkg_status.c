/* floor: agent/inventory - any bytes as dpkg's status file: refused or taken, never a crash; what
 * is taken can be told apart and encoded. */
#include <stdint.h>
#include <stdlib.h>

#include "agent/pkgdb/sources.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fact_list facts = {.arena = arena_new(16u << 20)};
	struct reason why = {""};
	struct buf bytes = BUF_INIT;
	int rc = src_dpkg_parse(slice_of(data, size), &facts, &why);
	if (rc < 0 && !why.text[0])
		abort();
	for (size_t i = 0; i < facts.count; i++) {
		struct fact back;
		uint8_t key[FACT_KEY_MAX];
		buf_reset(&bytes);
		fact_encode(&facts.fact[i], &bytes);
		if (fact_decode(buf_slice(&bytes), &back) < 0 ||
		        !fact_equal(&back, &facts.fact[i]) || fact_key(&back, key) == 0)
			abort();
	}
	buf_fini(&bytes);
	arena_free(facts.arena);
	return 0;
}
