/*
 * Packages of Node: the package.json at the top of what was installed. Deeper ones say how a
 * directory's modules are loaded, or belong to tests.
 */
#include "agent/apps/app_json.h"
#include "agent/apps/app_text.h"
#include "agent/apps/readers.h"

#define FILE_BYTES_MAX (1u << 20)

/* npm's own begin with neither: ".bin", ".cache", ".pnpm" are not packages, "@x" is a scope. */
static bool is_plain(struct slice name)
{
	return name.len > 0 && name.ptr[0] != '.' && name.ptr[0] != '@';
}

bool app_node_matches(struct slice path, mode_t mode)
{
	if (!S_ISREG(mode) || !slice_is(app_path_name(path, 0), "package.json") ||
	        !is_plain(app_path_name(path, 1)))
		return false;
	struct slice above = app_path_name(path, 2);
	if (slice_is(above, "node_modules"))
		return true;
	return above.len > 1 && above.ptr[0] == '@' &&
	       slice_is(app_path_name(path, 3), "node_modules");
}

int app_node_read(const struct app_file *file, struct fact_list *out, struct reason *out_why)
{
	json_t *root = NULL;
	int rc = app_json_read(file, FILE_BYTES_MAX, &root, out_why);
	if (rc < 0)
		return rc;
	/* The directory's name is no substitute: npm installs under aliases. */
	struct slice name = app_json_text(root, "name"), version = app_json_text(root, "version");
	if (name.len == 0 || version.len == 0)
		rc = ERR_MISSING;
	else if (!app_is_word(name) || !app_is_word(version))
		rc = fail(out_why, ERR_FORMAT, "no name and version of a Node package");
	else
		rc = app_add(out, "npm", name, version, file->path, out_why);
	json_decref(root);
	return rc;
}
