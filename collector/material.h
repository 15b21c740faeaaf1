/*
 * material - the keys and certificates of a collector's directory, as PEM texts.
 *
 * Owner    material_fini frees them.
 * Thread   one; blocks.
 */
#ifndef TSUJIBAN_COLLECTOR_MATERIAL_H
#define TSUJIBAN_COLLECTOR_MATERIAL_H

#include "common/base/buf.h"
#include "common/base/err.h"

#define COLLECTOR_FILE_CA_CERT     "ca.crt"
#define COLLECTOR_FILE_CA_KEY      "ca.key"
#define COLLECTOR_FILE_SERVER_CERT "server.crt"
#define COLLECTOR_FILE_SERVER_KEY  "server.key"

struct material {
	struct buf ca_key, ca_cert, server_key, server_cert;
};

int material_read(const char *dir, struct material *out, struct reason *out_why);
/* All four; keys are their owner's alone. */
int material_write(const char *dir, const struct material *material, struct reason *out_why);
/* Of the four this one, which names can be changed in. */
int material_write_server_cert(
        const char *dir, const struct material *material, struct reason *out_why);
void material_fini(struct material *material);

#endif
