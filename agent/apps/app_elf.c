/*
 * Programs and shared libraries: opened once for all that they may say. Nearly every executable
 * file is one, so that what is none or says nothing has to be left quickly.
 */
#include "agent/apps/program.h"
#include "agent/apps/readers.h"

enum section {
	SECTION_GO,
	SECTION_RUST,
	SECTION_COUNT,
};

bool app_elf_matches(struct slice path, mode_t mode)
{
	return S_ISREG(mode) &&
	       ((mode & 0111) != 0 || program_is_library_name(app_path_name(path, 0)));
}

static int read_program(struct program *program, struct several *out, struct reason *out_why)
{
	static const char *const NAMES[SECTION_COUNT] = {".go.buildinfo", ".dep-v0"};
	struct extent parts[SECTION_COUNT];
	int rc = elf_sections(&program->elf, NAMES, parts, SECTION_COUNT, out_why);
	if (rc < 0)
		return rc;
	program->go_section = parts[SECTION_GO];
	program->rust_section = parts[SECTION_RUST];
	rc = program_golang(program, out, out_why);
	if (rc == 0)
		rc = program_rust(program, out, out_why);
	return rc < 0 ? rc : program_server(program, out, out_why);
}

int app_elf_read(const struct app_file *file, struct fact_list *out, struct reason *out_why)
{
	struct program program = {.file = file};
	struct extent bytes = extent_of_file(file);
	int rc = elf_open(&bytes, &program.elf, out_why);
	if (rc < 0)
		return rc;
	struct several several = several_begin(out);
	return several_end(&several, read_program(&program, &several, out_why));
}
