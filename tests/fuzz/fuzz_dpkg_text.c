/* floor: agent/packages - any bytes as each of the text files of dpkg's database: the first byte
 * chooses which. What is handed out lies within the text and is a path where it is called one. */
#include <stdint.h>
#include <stdlib.h>

#include "agent/packages/dpkg_text.h"
#include "agent/packages/ledger.h"
#include "agent/packages/link_target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int take_stanza(void *ctx, const struct dpkg_stanza *stanza)
{
	(void)ctx;
	if (stanza->name.len == 0)
		abort();
	return 0;
}

static int take_path(void *ctx, struct slice path)
{
	(void)ctx;
	if (path.len == 0 || path.ptr[0] != '/')
		abort();
	return 0;
}

static int take_md5(void *ctx, struct slice path, const uint8_t md5[MD5_BYTES])
{
	(void)ctx;
	(void)md5;
	if (path.len == 0)
		abort();
	return 0;
}

static int take_diversion(void *ctx, struct slice from, struct slice to, struct slice package)
{
	(void)package;
	take_path(ctx, to);
	return take_path(ctx, from);
}

static int take_mode(void *ctx, struct slice path, uint32_t mode)
{
	if (mode > 07777)
		abort();
	return take_path(ctx, path);
}

static int take_pair(void *ctx, struct slice link, struct slice target)
{
	struct buf out = BUF_INIT;
	link_target(link, target, &out);
	if (out.len > 0 && out.data[0] != '/')
		abort();
	buf_fini(&out);
	take_path(ctx, target);
	return take_path(ctx, link);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ledger_record record;
	struct mark mark;
	if (size == 0)
		return 0;
	struct slice text = slice_of(data + 1, size - 1);
	switch (data[0] % 8) {
	case 0:
		return dpkg_each_stanza(text, take_stanza, NULL);
	case 1:
		return dpkg_each_listed(text, take_path, NULL);
	case 2:
		return dpkg_each_md5(text, false, take_md5, NULL);
	case 3:
		return dpkg_each_md5(text, true, take_md5, NULL);
	case 4:
		return dpkg_each_diversion(text, take_diversion, NULL);
	case 5:
		return dpkg_each_override(text, take_mode, NULL);
	case 6:
		return dpkg_each_alternative(slice_text("name"), text, take_pair, NULL);
	default:
		mark_decode(text, &mark);
		ledger_decode(text, &record);
		return 0;
	}
}
