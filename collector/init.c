#include "collector/init.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/admin_token.h"
#include "collector/certificate.h"
#include "collector/material.h"
#include "common/base/clock.h"
#include "common/io/file.h"
#include "common/io/pki.h"

#define STORE_BYTES (1ull << 30) /* only for this write: run has its own limit */

/* Everything is made in memory first; then it is written. */
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
	return rc;
}

static int write_config(const struct init_options *options, const char *dir, struct reason *out_why)
{
	char path[PATH_MAX];
	struct buf text = BUF_INIT;
	buf_printf(&text, "# Made by tsujiban-collector init; `tsujiban-collector check` prints "
	                  "every key.\n");
	buf_printf(&text, "dir: %s\n", dir);
	buf_printf(&text, "listen: \"%s\"\n", options->listen ? options->listen : "0.0.0.0:7443");
	buf_printf(&text, "api: \"%s\"\n", options->api ? options->api : "127.0.0.1:7444");
	snprintf(path, sizeof(path), "%s/collector.yaml", dir);
	int rc = file_write(path, buf_slice(&text), 0644, out_why);
	buf_fini(&text);
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
		rc = material_write(dir, &material, out_why);
	if (rc == 0)
		rc = admin_token_make(dir, STORE_BYTES, out_why);
	if (rc == 0)
		rc = write_config(options, dir, out_why);
	material_fini(&material);
	free(dir);
	return rc;
}
