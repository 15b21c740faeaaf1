/* floor: common/model - facts as stores and peers hand them in */
#include <stdlib.h>

#include "common/base/text.h"
#include "common/model/fact.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What decodes is valid, has a key, and encodes to the very bytes that it came from. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fact fact;
	if (fact_decode(slice_of(data, size), &fact) < 0)
		return 0;
	struct buf out = BUF_INIT;
	uint8_t key[FACT_KEY_MAX];
	fact_encode(&fact, &out);
	if (!slice_equal(buf_slice(&out), slice_of(data, size)) || !fact_is_valid(&fact) ||
	        fact_key(&fact, key) > FACT_KEY_MAX || key[0] != data[0])
		abort();
	buf_reset(&out);
	text_append_display(&out, fact.field[0]);
	if (!text_is_utf8(buf_slice(&out)))
		abort();
	buf_fini(&out);
	return 0;
}
