/*
 * service - tells the service manager how far the program is: a datagram for each word, to the
 * socket that $NOTIFY_SOCKET names (the protocol of sd_notify(3)).
 *
 * Life     service_open (before the program gives up what it has) -> tell* -> service_close.
 * Errors   none: without a manager that asks, or when it does not take a word, the program goes on.
 * Thread   one at a time; never blocks.
 */
#ifndef TSUJIBAN_COMMON_IO_SERVICE_H
#define TSUJIBAN_COMMON_IO_SERVICE_H

struct service;

/* NULL: nobody asked. The others take that. */
struct service *service_open(void);
/* Lines like "READY=1", of at most SERVICE_WORDS_MAX bytes. */
__attribute__((format(printf, 2, 3))) void service_tell(
        struct service *service, const char *format, ...);
void service_close(struct service *service);

#define SERVICE_WORDS_MAX 256

#endif
