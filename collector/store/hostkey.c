#include "collector/store/hostkey.h"

int hostkey_delete_all(struct kv_txn *txn, unsigned table, struct slice prefix)
{
	struct slice key, value;
	struct kv_cursor *cursor;
	int rc = kv_cursor_open(txn, table, &cursor);

	if (rc < 0)
		return rc;
	rc = kv_seek(cursor, prefix, &key, &value);
	while (rc == 0 && slice_starts_with(key, prefix)) {
		rc = kv_delete_here(cursor);
		if (rc == 0)
			rc = kv_next(cursor, &key, &value);
	}
	kv_cursor_close(cursor);
	return rc == ERR_MISSING ? 0 : rc;
}
