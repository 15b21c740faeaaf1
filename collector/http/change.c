#include "collector/http/change.h"

#include <stdio.h>
#include <utlist.h>

#include "collector/http/route.h"
#include "collector/store/tokens.h"
#include "common/base/log.h"

static struct change *of_job(struct store_job *job)
{
	return (struct change *)(void *)((char *)job - offsetof(struct change, job));
}

static int apply_job(struct store_job *job, struct kv_txn *txn, struct reason *out_why)
{
	struct change *change = of_job(job);

	return change->apply(change, txn, out_why);
}

static void job_done(struct store_job *job, int code, const struct reason *why)
{
	struct change *change = of_job(job);
	struct api *api = change->api;

	change->is_done = true;
	if (api)
		DL_DELETE(api->changes, change);
	if (code < 0) {
		log_error("audit: a change asked for over the API failed: %s", why->text);
		if (change->response)
			http_fail(change->response, 500, "%s", why->text);
	} else if (api) {
		change->settle(change, api, change->response);
	}
	if (change->response && api)
		http_wake(api->http);
	else
		change->release(change);
}

static enum http_more wait_for_job(void *ctx, struct buf *out)
{
	const struct change *change = ctx;

	(void)out; /* the answer is in the response's body */
	return change->is_done ? HTTP_END : HTTP_WAIT;
}

static void response_is_over(void *ctx)
{
	struct change *change = ctx;

	change->response = NULL;
	if (change->is_done)
		change->release(change);
}

void change_submit(struct change *change, struct api *api, struct http_response *response)
{
	change->api = api;
	change->response = response;
	change->job.apply = apply_job;
	change->job.done = job_done;
	response->produce = wait_for_job;
	response->finish = response_is_over;
	response->ctx = change;
	DL_APPEND(api->changes, change);
	store_submit(api->options.store, &change->job);
}

void changes_abandon(struct api *api)
{
	struct change *each, *next;

	DL_FOREACH_SAFE(api->changes, each, next)
	{
		DL_DELETE(api->changes, each);
		each->api = NULL;
	}
}

void audit_who(const struct http_request *request, char out[AUDIT_WHO_MAX])
{
	struct slice token = route_bearer(http_header(request, "authorization"));
	char id[TOKEN_ID_BYTES + 1];

	token_id(token, id);
	snprintf(out, AUDIT_WHO_MAX, "peer=%s token=%s", request->peer, id);
}
