#include "common/codec/pack.h"

#include <errno.h>
#include <stdlib.h>
#include <zstd.h>

#include "common/base/mem.h"

#define LEVEL  1
#define WINDOW 17 /* log2: keeps the context small */

struct packer {
	ZSTD_CCtx *compress;
	ZSTD_DCtx *decompress;
};

struct packer *packer_new(void)
{
	return mem_new(sizeof(struct packer));
}

void packer_rest(struct packer *packer)
{
	ZSTD_freeCCtx(packer->compress);
	ZSTD_freeDCtx(packer->decompress);
	*packer = (struct packer){0};
}

void packer_free(struct packer *packer)
{
	if (!packer)
		return;
	packer_rest(packer);
	free(packer);
}

static bool has_compress(struct packer *packer)
{
	if (packer->compress)
		return true;
	packer->compress = ZSTD_createCCtx();
	if (!packer->compress)
		return false;
	ZSTD_CCtx_setParameter(packer->compress, ZSTD_c_compressionLevel, LEVEL);
	ZSTD_CCtx_setParameter(packer->compress, ZSTD_c_windowLog, WINDOW);
	return true;
}

int pack(struct packer *packer, struct slice plain, struct buf *out)
{
	if (!has_compress(packer))
		return -ENOMEM;
	size_t room = ZSTD_compressBound(plain.len);
	uint8_t *to = buf_reserve(out, room);
	size_t len = ZSTD_compress2(packer->compress, to, room, plain.ptr, plain.len);
	if (ZSTD_isError(len))
		return -ENOMEM;
	out->len += len;
	return 0;
}

int pack_open(struct packer *packer, struct slice packed, size_t most_bytes, struct buf *out)
{
	unsigned long long declared = ZSTD_getFrameContentSize(packed.ptr, packed.len);
	if (declared == ZSTD_CONTENTSIZE_ERROR || declared == ZSTD_CONTENTSIZE_UNKNOWN)
		return ERR_FORMAT;
	if (declared > most_bytes)
		return ERR_LIMIT;
	/* The decoder would go on to a second frame behind the first. */
	if (ZSTD_findFrameCompressedSize(packed.ptr, packed.len) != packed.len)
		return ERR_FORMAT;
	if (!packer->decompress)
		packer->decompress = ZSTD_createDCtx();
	if (!packer->decompress)
		return -ENOMEM;
	uint8_t *to = buf_reserve(out, (size_t)declared + 1);
	size_t len = ZSTD_decompressDCtx(
	        packer->decompress, to, (size_t)declared, packed.ptr, packed.len);
	if (ZSTD_isError(len) || len != declared)
		return ERR_FORMAT;
	out->len += len;
	return 0;
}
