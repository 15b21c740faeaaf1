#include "collector/query/node.h"

#include "common/base/glob.h"

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

bool term_accepts_version(const struct term *term, struct slice manager, struct slice version)
{
	enum version_scheme scheme;
	const struct constraint *constraint = term->constraints;
	for (; constraint; constraint = constraint->next) {
		if (constraint->op == OP_LIKE) {
			if (!pattern_matches(&constraint->value, version))
				return false;
			continue;
		}
		if (!version_scheme_parse(manager, &scheme))
			return false;
		int order = version_compare(scheme, version, constraint->value.literal);
		if (!order_holds(constraint->op, order))
			return false;
	}
	return true;
}

/* --- facts --------------------------------------------------------------------------------- */

/* What dpkg remembers of a package that is gone is not the package. */
static bool package_is_there(const struct fact *fact)
{
	struct slice status = fact->field[PACKAGE_STATUS];
	return !slice_is(status, "config-files") && !slice_is(status, "not-installed");
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

static bool term_matches_fact(void *ctx, const struct fact *fact)
{
	const struct term *term = ctx;
	switch (term->field) {
	case FIELD_WORD:
	case FIELD_PACKAGE:
		/* The name has been compared: see term_fact_match. */
		return package_is_there(fact) &&
		       term_accepts_version(
		               term, fact->field[PACKAGE_MANAGER], fact->field[PACKAGE_VERSION]);
	case FIELD_OS:
		return os_matches(&term->value, fact);
	case FIELD_KERNEL:
		return kernel_matches(term->constraints, fact);
	default:
		return pattern_matches(&term->value, fact->field[PAIR_VALUE]);
	}
}

static bool term_matches_name(void *ctx, struct slice name)
{
	const struct term *term = ctx;
	return pattern_matches(&term->value, name);
}

bool term_is_about_facts(const struct term *term)
{
	switch (term->field) {
	case FIELD_WORD:
	case FIELD_PACKAGE:
	case FIELD_OS:
	case FIELD_KERNEL:
	case FIELD_ARCH:
	case FIELD_LABEL:
		return true;
	default:
		return false;
	}
}

struct fact_match term_fact_match(const struct term *term)
{
	struct fact_match match = {.ctx = (void *)term, .matches = term_matches_fact};
	switch (term->field) {
	case FIELD_OS:
		match.kind = FACT_OS;
		break;
	case FIELD_KERNEL:
		match.kind = FACT_KERNEL;
		break;
	case FIELD_ARCH:
		match.kind = FACT_HOST;
		match.name = slice_text("architecture");
		break;
	case FIELD_LABEL:
		match.kind = FACT_LABEL;
		match.name = term->label;
		break;
	default:
		match.kind = FACT_PACKAGE;
		match.name = term->value.literal;
		match.matches_name = term_matches_name;
	}
	return match;
}
