/*
 * change - what an admin asks to have changed: a job for the store, with an answer that waits for
 * it. It is done and logged whether the client waits or not.
 *
 * Life     embedded in the asker's own struct: change_submit -> settle -> release.
 * Owner    release frees the struct, once both the job and the response are over.
 * Thread   the loop's, except apply (store.h).
 */
#ifndef TSUJIBAN_COLLECTOR_HTTP_CHANGE_H
#define TSUJIBAN_COLLECTOR_HTTP_CHANGE_H

#include "collector/http/api_private.h"

struct change {
	/* The asker's: */
	int (*apply)(struct change *change, struct kv_txn *txn, struct reason *out_why);
	/* The commit stands: acts on it, logs it, and fills the response unless that is NULL. */
	void (*settle)(struct change *change, struct api *api, struct http_response *response);
	void (*release)(struct change *change);
	/* change.c's: */
	struct store_job job;
	struct api *api;                /* NULL: closed meanwhile */
	struct http_response *response; /* NULL: over */
	bool is_done;
	struct change *prev, *next;
};

void change_submit(struct change *change, struct api *api, struct http_response *response);
/* The API closes: what is still with the store ends alone. */
void changes_abandon(struct api *api);

/* Who asked, for the audit log: " peer=… token=…", the token by its id. */
#define AUDIT_WHO_MAX 128
void audit_who(const struct http_request *request, char out[AUDIT_WHO_MAX]);

#endif
