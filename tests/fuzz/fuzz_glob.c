/* floor: common/base - a pattern and a text, on two lines */
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/glob.h"
#include "common/base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_of(data, size), pattern = {0};
	text_take_line(&text, &pattern);
	bool is_match = glob_matches(pattern, text);
	if (is_match && !glob_is_valid(pattern))
		abort();
	/* Without magic a pattern stands for one text, its own but for the backslashes. */
	if (is_match && !glob_has_magic(pattern) && text.len > pattern.len)
		abort();
	glob_matches_path(pattern, text);

	int64_t time_ns, back_ns;
	char written[CLOCK_TEXT_MAX];
	if (clock_parse_since(text, 0, &time_ns)) {
		/* Microseconds are written: the first one can lie before what 64 bits hold. */
		clock_format(time_ns, written);
		if (clock_parse(slice_text(written), &back_ns) &&
		        (back_ns > time_ns || time_ns - back_ns >= 1000))
			abort();
	}
	return 0;
}
