/*
 * program - what programs and shared libraries say of what they are made of.
 *
 * Each adds what it finds to `out`, nothing where it finds nothing.
 *
 * Errors   0; ERR_FORMAT and ERR_LIMIT with a reason.
 * Thread   any; no state.
 */
#ifndef TSUJIBAN_AGENT_APPS_PROGRAM_H
#define TSUJIBAN_AGENT_APPS_PROGRAM_H

#include "agent/apps/elf.h"
#include "agent/apps/several.h"

struct program {
	const struct app_file *file;
	struct elf elf;
	struct extent go_section;   /* size 0: there is none */
	struct extent rust_section; /* the same */
};

/* The Go release as "stdlib", the main module, and the modules that it was built of. */
int program_golang(const struct program *program, struct several *out, struct reason *out_why);
/* The lines of the build information alone, for a program of this path. */
int program_golang_modules(
        struct slice modules, struct slice path, struct several *out, struct reason *out_why);
/* The crates that cargo-auditable noted. */
int program_rust(const struct program *program, struct several *out, struct reason *out_why);
/* A server whose version stands in its bytes; which one its file's name says. */
int program_server(const struct program *program, struct several *out, struct reason *out_why);
/* Whether a file of this name may be a library that program_server knows; those are often not
 * executable. */
bool program_is_library_name(struct slice name);

#endif
