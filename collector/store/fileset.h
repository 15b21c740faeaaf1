/*
 * fileset - what lies below a directory of a host's picture, as ranges of keys.
 *
 * The entries of a directory are one range, what lies deeper is another (pathkey.h). The second is
 * shared with other directories when the directory's path is long: then each record's path decides.
 *
 * Private to collector/store.
 */
#ifndef TSUJIBAN_COLLECTOR_STORE_FILESET_H
#define TSUJIBAN_COLLECTOR_STORE_FILESET_H

#include "collector/store/store.h"
#include "common/base/buf.h"
#include "common/model/filestate.h"

enum fileset_range { FILESET_ENTRIES, FILESET_DEEPER };

struct fileset_span {
	struct slice dir;   /* borrowed */
	struct buf prefix;  /* of all its keys */
	struct buf entries; /* the entries' prefix: not part of what lies deeper */
	bool is_shared;
};

int fileset_span_init(
        struct fileset_span *span, uint32_t host, struct slice dir, enum fileset_range range);
void fileset_span_fini(struct fileset_span *span);
/* Whether the record, whose key has the span's prefix, is part of it. */
bool fileset_span_has(const struct fileset_span *span, struct slice key, struct slice record,
        struct buf *scratch);

/* A record's state and path; the path borrows from the record or from `scratch`. */
int fileset_read(struct slice key, struct slice record, struct buf *scratch,
        struct filestate *out_state, struct slice *out_path);

/* Everything below `dir`, but not `dir`. */
int fileset_delete_below(struct kv_txn *txn, uint32_t host, struct slice dir);
/* Neither of them lies below the other. What would get a path that is too long is dropped: no
 * agent can see it there. */
int fileset_move_below(struct kv_txn *txn, uint32_t host, struct slice from, struct slice to);

#endif
