/*
 * A token's record, integers big endian:
 *
 *   1   version (1)
 *   1   role, enum token_role
 *   8   created_ns
 *   8   expires_ns; 0: never
 *   …   labels, see labels.h
 */
#include "collector/store/tokens.h"

#include "collector/store/labels.h"
#include "common/base/text.h"

#define RECORD_VERSION  1
#define TOKEN_BYTES     32
#define TOKEN_TEXT_MAX  256 /* longer texts are no token */
#define LABEL_BYTES_MAX 1024

const char *token_role_name(enum token_role role)
{
	static const char *const names[] = {
	        [TOKEN_ENROLL] = "enroll", [TOKEN_READ] = "read", [TOKEN_ADMIN] = "admin"};

	return names[role];
}

void token_draw(char *text)
{
	uint8_t secret[TOKEN_BYTES];
	struct buf base64 = BUF_INIT;

	random_bytes(secret, sizeof(secret));
	text_append_base64(&base64, slice_of(secret, sizeof(secret)));
	/* RFC 4648 section 5: the alphabet for URLs and file names. */
	for (size_t i = 0; i < TOKEN_TEXT_BYTES; i++) {
		char c = (char)base64.data[i];
		text[i] = (char)(c == '+' ? '-' : c == '/' ? '_' : c);
	}
	text[TOKEN_TEXT_BYTES] = '\0';
	buf_fini(&base64);
}

static struct slice key_of(struct slice text, uint8_t out[SHA256_BYTES])
{
	digest_of(text, out);
	return slice_of(out, SHA256_BYTES);
}

static int check_labels(const struct token_record *token)
{
	if (token->label_count > TOKEN_LABELS_MAX)
		return ERR_LIMIT;
	for (size_t i = 0; i < token->label_count; i++)
		if (token->label_name[i].len == 0 || token->label_name[i].len > LABEL_BYTES_MAX ||
		        token->label_value[i].len > LABEL_BYTES_MAX)
			return ERR_LIMIT;
	return 0;
}

int tokens_put(struct kv_txn *txn, struct slice text, const struct token_record *token)
{
	uint8_t key[SHA256_BYTES];
	struct buf record = BUF_INIT;
	int rc = check_labels(token);

	if (rc < 0 || text.len == 0 || text.len > TOKEN_TEXT_MAX)
		return ERR_LIMIT;
	buf_append_byte(&record, RECORD_VERSION);
	buf_append_byte(&record, (uint8_t)token->role);
	buf_append_u64(&record, (uint64_t)token->created_ns);
	buf_append_u64(&record, (uint64_t)token->expires_ns);
	labels_append(&record, token->label_count, token->label_name, token->label_value);
	rc = kv_put(txn, STORE_TOKENS, key_of(text, key), buf_slice(&record));
	buf_fini(&record);
	return rc;
}

static int read_record(struct slice record, struct token_record *out)
{
	uint8_t version, role;
	uint64_t created, expires;

	if (!slice_take_byte(&record, &version))
		return ERR_FORMAT;
	if (version > RECORD_VERSION)
		return ERR_VERSION;
	if (!slice_take_byte(&record, &role) || !slice_take_u64(&record, &created) ||
	        !slice_take_u64(&record, &expires) ||
	        !labels_take(&record, &out->label_count, out->label_name, out->label_value))
		return ERR_FORMAT;
	if (role < TOKEN_ENROLL || role > TOKEN_ADMIN)
		return ERR_FORMAT;
	out->role = (enum token_role)role;
	out->created_ns = (int64_t)created;
	out->expires_ns = (int64_t)expires;
	return 0;
}

static bool is_over(const struct token_record *token, int64_t now_ns)
{
	return token->expires_ns != 0 && now_ns >= token->expires_ns;
}

int tokens_find_hash(struct kv_txn *txn, const uint8_t hash[SHA256_BYTES], int64_t now_ns,
        struct token_record *out, struct reason *out_why)
{
	struct slice record;
	int rc = kv_get(txn, STORE_TOKENS, slice_of(hash, SHA256_BYTES), &record);

	if (rc == ERR_MISSING)
		return fail(out_why, rc, "token is unknown");
	if (rc == 0)
		rc = read_record(record, out);
	if (rc < 0)
		return fail(out_why, rc, "cannot read the token's record: %s", err_text(rc));
	if (is_over(out, now_ns))
		return fail(out_why, ERR_REFUSED, "token has expired");
	return 0;
}

int tokens_find(struct kv_txn *txn, struct slice text, int64_t now_ns, struct token_record *out,
        struct reason *out_why)
{
	uint8_t hash[SHA256_BYTES];

	if (text.len == 0 || text.len > TOKEN_TEXT_MAX)
		return fail(out_why, ERR_MISSING, "token is unknown");
	digest_of(text, hash);
	return tokens_find_hash(txn, hash, now_ns, out, out_why);
}

int tokens_remove(struct kv_txn *txn, struct slice text)
{
	uint8_t key[SHA256_BYTES];

	if (text.len == 0 || text.len > TOKEN_TEXT_MAX)
		return ERR_MISSING;
	return kv_delete(txn, STORE_TOKENS, key_of(text, key));
}

/* Deletes what is over at `now_ns`, and all of one role (0: none). */
static int drop(struct kv_txn *txn, int64_t now_ns, unsigned role)
{
	struct token_record token;
	struct slice key, value;
	struct kv_cursor *cursor;
	int rc = kv_cursor_open(txn, STORE_TOKENS, &cursor);

	if (rc < 0)
		return rc;
	rc = kv_first(cursor, &key, &value);
	while (rc == 0) {
		if (read_record(value, &token) == 0 &&
		        (is_over(&token, now_ns) || token.role == role))
			rc = kv_delete_here(cursor);
		if (rc == 0)
			rc = kv_next(cursor, &key, &value);
	}
	kv_cursor_close(cursor);
	return rc == ERR_MISSING ? 0 : rc;
}

int tokens_sweep(struct kv_txn *txn, int64_t now_ns)
{
	return drop(txn, now_ns, 0);
}

int tokens_replace_admin(struct kv_txn *txn, struct slice text, int64_t now_ns)
{
	struct token_record token = {.role = TOKEN_ADMIN, .created_ns = now_ns};
	int rc = drop(txn, now_ns, TOKEN_ADMIN);

	return rc < 0 ? rc : tokens_put(txn, text, &token);
}

/* --- by id ---------------------------------------------------------------------------------- */

static void id_of_key(struct slice key, char out[TOKEN_ID_BYTES + 1])
{
	struct buf hex = BUF_INIT;

	text_append_hex(&hex, slice_of(key.ptr, TOKEN_ID_BYTES / 2));
	memcpy(out, buf_text(&hex), TOKEN_ID_BYTES + 1);
	buf_fini(&hex);
}

void token_id(struct slice text, char out[TOKEN_ID_BYTES + 1])
{
	uint8_t key[SHA256_BYTES];

	id_of_key(key_of(text, key), out);
}

int tokens_each(struct kv_txn *txn, const char *after,
        int (*visit)(void *ctx, const char *id, const struct token_record *token), void *ctx)
{
	uint8_t from[TOKEN_ID_BYTES / 2] = {0};
	char id[TOKEN_ID_BYTES + 1];
	struct token_record token;
	struct slice key, value;
	struct kv_cursor *cursor;
	int rc = kv_cursor_open(txn, STORE_TOKENS, &cursor);

	if (rc < 0)
		return rc;
	text_parse_hex(slice_text(after), from, sizeof(from));
	rc = kv_seek(cursor, slice_of(from, sizeof(from)), &key, &value);
	for (; rc == 0; rc = kv_next(cursor, &key, &value)) {
		id_of_key(key, id);
		if (strcmp(id, after) <= 0 || read_record(value, &token) < 0)
			continue;
		rc = visit(ctx, id, &token);
		if (rc != 0)
			break;
	}
	kv_cursor_close(cursor);
	return rc == ERR_MISSING ? 0 : rc;
}

int tokens_revoke(struct kv_txn *txn, struct slice id, enum token_role *out_role)
{
	uint8_t first[TOKEN_ID_BYTES / 2];
	struct token_record token;
	struct slice key, value;
	struct kv_cursor *cursor;
	int rc;

	if (!text_parse_hex(id, first, sizeof(first)))
		return ERR_MISSING;
	rc = kv_cursor_open(txn, STORE_TOKENS, &cursor);
	if (rc < 0)
		return rc;
	rc = kv_seek(cursor, slice_of(first, sizeof(first)), &key, &value);
	if (rc == 0 && !slice_starts_with(key, slice_of(first, sizeof(first))))
		rc = ERR_MISSING;
	if (rc == 0)
		rc = read_record(value, &token);
	if (rc == 0 && token.role == TOKEN_ADMIN)
		rc = ERR_REFUSED;
	if (rc == 0) {
		*out_role = token.role;
		rc = kv_delete_here(cursor);
	}
	kv_cursor_close(cursor);
	return rc;
}
