#include "agent/packages/label.h"

#define MODE_STICKY       01000u
#define MODE_WRITE_OTHERS 00002u
#define MODE_RISKY        (06000u | MODE_WRITE_OTHERS)

bool label_say(const struct run_package *package, enum explained_state state, struct explained *out)
{
	*out = (struct explained){.state = state};
	if (package) {
		out->package = package->name;
		out->version = package->version.ptr ? package->version : package->old_version;
	}
	return true;
}

uint32_t label_gained_modes(const struct change *change)
{
	const struct filestate *before = change->before, *after = change->after;
	if (!after || after->type == FILE_SYMLINK)
		return 0;
	/* Directories for everybody (sticky) and for a group (setgid) are usual. */
	uint32_t risky = after->type == FILE_DIRECTORY ? MODE_WRITE_OTHERS : MODE_RISKY;
	if (after->type == FILE_DIRECTORY && (after->mode & MODE_STICKY))
		return 0;
	return after->mode & risky & ~(before ? before->mode : 0);
}

bool label_is_handed_over(const struct change *change)
{
	const struct filestate *before = change->before, *after = change->after;
	if (!after || after->type == FILE_SYMLINK || !before)
		return false;
	return (before->uid == 0 && after->uid != 0) ||
	       (filestate_diff(before, after) & CHANGED_CAPABILITIES);
}
