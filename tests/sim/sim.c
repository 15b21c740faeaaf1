#include "tests/sim/sim.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/mem.h"

#define BLOCK_BYTES (1u << 20)
#define BEGIN_NS    (1800000000LL * NS_PER_S)

struct sim SIM;

static struct block {
	struct block *next;
	size_t used;
	_Alignas(16) uint8_t bytes[BLOCK_BYTES];
} * blocks, *spare;

uint64_t sim_random(struct sim_random *random)
{
	uint64_t z = random->state += 0x9e3779b97f4a7c15u; /* splitmix64 */
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

size_t sim_below(struct sim_random *random, size_t limit)
{
	return limit ? (size_t)(sim_random(random) % limit) : 0;
}

bool sim_chance(struct sim_random *random, unsigned percent)
{
	return sim_below(random, 100) < percent;
}

void *sim_alloc(size_t size)
{
	size = (size + 15) & ~(size_t)15;
	if (size > BLOCK_BYTES / 2) {
		fprintf(stderr, "sim: too much at once\n");
		abort();
	}
	if (!blocks || blocks->used + size > BLOCK_BYTES) {
		struct block *block = spare;
		if (block)
			spare = block->next;
		else
			block = mem_new(sizeof *block);
		block->used = 0;
		block->next = blocks;
		blocks = block;
	}
	void *piece = blocks->bytes + blocks->used;
	blocks->used += size;
	memset(piece, 0, size);
	return piece;
}

char *sim_text(const char *text)
{
	size_t len = strlen(text) + 1;
	return memcpy(sim_alloc(len), text, len);
}

void sim_begin(uint64_t seed, bool is_tracing)
{
	SIM = (struct sim){.choices = {.state = seed ^ 0x5d1f3a7b}, .is_tracing = is_tracing};
}

void sim_end(void)
{
	while (blocks) {
		struct block *block = blocks;
		blocks = block->next;
		block->next = spare;
		spare = block;
	}
	buf_fini(&SIM.trace);
	buf_fini(&SIM.fault);
}

int64_t sim_wall_ns(void)
{
	return BEGIN_NS + SIM.now_ns + SIM.wall_offset_ns;
}

int64_t sim_stamp_ns(void)
{
	return sim_wall_ns() / SIM_TICK_NS * SIM_TICK_NS;
}

void sim_trace(const char *format, ...)
{
	if (!SIM.is_tracing)
		return;
	va_list args;
	buf_printf(&SIM.trace, "%10.3f ", (double)SIM.now_ns / (double)NS_PER_MS);
	va_start(args, format);
	buf_vprintf(&SIM.trace, format, args);
	va_end(args);
	buf_append_byte(&SIM.trace, '\n');
}

void sim_fault(const char *path, const char *format, ...)
{
	if (SIM.fault.len > 0)
		return;
	va_list args;
	va_start(args, format);
	buf_vprintf(&SIM.fault, format, args);
	va_end(args);
	snprintf(SIM.fault_path, sizeof SIM.fault_path, "%s", path ? path : "");
}
