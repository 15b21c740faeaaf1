/*
 * owner - root works as the owner of a program's directory: what is made there is that user's, and
 * no link that the user may have left there leads root elsewhere.
 *
 * Thread   before threads: what a process is, is that of all of them.
 */
#ifndef TSUJIBAN_COMMON_IO_OWNER_H
#define TSUJIBAN_COMMON_IO_OWNER_H

#include "common/base/err.h"

/* Nothing to do for whoever is not root, where root owns the directory, and where there is none. */
int owner_become(const char *dir, struct reason *out_why);
int owner_root_again(struct reason *out_why);

#endif
