#include "common/base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/clock.h"

/* At most PIPE_BUF (4096), so that lines of several processes in one pipe stay whole. */
#define LINE_MAX_BYTES 4096

static const struct {
	const char *word;
	char journal; /* sd-daemon(3) */
} LEVELS[] = {
        [LOG_LEVEL_ERROR] = {"error", '3'},
        [LOG_LEVEL_WARN] = {"warn ", '4'},
        [LOG_LEVEL_INFO] = {"info ", '6'},
        [LOG_LEVEL_DEBUG] = {"debug", '7'},
};

static atomic_int highest = LOG_LEVEL_INFO;

void log_set_level(enum log_level level)
{
	atomic_store(&highest, (int)level);
}

/* The variable is inherited by children whose standard error leads elsewhere: systemd.exec(5)
 * has device and inode in it to tell. */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char mine[48]; /* two numbers of 64 bits */
	struct stat st;
	if (!stream || fstat(STDERR_FILENO, &st) != 0)
		return false;
	snprintf(mine, sizeof(mine), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	return strcmp(stream, mine) == 0;
}

static bool writes_to_journal(void)
{
	static atomic_int known; /* 0: not asked yet */
	int state = atomic_load(&known);
	if (!state) {
		state = stderr_is_journal() ? 1 : 2;
		atomic_store(&known, state);
	}
	return state == 1;
}

static size_t write_prefix(char *line, size_t size, enum log_level level)
{
	int len;
	if (writes_to_journal()) {
		len = snprintf(line, size, "<%c>", LEVELS[level].journal);
	} else {
		char now[CLOCK_TEXT_MAX];
		clock_format(clock_wall_ns(), now);
		/* "2026-11-22T10:00:00.123456Z" without the last three digits. */
		len = snprintf(line, size, "%.23sZ %s ", now, LEVELS[level].word);
	}
	return (size_t)len;
}

__attribute__((format(printf, 2, 0))) static void log_line(
        enum log_level level, const char *format, va_list args)
{
	if ((int)level > atomic_load_explicit(&highest, memory_order_relaxed))
		return;
	int saved_errno = errno;
	char line[LINE_MAX_BYTES];
	size_t start = write_prefix(line, sizeof(line), level);
	int written = vsnprintf(line + start, sizeof(line) - start, format, args);
	size_t len = start + (written > 0 ? (size_t)written : 0);
	if (len > sizeof(line) - 1) {
		len = sizeof(line) - 1;
		memcpy(line + len - 3, "...", 3);
	}
	for (size_t i = start; i < len; i++) {
		if (line[i] == '\n' || line[i] == '\r')
			line[i] = ' ';
	}
	line[len++] = '\n';
	ssize_t result;
	do
		result = write(STDERR_FILENO, line, len);
	while (result < 0 && errno == EINTR);
	errno = saved_errno;
}

void log_error(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	log_line(LOG_LEVEL_ERROR, format, args);
	va_end(args);
}

void log_warn(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	log_line(LOG_LEVEL_WARN, format, args);
	va_end(args);
}

void log_info(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	log_line(LOG_LEVEL_INFO, format, args);
	va_end(args);
}

void log_debug(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	log_line(LOG_LEVEL_DEBUG, format, args);
	va_end(args);
}
