#include "collector/init.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/certificate.h"
#include "collector/store/tokens.h"
#include "common/base/clock.h"
#include "common/io/file.h"
#include "common/io/pki.h"

#define STORE_BYTES (1ull << 30) /* only for this write: run has its own limit */

/* Everything is made in memory first; then it is written. */
struct material {
	struct buf ca_key, ca_cert, server_key, server_cert;
	char token[TOKEN_TEXT_BYTES + 1];
};

static void material_fini(struct material *material)
{
	buf_fini(&material->ca_key);
	buf_fini(&material->ca_cert);
	buf_fini(&material->server_key);
	buf_fini(&material->server_cert);
}

static int make_material(
        struct material *material, const struct certificate_names *names, struct reason *out_why)
{
	const int64_t SKEW_NS = CERTIFICATE_CLOCK_SKEW_NS;
	int64_t now_ns = clock_wall_ns();
	int rc = pki_key_new(&material->ca_key, out_why);
	if (rc == 0)
		rc = pki_ca_new(buf_slice(&material->ca_key), "Tsujiban CA", now_ns - SKEW_NS,
		        CERTIFICATE_CA_LIFE_NS + SKEW_NS, &material->ca_cert, out_why);
	if (rc == 0)
		rc = pki_key_new(&material->server_key, out_why);
	if (rc == 0)
		rc = certificate_make(buf_slice(&material->ca_cert), buf_slice(&material->ca_key),
		        buf_slice(&material->server_key), names, &material->server_cert, out_why);
	token_draw(material->token);
	return rc;
}

static int write_file(const char *dir, const char *name, struct slice content, mode_t mode,
        struct reason *out_why)
{
	char path[PATH_MAX];
	snprintf(path, sizeof path, "%s/%s", dir, name);
	return file_write(path, content, mode, out_why);
}

struct token_job {
	struct store_job job;
	const char *token;
};

static int apply_token(struct store_job *job, struct kv_txn *txn, struct reason *out_why)
{
	const char *token = ((struct token_job *)job)->token;
	struct token_record record = {.role = TOKEN_ADMIN, .created_ns = clock_wall_ns()};
	int rc = tokens_put(txn, slice_text(token), &record);
	return rc < 0 ? fail(out_why, rc, "cannot store the admin token: %s", err_text(rc)) : 0;
}

static int make_store(const char *dir, const char *token, struct reason *out_why)
{
	char path[PATH_MAX];
	struct store *store;
	struct token_job job = {.job.apply = apply_token, .token = token};
	snprintf(path, sizeof path, "%s/%s", dir, COLLECTOR_DIR_DATA);
	int rc = store_open(path, STORE_BYTES, NULL, &store, out_why);
	if (rc < 0)
		return rc;
	rc = store_write(store, &job.job, out_why);
	store_close(store);
	return rc;
}

static int write_config(const struct init_options *options, const char *dir, struct reason *out_why)
{
	struct buf text = BUF_INIT;
	buf_printf(&text, "# Made by tsujiban-collector init; `tsujiban-collector check` prints "
	                  "every key.\n");
	buf_printf(&text, "dir: %s\n", dir);
	buf_printf(&text, "listen: \"%s\"\n", options->listen ? options->listen : "0.0.0.0:7443");
	buf_printf(&text, "api: \"%s\"\n", options->api ? options->api : "127.0.0.1:7444");
	int rc = write_file(dir, "collector.yaml", buf_slice(&text), 0644, out_why);
	buf_fini(&text);
	return rc;
}

static int write_material(const char *dir, const struct material *material, struct reason *out_why)
{
	char token[TOKEN_TEXT_BYTES + 2];
	snprintf(token, sizeof token, "%s\n", material->token);
	int rc = write_file(
	        dir, COLLECTOR_FILE_CA_KEY, buf_slice(&material->ca_key), 0600, out_why);
	if (rc == 0)
		rc = write_file(
		        dir, COLLECTOR_FILE_CA_CERT, buf_slice(&material->ca_cert), 0644, out_why);
	if (rc == 0)
		rc = write_file(dir, COLLECTOR_FILE_SERVER_KEY, buf_slice(&material->server_key),
		        0600, out_why);
	if (rc == 0)
		rc = write_file(dir, COLLECTOR_FILE_SERVER_CERT, buf_slice(&material->server_cert),
		        0644, out_why);
	if (rc == 0)
		rc = make_store(dir, material->token, out_why);
	if (rc == 0)
		rc = write_file(dir, COLLECTOR_FILE_TOKEN, slice_text(token), 0600, out_why);
	return rc;
}

static int check_new(const char *dir, struct reason *out_why)
{
	char path[PATH_MAX];
	snprintf(path, sizeof path, "%s/collector.yaml", dir);
	if (access(path, F_OK) == 0)
		return fail(out_why, ERR_EXISTS,
		        "cannot make a collector in '%s': there is one already", dir);
	return 0;
}

int init_collector(const struct init_options *options, struct reason *out_why)
{
	struct material material = {0};
	struct certificate_names names = {0};
	int rc = file_make_dir(options->dir, 0700, out_why);
	if (rc < 0)
		return rc;
	char *dir = realpath(options->dir, NULL);
	if (!dir)
		return fail(out_why, -errno, "cannot use '%s': %s", options->dir, err_text(-errno));
	rc = check_new(dir, out_why);
	if (rc == 0)
		rc = certificate_add_usual_names(&names, &options->names, out_why);
	if (rc == 0)
		rc = make_material(&material, &names, out_why);
	if (rc == 0)
		rc = write_material(dir, &material, out_why);
	if (rc == 0)
		rc = write_config(options, dir, out_why);
	material_fini(&material);
	free(dir);
	return rc;
}
