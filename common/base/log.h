/*
 * log - one line an occurrence on standard error.
 *
 * "2026-11-22T10:00:00.123Z info  message key=value": the level is padded, the time is UTC. When
 * standard error is the journal (JOURNAL_STREAM is set) the time is left out and the level is the
 * prefix of sd-daemon(3) ("<6>").
 *
 * Thread   any; a line is one write(2).
 */
#ifndef TSUJIBAN_COMMON_BASE_LOG_H
#define TSUJIBAN_COMMON_BASE_LOG_H

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Nothing below `level` is written from now on. The default is LOG_LEVEL_INFO. */
void log_set_level(enum log_level level);

void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
