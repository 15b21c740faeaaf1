/*
 * version - which of two version numbers is the later, by the rules of a package manager.
 *
 * Any bytes may be compared: what a scheme does not accept still has a place in one total order,
 * so that sorting never fails; version_is_valid tells whether the scheme itself would take it.
 *
 * Thread   any; no state.
 */
#ifndef TSUJIBAN_COMMON_MODEL_VERSION_H
#define TSUJIBAN_COMMON_MODEL_VERSION_H

#include "common/base/slice.h"

enum version_scheme {
	VERSION_DPKG = 1, /* deb-version(7) */
	VERSION_PEP440,   /* of pypi */
	VERSION_SEMVER,   /* semver.org; of npm, cargo and golang */
	VERSION_GEM,      /* Gem::Version */
	VERSION_COMPOSER, /* composer/semver */
	VERSION_RPM,      /* rpmvercmp */
	VERSION_APK,      /* apk-package(5) */
	VERSION_PACMAN,   /* vercmp(8) */
};

/* "dpkg", "pep440", …: the scheme of one package manager has the manager's name. */
const char *version_scheme_name(enum version_scheme scheme);
/* By its own name or that of a package manager whose versions follow it. */
bool version_scheme_parse(struct slice name, enum version_scheme *out);

/* Negative, 0, positive: a is earlier than, equal to, later than b. */
int version_compare(enum version_scheme scheme, struct slice a, struct slice b);
bool version_is_valid(enum version_scheme scheme, struct slice version);

#endif
