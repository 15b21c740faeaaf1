/*
 * Packages of PHP that composer installed: vendor/composer/installed.json, an array of packages
 * (composer 1) or an object whose "packages" is that array (composer 2). Projects may call the
 * vendor directory otherwise (config.vendor-dir), so only the names below it are looked at.
 *
 * The version is the one that was tagged, a leading "v" included: that is what `composer show`
 * prints, and what the lists of versions of Packagist's advisories hold. The name is lower case as
 * the purl specification wants it.
 */
#include <errno.h>

#include "agent/apps/app_json.h"
#include "agent/apps/app_text.h"
#include "agent/apps/readers.h"

#define FILE_BYTES_MAX (8u << 20)

bool app_composer_matches(struct slice path, mode_t mode)
{
	return S_ISREG(mode) && slice_is(app_path_name(path, 0), "installed.json") &&
	       slice_is(app_path_name(path, 1), "composer");
}

/* `seen` has the names of this file: composer knows each once, a hand may have written it twice. */
static int take_package(const struct app_file *file, const json_t *package, json_t *seen,
        struct buf *lower, struct fact_list *out, struct reason *out_why)
{
	struct slice name = app_json_text(package, "name");
	struct slice version = app_json_text(package, "version");
	if (name.len == 0 || version.len == 0)
		return 0;
	if (!app_is_word(name) || !app_is_word(version))
		return fail(out_why, ERR_FORMAT, "no name and version of a composer package");
	app_lower(name, lower);
	if (json_object_get(seen, buf_text(lower)))
		return 0;
	json_object_set_new(seen, buf_text(lower), json_true());
	return app_add(out, "composer", buf_slice(lower), version, file->path, out_why);
}

static int take_packages(const struct app_file *file, const json_t *packages, struct fact_list *out,
        struct reason *out_why)
{
	json_t *seen = json_object();
	struct buf lower = BUF_INIT;
	int rc = seen ? 0 : -ENOMEM;
	for (size_t i = 0; rc == 0 && i < json_array_size(packages); i++)
		rc = take_package(file, json_array_get(packages, i), seen, &lower, out, out_why);
	buf_fini(&lower);
	json_decref(seen);
	return rc;
}

int app_composer_read(const struct app_file *file, struct fact_list *out, struct reason *out_why)
{
	json_t *root = NULL;
	size_t before = out->count;
	int rc = app_json_read(file, FILE_BYTES_MAX, &root, out_why);
	if (rc < 0)
		return rc;
	const json_t *packages = json_is_array(root) ? root : json_object_get(root, "packages");
	rc = json_is_array(packages) ? take_packages(file, packages, out, out_why) : ERR_MISSING;
	if (rc < 0)
		out->count = before;
	json_decref(root);
	return rc;
}
