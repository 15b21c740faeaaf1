/*
 * rpm_blob - headers of rpm made by hand, right ones and wrong ones.
 *
 *	struct rpm_blob blob = {0};
 *	rpm_blob_text(&blob, RPM_NAME, "bash");
 *	struct slice bytes = rpm_blob_bytes(&blob);
 *
 * What is given is what stands there: nothing is checked.
 */
#ifndef TSUJIBAN_TESTS_UNIT_AGENT_RPMDB_RPM_BLOB_H
#define TSUJIBAN_TESTS_UNIT_AGENT_RPMDB_RPM_BLOB_H

#include "agent/rpmdb/rpm_header.h"
#include "common/base/buf.h"

enum {
	BLOB_NULL,
	BLOB_CHAR,
	BLOB_INT8,
	BLOB_INT16,
	BLOB_INT32,
	BLOB_INT64,
	BLOB_STRING,
	BLOB_BIN,
	BLOB_STRINGS,
	BLOB_I18NSTRING,
};

struct rpm_blob {
	struct buf index;
	struct buf data;
	struct buf bytes;
};

static inline void rpm_blob_entry(
        struct rpm_blob *blob, uint32_t tag, uint32_t type, uint32_t offset, uint32_t count)
{
	buf_append_u32(&blob->index, tag);
	buf_append_u32(&blob->index, type);
	buf_append_u32(&blob->index, offset);
	buf_append_u32(&blob->index, count);
}

/* `count` values that stand in `data`. */
static inline void rpm_blob_put(struct rpm_blob *blob, uint32_t tag, uint32_t type, uint32_t count,
        const void *data, size_t len)
{
	rpm_blob_entry(blob, tag, type, (uint32_t)blob->data.len, count);
	buf_append(&blob->data, data, len);
}

static inline void rpm_blob_text(struct rpm_blob *blob, uint32_t tag, const char *text)
{
	rpm_blob_put(blob, tag, BLOB_STRING, 1, text, strlen(text) + 1);
}

/* Up to a NULL. */
static inline void rpm_blob_texts(struct rpm_blob *blob, uint32_t tag, const char *const *texts)
{
	uint32_t offset = (uint32_t)blob->data.len, count = 0;
	for (; texts[count]; count++)
		buf_append(&blob->data, texts[count], strlen(texts[count]) + 1);
	rpm_blob_entry(blob, tag, BLOB_STRINGS, offset, count);
}

static inline void rpm_blob_numbers(
        struct rpm_blob *blob, uint32_t tag, uint32_t type, const uint64_t *numbers, uint32_t count)
{
	static const uint32_t WIDTHS[] = {0, 1, 1, 2, 4, 8};
	rpm_blob_entry(blob, tag, type, (uint32_t)blob->data.len, count);
	for (uint32_t i = 0; i < count; i++)
		for (uint32_t at = WIDTHS[type]; at > 0; at--)
			buf_append_byte(&blob->data, (uint8_t)(numbers[i] >> (8 * (at - 1))));
}

/* Valid until the next call. */
static inline struct slice rpm_blob_bytes(struct rpm_blob *blob)
{
	buf_reset(&blob->bytes);
	buf_append_u32(&blob->bytes, (uint32_t)(blob->index.len / 16));
	buf_append_u32(&blob->bytes, (uint32_t)blob->data.len);
	buf_append_slice(&blob->bytes, buf_slice(&blob->index));
	buf_append_slice(&blob->bytes, buf_slice(&blob->data));
	return buf_slice(&blob->bytes);
}

static inline void rpm_blob_fini(struct rpm_blob *blob)
{
	buf_fini(&blob->index);
	buf_fini(&blob->data);
	buf_fini(&blob->bytes);
}

#endif
