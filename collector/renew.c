#include "collector/renew.h"

#include <limits.h>
#include <stdio.h>

#include "collector/init.h"
#include "collector/store/tokens.h"
#include "common/base/clock.h"
#include "common/base/text.h"
#include "common/io/file.h"
#include "common/io/pki.h"

#define PEM_BYTES_MAX (64u << 10)

/* --- the token ------------------------------------------------------------------------------- */

struct token_job {
	struct store_job job;
	char text[TOKEN_TEXT_BYTES + 2]; /* with a newline, as in the file */
};

static int apply_token(struct store_job *job, struct kv_txn *txn, struct reason *out_why)
{
	struct slice text = slice_of(((struct token_job *)job)->text, TOKEN_TEXT_BYTES);
	int rc = tokens_replace_admin(txn, text, clock_wall_ns());
	return rc < 0 ? fail(out_why, rc, "cannot store the admin token: %s", err_text(rc)) : 0;
}

int renew_token(const struct collector_config *config, struct reason *out_why)
{
	char path[PATH_MAX];
	struct store *store;
	struct token_job job = {.job.apply = apply_token};
	token_draw(job.text);
	job.text[TOKEN_TEXT_BYTES] = '\n';
	snprintf(path, sizeof(path), "%s/%s", config->dir, COLLECTOR_DIR_DATA);
	int rc = store_open(path, config->limits.store_gb << 30, NULL, &store, out_why);
	if (rc < 0)
		return rc;
	rc = store_write(store, &job.job, out_why);
	store_close(store);
	if (rc < 0)
		return rc;
	snprintf(path, sizeof(path), "%s/%s", config->dir, COLLECTOR_FILE_TOKEN);
	return file_write(path, slice_of(job.text, TOKEN_TEXT_BYTES + 1), 0600, out_why);
}

/* --- the certificate ------------------------------------------------------------------------- */

struct material {
	struct buf ca_key, ca_cert, server_key, server_cert;
};

static void material_fini(struct material *material)
{
	buf_fini(&material->ca_key);
	buf_fini(&material->ca_cert);
	buf_fini(&material->server_key);
	buf_fini(&material->server_cert);
}

static int read_file(const char *dir, const char *name, struct buf *out, struct reason *out_why)
{
	char path[PATH_MAX];
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return file_read(path, PEM_BYTES_MAX, out, out_why);
}

static int read_material(const char *dir, struct material *out, struct reason *out_why)
{
	int rc = read_file(dir, COLLECTOR_FILE_CA_KEY, &out->ca_key, out_why);
	if (rc == 0)
		rc = read_file(dir, COLLECTOR_FILE_CA_CERT, &out->ca_cert, out_why);
	if (rc == 0)
		rc = read_file(dir, COLLECTOR_FILE_SERVER_KEY, &out->server_key, out_why);
	if (rc == 0)
		rc = read_file(dir, COLLECTOR_FILE_SERVER_CERT, &out->server_cert, out_why);
	return rc;
}

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

static int make_certificate(const char *dir, const struct option_list *asked,
        struct material *material, struct certificate_names *names, struct reason *out_why)
{
	struct buf made = BUF_INIT;
	char path[PATH_MAX];
	int rc = add_present_names(buf_slice(&material->server_cert), names, out_why);
	if (rc == 0)
		rc = certificate_add_usual_names(names, asked, out_why);
	if (rc == 0)
		rc = certificate_make(buf_slice(&material->ca_cert), buf_slice(&material->ca_key),
		        buf_slice(&material->server_key), names, &made, out_why);
	snprintf(path, sizeof(path), "%s/%s", dir, COLLECTOR_FILE_SERVER_CERT);
	if (rc == 0)
		rc = file_write(path, buf_slice(&made), 0644, out_why);
	buf_fini(&made);
	return rc;
}

int renew_certificate(const struct collector_config *config, const struct option_list *asked,
        struct certificate_names *out_names, struct reason *out_why)
{
	struct material material = {0};
	*out_names = (struct certificate_names){0};
	int rc = read_material(config->dir, &material, out_why);
	if (rc == 0)
		rc = make_certificate(config->dir, asked, &material, out_names, out_why);
	material_fini(&material);
	return rc;
}
