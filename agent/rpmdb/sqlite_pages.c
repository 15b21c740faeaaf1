#include "agent/rpmdb/sqlite_pages.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "agent/rpmdb/whole.h"
#include "common/base/bytes.h"
#include "common/base/mem.h"

#define MAGIC        "SQLite format 3"
#define HEAD_BYTES   100
#define LOG_BYTES    32
#define FRAME_BYTES  24
#define LOG_MAGIC    0x377f0682u /* the last bit: sums are of big endian words */
#define PAGE_MIN     512u
#define PAGE_MAX     65536u
#define USABLE_MIN   480u
#define STAMP_OFFSET 24 /* the file's change counter */

struct frame {
	uint32_t page;
	uint32_t at; /* frames from 0 */
};

struct sqlite_pages {
	char *path;
	char *log_path;
	struct whole db;
	struct whole log; /* fd -1: there is none */
	uint32_t page_bytes;
	uint32_t usable;
	uint32_t count;
	uint8_t stamp[4];
	uint8_t log_head[LOG_BYTES];
	struct frame *frame; /* committed ones, by page; of one page the last only */
	uint32_t frames;
	uint8_t *page;
};

/* --- the log ---------------------------------------------------------------------------------- */

struct sum {
	uint32_t a, b;
	bool is_big;
};

static void add_to_sum(struct sum *sum, const uint8_t *bytes, size_t len)
{
	uint32_t (*word)(const uint8_t *at) = sum->is_big ? be32 : le32;
	for (size_t i = 0; i + 8 <= len; i += 8) {
		sum->a += word(bytes + i) + sum->b;
		sum->b += word(bytes + i + 4) + sum->a;
	}
}

static bool is_sum(const struct sum *sum, const uint8_t *at)
{
	return sum->a == be32(at) && sum->b == be32(at + 4);
}

/* A log of another database, or one that was never begun, has nothing to say. */
static bool read_log_head(struct sqlite_pages *pages, struct sum *out)
{
	uint8_t *head = pages->log_head;
	if (!whole_read(&pages->log, head, LOG_BYTES, 0) || (be32(head) & ~1u) != LOG_MAGIC)
		return false;
	*out = (struct sum){.is_big = be32(head) & 1};
	add_to_sum(out, head, 24);
	return is_sum(out, head + 24) && be32(head + 8) == pages->page_bytes;
}

/* False: the log ends before it. */
static bool read_frame(
        struct sqlite_pages *pages, uint32_t at, struct sum *sum, uint8_t head[FRAME_BYTES])
{
	uint64_t offset = LOG_BYTES + (uint64_t)at * (FRAME_BYTES + pages->page_bytes);
	if (!whole_read(&pages->log, head, FRAME_BYTES, offset) ||
	        !whole_read(&pages->log, pages->page, pages->page_bytes, offset + FRAME_BYTES))
		return false;
	if (memcmp(head + 8, pages->log_head + 16, 8) != 0)
		return false; /* of an earlier round */
	add_to_sum(sum, head, 8);
	add_to_sum(sum, pages->page, pages->page_bytes);
	return is_sum(sum, head + 16);
}

static int by_page(const void *a, const void *b)
{
	const struct frame *one = a, *other = b;
	if (one->page != other->page)
		return one->page < other->page ? -1 : 1;
	return one->at < other->at ? -1 : one->at > other->at;
}

static void keep_last_of_each(struct sqlite_pages *pages)
{
	uint32_t kept = 0;
	if (pages->frames == 0)
		return;
	qsort(pages->frame, pages->frames, sizeof(*pages->frame), by_page);
	for (uint32_t i = 0; i < pages->frames; i++) {
		bool is_last = i + 1 == pages->frames ||
		               pages->frame[i + 1].page != pages->frame[i].page;
		if (is_last)
			pages->frame[kept++] = pages->frame[i];
	}
	pages->frames = kept;
}

static int read_log(struct sqlite_pages *pages, struct reason *out_why)
{
	struct buf found = BUF_INIT;
	struct sum sum;
	uint8_t head[FRAME_BYTES];
	uint32_t committed = 0, at = 0, count = 0;
	if (!read_log_head(pages, &sum))
		return 0;
	for (; at < SQLITE_PAGES_MAX && read_frame(pages, at, &sum, head); at++) {
		struct frame frame = {.page = be32(head), .at = at};
		buf_append(&found, &frame, sizeof(frame));
		if (be32(head + 4) == 0)
			continue;
		committed = at + 1;
		count = be32(head + 4);
	}
	if (at == SQLITE_PAGES_MAX) {
		buf_fini(&found);
		return fail(out_why, ERR_LIMIT, "'%s-wal' has more than %u pages", pages->path,
		        SQLITE_PAGES_MAX);
	}
	if (committed > 0) {
		pages->frame = mem_new_array(committed, sizeof(*pages->frame));
		memcpy(pages->frame, found.data, committed * sizeof(*pages->frame));
		pages->frames = committed;
		/* Each page stands somewhere: a larger number is a lie. */
		uint64_t most = (uint64_t)pages->count + committed;
		pages->count = count < most ? count : (uint32_t)most;
	}
	buf_fini(&found);
	keep_last_of_each(pages);
	return 0;
}

/* --- life ------------------------------------------------------------------------------------ */

static int read_head(struct sqlite_pages *pages, struct reason *out_why)
{
	uint8_t head[HEAD_BYTES];
	if (!whole_read(&pages->db, head, sizeof(head), 0))
		return fail(out_why, ERR_FORMAT, "'%s' is too short for a database", pages->path);
	uint32_t size = (uint32_t)head[16] << 8 | head[17];
	pages->page_bytes = size == 1 ? PAGE_MAX : size;
	pages->usable = pages->page_bytes - head[20];
	bool is_size = pages->page_bytes >= PAGE_MIN &&
	               (pages->page_bytes & (pages->page_bytes - 1)) == 0;
	if (memcmp(head, MAGIC, sizeof(MAGIC)) != 0 || !is_size || pages->usable < USABLE_MIN)
		return fail(out_why, ERR_FORMAT, "'%s' is no SQLite database", pages->path);
	uint64_t count = (uint64_t)pages->db.seen.st_size / pages->page_bytes;
	pages->count = count > UINT32_MAX ? UINT32_MAX : (uint32_t)count;
	memcpy(pages->stamp, head + STAMP_OFFSET, sizeof(pages->stamp));
	pages->page = mem_new(pages->page_bytes);
	return 0;
}

/* One that was left behind by a crash would have to be undone first: rpm does so. */
static int check_journal(const struct sqlite_pages *pages, struct reason *out_why)
{
	struct buf path = BUF_INIT;
	struct stat stat;
	buf_append_text(&path, pages->path);
	buf_append_text(&path, "-journal");
	bool is_there = lstat(buf_text(&path), &stat) == 0 && stat.st_size > 0;
	buf_fini(&path);
	return is_there ? fail(out_why, ERR_BUSY, "'%s' is being written to", pages->path) : 0;
}

static int open_log(struct sqlite_pages *pages, struct reason *out_why)
{
	int rc = whole_open(pages->log_path, &pages->log, out_why);
	return rc == -ENOENT ? 0 : rc;
}

static char *with_ending(const char *path, const char *ending)
{
	struct buf both = BUF_INIT;
	buf_append_text(&both, path);
	buf_append_text(&both, ending);
	char *copy = mem_copy_text(both.data, both.len);
	buf_fini(&both);
	return copy;
}

int sqlite_pages_open(const char *path, struct sqlite_pages **out, struct reason *out_why)
{
	struct sqlite_pages *pages = mem_new(sizeof(*pages));
	pages->path = with_ending(path, "");
	pages->log_path = with_ending(path, "-wal");
	pages->log.fd = -1;
	int rc = whole_open(pages->path, &pages->db, out_why);
	if (rc == 0)
		rc = check_journal(pages, out_why);
	if (rc == 0)
		rc = read_head(pages, out_why);
	if (rc == 0)
		rc = open_log(pages, out_why);
	if (rc == 0 && pages->log.fd >= 0)
		rc = read_log(pages, out_why);
	if (rc < 0) {
		sqlite_pages_close(pages);
		return rc;
	}
	*out = pages;
	return 0;
}

void sqlite_pages_close(struct sqlite_pages *pages)
{
	if (!pages)
		return;
	whole_close(&pages->db);
	whole_close(&pages->log);
	free(pages->frame);
	free(pages->page);
	free(pages->path);
	free(pages->log_path);
	free(pages);
}

/* --- pages ----------------------------------------------------------------------------------- */

uint32_t sqlite_pages_usable(const struct sqlite_pages *pages)
{
	return pages->usable;
}

uint32_t sqlite_pages_count(const struct sqlite_pages *pages)
{
	return pages->count;
}

static const struct frame *find_frame(const struct sqlite_pages *pages, uint32_t number)
{
	uint32_t low = 0, high = pages->frames;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (pages->frame[middle].page < number)
			low = middle + 1;
		else
			high = middle;
	}
	bool is_it = low < pages->frames && pages->frame[low].page == number;
	return is_it ? &pages->frame[low] : NULL;
}

int sqlite_pages_read(
        struct sqlite_pages *pages, uint32_t number, struct slice *out, struct reason *out_why)
{
	if (number == 0 || number > pages->count)
		return fail(out_why, ERR_FORMAT, "'%s' has no page %u", pages->path, number);
	const struct frame *frame = find_frame(pages, number);
	uint64_t offset = (uint64_t)(number - 1) * pages->page_bytes;
	if (frame)
		offset = LOG_BYTES + FRAME_BYTES +
		         (uint64_t)frame->at * (FRAME_BYTES + pages->page_bytes);
	if (!whole_read(frame ? &pages->log : &pages->db, pages->page, pages->page_bytes, offset))
		return fail(out_why, ERR_BUSY, "page %u of '%s' is not there", number, pages->path);
	*out = slice_of(pages->page, pages->page_bytes);
	return 0;
}

/* A log that is begun anew has another head. What was committed to it meanwhile does no harm: the
 * frames that were known still stand, and pages are copied to the database only from there. */
int sqlite_pages_check(struct sqlite_pages *pages, struct reason *out_why)
{
	uint8_t stamp[sizeof(pages->stamp)], head[LOG_BYTES];
	int rc = whole_check(&pages->db, out_why);
	if (rc < 0)
		return rc;
	bool is_same = whole_read(&pages->db, stamp, sizeof(stamp), STAMP_OFFSET) &&
	               memcmp(stamp, pages->stamp, sizeof(stamp)) == 0;
	if (is_same && pages->frames > 0)
		is_same = whole_read(&pages->log, head, sizeof(head), 0) &&
		          memcmp(head, pages->log_head, sizeof(head)) == 0;
	if (!is_same)
		return fail(out_why, ERR_BUSY, "'%s' was written to meanwhile", pages->path);
	return check_journal(pages, out_why);
}
