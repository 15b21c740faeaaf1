/*
 * labels - pairs of texts as hosts' and tokens' records keep them: 1 byte number of pairs, then
 * name and value of each, as varint length and bytes.
 *
 * Private to collector/store.
 */
#ifndef TSUJIBAN_COLLECTOR_STORE_LABELS_H
#define TSUJIBAN_COLLECTOR_STORE_LABELS_H

#include "common/base/buf.h"

#define LABELS_MAX 16

void labels_append_text(struct buf *out, struct slice text);
bool labels_take_text(struct slice *in, struct slice *out);

/* `count` is at most LABELS_MAX. */
void labels_append(
        struct buf *out, size_t count, const struct slice *names, const struct slice *values);
/* False for a cut record or too many; the texts borrow from it. */
bool labels_take(struct slice *in, size_t *out_count, struct slice out_names[LABELS_MAX],
        struct slice out_values[LABELS_MAX]);

#endif
