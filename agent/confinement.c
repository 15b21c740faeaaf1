#include "agent/confinement.h"

#include <stdio.h>
#include <string.h>

#include "common/base/text.h"
#include "common/io/address.h"

#define OFF      "off"
#define DNS_PORT 53 /* over TCP when an answer is long */

int confinement_of_reader(
        const struct agent_config *config, struct confine_notes *notes, struct reason *out_why)
{
	/* A process with Landlock rules may not look at exe, maps and fd of processes that have
	 * none: who acted and what runs would be unknown. */
	struct confine_rights rights = {
	        .capabilities = CONFINE_READ_ALL | CONFINE_SEE_OTHERS,
	        .why_no_landlock = "it would hide who acted",
	};
	if (!config->is_confined) {
		confine_note_off(notes);
		return 0;
	}
	if (watch_would_use_fanotify(config->watch_source))
		rights.capabilities |= CONFINE_FANOTIFY | CONFINE_CONNECTOR;
	int rc = confine_rights(&rights, notes, out_why);
	return rc < 0 ? rc : confine_calls(CONFINE_READER, notes, out_why);
}

int confinement_of_launcher(struct reason *out_why)
{
	struct confine_rights rights = {0};
	struct confine_notes notes;
	int rc = confine_rights(&rights, &notes, out_why);
	return rc < 0 ? rc : confine_calls(CONFINE_STARTER, &notes, out_why);
}

int confinement_word(
        const struct agent_config *config, char out[CONFINEMENT_WORD], struct reason *out_why)
{
	struct address collector;
	int rc = address_parse(config->collector, &collector, out_why);
	if (rc < 0)
		return rc;
	snprintf(out, CONFINEMENT_WORD, "%s", OFF);
	if (config->is_confined)
		snprintf(out, CONFINEMENT_WORD, "%u", collector.port);
	return 0;
}

int confinement_of_sender(const char *word, struct confine_notes *notes, struct reason *out_why)
{
	struct confine_rights rights = {0};
	uint64_t port;
	if (strcmp(word, OFF) == 0) {
		confine_note_off(notes);
		return 0;
	}
	if (!text_parse_u64(slice_text(word), UINT16_MAX, &port))
		return fail(out_why, ERR_CONFIG, "this command is for the agent itself: see run");
	confine_add_system_files(&rights);
	confine_add_connect(&rights, (uint16_t)port);
	confine_add_connect(&rights, DNS_PORT);
	int rc = confine_rights(&rights, notes, out_why);
	return rc < 0 ? rc : confine_calls(CONFINE_SENDER, notes, out_why);
}
