#include "common/model/version.h"

#include "common/model/version_dpkg.h"

static const struct {
	const char *name;
	int (*compare)(struct slice a, struct slice b);
	bool (*is_valid)(struct slice version);
} SCHEMES[] = {
        [VERSION_DPKG] = {"dpkg", version_dpkg_compare, version_dpkg_is_valid},
};
#define SCHEME_COUNT (sizeof(SCHEMES) / sizeof(SCHEMES[0]))

static bool is_scheme(unsigned scheme)
{
	return scheme >= 1 && scheme < SCHEME_COUNT;
}

const char *version_scheme_name(enum version_scheme scheme)
{
	return is_scheme(scheme) ? SCHEMES[scheme].name : "unknown";
}

bool version_scheme_parse(struct slice name, enum version_scheme *out)
{
	for (unsigned scheme = 1; scheme < SCHEME_COUNT; scheme++) {
		if (slice_is(name, SCHEMES[scheme].name)) {
			*out = (enum version_scheme)scheme;
			return true;
		}
	}
	return false;
}

int version_compare(enum version_scheme scheme, struct slice a, struct slice b)
{
	return is_scheme(scheme) ? SCHEMES[scheme].compare(a, b) : slice_compare(a, b);
}

bool version_is_valid(enum version_scheme scheme, struct slice version)
{
	return is_scheme(scheme) && SCHEMES[scheme].is_valid(version);
}
