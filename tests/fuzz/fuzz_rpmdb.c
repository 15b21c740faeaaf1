/* floor: agent/rpmdb - any bytes as rpm's database, the first one says in which form: refused with
 * a reason, or read to an end. */
#include <endian.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent/rpmdb/rpmdb_format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define WITH_LOG 3

static int take(void *ctx, uint32_t number, struct slice bytes)
{
	struct rpm_header header;
	struct reason why;
	(void)number;
	rpm_header_open(bytes, &header, &why);
	return ++*(unsigned *)ctx > 1000 ? ERR_LIMIT : 0;
}

static void put(const char *path, const uint8_t *data, size_t size)
{
	FILE *file = fopen(path, "we");
	if (!file || fwrite(data, 1, size, file) != size || fclose(file) != 0)
		abort();
}

struct sum {
	uint32_t a, b;
};

static uint32_t get(const uint8_t *at)
{
	uint32_t value;
	memcpy(&value, at, sizeof(value));
	return be32toh(value);
}

static void add(struct sum *sum, const uint8_t *bytes, size_t len, bool is_big)
{
	for (size_t i = 0; i + 8 <= len; i += 8) {
		uint32_t one = get(bytes + i), other = get(bytes + i + 4);
		sum->a += (is_big ? one : __builtin_bswap32(one)) + sum->b;
		sum->b += (is_big ? other : __builtin_bswap32(other)) + sum->a;
	}
}

static void set(const struct sum *sum, uint8_t *at)
{
	uint32_t pair[] = {htobe32(sum->a), htobe32(sum->b)};
	memcpy(at, pair, sizeof(pair));
}

/* Makes the sums of a log right, which hardly a change would come past, up to a frame that has
 * 0xff where its sum belongs. */
static void mend(uint8_t *log, size_t size)
{
	struct sum sum = {0, 0};
	if (size < 32)
		return;
	size_t page = get(log + 8);
	bool is_big = log[3] & 1;
	add(&sum, log, 24, is_big);
	set(&sum, log + 24);
	if (page < 512 || page > 65536)
		return;
	for (size_t at = 32; at + 24 + page <= size && log[at + 16] != 0xff; at += 24 + page) {
		add(&sum, log + at, 8, is_big);
		add(&sum, log + at + 24, page, is_big);
		set(&sum, log + at + 16);
	}
}

/* Two bytes say how long the database is; the rest is its log. */
static void put_both(const char *path, const char *log_path, const uint8_t *data, size_t size)
{
	if (size < 2)
		return;
	size_t len = (size_t)data[0] << 8 | data[1];
	len = len < size - 2 ? len : size - 2;
	put(path, data + 2, len);
	uint8_t *log = malloc(size);
	if (!log)
		abort();
	memcpy(log, data + 2 + len, size - 2 - len);
	mend(log, size - 2 - len);
	put(log_path, log, size - 2 - len);
	free(log);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int (*const FORMS[])(const char *, rpmdb_blob *, void *, struct reason *) = {
	        rpmdb_sqlite_each, rpmdb_ndb_each, rpmdb_bdb_each};
	char path[64], log[72];
	unsigned count = 0;
	struct reason why = {""};
	if (size == 0)
		return 0;
	snprintf(path, sizeof(path), "/dev/shm/fuzz-rpmdb-%d", (int)getpid());
	snprintf(log, sizeof(log), "%s-wal", path);
	if (data[0] == WITH_LOG)
		put_both(path, log, data + 1, size - 1);
	else
		put(path, data + 1, size - 1);
	int rc = FORMS[data[0] % 3](path, take, &count, &why);
	if (rc < 0 && rc != ERR_LIMIT && !why.text[0])
		abort();
	unlink(path);
	unlink(log);
	return 0;
}
