#include "common/io/backoff.h"

uint64_t backoff_next_ms(struct backoff *backoff, uint64_t random)
{
	uint64_t step = backoff->current_ms;

	if (step == 0)
		step = backoff->first_ms;
	else if (step > backoff->most_ms / 2)
		step = backoff->most_ms;
	else
		step *= 2;
	if (step > backoff->most_ms)
		step = backoff->most_ms;
	backoff->current_ms = step;

	uint64_t half = step / 2;
	return half + random % (step - half + 1);
}

void backoff_reset(struct backoff *backoff)
{
	backoff->current_ms = 0;
}
