/*
 * textdiff - the difference of two texts, in the unified form of diff(1).
 *
 * Hunks only, without the two lines that name files; three lines of context. Lines end with a
 * newline, which belongs to them: a carriage return before it is content like any other, and a last
 * line without one is followed by "\ No newline at end of file".
 *
 * Lines are compared with Myers' algorithm ("An O(ND) difference algorithm and its variations",
 * 1986, the linear space variation). Its time is bounded: what is left when the bound is reached
 * counts as replaced, so the diff is right but longer than it could be.
 *
 * Thread   any; no state.
 */
#ifndef TSUJIBAN_AGENT_FIM_TEXTDIFF_H
#define TSUJIBAN_AGENT_FIM_TEXTDIFF_H

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/model/event.h"

#define TEXTDIFF_LINES_MAX 65536 /* of each text, between what both begin and end with */

/* No NUL byte; and either UTF-8 or, as a text in another coding, few control characters. */
bool textdiff_is_text(struct slice bytes);

/* Appends the diff that leads from `before` to `after`: nothing when they are equal. Returns
 * DIFF_NOT_ASKED, or DIFF_TOO_LARGE with nothing appended: it would have more than `most_bytes`,
 * the texts have too many lines, or `scratch` is full. */
enum diff_gap textdiff(struct slice before, struct slice after, size_t most_bytes,
        struct arena *scratch, struct buf *out);

#endif
