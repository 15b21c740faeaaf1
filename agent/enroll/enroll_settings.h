/*
 * enroll_settings - with what a host is enrolled, gathered from where it was left.
 *
 * Each value comes from its option, else from the environment, else from the file of --from: for
 * cloud-init, Ansible and the like, which write a file or set variables. The token is kept from
 * ps(1): it is best read from a file of its own, from the environment or from that file; given as
 * an option it is overwritten where ps would find it.
 *
 *   option             environment                       key of the file
 *   --collector        TSUJIBAN_ENROLL_COLLECTOR         collector
 *   --token            TSUJIBAN_ENROLL_TOKEN             token
 *   --token-file       TSUJIBAN_ENROLL_TOKEN_FILE        token_file
 *   --ca-fingerprint   TSUJIBAN_ENROLL_CA_FINGERPRINT    ca_fingerprint
 *   --dir              TSUJIBAN_ENROLL_DIR               dir
 *   --name             TSUJIBAN_ENROLL_NAME              name
 *
 * Life     zeroed but for the options -> enroll_settings_load -> enroll_settings_complete ->
 *          enroll_settings_fini.
 * Errors   ERR_CONFIG: wrong use, something is missing; ERR_FORMAT: of the file; -errno.
 * Thread   any; blocks on the disk.
 */
#ifndef TSUJIBAN_AGENT_ENROLL_ENROLL_SETTINGS_H
#define TSUJIBAN_AGENT_ENROLL_ENROLL_SETTINGS_H

#include "agent/enroll/enroll.h"
#include "agent/state/state.h"
#include "common/base/arena.h"
#include "common/codec/config.h"

extern const struct config_key ENROLL_FILE[];

struct enroll_settings {
	struct enroll_options options;
	const char *token_file;
	const char *from;        /* NULL: no file */
	const char *secret_file; /* which file had the token; NULL: none */
	const char *file_token, *file_token_file;
	struct arena *arena;
};

/* Fills what no option gave but the token, the directory in any case. A token among the options is
 * copied and overwritten in its place. */
int enroll_settings_load(struct enroll_settings *settings, struct reason *out_why);
/* Reads the token and says what is missing. */
int enroll_settings_complete(struct enroll_settings *settings, struct reason *out_why);
void enroll_settings_fini(struct enroll_settings *settings);

#endif
