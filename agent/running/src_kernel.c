/*
 * The kernels of kernels.h as facts.
 */
#include "agent/running/kernels.h"
#include "agent/running/sources.h"

#define KERNELS_BYTES_MAX (8u << 20)

static int add(struct fact_list *out, const char *state, const struct kernel *kernel)
{
	struct fact fact = {.kind = FACT_KERNEL};
	fact.field[KERNEL_STATE] = slice_text(state);
	fact.field[KERNEL_RELEASE] = kernel->release;
	fact.field[KERNEL_VERSION] = kernel->version;
	fact.field[KERNEL_PACKAGE] = kernel->package;
	return fact_list_add(out, &fact);
}

static int add_all(const struct kernels *kernels, struct fact_list *out, struct reason *out_why)
{
	int rc = kernels->has_running ? add(out, "running", &kernels->running) : 0;
	for (size_t i = 0; rc == 0 && i < kernels->count; i++)
		rc = add(out, "installed", &kernels->installed[i]);
	return rc < 0 ? fail(out_why, rc, "cannot list kernels: too many packages") : 0;
}

int src_kernel_read(const char *root, struct fact_list *out, struct reason *out_why)
{
	struct arena *arena = arena_new(KERNELS_BYTES_MAX);
	struct kernels kernels;
	int rc = kernels_read(root, arena, &kernels, out_why);
	if (rc == 0)
		rc = add_all(&kernels, out, out_why);
	arena_free(arena);
	return rc == 0 && kernels.is_unsure ? SOURCE_UNSURE : rc;
}
