/*
 * resident - memory that the process has, and need not have while it rests.
 *
 * Thread   any.
 */
#ifndef TSUJIBAN_COMMON_BASE_RESIDENT_H
#define TSUJIBAN_COMMON_BASE_RESIDENT_H

/* Gives back freed blocks of the heap, and the pages of code and constants of the program and its
 * libraries. The latter stay in the page cache, and whatever is run or read again is mapped again
 * then, some 64 KiB at a touch: a start and a scan run much that an idle process does not. */
void resident_release(void);

#endif
