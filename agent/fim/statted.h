/*
 * statted - what stat(2) says of a file, as a filestate: no hash, no names, no target.
 *
 * Thread   any; no state.
 */
#ifndef TSUJIBAN_AGENT_FIM_STATTED_H
#define TSUJIBAN_AGENT_FIM_STATTED_H

#include <sys/stat.h>

#include "common/base/clock.h"
#include "common/model/filestate.h"

static inline int64_t statted_ns(struct timespec time)
{
	return time.tv_sec * NS_PER_S + time.tv_nsec;
}

struct filestate statted_state(const struct stat *info);

#endif
