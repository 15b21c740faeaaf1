#include "common/codec/wire_enroll.h"

#include "common/codec/wire_protobuf.h"
#include "proto/tsujiban.pb-c.h"

int wire_check_enroll_request(const struct enroll_request *request, struct reason *out_why)
{
	int rc = wire_check_text("token", request->token, WIRE_TEXT_MAX, out_why);
	if (rc == 0)
		rc = wire_check_text("host", request->host, WIRE_TEXT_MAX, out_why);
	if (rc == 0)
		rc = wire_check_text("csr_pem", request->csr_pem, WIRE_PEM_MAX, out_why);
	if (rc == 0)
		rc = wire_check_text(
		        "agent_version", request->agent_version, WIRE_TEXT_MAX, out_why);
	return rc;
}

int wire_pack_enroll_request(const struct enroll_request *request, struct buf *out)
{
	Tsujiban__V1__EnrollRequest packed = TSUJIBAN__V1__ENROLL_REQUEST__INIT;
	packed.token = wire_bytes(request->token);
	packed.host = wire_bytes(request->host);
	packed.csr_pem = wire_bytes(request->csr_pem);
	packed.agent_version = wire_bytes(request->agent_version);
	return wire_pack(&packed.base, FRAME_PAYLOAD_MAX, out);
}

int wire_unpack_enroll_request(struct slice payload, struct arena *arena,
        struct enroll_request *out, struct reason *out_why)
{
	int rc;
	const Tsujiban__V1__EnrollRequest *packed = wire_unpack(
	        &tsujiban__v1__enroll_request__descriptor, payload, arena, &rc, out_why);
	if (packed == NULL)
		return rc;
	*out = (struct enroll_request){.token = wire_slice(packed->token),
	        .host = wire_slice(packed->host),
	        .csr_pem = wire_slice(packed->csr_pem),
	        .agent_version = wire_slice(packed->agent_version)};
	return 0;
}

int wire_check_enroll_reply(const struct enroll_reply *reply, struct reason *out_why)
{
	int rc = wire_check_text("host", reply->host, WIRE_TEXT_MAX, out_why);
	if (rc == 0)
		rc = wire_check_text("cert_pem", reply->cert_pem, WIRE_PEM_MAX, out_why);
	if (rc == 0)
		rc = wire_check_text("ca_pem", reply->ca_pem, WIRE_PEM_MAX, out_why);
	return rc;
}

int wire_pack_enroll_reply(const struct enroll_reply *reply, struct buf *out)
{
	Tsujiban__V1__EnrollReply packed = TSUJIBAN__V1__ENROLL_REPLY__INIT;
	packed.host = wire_bytes(reply->host);
	packed.cert_pem = wire_bytes(reply->cert_pem);
	packed.ca_pem = wire_bytes(reply->ca_pem);
	return wire_pack(&packed.base, FRAME_PAYLOAD_MAX, out);
}

int wire_unpack_enroll_reply(
        struct slice payload, struct arena *arena, struct enroll_reply *out, struct reason *out_why)
{
	int rc;
	const Tsujiban__V1__EnrollReply *packed = wire_unpack(
	        &tsujiban__v1__enroll_reply__descriptor, payload, arena, &rc, out_why);
	if (packed == NULL)
		return rc;
	*out = (struct enroll_reply){.host = wire_slice(packed->host),
	        .cert_pem = wire_slice(packed->cert_pem),
	        .ca_pem = wire_slice(packed->ca_pem)};
	return 0;
}

int wire_check_renew_request(const struct renew_request *request, struct reason *out_why)
{
	return wire_check_text("csr_pem", request->csr_pem, WIRE_PEM_MAX, out_why);
}

int wire_pack_renew_request(const struct renew_request *request, struct buf *out)
{
	Tsujiban__V1__RenewRequest packed = TSUJIBAN__V1__RENEW_REQUEST__INIT;
	packed.csr_pem = wire_bytes(request->csr_pem);
	return wire_pack(&packed.base, FRAME_PAYLOAD_MAX, out);
}

int wire_unpack_renew_request(struct slice payload, struct arena *arena, struct renew_request *out,
        struct reason *out_why)
{
	int rc;
	const Tsujiban__V1__RenewRequest *packed = wire_unpack(
	        &tsujiban__v1__renew_request__descriptor, payload, arena, &rc, out_why);
	if (packed == NULL)
		return rc;
	out->csr_pem = wire_slice(packed->csr_pem);
	return 0;
}
