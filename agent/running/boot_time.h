/*
 * boot_time - when the kernel started.
 *
 * It reckons that back from the clock's time, so that it moves with every step of the clock, by a
 * second or so on many hosts. What was first told of one start stays, as long as this process
 * lives, unless the clock turns out to have been wrong for real.
 *
 * Thread   a worker, one at a time.
 */
#ifndef TSUJIBAN_AGENT_RUNNING_BOOT_TIME_H
#define TSUJIBAN_AGENT_RUNNING_BOOT_TIME_H

#include <stdint.h>

/* Seconds since 1970; 0: not known. */
uint64_t boot_time(const char *root);
/* The same as the kernel has it now. */
uint64_t boot_time_by_the_clock(const char *root);

#endif
