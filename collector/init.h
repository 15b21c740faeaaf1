/*
 * init - a new collector's directory: CA, server certificate, admin token, empty store,
 * configuration.
 *
 *   collector.yaml   ca.crt   ca.key (0600)   server.crt   server.key (0600)   admin.token (0600)
 * data/
 *
 * collector.yaml is written last: its presence means that the directory is complete, and init
 * refuses to touch it then.
 *
 * Thread   one; blocks.
 */
#ifndef TSUJIBAN_COLLECTOR_INIT_H
#define TSUJIBAN_COLLECTOR_INIT_H

#include "common/codec/option.h"

#define COLLECTOR_DIR_DATA "data"

struct init_options {
	const char *dir;
	const char *listen;       /* NULL: the default */
	const char *api;          /* NULL: the default */
	struct option_list names; /* of the server's certificate, besides this host's name and the
	                             loopback's */
};

int init_collector(const struct init_options *options, struct reason *out_why);

#endif
