/*
 * renew - makes anew what a collector's directory was given by init: the admin's token, and the
 * certificate, for further names.
 *
 * Thread   one; blocks.
 */
#ifndef TSUJIBAN_COLLECTOR_RENEW_H
#define TSUJIBAN_COLLECTOR_RENEW_H

#include "collector/certificate.h"
#include "collector/config.h"

/* Draws a new admin's token, which then is the only one, and writes it into admin.token. ERR_BUSY:
 * the collector is running. Ended in between, it has to be done again. */
int renew_token(const struct collector_config *config, struct reason *out_why);
/* With the key that it has, for the names that it has and those asked for; in effect when the
 * collector starts. `out_names` gets all of them. */
int renew_certificate(const struct collector_config *config, const struct option_list *asked,
        struct certificate_names *out_names, struct reason *out_why);

#endif
