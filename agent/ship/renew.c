#include "agent/ship/renew.h"
int renew_begin(struct renew *renew, const char *name, struct buf *out, struct reason *out_why)
{
	if (renew->key_pem.len)
		return 0;
	struct buf csr = BUF_INIT, scratch = BUF_INIT;
	int rc = pki_key_new(&renew->key_pem, out_why);
	if (rc == 0)
		rc = pki_csr_new(buf_slice(&renew->key_pem), name, &csr, out_why);
	if (rc == 0) {
		struct message message = {.kind = FRAME_RENEW_REQUEST};
		message.renew_request.csr_pem = buf_slice(&csr);
		rc = wire_append_frame(&message, &scratch, out);
	}
	if (rc < 0)
		renew_drop(renew);
	buf_fini(&csr);
	buf_fini(&scratch);
	return rc;
}

int renew_finish(struct renew *renew, const struct enroll_reply *reply, struct pki_cert_info *out,
        struct reason *out_why)
{
	if (!renew->key_pem.len)
		return fail(
		        out_why, ERR_PROTOCOL, "cannot take a certificate that was not asked for");
	int rc = pki_key_matches(buf_slice(&renew->key_pem), reply->cert_pem, out_why);
	if (rc == 0)
		rc = pki_cert_info(reply->cert_pem, out, out_why);
	if (rc < 0)
		renew_drop(renew);
	return rc;
}

void renew_drop(struct renew *renew)
{
	if (renew->key_pem.data)
		memset(renew->key_pem.data, 0, renew->key_pem.cap);
	buf_fini(&renew->key_pem);
}
