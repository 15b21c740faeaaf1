#include "collector/certificate.h"

#include <string.h>
#include <unistd.h>

#include "collector/material.h"
#include "common/base/clock.h"
#include "common/base/text.h"
#include "common/io/pki.h"

static bool has_name(const struct certificate_names *names, struct slice name)
{
	for (size_t i = 0; i < names->count; i++)
		if (slice_is(name, names->item[i]))
			return true;
	return false;
}

int certificate_add_name(struct certificate_names *names, struct slice name, struct reason *out_why)
{
	if (has_name(names, name))
		return 0;
	if (names->count == CERTIFICATE_NAMES_MAX)
		return fail(out_why, ERR_LIMIT, "too many names for a certificate: at most %d",
		        CERTIFICATE_NAMES_MAX);
	if (name.len == 0 || name.len >= CERTIFICATE_NAME_MAX)
		return fail(out_why, ERR_LIMIT,
		        "'%.*s' cannot be a name in a certificate: it has 1 to %d bytes",
		        SLICE_ARG(name), CERTIFICATE_NAME_MAX - 1);
	char *text = names->text[names->count];
	memcpy(text, name.ptr, name.len);
	text[name.len] = '\0';
	names->item[names->count++] = text;
	names->item[names->count] = NULL;
	return 0;
}

int certificate_add_usual_names(
        struct certificate_names *names, const struct option_list *asked, struct reason *out_why)
{
	static const char *const LOOPBACK[] = {"localhost", "127.0.0.1", "::1"};
	char host_name[CERTIFICATE_NAME_MAX] = "";
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < asked->count; i++)
		rc = certificate_add_name(names, slice_text(asked->item[i]), out_why);
	if (rc == 0 && gethostname(host_name, sizeof(host_name) - 1) == 0 && host_name[0])
		rc = certificate_add_name(names, slice_text(host_name), out_why);
	for (size_t i = 0; rc == 0 && i < sizeof(LOOPBACK) / sizeof(LOOPBACK[0]); i++)
		rc = certificate_add_name(names, slice_text(LOOPBACK[i]), out_why);
	return rc;
}

int certificate_make(struct slice ca_cert, struct slice ca_key, struct slice server_key,
        const struct certificate_names *names, struct buf *out_cert, struct reason *out_why)
{
	struct buf csr = BUF_INIT;
	int64_t now_ns = clock_wall_ns();
	struct pki_grant grant = {
	        .name = "tsujiban-collector",
	        .names = names->item,
	        .is_server = true,
	        .not_before_ns = now_ns - CERTIFICATE_CLOCK_SKEW_NS,
	        .not_after_ns = now_ns + CERTIFICATE_CA_LIFE_NS,
	};
	int rc = pki_csr_new(server_key, grant.name, &csr, out_why);
	if (rc == 0)
		rc = pki_sign(buf_slice(&csr), ca_cert, ca_key, &grant, out_cert, out_why);
	buf_fini(&csr);
	return rc;
}

/* --- anew ------------------------------------------------------------------------------------ */

static int add_present_names(
        struct slice cert, struct certificate_names *names, struct reason *out_why)
{
	struct buf lines = BUF_INIT;
	int rc = pki_cert_names(cert, &lines, out_why);
	for (struct slice left = buf_slice(&lines), name; rc == 0 && text_take_line(&left, &name);)
		rc = certificate_add_name(names, name, out_why);
	buf_fini(&lines);
	return rc;
}

static int make_anew(const char *dir, const struct option_list *asked, struct material *material,
        struct certificate_names *names, struct reason *out_why)
{
	int rc = add_present_names(buf_slice(&material->server_cert), names, out_why);
	if (rc == 0)
		rc = certificate_add_usual_names(names, asked, out_why);
	buf_reset(&material->server_cert);
	if (rc == 0)
		rc = certificate_make(buf_slice(&material->ca_cert), buf_slice(&material->ca_key),
		        buf_slice(&material->server_key), names, &material->server_cert, out_why);
	return rc == 0 ? material_write_server_cert(dir, material, out_why) : rc;
}

int certificate_renew(const char *dir, const struct option_list *asked,
        struct certificate_names *out_names, struct reason *out_why)
{
	struct material material = {0};
	*out_names = (struct certificate_names){0};
	int rc = material_read(dir, &material, out_why);
	if (rc == 0)
		rc = make_anew(dir, asked, &material, out_names, out_why);
	material_fini(&material);
	return rc;
}
