#include <cap-ng.h>

#include "common/confine/confine_private.h"

static const struct {
	enum confine_capability bit;
	unsigned number;
} CAPABILITIES[] = {
        {CONFINE_READ_ALL, CAP_DAC_READ_SEARCH},
        {CONFINE_SEE_OTHERS, CAP_SYS_PTRACE},
        {CONFINE_FANOTIFY, CAP_SYS_ADMIN},
        {CONFINE_CONNECTOR, CAP_NET_ADMIN},
        {CONFINE_LOW_PORTS, CAP_NET_BIND_SERVICE},
};
#define COUNT (sizeof(CAPABILITIES) / sizeof(CAPABILITIES[0]))

/* Nothing inheritable, nothing ambient, nothing in the bounding set that is not kept: a program
 * that is executed later, as root too, gets none beyond. */
int confine_capabilities(unsigned keep, struct confine_notes *notes, struct reason *out_why)
{
	unsigned held = 0, kept = 0;
	capng_clear(CAPNG_SELECT_ALL);
	if (capng_get_caps_process() < 0)
		return fail(out_why, ERR_REFUSED, "cannot read the capabilities");
	for (size_t i = 0; i < COUNT; i++)
		if ((keep & CAPABILITIES[i].bit) &&
		        capng_have_capability(CAPNG_PERMITTED, CAPABILITIES[i].number))
			held |= CAPABILITIES[i].bit;
	bool can_bound = capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP);
	capng_clear(CAPNG_SELECT_ALL);
	for (size_t i = 0; i < COUNT; i++) {
		if (!(held & CAPABILITIES[i].bit))
			continue;
		capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_BOUNDING_SET,
		        CAPABILITIES[i].number);
		confine_note_on(notes, "%s%s", kept++ ? "" : "capabilities: ",
		        capng_capability_to_name(CAPABILITIES[i].number));
	}
	if (kept == 0)
		confine_note_on(notes, "no capabilities");
	/* Without CAP_SETPCAP the bounding set stays: no program that is executed gains anything
	 * by it under no_new_privs. */
	int rc = can_bound ? capng_apply(CAPNG_SELECT_BOUNDS) : 0;
	if (rc == 0)
		rc = capng_apply(CAPNG_SELECT_CAPS | CAPNG_SELECT_AMBIENT);
	if (rc < 0)
		return fail(out_why, ERR_REFUSED, "cannot give up capabilities (step %d)", -rc);
	return 0;
}
