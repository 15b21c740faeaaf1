/*
 * tally - how many hosts of a set have which value of a field: the answer of count_by.
 *
 * Values of facts are counted through the index's bitmaps (collector/query/count.h says which facts
 * count); hosts themselves one by one, in steps.
 *
 * Life     tally_new -> tally_step until it says HTTP_END -> tally_free.
 * Owner    borrows query, hosts and index.
 * Thread   the loop's.
 */
#ifndef TSUJIBAN_COLLECTOR_HTTP_TALLY_H
#define TSUJIBAN_COLLECTOR_HTTP_TALLY_H

#include "collector/http/http.h"
#include "collector/query/query.h"

struct tally;

/* NULL with the sentence when there is no such field. */
struct tally *tally_new(struct slice field, const struct query *query, const struct hostset *hosts,
        const struct index *index, uint64_t limit, struct reason *out_why);
void tally_free(struct tally *tally);
/* Appends {"FIELD":value,"hosts":N} lines, the most frequent first, with the last step; hosts
 * without a value are counted under null. */
enum http_more tally_step(struct tally *tally, struct buf *out);

#endif
