/*
 * listen - the TCP socket that the API listens on.
 *
 * libwebsockets could listen itself, but says no more than that it failed, and wants the name of an
 * interface. So the sockets are accepted here and adopted there.
 *
 * Life     listen_open -> accepted* -> listen_close.
 * Errors   -errno with the address in the sentence.
 * Thread   the loop's.
 */
#ifndef TSUJIBAN_COLLECTOR_HTTP_LISTEN_H
#define TSUJIBAN_COLLECTOR_HTTP_LISTEN_H

#include "common/base/err.h"
#include "common/io/loop.h"

struct listen;

/* `address` is HOST:PORT or [IPv6]:PORT; port 0 takes a free one. `accepted` owns the descriptor,
 * which is non-blocking. */
int listen_open(struct loop *loop, const char *address, void (*accepted)(void *ctx, int fd),
        void *ctx, struct listen **out, struct reason *out_why);
void listen_close(struct listen *listen);
unsigned listen_port(const struct listen *listen);

#endif
