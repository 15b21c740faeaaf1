#include "collector/query/field.h"

#include "common/base/glob.h"
#include "common/base/text.h"

bool pattern_matches(const struct pattern *pattern, struct slice text)
{
	if (pattern->literal.ptr)
		return slice_equal(pattern->literal, text);
	return glob_matches(pattern->glob, text);
}

bool pattern_matches_path(const struct pattern *pattern, struct slice path)
{
	struct slice top = pattern->literal;
	if (!top.ptr)
		return glob_matches(pattern->glob, path);
	while (top.len > 0 && top.ptr[top.len - 1] == '/')
		top.len--;
	if (pattern->literal.len == 0 || !slice_starts_with(path, top))
		return false;
	return path.len == top.len || path.ptr[top.len] == '/';
}

bool order_holds(enum compare_op op, int order)
{
	switch (op) {
	case OP_LIKE:
	case OP_EQUAL:
		return order == 0;
	case OP_LESS:
		return order < 0;
	case OP_LESS_EQUAL:
		return order <= 0;
	case OP_NOT_EQUAL:
		return order != 0;
	case OP_GREATER_EQUAL:
		return order >= 0;
	case OP_GREATER:
		return order > 0;
	}
	return false;
}

/* --- constraints --------------------------------------------------------------------------- */

static enum verdict verdict_of(bool holds)
{
	return holds ? VERDICT_YES : VERDICT_NO;
}

/* By the manager's own order. Without one only equal texts are known to be equal; text order says
 * nothing ("10" comes before "9"). A version that nobody could read has no place in any order. */
static enum verdict judge_version(
        const struct constraint *constraint, struct slice manager, struct slice version)
{
	enum version_scheme scheme;
	struct slice asked = constraint->value.literal;
	if (constraint->op == OP_LIKE)
		return verdict_of(pattern_matches(&constraint->value, version));
	if (version.len > 0 && version_scheme_parse(manager, &scheme))
		return verdict_of(
		        order_holds(constraint->op, version_compare(scheme, version, asked)));
	if (version.len > 0 && slice_equal(version, asked))
		return verdict_of(order_holds(constraint->op, 0));
	return VERDICT_UNSURE;
}

static bool number_holds(const struct constraint *constraint, struct slice text)
{
	uint64_t number;
	return text_parse_u64(text, UINT64_MAX, &number) &&
	       order_holds(constraint->op,
	               (number > constraint->number) - (number < constraint->number));
}

/* An absent field is like nothing but "". */
static bool text_holds(const struct constraint *constraint, struct slice text)
{
	bool is_absent = text.len == 0 && !constraint->value.literal.ptr;
	bool matches = !is_absent && pattern_matches(&constraint->value, text);
	return matches == (constraint->op != OP_NOT_EQUAL);
}

/* Of what has to be restarted the package is "dpkg:NAME". */
static struct slice manager_of(const struct fact *fact)
{
	struct slice manager, name;
	if (fact->kind == FACT_PACKAGE)
		return fact->field[PACKAGE_MANAGER];
	return text_split(fact->field[RESTART_PACKAGE], ':', &manager, &name) ? manager
	                                                                      : (struct slice){0};
}

static enum verdict judge_constraint(const struct constraint *constraint, const struct fact *fact)
{
	struct slice text = fact->field[constraint->field];
	if (query_field_is_version(fact->kind, constraint->field))
		return judge_version(constraint, manager_of(fact), text);
	return verdict_of(constraint->is_number ? number_holds(constraint, text)
	                                        : text_holds(constraint, text));
}

/* A "no" stands whatever else cannot be judged. */
static enum verdict judge_constraints(const struct term *term, const struct fact *fact)
{
	enum verdict all = VERDICT_YES;
	const struct constraint *constraint = term->constraints;
	for (; constraint; constraint = constraint->next) {
		enum verdict one = judge_constraint(constraint, fact);
		if (one == VERDICT_NO)
			return VERDICT_NO;
		if (one == VERDICT_UNSURE)
			all = VERDICT_UNSURE;
	}
	return all;
}

/* --- facts --------------------------------------------------------------------------------- */

bool fact_is_there(const struct fact *fact)
{
	struct slice status = fact->field[PACKAGE_STATUS];
	return fact->kind != FACT_PACKAGE ||
	       (!slice_is(status, "config-files") && !slice_is(status, "not-installed"));
}

/* ID, "ID VERSION_ID", codename or the pretty name. */
static bool os_matches(const struct pattern *pattern, const struct fact *fact)
{
	struct slice id = fact->field[OS_ID], version = fact->field[OS_VERSION_ID];
	if (pattern_matches(pattern, id) || pattern_matches(pattern, fact->field[OS_CODENAME]) ||
	        pattern_matches(pattern, fact->field[OS_PRETTY_NAME]))
		return true;
	struct buf both = BUF_INIT;
	buf_append_slice(&both, id);
	buf_append_byte(&both, ' ');
	buf_append_slice(&both, version);
	bool matches = pattern_matches(pattern, buf_slice(&both));
	buf_fini(&both);
	return matches;
}

static bool is_letter(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* In dpkg's order, but that of one part: in "6.1.0-9-amd64" the last dash begins no revision. A
 * flavour that was not asked for ("-amd64", "-cloud-amd64") makes no difference. */
static int kernel_order(struct slice release, struct slice asked)
{
	if (slice_starts_with(release, asked) && release.len > asked.len + 1 &&
	        release.ptr[asked.len] == '-' && is_letter(release.ptr[asked.len + 1]))
		return 0;
	struct buf a = BUF_INIT, b = BUF_INIT;
	buf_append_slice(&a, release);
	buf_append_slice(&b, asked);
	buf_append_text(&a, "-0");
	buf_append_text(&b, "-0");
	int order = version_compare(VERSION_DPKG, buf_slice(&a), buf_slice(&b));
	buf_fini(&a);
	buf_fini(&b);
	return order;
}

static bool kernel_matches(const struct constraint *constraint, const struct fact *fact)
{
	struct slice release = fact->field[KERNEL_RELEASE];
	if (!slice_is(fact->field[KERNEL_STATE], "running"))
		return false;
	if (constraint->op == OP_LIKE)
		return pattern_matches(&constraint->value, release);
	return order_holds(constraint->op, kernel_order(release, constraint->value.literal));
}

/* --- a fact by its row ---------------------------------------------------------------------- */

static struct slice part_of(struct slice text, enum query_part part)
{
	const uint8_t *at = NULL;
	if (text.len > 0 && part == PART_OWNED)
		at = memchr(text.ptr, ':', text.len);
	else if (text.len > 0 && (part == PART_BASE || part == PART_HEAD))
		at = memrchr(text.ptr, '/', text.len);
	if (!at)
		return text;
	size_t before = (size_t)(at - text.ptr);
	return part == PART_HEAD ? slice_of(text.ptr, before)
	                         : slice_of(at + 1, text.len - before - 1);
}

static bool part_matches(const struct term *term, unsigned column, struct slice text)
{
	struct slice part = part_of(text, term->row->column[column].part);
	return pattern_matches(&term->value, text) ||
	       (part.len != text.len && pattern_matches(&term->value, part));
}

static bool asks_number(const struct term *term)
{
	uint64_t number;
	return term->row->column[0].part == PART_NUMBER && term->value.literal.ptr &&
	       text_parse_u64(term->value.literal, UINT64_MAX, &number);
}

/* Whether the row has this column, and a value like the term's is looked for there. */
static bool asks_column(const struct term *term, unsigned column)
{
	return column < QUERY_COLUMNS_MAX && term->row->column[column].part != PART_NONE &&
	       (column == 0 || !asks_number(term));
}

static bool columns_match(const struct term *term, const struct fact *fact)
{
	if (term->name.ptr && !slice_equal(term->name, fact->field[PAIR_NAME]))
		return false;
	for (unsigned i = 0; asks_column(term, i); i++)
		if (part_matches(term, i, fact->field[term->row->column[i].field]))
			return true;
	return false;
}

enum verdict term_judges(const struct term *term, const struct fact *fact)
{
	switch (term->field) {
	case FIELD_OS:
		return verdict_of(os_matches(&term->value, fact));
	case FIELD_KERNEL:
		return verdict_of(kernel_matches(term->constraints, fact));
	default:
		return columns_match(term, fact) ? judge_constraints(term, fact) : VERDICT_NO;
	}
}

/* --- what the index is asked --------------------------------------------------------------- */

static bool accepts(void *ctx, const struct fact *fact)
{
	return fact_is_there(fact) && term_judges(ctx, fact) == VERDICT_YES;
}

static bool is_unsure(void *ctx, const struct fact *fact)
{
	return fact_is_there(fact) && term_judges(ctx, fact) == VERDICT_UNSURE;
}

static bool name_matches(void *ctx, struct slice name)
{
	return part_matches(ctx, 0, name);
}

bool term_is_about_facts(const struct term *term)
{
	return term->row && term->row->kind != 0;
}

struct fact_match term_fact_match(const struct term *term)
{
	struct fact_match match = {
	        .kind = term->row->kind, .ctx = (void *)term, .matches = accepts};
	if (term->name.ptr) {
		match.name = term->name;
	} else if (term->row->is_grouped && !asks_column(term, 1)) {
		bool is_whole = term->row->column[0].part == PART_ALL ||
		                term->row->column[0].part == PART_NUMBER;
		match.matches_name = name_matches;
		if (is_whole)
			match.name = term->value.literal;
	}
	return match;
}

struct fact_match term_unsure_match(const struct term *term)
{
	struct fact_match match = term_fact_match(term);
	match.matches = is_unsure;
	return match;
}
