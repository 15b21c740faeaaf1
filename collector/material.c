#include "collector/material.h"

#include <limits.h>
#include <stdio.h>

#include "common/io/file.h"

#define PEM_BYTES_MAX (64u << 10)

static int read_one(const char *dir, const char *name, struct buf *out, struct reason *out_why)
{
	char path[PATH_MAX];
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return file_read(path, PEM_BYTES_MAX, out, out_why);
}

int material_read(const char *dir, struct material *out, struct reason *out_why)
{
	int rc = read_one(dir, COLLECTOR_FILE_SERVER_CERT, &out->server_cert, out_why);
	if (rc == 0)
		rc = read_one(dir, COLLECTOR_FILE_SERVER_KEY, &out->server_key, out_why);
	if (rc == 0)
		rc = read_one(dir, COLLECTOR_FILE_CA_CERT, &out->ca_cert, out_why);
	if (rc == 0)
		rc = read_one(dir, COLLECTOR_FILE_CA_KEY, &out->ca_key, out_why);
	return rc;
}

static int write_one(const char *dir, const char *name, const struct buf *content, mode_t mode,
        struct reason *out_why)
{
	char path[PATH_MAX];
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return file_write(path, buf_slice(content), mode, out_why);
}

int material_write_server_cert(
        const char *dir, const struct material *material, struct reason *out_why)
{
	return write_one(dir, COLLECTOR_FILE_SERVER_CERT, &material->server_cert, 0644, out_why);
}

int material_write(const char *dir, const struct material *material, struct reason *out_why)
{
	int rc = write_one(dir, COLLECTOR_FILE_CA_KEY, &material->ca_key, 0600, out_why);
	if (rc == 0)
		rc = write_one(dir, COLLECTOR_FILE_CA_CERT, &material->ca_cert, 0644, out_why);
	if (rc == 0)
		rc = write_one(
		        dir, COLLECTOR_FILE_SERVER_KEY, &material->server_key, 0600, out_why);
	return rc == 0 ? material_write_server_cert(dir, material, out_why) : rc;
}

void material_fini(struct material *material)
{
	buf_fini(&material->ca_key);
	buf_fini(&material->ca_cert);
	buf_fini(&material->server_key);
	buf_fini(&material->server_cert);
}
