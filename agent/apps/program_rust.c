/*
 * Crates of Rust programs, as cargo-auditable notes them (its PARSING.md and JSON schema): zlib's
 * form of {"packages": [{"name", "version", "source", "kind", "root", …}, …]}. What has kind
 * "build" ran on the machine that built the program and is not in it.
 */
#include "agent/apps/app_json.h"
#include "agent/apps/program.h"
#include "agent/apps/unpack.h"

#define JSON_BYTES_MAX (8u << 20)

static int add_crate(
        const json_t *crate, struct slice path, struct several *out, struct reason *out_why)
{
	struct slice name = app_json_text(crate, "name");
	struct slice version = app_json_text(crate, "version");
	if (slice_is(app_json_text(crate, "kind"), "build"))
		return 0;
	if (name.len == 0 || version.len == 0)
		return fail(out_why, ERR_FORMAT, "a crate without name or version");
	return several_add(out, "cargo", name, version, path, out_why);
}

int program_rust(const struct program *program, struct several *out, struct reason *out_why)
{
	struct buf text = BUF_INIT;
	json_t *root = NULL;
	if (program->rust_section.size == 0)
		return 0;
	int rc = unpack(&program->rust_section, UNPACK_ZLIB, JSON_BYTES_MAX, &text, out_why);
	if (rc == 0)
		rc = app_json_parse(&text, &root, out_why);
	buf_fini(&text);
	const json_t *crates = json_object_get(root, "packages");
	if (rc == 0 && !json_is_array(crates))
		rc = fail(out_why, ERR_FORMAT, "no list of crates");
	for (size_t i = 0; rc == 0 && i < json_array_size(crates); i++)
		rc = add_crate(json_array_get(crates, i), program->file->path, out, out_why);
	json_decref(root);
	return rc;
}
