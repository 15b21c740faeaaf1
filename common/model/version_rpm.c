/*
 * The rules are those of rpm's rpmio/rpmvercmp.c, of which each part has a sequence of pieces: runs
 * of digits, runs of letters, "~" and "^". Whatever else stands between them only separates.
 * Sequences are compared piece by piece, and pieces of different kinds in the order
 *
 *   ~  the end  ^  letters  digits
 *
 * so that any bytes have one total order, in which 1.0, 1_0 and 01.0 are equal.
 */
#include "common/model/version_rpm.h"

#include "common/base/text.h"
#include "common/model/version_evr.h"

enum piece { PIECE_TILDE, PIECE_END, PIECE_CARET, PIECE_LETTERS, PIECE_DIGITS };

static bool is_separator(uint8_t byte)
{
	return !part_is_digit(byte) && !part_is_letter(byte) && byte != '~' && byte != '^';
}

static enum piece take_piece(struct slice *in, struct slice *out)
{
	*out = (struct slice){0};
	part_take_run(in, is_separator);
	if (in->len == 0)
		return PIECE_END;
	if (part_take_one(in, "~"))
		return PIECE_TILDE;
	if (part_take_one(in, "^"))
		return PIECE_CARET;
	*out = part_take_digits(in);
	if (out->len > 0)
		return PIECE_DIGITS;
	*out = part_take_letters(in);
	return PIECE_LETTERS;
}

static int compare_part(struct slice a, struct slice b)
{
	enum piece kind;
	int order = 0;
	do {
		struct slice piece_a, piece_b;
		enum piece other = take_piece(&b, &piece_b);
		kind = take_piece(&a, &piece_a);
		if (kind != other)
			return kind < other ? -1 : 1;
		order = kind == PIECE_DIGITS ? part_compare_numbers(piece_a, piece_b)
		                             : slice_compare(piece_a, piece_b);
	} while (order == 0 && kind != PIECE_END);
	return order;
}

int version_rpm_compare(struct slice a, struct slice b)
{
	struct evr left = evr_of(a), right = evr_of(b);
	int order = part_compare_numbers(left.epoch, right.epoch);
	if (order == 0)
		order = compare_part(left.version, right.version);
	if (order == 0 && !left.release.ptr != !right.release.ptr)
		return left.release.ptr ? 1 : -1;
	return order ? order : compare_part(left.release, right.release);
}

static bool is_part(struct slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		uint8_t byte = text.ptr[i];
		if (is_separator(byte) && !memchr("._+", byte, 3))
			return false;
	}
	return text.len > 0;
}

bool version_rpm_is_valid(struct slice version)
{
	struct evr evr = evr_of(version);
	bool is_epoch_empty = evr.epoch.ptr && evr.epoch.len == 0;
	return !is_epoch_empty && is_part(evr.version) &&
	       (!evr.release.ptr || is_part(evr.release));
}
