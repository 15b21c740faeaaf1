#include <jansson.h>
#include <stdlib.h>

#include "collector/http/change.h"
#include "collector/query/render.h"
#include "collector/store/tokens.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/text.h"

#define TTL_DEFAULT_NS  (3600 * NS_PER_S)
#define TTL_MAX_NS      (NS_PER_S * 86400 * 30)
#define LABEL_NAME_MAX  64
#define LABEL_VALUE_MAX 256

struct new_token {
	struct change change;
	json_t *asked; /* the labels borrow from it */
	char text[TOKEN_TEXT_BYTES + 1];
	struct token_record record;
	char who[AUDIT_WHO_MAX];
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
	if (*out_ns < NS_PER_S || *out_ns > TTL_MAX_NS)
		return "ttl has to be between 1s and 30d";
	return NULL;
}

/* NULL, or what is wrong. */
static const char *take_wishes(const json_t *asked, struct token_record *out, int64_t *out_ttl_ns)
{
	const char *name, *wrong = NULL;
	json_t *value;

	if (!json_is_object(asked))
		return "the body has to be a JSON object";
	json_object_foreach((json_t *)asked, name, value)
	{
		if (strcmp(name, "ttl") == 0)
			wrong = take_ttl(value, out_ttl_ns);
		else if (strcmp(name, "labels") == 0)
			wrong = take_labels(value, out);
		else
			wrong = "unknown member: there are ttl and labels";
		if (wrong)
			break;
	}
	return wrong;
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
	char expires[CLOCK_TEXT_MAX];

	clock_format(token->record.expires_ns, expires);
	log_info("audit: enrolment token made expires=%s labels=%zu %s", expires,
	        token->record.label_count, token->who);
	if (!response)
		return;
	buf_printf(&response->body,
	        "{\"token\":\"%s\",\"ca_fingerprint\":\"%s\",\"expires\":\"%s\"}\n", token->text,
	        api->ca_fingerprint, expires);
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
	int64_t ttl_ns = TTL_DEFAULT_NS;
	const char *wrong;

	token->asked = json_loadb(body, len, JSON_REJECT_DUPLICATES, NULL);
	wrong = take_wishes(token->asked, &token->record, &ttl_ns);
	if (wrong) {
		http_fail(response, 400, "%s", wrong);
		free_token(&token->change);
		return;
	}
	token_draw(token->text);
	token->record.role = TOKEN_ENROLL;
	token->record.created_ns = clock_wall_ns();
	token->record.expires_ns = token->record.created_ns + ttl_ns;
	audit_who(request, token->who);
	token->change.apply = put_token;
	token->change.settle = token_is_stored;
	token->change.release = free_token;
	change_submit(&token->change, ctx, response);
}
