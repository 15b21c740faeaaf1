/*
 * bytes - numbers in the order that a file has them, at a place that the caller has checked.
 *
 * Thread   any; no state.
 */
#ifndef TSUJIBAN_COMMON_BASE_BYTES_H
#define TSUJIBAN_COMMON_BASE_BYTES_H

#include <stdint.h>

static inline uint32_t be16(const uint8_t *at)
{
	return (uint32_t)at[0] << 8 | at[1];
}

static inline uint32_t be32(const uint8_t *at)
{
	return be16(at) << 16 | be16(at + 2);
}

static inline uint32_t le16(const uint8_t *at)
{
	return (uint32_t)at[1] << 8 | at[0];
}

static inline uint32_t le32(const uint8_t *at)
{
	return le16(at + 2) << 16 | le16(at);
}

#endif
