#include "agent/apps/several.h"

#include "agent/apps/app_text.h"

enum meeting {
	MET_NOTHING,
	MET_ANOTHER_VERSION,
	MET_ITSELF,
};

struct several several_begin(struct fact_list *out)
{
	return (struct several){.out = out, .first = out->count};
}

static enum meeting meet(const struct several *several, const char *manager, struct slice name,
        struct slice version, struct slice instance)
{
	enum meeting met = MET_NOTHING;
	for (size_t i = several->first; i < several->out->count; i++) {
		const struct slice *field = several->out->fact[i].field;
		if (!slice_equal(field[PACKAGE_NAME], name) ||
		        !slice_equal(field[PACKAGE_INSTANCE], instance) ||
		        !slice_is(field[PACKAGE_MANAGER], manager))
			continue;
		if (slice_equal(field[PACKAGE_VERSION], version))
			return MET_ITSELF;
		met = MET_ANOTHER_VERSION;
	}
	return met;
}

static int add_further(struct several *several, const char *manager, struct slice name,
        struct slice version, struct slice instance, struct reason *out_why)
{
	struct buf longer = BUF_INIT;
	buf_append_slice(&longer, instance);
	buf_append_text(&longer, "!/");
	buf_append_slice(&longer, name);
	buf_append_text(&longer, "@");
	buf_append_slice(&longer, version);
	int rc = 0;
	if (meet(several, manager, name, version, buf_slice(&longer)) == MET_NOTHING)
		rc = app_add(several->out, manager, name, version, buf_slice(&longer), out_why);
	buf_fini(&longer);
	return rc;
}

int several_add(struct several *several, const char *manager, struct slice name,
        struct slice version, struct slice instance, struct reason *out_why)
{
	if (!app_is_word(name) || (version.len > 0 && !app_is_word(version)))
		return fail(out_why, ERR_FORMAT, "a name or version of a package that is no word");
	if (several->out->count - several->first >= SEVERAL_MAX)
		return fail(out_why, ERR_LIMIT, "more than %u packages", SEVERAL_MAX);
	switch (meet(several, manager, name, version, instance)) {
	case MET_ITSELF:
		return 0;
	case MET_ANOTHER_VERSION:
		return add_further(several, manager, name, version, instance, out_why);
	case MET_NOTHING:
		break;
	}
	return app_add(several->out, manager, name, version, instance, out_why);
}

int several_end(struct several *several, int rc)
{
	if (rc < 0)
		several->out->count = several->first;
	else if (several->out->count == several->first)
		return ERR_MISSING;
	return rc;
}
