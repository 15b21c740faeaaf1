#include "common/model/proc_cgroup.h"

#include "common/base/text.h"

#define ID_MIN         12
#define ID_MAX         64
#define NAME_MAX_BYTES 200

/* Scopes of systemd, up to the id. */
static const char *const SCOPES[] = {
        "docker-", "libpod-", "crio-", "cri-containerd-", "containerd-", "nerdctl-", "podman-"};
/* Directories below which a directory whose name is an id is a container. */
static const char *const PARENTS[] = {
        "docker", "kubepods", "libpod_parent", "ecs", "garden", "actions_job", "buildkit"};

static bool is_id(struct slice text)
{
	if (text.len < ID_MIN || text.len > ID_MAX)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		uint8_t byte = text.ptr[i];
		if (!((byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f')))
			return false;
	}
	return true;
}

/* As lxc and machinectl allow them, with systemd's \xHH. */
static bool is_name(struct slice text)
{
	if (text.len == 0 || text.len > NAME_MAX_BYTES)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		uint8_t byte = text.ptr[i];
		bool is_word = (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
		               (byte >= 'A' && byte <= 'Z');
		if (!is_word && !memchr("-_.:\\", byte, 5))
			return false;
	}
	return true;
}

static bool strip_prefix(struct slice *text, const char *prefix)
{
	struct slice wanted = slice_text(prefix);
	if (!text->ptr || !slice_starts_with(*text, wanted))
		return false;
	*text = slice_of(text->ptr + wanted.len, text->len - wanted.len);
	return true;
}

static bool strip_suffix(struct slice *text, const char *suffix)
{
	size_t len = strlen(suffix);
	if (!text->ptr || text->len < len || memcmp(text->ptr + text->len - len, suffix, len) != 0)
		return false;
	text->len -= len;
	return true;
}

/* What the components above have said. */
struct above {
	bool is_manager; /* a directory of PARENTS */
	bool is_lxc;     /* the one right above */
	bool is_machines;
};

static struct slice container_of_scope(struct slice name)
{
	for (size_t i = 0; i < sizeof(SCOPES) / sizeof(SCOPES[0]); i++) {
		struct slice id = name;
		if (strip_prefix(&id, SCOPES[i]) && strip_suffix(&id, ".scope") && is_id(id))
			return id;
	}
	return (struct slice){0};
}

static struct slice container_of_machine(struct slice name)
{
	struct slice machine = name;
	if (strip_prefix(&machine, "machine-") && strip_suffix(&machine, ".scope") &&
	        is_name(machine))
		return machine;
	machine = name;
	if (strip_prefix(&machine, "systemd-nspawn@") && strip_suffix(&machine, ".service") &&
	        is_name(machine))
		return machine;
	return (struct slice){0};
}

static struct slice container_of(struct slice name, const struct above *above)
{
	struct slice lxc = name;
	struct slice found = container_of_scope(name);
	if (!found.ptr && above->is_manager && is_id(name))
		found = name;
	if (!found.ptr && above->is_lxc && is_name(name))
		found = name;
	if (!found.ptr && strip_prefix(&lxc, "lxc.payload.") && is_name(lxc))
		found = lxc;
	if (!found.ptr && above->is_machines)
		found = container_of_machine(name);
	return found;
}

/* "kubepods", "kubepods.slice" and "kubepods-burstable-pod….slice" alike. */
static bool is_manager(struct slice name)
{
	for (size_t i = 0; i < sizeof(PARENTS) / sizeof(PARENTS[0]); i++) {
		struct slice rest = name;
		if (strip_prefix(&rest, PARENTS[i]) &&
		        (rest.len == 0 || rest.ptr[0] == '.' || rest.ptr[0] == '-'))
			return true;
	}
	return false;
}

static bool ends_with(struct slice text, const char *end)
{
	return strip_suffix(&text, end);
}

/* A manager of services that each user has: the system's own knows it as one service and nothing of
 * what it runs. */
static bool is_users_manager(struct slice name)
{
	struct slice rest = name;
	return strip_prefix(&rest, "user@") && ends_with(rest, ".service");
}

static struct slice unit_of(struct slice name, struct slice unit)
{
	if (is_users_manager(unit))
		return unit;
	if (name.len <= NAME_MAX_BYTES && ends_with(name, ".service"))
		return name;
	bool is_scope = name.len <= NAME_MAX_BYTES && ends_with(name, ".scope");
	return is_scope && !ends_with(unit, ".service") ? name : unit;
}

/* What a path says. */
struct place {
	struct slice container; /* the innermost */
	struct slice unit;      /* in that container */
};

static struct place place_of(struct slice path)
{
	struct slice name;
	struct place place = {0};
	struct above above = {0};
	bool is_more = true;
	while (is_more) {
		is_more = text_split(path, '/', &name, &path);
		if (!is_more)
			name = path;
		struct slice found = container_of(name, &above);
		if (found.ptr) {
			place.container = found;
			place.unit = (struct slice){0};
		} else {
			place.unit = unit_of(name, place.unit);
		}
		above.is_manager |= is_manager(name);
		above.is_machines |= slice_is(name, "machine.slice");
		above.is_lxc = slice_is(name, "lxc") || slice_is(name, "lxc.payload");
	}
	return place;
}

/* Takes the next line that has its three parts; false at the end. */
static bool take_path(
        struct slice *text, struct slice *hierarchy, struct slice *controllers, struct slice *path)
{
	struct slice line;
	while (text_take_line(text, &line)) {
		strip_suffix(&line, " (deleted)");
		if (text_split(line, ':', hierarchy, path) &&
		        text_split(*path, ':', controllers, path))
			return true;
	}
	return false;
}

struct slice proc_cgroup_container(struct slice text)
{
	struct slice hierarchy, controllers, path, found = {0};
	while (!found.ptr && take_path(&text, &hierarchy, &controllers, &path))
		found = place_of(path).container;
	return found;
}

struct slice proc_cgroup_unit(struct slice text)
{
	struct slice hierarchy, controllers, path, found = {0};
	while (!found.ptr && take_path(&text, &hierarchy, &controllers, &path))
		if (slice_is(hierarchy, "0") || slice_is(controllers, "name=systemd"))
			found = place_of(path).unit;
	return found;
}
