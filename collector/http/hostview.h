/*
 * hostview - a host as the API shows it: a line of a listing, or all that is known.
 *
 * Thread   the transaction's; slices borrow from it.
 */
#ifndef TSUJIBAN_COLLECTOR_HTTP_HOSTVIEW_H
#define TSUJIBAN_COLLECTOR_HTTP_HOSTVIEW_H

#include "collector/http/api_private.h"

/* "debian 12" and the running kernel: ,"os":…,"kernel":… */
void hostview_append_system(struct kv_txn *txn, uint32_t host, struct buf *out);
/* ID and VERSION_ID with a space between; null without an ID. */
void hostview_append_os(struct buf *out, const struct fact *os);
/* The line of /hosts. */
void hostview_append_line(
        struct api *api, struct kv_txn *txn, const struct host_record *host, struct buf *out);
/* The object of /hosts/NAME: its lists end after HOSTVIEW_LIST_MAX elements, and "counts" says how
 * many facts of each kind there are. */
#define HOSTVIEW_LIST_MAX 256
void hostview_append_all(
        struct api *api, struct kv_txn *txn, const struct host_record *host, struct buf *out);

#endif
