#include "agent/fim/journal_private.h"
#include "common/base/log.h"

bool journal_has_notes(const struct journal *journal)
{
	return journal->notes.len > 0 || journal->marks.len > 0 || journal->metas.len > 0;
}

bool journal_has_told(const struct journal *journal)
{
	const struct journal_batch *batch = journal->writing;
	bool is_writing = batch &&
	                  (batch->notes.len > 0 || batch->marks.len > 0 || batch->metas.len > 0);
	return !journal_has_notes(journal) && !is_writing;
}

/* What is in `later` comes behind what is in `earlier`, and all of it into `later`. */
static void put_back(struct buf *later, struct buf *earlier)
{
	buf_append_slice(earlier, buf_slice(later));
	struct buf both = *earlier;
	*earlier = *later;
	*later = both;
	buf_reset(earlier);
}

void journal_give_notes(struct journal *journal, struct journal_batch *batch)
{
	put_back(&batch->notes, &journal->notes);
	put_back(&batch->marks, &journal->marks);
	put_back(&batch->metas, &journal->metas);
}

void journal_take_notes_back(struct journal *journal, struct journal_batch *batch)
{
	put_back(&journal->notes, &batch->notes);
	put_back(&journal->marks, &batch->marks);
	put_back(&journal->metas, &batch->metas);
}

static void append_counted(struct buf *out, struct slice bytes)
{
	buf_append_u32(out, (uint32_t)bytes.len);
	buf_append_slice(out, bytes);
}

void journal_note(struct journal *journal, const struct event *event)
{
	struct buf bytes = BUF_INIT;
	struct event note = *event;
	if (note.detail.len > WIRE_TEXT_MAX)
		note.detail.len = WIRE_TEXT_MAX;
	int rc = wire_event_encode(&note, &bytes);
	if (rc < 0)
		log_error("cannot note '%s': %s", event_action_name(event->action), err_text(rc));
	else
		append_counted(&journal->notes, buf_slice(&bytes));
	buf_fini(&bytes);
}

void journal_mark_baselined(struct journal *journal, struct slice path)
{
	append_counted(&journal->marks, path);
}

void journal_remember(struct journal *journal, struct slice name, struct slice value)
{
	append_counted(&journal->metas, name);
	append_counted(&journal->metas, value);
}

static bool is_marked(const struct buf *marks, struct slice wanted)
{
	struct slice rest = buf_slice(marks), path;
	uint32_t len;
	while (slice_take_u32(&rest, &len) && slice_take(&rest, len, &path)) {
		if (slice_equal(path, wanted))
			return true;
	}
	return false;
}

bool journal_is_baselined(const struct journal *journal, struct slice path)
{
	struct kv_txn *txn;
	struct slice value;
	char name[BASELINED_NAME_MAX];
	if (is_marked(&journal->marks, path) ||
	        (journal->writing && is_marked(&journal->writing->marks, path)))
		return true;
	if (kv_begin_read(state_kv(journal->state), &txn) < 0)
		return false;
	batch_baselined_name(path, name);
	bool is_known = state_meta_get(txn, name, &value) == 0;
	kv_abort(txn);
	return is_known;
}
