#include "collector/store/labels.h"

#include "collector/store/hosts.h"
#include "collector/store/tokens.h"

_Static_assert(HOST_LABELS_MAX == LABELS_MAX && TOKEN_LABELS_MAX == LABELS_MAX, "one cap for all");

void labels_append_text(struct buf *out, struct slice text)
{
	buf_append_varint(out, text.len);
	buf_append_slice(out, text);
}

bool labels_take_text(struct slice *in, struct slice *out)
{
	uint64_t len;

	return slice_take_varint(in, &len) && len <= in->len && slice_take(in, (size_t)len, out);
}

void labels_append(
        struct buf *out, size_t count, const struct slice *names, const struct slice *values)
{
	buf_append_byte(out, (uint8_t)count);
	for (size_t i = 0; i < count; i++) {
		labels_append_text(out, names[i]);
		labels_append_text(out, values[i]);
	}
}

bool labels_take(struct slice *in, size_t *out_count, struct slice out_names[LABELS_MAX],
        struct slice out_values[LABELS_MAX])
{
	uint8_t count;

	if (!slice_take_byte(in, &count) || count > LABELS_MAX)
		return false;
	for (size_t i = 0; i < count; i++)
		if (!labels_take_text(in, &out_names[i]) || !labels_take_text(in, &out_values[i]))
			return false;
	*out_count = count;
	return true;
}
