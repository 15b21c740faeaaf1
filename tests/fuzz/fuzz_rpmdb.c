/* floor: agent/rpmdb - any bytes as rpm's database, the first one says in which form: refused with
 * a reason, or read to an end. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent/rpmdb/rpmdb_format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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
	/* Of an SQLite database with a log the bytes are both: the log's checks of its sums would
	 * let hardly anything through that is not made of one file. */
	put(path, data + 1, size - 1);
	if (data[0] == 3)
		put(log, data + 1, size - 1);
	int rc = FORMS[data[0] % 3](path, take, &count, &why);
	if (rc < 0 && rc != ERR_LIMIT && !why.text[0])
		abort();
	unlink(path);
	unlink(log);
	return 0;
}
