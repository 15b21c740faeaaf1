#include "collector/confinement.h"

#include <limits.h>
#include <stdio.h>

#include "collector/init.h"
#include "common/io/address.h"

/* Where an ordinary process may not listen, unless the host says otherwise. */
#define FIRST_FREE_PORT 1024

static int add_port(struct confine_rights *rights, const char *text, struct reason *out_why)
{
	struct address address;
	int rc = address_parse(text, &address, out_why);
	if (rc < 0)
		return rc;
	if (address.port < FIRST_FREE_PORT)
		rights->capabilities |= CONFINE_LOW_PORTS;
	confine_add_bind(rights, (uint16_t)address.port);
	return 0;
}

int confinement_begin(
        const struct collector_config *config, struct confine_notes *notes, struct reason *out_why)
{
	static char store[PATH_MAX]; /* granted paths are kept */
	struct confine_rights rights = {0};
	if (!config->is_confined) {
		confine_note_off(notes);
		return 0;
	}
	int rc = add_port(&rights, config->listen, out_why);
	if (rc == 0)
		rc = add_port(&rights, config->api, out_why);
	if (rc < 0)
		return rc;
	/* The store's may be a link to another disk. */
	snprintf(store, sizeof(store), "%s/%s", config->dir, COLLECTOR_DIR_DATA);
	confine_add_path(&rights, config->dir, CONFINE_WRITE);
	confine_add_path(&rights, store, CONFINE_WRITE);
	confine_add_system_files(&rights);
	return confine_rights(&rights, notes, out_why);
}

int confinement_complete(
        const struct collector_config *config, struct confine_notes *notes, struct reason *out_why)
{
	int rc = config->is_confined ? confine_calls(CONFINE_COLLECTOR, notes, out_why) : 0;
	if (rc == 0)
		confine_log(notes, "the collector");
	return rc;
}
