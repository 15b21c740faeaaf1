/*
 * dictionary - what frames with FRAME_DICTIONARY are compressed with: names and versions of common
 * packages, as proto/make-dictionary.py has gathered them.
 *
 * It belongs to the protocol for ever: frames that need it are kept in logs.
 *
 * Thread   any.
 */
#ifndef TSUJIBAN_COMMON_CODEC_DICTIONARY_H
#define TSUJIBAN_COMMON_CODEC_DICTIONARY_H

#include "common/base/slice.h"

struct slice dictionary(void);

#endif
