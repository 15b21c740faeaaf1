/*
 * address - HOST:PORT as people write it, and socket addresses as people read them.
 *
 * Thread   any; no state.
 */
#ifndef TSUJIBAN_COMMON_IO_ADDRESS_H
#define TSUJIBAN_COMMON_IO_ADDRESS_H

#include <sys/socket.h>

#include "common/base/err.h"
#include "common/base/slice.h"

/* A name has at most 253 bytes, an IPv6 address with its zone fewer. */
#define ADDRESS_HOST_MAX 254
#define ADDRESS_TEXT_MAX 80

struct address {
	char host[ADDRESS_HOST_MAX]; /* a name, or an address without its brackets */
	unsigned port;
	bool is_numeric;
	struct sockaddr_storage numeric; /* when is_numeric */
};

/* HOST is a name, an IPv4 address or [IPv6]. ERR_CONFIG with a sentence. */
int address_parse(const char *text, struct address *out, struct reason *out_why);
/* "203.0.113.7:51234", "[2001:db8::1]:51234", or "?" for what is neither IPv4 nor IPv6. */
void address_format(const struct sockaddr *address, char out[ADDRESS_TEXT_MAX]);

#endif
