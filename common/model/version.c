#include "common/model/version.h"

#include "common/model/version_apk.h"
#include "common/model/version_composer.h"
#include "common/model/version_dpkg.h"
#include "common/model/version_gem.h"
#include "common/model/version_pacman.h"
#include "common/model/version_pep440.h"
#include "common/model/version_rpm.h"
#include "common/model/version_semver.h"

static const struct {
	const char *name;
	int (*compare)(struct slice a, struct slice b);
	bool (*is_valid)(struct slice version);
} SCHEMES[] = {
        [VERSION_DPKG] = {"dpkg", version_dpkg_compare, version_dpkg_is_valid},
        [VERSION_PEP440] = {"pep440", version_pep440_compare, version_pep440_is_valid},
        [VERSION_SEMVER] = {"semver", version_semver_compare, version_semver_is_valid},
        [VERSION_GEM] = {"gem", version_gem_compare, version_gem_is_valid},
        [VERSION_COMPOSER] = {"composer", version_composer_compare, version_composer_is_valid},
        [VERSION_RPM] = {"rpm", version_rpm_compare, version_rpm_is_valid},
        [VERSION_APK] = {"apk", version_apk_compare, version_apk_is_valid},
        [VERSION_PACMAN] = {"pacman", version_pacman_compare, version_pacman_is_valid},
};
#define SCHEME_COUNT (sizeof(SCHEMES) / sizeof(SCHEMES[0]))

/* Package managers whose scheme has another name than they have. */
static const struct {
	const char *manager;
	enum version_scheme scheme;
} MANAGERS[] = {
        {"pypi", VERSION_PEP440},
        {"npm", VERSION_SEMVER},
        {"cargo", VERSION_SEMVER},
        {"golang", VERSION_SEMVER},
};
#define MANAGER_COUNT (sizeof(MANAGERS) / sizeof(MANAGERS[0]))

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
	for (size_t i = 0; i < MANAGER_COUNT; i++) {
		if (slice_is(name, MANAGERS[i].manager)) {
			*out = MANAGERS[i].scheme;
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
