/*
 * admin_token - the admin's token: drawn, its hash put into the store, its text into a file.
 *
 * Thread   one; blocks.
 */
#ifndef TSUJIBAN_COLLECTOR_ADMIN_TOKEN_H
#define TSUJIBAN_COLLECTOR_ADMIN_TOKEN_H

#include <stdint.h>

#include "common/base/err.h"

#define COLLECTOR_FILE_TOKEN "admin.token"

/* Opens the store below `dir` (made when absent) with a map of so many bytes. The new token is then
 * the only admin's. If the file cannot be written all stays as it was. ERR_BUSY: the collector is
 * running. */
int admin_token_make(const char *dir, uint64_t map_bytes, struct reason *out_why);

#endif
