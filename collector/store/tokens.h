/*
 * tokens - enrolment tokens (used once, with an end) and API tokens (with a role). Only hashes are
 * kept.
 *
 * Thread   the transaction's.
 */
#ifndef TSUJIBAN_COLLECTOR_STORE_TOKENS_H
#define TSUJIBAN_COLLECTOR_STORE_TOKENS_H

#include "collector/store/store.h"
#include "common/base/buf.h"

#define TOKEN_TEXT_BYTES 43 /* 32 random bytes in base64url, without padding */
#define TOKEN_LABELS_MAX 16

enum token_role { TOKEN_ENROLL = 1, TOKEN_READ = 2, TOKEN_ADMIN = 3 };

struct token_record {
	enum token_role role;
	int64_t created_ns;
	int64_t expires_ns; /* 0: never */
	size_t label_count; /* for the host that enrols with it */
	struct slice label_name[TOKEN_LABELS_MAX], label_value[TOKEN_LABELS_MAX];
};

/* Draws a new token; `text` has room for TOKEN_TEXT_BYTES + 1. */
void token_draw(char *text);
/* ERR_LIMIT: too many labels, an empty label name, or a text that is too long. */
int tokens_put(struct kv_txn *txn, struct slice text, const struct token_record *token);
/* ERR_MISSING: unknown; ERR_REFUSED: expired. Labels borrow from the store. */
int tokens_find(struct kv_txn *txn, struct slice text, int64_t now_ns, struct token_record *out,
        struct reason *out_why);
int tokens_remove(struct kv_txn *txn, struct slice text);
/* Drops enrolment tokens that have ended. */
int tokens_sweep(struct kv_txn *txn, int64_t now_ns);

#endif
