#include <jansson.h>
#include <stdlib.h>

#include "collector/http/change.h"
#include "collector/query/render.h"
#include "collector/store/tokens.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/text.h"

#define NS_PER_DAY      (NS_PER_S * 86400)
#define LABEL_NAME_MAX  64
#define LABEL_VALUE_MAX 256

struct new_token {
	struct change change;
	json_t *asked; /* the labels borrow from it */
	char text[TOKEN_TEXT_BYTES + 1];
	struct token_record record;
	char who[AUDIT_WHO_MAX];
};

struct wishes {
	enum token_role role;
	int64_t ttl_ns; /* 0: none given */
};

/* --- what is asked for --------------------------------------------------------------------- */

static bool is_label_name(struct slice name)
{
	for (size_t i = 0; i < name.len; i++) {
		uint8_t c = name.ptr[i];
		bool is_alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		                (c >= '0' && c <= '9');
		if (!is_alnum && c != '.' && c != '_' && c != '-')
			return false;
	}
	return name.len > 0 && name.len <= LABEL_NAME_MAX;
}

static bool is_label_value(struct slice value)
{
	for (size_t i = 0; i < value.len; i++)
		if (value.ptr[i] < 0x20 || value.ptr[i] == 0x7f)
			return false;
	return value.len <= LABEL_VALUE_MAX;
}

static const char *take_labels(const json_t *labels, struct token_record *out)
{
	const char *name;
	json_t *value;

	if (!json_is_object(labels))
		return "labels have to be an object";
	if (json_object_size(labels) > TOKEN_LABELS_MAX)
		return "too many labels: at most 16";
	json_object_foreach((json_t *)labels, name, value)
	{
		struct slice text = slice_of(json_string_value(value), json_string_length(value));
		if (!is_label_name(slice_text(name)))
			return "a label's name is 1 to 64 letters, digits, dots, dashes and "
			       "underscores";
		if (!json_is_string(value) || !is_label_value(text))
			return "a label's value is a text of at most 256 bytes without control "
			       "characters";
		out->label_name[out->label_count] = slice_text(name);
		out->label_value[out->label_count++] = text;
	}
	return NULL;
}

static const char *take_ttl(const json_t *ttl, int64_t *out_ns)
{
	struct slice text = slice_of(json_string_value(ttl), json_string_length(ttl));

	if (!json_is_string(ttl) || !clock_parse_duration(text, out_ns))
		return "ttl has to be a duration like \"1h\"";
	if (*out_ns < NS_PER_S)
		return "ttl has to be at least 1s";
	return NULL;
}

static const char *take_role(const json_t *role, enum token_role *out)
{
	struct slice text = slice_of(json_string_value(role), json_string_length(role));

	if (slice_is(text, "read"))
		*out = TOKEN_READ;
	else if (slice_is(text, "enroll"))
		*out = TOKEN_ENROLL;
	else
		return "role has to be \"enroll\" or \"read\"";
	return NULL;
}

/* A token for one host soon, or for somebody's work. */
static const char *settle_ttl(struct wishes *wishes)
{
	bool is_read = wishes->role == TOKEN_READ;

	if (wishes->ttl_ns == 0)
		wishes->ttl_ns = is_read ? 30 * NS_PER_DAY : 3600 * NS_PER_S;
	if (wishes->ttl_ns <= (is_read ? 366 : 30) * NS_PER_DAY)
		return NULL;
	return is_read ? "ttl of a token to read with has to be at most 366d"
	               : "ttl of a token to enrol with has to be at most 30d";
}

/* NULL, or what is wrong. */
static const char *take_wishes(const json_t *asked, struct token_record *out, struct wishes *wishes)
{
	const char *name, *wrong;
	json_t *value;

	if (!json_is_object(asked))
		return "the body has to be a JSON object";
	json_object_foreach((json_t *)asked, name, value)
	{
		if (strcmp(name, "ttl") == 0)
			wrong = take_ttl(value, &wishes->ttl_ns);
		else if (strcmp(name, "role") == 0)
			wrong = take_role(value, &wishes->role);
		else if (strcmp(name, "labels") == 0)
			wrong = take_labels(value, out);
		else
			wrong = "unknown member: there are role, ttl and labels";
		if (wrong)
			return wrong;
	}
	return settle_ttl(wishes);
}

/* --- the change ---------------------------------------------------------------------------- */

static int put_token(struct change *change, struct kv_txn *txn, struct reason *out_why)
{
	struct new_token *token = (struct new_token *)(void *)change;
	int rc = tokens_sweep(txn, token->record.created_ns);

	if (rc == 0)
		rc = tokens_put(txn, slice_text(token->text), &token->record);
	if (rc < 0)
		return fail(out_why, rc, "cannot store a token: %s", err_text(rc));
	return 0;
}

static void token_is_stored(struct change *change, struct api *api, struct http_response *response)
{
	const struct new_token *token = (const struct new_token *)(const void *)change;
	char expires[CLOCK_TEXT_MAX], id[TOKEN_ID_BYTES + 1];
	const char *role = token_role_name(token->record.role);

	clock_format(token->record.expires_ns, expires);
	token_id(slice_text(token->text), id);
	log_info("audit: token '%s' made role=%s expires=%s labels=%zu %s", id, role, expires,
	        token->record.label_count, token->who);
	if (!response)
		return;
	buf_printf(&response->body,
	        "{\"token\":\"%s\",\"ca_fingerprint\":\"%s\",\"expires\":\"%s\"", token->text,
	        api->ca_fingerprint, expires);
	if (token->record.role != TOKEN_ENROLL)
		buf_printf(&response->body, ",\"role\":\"%s\",\"id\":\"%s\"", role, id);
	buf_append_text(&response->body, "}\n");
}

static void free_token(struct change *change)
{
	struct new_token *token = (struct new_token *)(void *)change;

	json_decref(token->asked);
	free(token);
}

void api_token(void *ctx, const struct http_request *request, struct http_response *response)
{
	const char *body = request->body.len ? (const char *)request->body.ptr : "{}";
	size_t len = request->body.len ? request->body.len : 2;
	struct new_token *token = mem_new(sizeof(*token));
	struct wishes wishes = {.role = TOKEN_ENROLL};
	const char *wrong;

	token->asked = json_loadb(body, len, JSON_REJECT_DUPLICATES, NULL);
	wrong = take_wishes(token->asked, &token->record, &wishes);
	if (wrong) {
		http_fail(response, 400, "%s", wrong);
		free_token(&token->change);
		return;
	}
	token_draw(token->text);
	token->record.role = wishes.role;
	token->record.created_ns = clock_wall_ns();
	token->record.expires_ns = token->record.created_ns + wishes.ttl_ns;
	audit_who(request, token->who);
	token->change.apply = put_token;
	token->change.settle = token_is_stored;
	token->change.release = free_token;
	change_submit(&token->change, ctx, response);
}

/* --- listing ------------------------------------------------------------------------------- */

struct listing {
	struct api *api;
	struct buf *out;
	char last[TOKEN_ID_BYTES + 1];
};

/* Of what has ended nothing is said: it is only not swept yet. */
static int append_token(void *ctx, const char *id, const struct token_record *token)
{
	struct listing *listing = ctx;
	struct buf *out = listing->out;

	memcpy(listing->last, id, sizeof(listing->last));
	if (token->expires_ns != 0 && token->expires_ns <= clock_wall_ns())
		return 0;
	buf_printf(out, "{\"id\":\"%s\",\"role\":\"%s\"", id, token_role_name(token->role));
	api_append_time(out, "created", token->created_ns);
	api_append_time(out, "expires", token->expires_ns);
	buf_append_text(out, ",\"labels\":{");
	for (size_t i = 0; i < token->label_count; i++) {
		buf_append_text(out, i > 0 ? "," : "");
		render_text(out, token->label_name[i]);
		buf_append_byte(out, ':');
		render_text(out, token->label_value[i]);
	}
	buf_append_text(out, "}}\n");
	return out->len >= API_PIECE_BYTES;
}

static enum http_more list_tokens(void *ctx, struct buf *out)
{
	struct listing *listing = ctx;
	struct kv_txn *txn;
	int rc = kv_begin_read(store_kv(listing->api->options.store), &txn);

	listing->out = out;
	if (rc == 0) {
		rc = tokens_each(txn, listing->last, append_token, listing);
		kv_abort(txn);
	}
	if (rc < 0)
		log_error("cannot list tokens: %s", err_text(rc));
	return rc > 0 ? HTTP_MORE : HTTP_END;
}

void api_list_tokens(void *ctx, const struct http_request *request, struct http_response *response)
{
	struct listing *listing = mem_new(sizeof(*listing));

	(void)request;
	listing->api = ctx;
	api_set_listing(response, list_tokens, free, listing);
}

/* --- revoking ------------------------------------------------------------------------------ */

struct revoke {
	struct change change;
	char id[TOKEN_ID_BYTES + 1];
	char who[AUDIT_WHO_MAX];
	enum token_role role;
	int rc;
};

static int revoke_token(struct change *change, struct kv_txn *txn, struct reason *out_why)
{
	struct revoke *revoke = (struct revoke *)(void *)change;

	revoke->rc = tokens_revoke(txn, slice_text(revoke->id), &revoke->role);
	if (revoke->rc == 0 || revoke->rc == ERR_MISSING || revoke->rc == ERR_REFUSED)
		return 0;
	return fail(out_why, revoke->rc, "cannot revoke token '%s': %s", revoke->id,
	        err_text(revoke->rc));
}

static void token_is_revoked(struct change *change, struct api *api, struct http_response *response)
{
	const struct revoke *revoke = (const struct revoke *)(const void *)change;

	(void)api;
	if (revoke->rc == 0)
		log_info("audit: token '%s' revoked role=%s %s", revoke->id,
		        token_role_name(revoke->role), revoke->who);
	if (!response)
		return;
	if (revoke->rc == ERR_MISSING)
		http_fail(response, 404, "no token '%s'", revoke->id);
	else if (revoke->rc == ERR_REFUSED)
		http_fail(
		        response, 403, "token '%s' is an admin's: it makes the others", revoke->id);
	else
		buf_printf(&response->body,
		        "{\"id\":\"%s\",\"role\":\"%s\",\"state\":\"revoked\"}\n", revoke->id,
		        token_role_name(revoke->role));
}

static void free_revoke(struct change *change)
{
	free(change);
}

void api_revoke_token(void *ctx, const struct http_request *request, struct http_response *response)
{
	struct slice id = api_name_before(request->tail, "/revoke");
	uint8_t bytes[TOKEN_ID_BYTES / 2];

	if (!id.ptr || !text_parse_hex(id, bytes, sizeof(bytes))) {
		http_fail(response, 404, "no such token: an id is 16 hex digits");
		return;
	}
	struct revoke *revoke = mem_new(sizeof(*revoke));
	memcpy(revoke->id, id.ptr, id.len);
	audit_who(request, revoke->who);
	revoke->change.apply = revoke_token;
	revoke->change.settle = token_is_revoked;
	revoke->change.release = free_revoke;
	change_submit(&revoke->change, ctx, response);
}
