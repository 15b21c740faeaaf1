/*
 * profile - system calls by name, and what must hold of their arguments: one table a program.
 *
 * A call that no row names ends the process. Rows of one name are alternatives: an allowed one
 * wins over a refused one. A name that this machine or this libseccomp does not have is passed
 * over, so that one table serves every architecture and every C library.
 */
#ifndef TSUJIBAN_COMMON_CONFINE_PROFILE_H
#define TSUJIBAN_COMMON_CONFINE_PROFILE_H

#include <stdint.h>

#define PROFILE_TESTS 3

/* (argument & mask) == value */
struct profile_test {
	unsigned argument; /* from 1; 0: no test */
	uint64_t mask, value;
};

struct profile_row {
	const char *name;                        /* NULL ends a table */
	int refusal;                             /* errno that the caller gets; 0: allowed */
	struct profile_test test[PROFILE_TESTS]; /* all must hold */
};

#define ALLOW(call)            \
	{                      \
		.name = (call) \
	}
#define ALLOW_IF(call, ...)                             \
	{                                               \
		.name = (call), .test = { __VA_ARGS__ } \
	}
#define REFUSE(call, error)                        \
	{                                          \
		.name = (call), .refusal = (error) \
	}
#define REFUSE_IF(call, error, ...)                                         \
	{                                                                   \
		.name = (call), .refusal = (error), .test = { __VA_ARGS__ } \
	}

/* The kernel reads an int's 32 bits of a register's 64: the rest is anybody's. */
#define IS(number, expected)                             \
	{                                                \
		number, UINT32_MAX, (uint32_t)(expected) \
	}
#define BITS(number, mask, expected)                           \
	{                                                      \
		number, (uint32_t)(mask), (uint32_t)(expected) \
	}

struct profile {
	const char *name;
	const struct profile_row *const *tables; /* NULL ends the list */
};

/* What the C library, threads, the loop and the heap need: every program has it. */
extern const struct profile_row PROFILE_COMMON[];
/* What the run time of the sanitizers needs; empty in a build without them. */
extern const struct profile_row PROFILE_SANITIZERS[];

extern const struct profile PROFILE_READER;
extern const struct profile PROFILE_SENDER;
extern const struct profile PROFILE_STARTER;
extern const struct profile PROFILE_COLLECTOR;

#endif
