/*
 * java_names - who a Java archive says it is: three ways, the best first.
 *
 * Each gives false where the text does not name an artifact and its version. The results borrow
 * from what was given.
 *
 * Thread   any; no state.
 */
#ifndef TSUJIBAN_AGENT_APPS_JAVA_NAMES_H
#define TSUJIBAN_AGENT_APPS_JAVA_NAMES_H

#include "common/base/buf.h"

struct java_artifact {
	struct slice group; /* empty where it is unknown */
	struct slice name, version;
};

/* pom.properties, as Maven writes it. */
bool java_take_properties(struct slice text, struct java_artifact *out);

/* META-INF/MANIFEST.MF: Implementation-Title and -Version, or Bundle-SymbolicName and -Version, or
 * the name of the file with Implementation-Version. `unfolded` is written over, and the results
 * borrow from it. */
bool java_take_manifest(
        struct slice text, struct slice file, struct buf *unfolded, struct java_artifact *out);

/* "log4j-1.2-api-2.17.1.jar", without directories. */
bool java_take_file_name(struct slice file, struct java_artifact *out);

#endif
