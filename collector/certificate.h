/*
 * certificate - the collector's own certificate: for which names, and signed by its CA.
 *
 * Thread   one; blocks.
 */
#ifndef TSUJIBAN_COLLECTOR_CERTIFICATE_H
#define TSUJIBAN_COLLECTOR_CERTIFICATE_H

#include "common/base/buf.h"
#include "common/base/slice.h"
#include "common/codec/option.h"

#define CERTIFICATE_NAMES_MAX 64
#define CERTIFICATE_NAME_MAX  256 /* bytes with the NUL */

/* By which agents and operators reach it; as the certificate has them, ended by NULL. */
struct certificate_names {
	size_t count;
	const char *item[CERTIFICATE_NAMES_MAX + 1]; /* in `text` */
	char text[CERTIFICATE_NAMES_MAX][CERTIFICATE_NAME_MAX];
};

/* One that is there already counts once. ERR_LIMIT: too many, or too long. */
int certificate_add_name(
        struct certificate_names *names, struct slice name, struct reason *out_why);
/* Those asked for, this host's, and the loopback's. */
int certificate_add_usual_names(
        struct certificate_names *names, const struct option_list *asked, struct reason *out_why);

/* PEM texts. Good from an hour ago, for hosts whose clocks are behind, for as long as the CA is. */
int certificate_make(struct slice ca_cert, struct slice ca_key, struct slice server_key,
        const struct certificate_names *names, struct buf *out_cert, struct reason *out_why);

/* The directory's is made anew, with the key that it has, for the names that it has and those asked
 * for; in effect when the collector starts. `out_names` gets all of them. */
int certificate_renew(const char *dir, const struct option_list *asked,
        struct certificate_names *out_names, struct reason *out_why);

#define CERTIFICATE_CA_LIFE_NS    (3650LL * 86400 * 1000000000)
#define CERTIFICATE_CLOCK_SKEW_NS (3600LL * 1000000000)

#endif
