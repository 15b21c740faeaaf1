/*
 * microcode - whether a boot would load newer microcode into the processor than it runs.
 *
 *   running    /proc/cpuinfo: vendor, family, model, stepping, and the lowest revision of all
 *   installed  intel-ucode/FF-MM-SS, amd-ucode/microcode_amd[_famFFh].bin below /lib/firmware or
 *              /usr/lib/firmware; packed ones (.xz, .zst) are not looked into
 *
 * Nothing is said of a virtual machine, whose microcode is its host's, of another vendor's
 * processors, and where no file has the processor.
 *
 * Thread   a worker.
 */
#ifndef TSUJIBAN_AGENT_RUNNING_MICROCODE_H
#define TSUJIBAN_AGENT_RUNNING_MICROCODE_H

#include "common/base/slice.h"

struct processor {
	bool is_intel, is_amd, is_virtual;
	uint32_t family, model, stepping;
	uint32_t revision; /* that runs */
	uint32_t flags;    /* of Intel: one bit, which platform it is; 0: not known */
};

/* True: `*out_runs` runs, and the newer `*out_installed` is there to be loaded. */
bool microcode_is_outdated(const char *root, uint32_t *out_runs, uint32_t *out_installed);

/* The parsers alone, for tests and fuzzing. */
bool microcode_parse_cpuinfo(struct slice text, struct processor *out);
/* The newest revision in a file that is for this processor; 0: none. */
uint32_t microcode_of_intel(struct slice file, const struct processor *processor);
uint32_t microcode_of_amd(struct slice file, const struct processor *processor);

#endif
