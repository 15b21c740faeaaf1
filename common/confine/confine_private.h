/* confine's parts: see confine.h. */
#ifndef TSUJIBAN_COMMON_CONFINE_CONFINE_PRIVATE_H
#define TSUJIBAN_COMMON_CONFINE_CONFINE_PRIVATE_H

#include "common/confine/confine.h"

/* What the compiler says of a build with sanitizers, whose run time has needs of its own. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CONFINE_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define CONFINE_SANITIZED 1
#endif
#endif
#ifndef CONFINE_SANITIZED
#define CONFINE_SANITIZED 0
#endif

/* Joins what is on (or missing) to the texts. */
void confine_note_on(struct confine_notes *notes, const char *format, ...)
        __attribute__((format(printf, 2, 3)));
void confine_note_missing(struct confine_notes *notes, const char *format, ...)
        __attribute__((format(printf, 2, 3)));

int confine_capabilities(unsigned keep, struct confine_notes *notes, struct reason *out_why);
int confine_landlock(
        const struct confine_rights *rights, struct confine_notes *notes, struct reason *out_why);

#endif
