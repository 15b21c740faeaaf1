/*
 * kernel_pairs - what FACT_HOST tells of the running kernel, and whether the host should be started
 * again.
 *
 *   kernel_newest    release of the newest installed kernel (kernels.h)
 *   kernel_cmdline   what the kernel was started with
 *   kernel_build     uname -v
 *   kernel_tainted   letters of taint; absent when it is not
 *   boot_time        seconds since 1970, to the minute (boot_time.h)
 *   reboot_required  the reasons (reboot.h); absent when there are none
 *
 * Errors   as kernels_read.
 * Thread   a worker, one at a time.
 */
#ifndef TSUJIBAN_AGENT_RUNNING_KERNEL_PAIRS_H
#define TSUJIBAN_AGENT_RUNNING_KERNEL_PAIRS_H

#include "common/base/err.h"
#include "common/model/factlist.h"

/* SOURCE_UNSURE: all but what the packages of the kernels say. */
int kernel_pairs_add(const char *root, struct fact_list *out, struct reason *out_why);

#endif
