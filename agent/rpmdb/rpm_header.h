/*
 * rpm_header - one package's header as rpm keeps it in its database: numbers and texts under tags.
 *
 *	4  number of index entries, at most RPM_ENTRIES_MAX
 *	4  bytes of data, at most RPM_DATA_MAX
 *	16 for each entry: tag, type, offset into the data, count
 *	   the data
 *
 * All numbers big endian. Every offset, count and text is checked when the header is opened, so
 * that questions cannot fail; a question for a tag that is absent, or of another type, has no
 * answer.
 *
 * Owner    borrows the bytes.
 * Errors   ERR_FORMAT with the tag.
 * Thread   any; no state.
 * Source   "RPM V4 Package format", section "Header Structure"; rpmtag.h for the tags.
 */
#ifndef TSUJIBAN_AGENT_RPMDB_RPM_HEADER_H
#define TSUJIBAN_AGENT_RPMDB_RPM_HEADER_H

#include "common/base/err.h"
#include "common/base/slice.h"

#define RPM_ENTRIES_MAX 65535u
#define RPM_DATA_MAX    (256u << 20)

enum rpm_tag {
	RPM_SHA256HEADER = 273,
	RPM_NAME = 1000,
	RPM_VERSION = 1001,
	RPM_RELEASE = 1002,
	RPM_EPOCH = 1003,
	RPM_INSTALLTIME = 1008,
	RPM_VENDOR = 1011,
	RPM_ARCH = 1022,
	RPM_FILESIZES = 1028,
	RPM_FILEMODES = 1030,
	RPM_FILEDIGESTS = 1035,
	RPM_FILELINKTOS = 1036,
	RPM_FILEFLAGS = 1037,
	RPM_FILEUSERNAME = 1039,
	RPM_FILEGROUPNAME = 1040,
	RPM_SOURCERPM = 1044,
	RPM_PROVIDENAME = 1047,
	RPM_DIRINDEXES = 1116,
	RPM_BASENAMES = 1117,
	RPM_DIRNAMES = 1118,
	RPM_INSTALLTID = 1128,
	RPM_FILESTATES = 1029,
	RPM_LONGFILESIZES = 5008,
	RPM_FILECAPS = 5010,
	RPM_FILEDIGESTALGO = 5011,
	RPM_MODULARITYLABEL = 5096,
};

struct rpm_header {
	struct slice index;
	struct slice data;
};

int rpm_header_open(struct slice bytes, struct rpm_header *out, struct reason *out_why);
/* How many values the tag has; 0: it is absent. */
uint32_t rpm_header_count(const struct rpm_header *header, enum rpm_tag tag);
/* A number of whatever width. */
bool rpm_header_number(
        const struct rpm_header *header, enum rpm_tag tag, uint32_t at, uint64_t *out);
/* The first or only text, without its NUL; of a translated one the first translation. */
bool rpm_header_text(const struct rpm_header *header, enum rpm_tag tag, struct slice *out);

/* The values of one tag, found once: for who asks for many of them. */
struct rpm_numbers {
	const uint8_t *first;
	uint32_t count; /* 0: it is absent or holds no numbers */
	uint32_t width;
};

struct rpm_numbers rpm_header_numbers(const struct rpm_header *header, enum rpm_tag tag);
/* 0 beyond the last. */
uint64_t rpm_numbers_at(const struct rpm_numbers *numbers, uint32_t at);

/* A list of texts is read from its beginning. */
struct rpm_texts {
	struct slice rest;
	uint32_t left;
};

struct rpm_texts rpm_header_texts(const struct rpm_header *header, enum rpm_tag tag);
bool rpm_texts_next(struct rpm_texts *texts, struct slice *out);

#endif
