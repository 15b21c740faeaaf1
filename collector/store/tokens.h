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
#include "common/base/digest.h"

#define TOKEN_TEXT_BYTES 43 /* 32 random bytes in base64url, without padding */
#define TOKEN_ID_BYTES   16 /* what a token is called where it must not be shown: hex digits */
#define TOKEN_LABELS_MAX 16

enum token_role { TOKEN_ENROLL = 1, TOKEN_READ = 2, TOKEN_ADMIN = 3 };

struct token_record {
	enum token_role role;
	int64_t created_ns;
	int64_t expires_ns; /* 0: never */
	size_t label_count; /* for the host that enrols with it */
	struct slice label_name[TOKEN_LABELS_MAX], label_value[TOKEN_LABELS_MAX];
};

/* The name of a role: "enroll", "read", "admin". */
const char *token_role_name(enum token_role role);
/* Draws a new token; `text` has room for TOKEN_TEXT_BYTES + 1. */
void token_draw(char *text);
/* ERR_LIMIT: too many labels, an empty label name, or a text that is too long. */
int tokens_put(struct kv_txn *txn, struct slice text, const struct token_record *token);
/* ERR_MISSING: unknown; ERR_REFUSED: expired. Labels borrow from the store. */
int tokens_find(struct kv_txn *txn, struct slice text, int64_t now_ns, struct token_record *out,
        struct reason *out_why);
/* The same by the SHA-256 of the text, for who asks again later and need not keep the text. */
int tokens_find_hash(struct kv_txn *txn, const uint8_t hash[SHA256_BYTES], int64_t now_ns,
        struct token_record *out, struct reason *out_why);
int tokens_remove(struct kv_txn *txn, struct slice text);
/* The admin's token is this one, and no other. */
int tokens_replace_admin(struct kv_txn *txn, struct slice text, int64_t now_ns);
/* Drops what has ended. */
int tokens_sweep(struct kv_txn *txn, int64_t now_ns);

/* The id of a token: the first digits of its hash. */
void token_id(struct slice text, char out[TOKEN_ID_BYTES + 1]);
/* Visits all, also what has ended, in the order of their ids from behind `after` ("": all) on,
 * until `visit` returns other than 0, which is then returned. */
int tokens_each(struct kv_txn *txn, const char *after,
        int (*visit)(void *ctx, const char *id, const struct token_record *token), void *ctx);
/* ERR_MISSING: none has this id; ERR_REFUSED: it is an admin's, without which nobody could make
 * others. */
int tokens_revoke(struct kv_txn *txn, struct slice id, enum token_role *out_role);

#endif
