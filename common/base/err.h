/*
 * err - error codes and the sentence that a person reads.
 *
 * Every function that can fail returns int: 0 or positive for success, negative for failure:
 * a negated errno where the system refused (-ENOSPC), or one of the codes below. Where a person
 * will read why, the last parameter is a `struct reason`; the lowest function that knows the
 * facts fills it through fail(), everybody above passes it on.
 *
 * Thread   any; no state.
 */
#ifndef TSUJIBAN_COMMON_BASE_ERR_H
#define TSUJIBAN_COMMON_BASE_ERR_H

#define REASON_MAX 512

enum err {
	ERR_LIMIT = -5001,    /* a cap or budget is reached; nothing was changed */
	ERR_FORMAT = -5002,   /* bytes do not follow their format */
	ERR_VERSION = -5003,  /* a format from a newer program */
	ERR_PROTOCOL = -5004, /* a well-formed message at the wrong moment */
	ERR_REFUSED = -5005,  /* the other side said no */
	ERR_CLOSED = -5006,   /* the other side is gone */
	ERR_TLS = -5007,      /* handshake or certificate */
	ERR_CONFIG = -5008,   /* configuration or command line */
	ERR_MISSING = -5009,  /* no such record */
	ERR_EXISTS = -5010,   /* the record is there already */
	ERR_STORE = -5011,    /* the database refused for a reason of its own */
	ERR_BUSY = -5012,     /* somebody else holds it */
};

/* One sentence: lower case, action first, subject in single quotes, no full stop. */
struct reason {
	char text[REASON_MAX];
};

/* Fills `out_why` (may be NULL; too long is cut) and returns `code`, so that callers can write
 * `return fail(why, -errno, "cannot open '%s': %s", path, err_text(-errno))`. The name stands
 * in parentheses because cmocka.h has a macro of that name. */
int(fail)(struct reason *out_why, int code, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

#ifdef __clang_analyzer__ /* which cannot see that it returns `code` */
#define fail(out_why, code, ...) ((fail)(out_why, code, __VA_ARGS__), (code))
#endif

/* What a code means in a few words. Never NULL; the string is static, or the thread's own and
 * valid until its next call. */
const char *err_text(int code);

#endif
