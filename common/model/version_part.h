/*
 * version_part - the pieces that version numbers of every kind are made of.
 *
 * Thread   any; no state.
 */
#ifndef TSUJIBAN_COMMON_MODEL_VERSION_PART_H
#define TSUJIBAN_COMMON_MODEL_VERSION_PART_H

#include "common/base/slice.h"

static inline bool part_is_digit(uint8_t byte)
{
	return byte >= '0' && byte <= '9';
}

static inline bool part_is_letter(uint8_t byte)
{
	return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z');
}

static inline struct slice part_after(struct slice in, size_t len)
{
	return len ? slice_of(in.ptr + len, in.len - len) : in;
}

/* The bytes in front of which `is_it` holds, taken from `*in`; may be none. */
static inline struct slice part_take_run(struct slice *in, bool (*is_it)(uint8_t byte))
{
	size_t len = 0;
	while (len < in->len && is_it(in->ptr[len]))
		len++;
	struct slice run = slice_of(in->ptr, len);
	*in = part_after(*in, len);
	return run;
}

static inline struct slice part_take_digits(struct slice *in)
{
	return part_take_run(in, part_is_digit);
}

static inline struct slice part_take_letters(struct slice *in)
{
	return part_take_run(in, part_is_letter);
}

/* Takes one byte when it is one of `bytes`. */
static inline bool part_take_one(struct slice *in, const char *bytes)
{
	if (in->len == 0 || in->ptr[0] == 0 || !strchr(bytes, in->ptr[0]))
		return false;
	*in = part_after(*in, 1);
	return true;
}

/* Takes a word of small letters when it stands in front, in any case. */
static inline bool part_take_word(struct slice *in, const char *word)
{
	size_t len = strlen(word);
	if (in->len < len)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!part_is_letter(in->ptr[i]) || (in->ptr[i] | 0x20) != (uint8_t)word[i])
			return false;
	*in = part_after(*in, len);
	return true;
}

/* By value; digit runs of any length, and none is 0. */
static inline int part_compare_numbers(struct slice a, struct slice b)
{
	while (a.len > 0 && a.ptr[0] == '0')
		a = part_after(a, 1);
	while (b.len > 0 && b.ptr[0] == '0')
		b = part_after(b, 1);
	if (a.len != b.len)
		return a.len < b.len ? -1 : 1;
	return slice_compare(a, b);
}

/* Numbers with a dot between them; what is missing at the end is 0. */
static inline int part_compare_dotted(struct slice a, struct slice b)
{
	int order = 0;
	while (order == 0 && (a.len > 0 || b.len > 0)) {
		struct slice number_a = part_take_digits(&a), number_b = part_take_digits(&b);
		order = part_compare_numbers(number_a, number_b);
		part_take_one(&a, ".");
		part_take_one(&b, ".");
	}
	return order;
}

/* Without what Python, Ruby and PHP call white space around it. */
static inline struct slice part_trim(struct slice text)
{
	while (text.len > 0 && (text.ptr[0] == ' ' || (text.ptr[0] >= '\t' && text.ptr[0] <= '\r')))
		text = part_after(text, 1);
	while (text.len > 0 &&
	        (text.ptr[text.len - 1] == ' ' ||
	                (text.ptr[text.len - 1] >= '\t' && text.ptr[text.len - 1] <= '\r')))
		text.len--;
	return text;
}

#endif
