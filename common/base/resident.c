#include "common/base/resident.h"

#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

/* Whole pages of the segment alone: what stands behind it may be data, which would be lost. */
static int release_object(struct dl_phdr_info *object, size_t size, void *ctx)
{
	uintptr_t page = *(const uintptr_t *)ctx;
	(void)size;
	for (unsigned i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
		if (segment->p_type != PT_LOAD || segment->p_flags & PF_W)
			continue;
		uintptr_t start = object->dlpi_addr + segment->p_vaddr;
		uintptr_t end = (start + segment->p_memsz) & ~(page - 1);
		start = (start + page - 1) & ~(page - 1);
		/* NOLINTNEXTLINE(performance-no-int-to-ptr): dl_iterate_phdr(3) tells numbers */
		void *first = (void *)start;
		if (start < end)
			madvise(first, end - start, MADV_DONTNEED);
	}
	return 0;
}

void resident_release(void)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	malloc_trim(0);
	dl_iterate_phdr(release_object, &page);
}
