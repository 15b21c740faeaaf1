#include "collector/admin_token.h"

#include <limits.h>
#include <stdio.h>

#include "collector/init.h"
#include "collector/store/tokens.h"
#include "common/base/clock.h"
#include "common/io/file.h"

struct token_job {
	struct store_job job;
	const char *dir;
	char line[TOKEN_TEXT_BYTES + 1]; /* with a newline in place of the NUL, as in the file */
};

/* The file is written before the transaction is complete: a full disk then leaves the old token in
 * both. */
static int apply_token(struct store_job *job, struct kv_txn *txn, struct reason *out_why)
{
	const struct token_job *token = (const struct token_job *)(const void *)job;
	struct slice line = slice_of(token->line, sizeof(token->line));
	char path[PATH_MAX];
	int rc = tokens_replace_admin(txn, slice_of(line.ptr, TOKEN_TEXT_BYTES), clock_wall_ns());
	if (rc < 0)
		return fail(out_why, rc, "cannot store the admin token: %s", err_text(rc));
	snprintf(path, sizeof(path), "%s/%s", token->dir, COLLECTOR_FILE_TOKEN);
	return file_write(path, line, 0600, out_why);
}

int admin_token_make(const char *dir, uint64_t map_bytes, struct reason *out_why)
{
	char path[PATH_MAX];
	struct store *store;
	struct token_job token = {.job.apply = apply_token, .dir = dir};
	token_draw(token.line);
	token.line[TOKEN_TEXT_BYTES] = '\n';
	snprintf(path, sizeof(path), "%s/%s", dir, COLLECTOR_DIR_DATA);
	int rc = store_open(path, map_bytes, NULL, &store, out_why);
	if (rc < 0)
		return rc;
	rc = store_write(store, &token.job, out_why);
	store_close(store);
	return rc;
}
