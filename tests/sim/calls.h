/*
 * calls - the system calls that the agent makes, on the fake machine. The linker puts them in the
 * place of libc's (--wrap); their list is SIM_WRAPPED in the Makefile.
 *
 * A call that the fake machine does not have fails, so that nothing of the real one is seen.
 */
#ifndef TSUJIBAN_TESTS_SIM_CALLS_H
#define TSUJIBAN_TESTS_SIM_CALLS_H

#include <stddef.h>

void calls_begin(void);
/* Descriptors that the agent has open. */
size_t calls_open_count(void);

#endif
