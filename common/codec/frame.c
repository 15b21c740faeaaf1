#include "common/codec/frame.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <zstd.h>

#include "common/base/mem.h"
#include "common/codec/dictionary.h"

#define LENGTH_BYTES   4
#define COMPRESS_LEAST 64 /* below, zstd's own header eats what it saves */
#define ZSTD_LEVEL     1
#define ZSTD_WINDOW    18          /* log2: a batch is seldom larger; keeps the context small */
#define SMALL_MOST     4096        /* of payload: more has its own repetitions */
#define SMALL_END      (32u << 10) /* of the dictionary: what is farther off saves a byte */
#define SMALL_TABLES   14 /* log2 of their rows: four times as many save 3 bytes an event */
#define SMALL_SEARCH   4  /* log2 of the places that are looked at */
#define BUCKET_LEVEL   19
#define BUCKET_WINDOW  20
#define BUCKET_HASHES  17 /* log2 of the tables' rows: as many bytes on the wire as with what … */
#define BUCKET_CHAINS  19 /* … zstd takes by itself, for 3.6 MiB of memory and not 9.2 */

const char *frame_kind_name(enum frame_kind kind)
{
	static const char *const names[FRAME_KIND_MAX + 1] = {
	        [FRAME_HELLO] = "hello",
	        [FRAME_WELCOME] = "welcome",
	        [FRAME_BATCH] = "batch",
	        [FRAME_ACK] = "ack",
	        [FRAME_OFFER] = "offer",
	        [FRAME_WANT] = "want",
	        [FRAME_BUCKET] = "bucket",
	        [FRAME_CONFIG] = "config",
	        [FRAME_CONFIG_STATUS] = "config status",
	        [FRAME_HEARTBEAT] = "heartbeat",
	        [FRAME_REFUSED] = "refused",
	        [FRAME_ENROLL_REQUEST] = "enroll request",
	        [FRAME_ENROLL_REPLY] = "enroll reply",
	        [FRAME_RENEW_REQUEST] = "renew request",
	        [FRAME_RENEW_REPLY] = "renew reply",
	};
	if ((unsigned)kind > FRAME_KIND_MAX || names[kind] == NULL)
		return "unknown";
	return names[kind];
}

/* --- the thread's zstd contexts: making one costs more than a small frame ----------------------
 */

struct contexts {
	ZSTD_CCtx *compress;
	ZSTD_CCtx *small; /* it keeps its dictionary from frame to frame */
	ZSTD_DCtx *decompress;
};

static pthread_key_t contexts_key;
static pthread_once_t contexts_once = PTHREAD_ONCE_INIT;

static void free_contexts(void *ptr)
{
	struct contexts *contexts = ptr;
	ZSTD_freeCCtx(contexts->compress);
	ZSTD_freeCCtx(contexts->small);
	ZSTD_freeDCtx(contexts->decompress);
	free(contexts);
}

static void make_key(void);

/* Also at the end: the destructor does not run for the thread that ends the process. */
void frame_rest(void)
{
	pthread_once(&contexts_once, make_key);
	struct contexts *contexts = pthread_getspecific(contexts_key);
	if (contexts == NULL)
		return;
	pthread_setspecific(contexts_key, NULL);
	free_contexts(contexts);
}

static void make_key(void)
{
	if (pthread_key_create(&contexts_key, free_contexts) != 0)
		abort();
	atexit(frame_rest);
}

static struct contexts *contexts_of_thread(void)
{
	pthread_once(&contexts_once, make_key);
	struct contexts *contexts = pthread_getspecific(contexts_key);
	if (contexts == NULL) {
		contexts = mem_new(sizeof(*contexts));
		pthread_setspecific(contexts_key, contexts);
	}
	return contexts;
}

static ZSTD_CCtx *compress_context(void)
{
	struct contexts *contexts = contexts_of_thread();
	if (contexts->compress == NULL)
		contexts->compress = ZSTD_createCCtx();
	return contexts->compress;
}

/* Lazy matching finds what the quick levels miss: some 9 bytes of an event, for a microsecond.
 * Distances count back from the dictionary's end, so that who unpacks may have all of it. */
static ZSTD_CCtx *new_small_context(void)
{
	struct slice content = dictionary();
	ZSTD_CCtx *context = ZSTD_createCCtx();
	if (context == NULL)
		return NULL;
	ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, ZSTD_WINDOW);
	ZSTD_CCtx_setParameter(context, ZSTD_c_strategy, ZSTD_lazy);
	ZSTD_CCtx_setParameter(context, ZSTD_c_hashLog, SMALL_TABLES);
	ZSTD_CCtx_setParameter(context, ZSTD_c_chainLog, SMALL_TABLES);
	ZSTD_CCtx_setParameter(context, ZSTD_c_searchLog, SMALL_SEARCH);
	ZSTD_CCtx_loadDictionary(context, content.ptr + content.len - SMALL_END, SMALL_END);
	return context;
}

static ZSTD_CCtx *small_context(void)
{
	struct contexts *contexts = contexts_of_thread();
	if (contexts->small == NULL)
		contexts->small = new_small_context();
	return contexts->small;
}

static ZSTD_DCtx *decompress_context(void)
{
	struct contexts *contexts = contexts_of_thread();
	if (contexts->decompress == NULL)
		contexts->decompress = ZSTD_createDCtx();
	return contexts->decompress;
}

/* --- writing ---------------------------------------------------------------------------------- */

static void put_header(uint8_t *at, size_t payload_len, enum frame_kind kind, uint8_t flags)
{
	uint32_t length = (uint32_t)(payload_len + FRAME_HEADER_BYTES - LENGTH_BYTES);
	at[0] = (uint8_t)(length >> 24);
	at[1] = (uint8_t)(length >> 16);
	at[2] = (uint8_t)(length >> 8);
	at[3] = (uint8_t)length;
	at[4] = (uint8_t)kind;
	at[5] = flags;
}

struct target {
	uint8_t *to;
	size_t room;
};

static void set_level(ZSTD_CCtx *context, int level, int window)
{
	ZSTD_CCtx_reset(context, ZSTD_reset_session_and_parameters);
	ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level);
	ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, window);
}

/* Returns the compressed length, or zstd's error when the payload does not fit into the target. */
static size_t compress_with(ZSTD_CCtx *context, struct slice payload, struct target target)
{
	return ZSTD_compress2(context, target.to, target.room, payload.ptr, payload.len);
}

static size_t compress_bucket(ZSTD_CCtx *context, struct slice payload, struct target target)
{
	struct slice content = dictionary();
	set_level(context, BUCKET_LEVEL, BUCKET_WINDOW);
	ZSTD_CCtx_setParameter(context, ZSTD_c_hashLog, BUCKET_HASHES);
	ZSTD_CCtx_setParameter(context, ZSTD_c_chainLog, BUCKET_CHAINS);
	ZSTD_CCtx_refPrefix(context, content.ptr, content.len);
	size_t len = compress_with(context, payload, target);
	/* What it takes for this is not kept: some MiB. */
	frame_rest();
	return len;
}

static size_t compress_plain(ZSTD_CCtx *context, struct slice payload, struct target target)
{
	set_level(context, ZSTD_LEVEL, ZSTD_WINDOW);
	return compress_with(context, payload, target);
}

/* Returns the compressed length, 0 when the payload does not fit into the target. */
static size_t compress(
        enum frame_kind kind, struct slice payload, struct target target, uint8_t *out_flags)
{
	bool is_small = kind != FRAME_BUCKET && payload.len <= SMALL_MOST;
	ZSTD_CCtx *context = is_small ? small_context() : compress_context();
	size_t len;
	if (context == NULL)
		return 0;
	*out_flags = FRAME_ZSTD | FRAME_DICTIONARY;
	if (kind == FRAME_BUCKET) {
		len = compress_bucket(context, payload, target);
	} else if (is_small) {
		len = compress_with(context, payload, target);
	} else {
		*out_flags = FRAME_ZSTD;
		len = compress_plain(context, payload, target);
	}
	return ZSTD_isError(len) ? 0 : len;
}

int frame_append(struct buf *out, enum frame_kind kind, struct slice payload)
{
	const size_t room_max = FRAME_LENGTH_MAX - FRAME_HEADER_BYTES;
	if (payload.len > FRAME_PAYLOAD_MAX)
		return ERR_LIMIT;
	size_t room = payload.len < room_max ? payload.len : room_max;
	uint8_t *at = buf_reserve(out, FRAME_HEADER_BYTES + room);
	uint8_t *body = at + FRAME_HEADER_BYTES;
	size_t packed = 0;
	uint8_t flags = 0;
	if (payload.len >= COMPRESS_LEAST)
		packed = compress(kind, payload, (struct target){body, room}, &flags);
	if (packed > 0 && packed < payload.len) {
		put_header(at, packed, kind, flags);
		out->len += FRAME_HEADER_BYTES + packed;
		return 0;
	}
	if (payload.len > room_max)
		return ERR_LIMIT;
	if (payload.len > 0)
		memcpy(body, payload.ptr, payload.len);
	put_header(at, payload.len, kind, 0);
	out->len += FRAME_HEADER_BYTES + payload.len;
	return 0;
}

/* --- reading ---------------------------------------------------------------------------------- */

int64_t frame_parse(struct slice in, struct frame *out, struct reason *out_why)
{
	uint32_t length;
	struct slice rest = in;
	if (!slice_take_u32(&rest, &length))
		return 0;
	if (length > FRAME_LENGTH_MAX - LENGTH_BYTES)
		return fail(out_why, ERR_LIMIT, "frame of %u bytes is above the limit of %u",
		        (unsigned)length, FRAME_LENGTH_MAX - LENGTH_BYTES);
	if (length < FRAME_HEADER_BYTES - LENGTH_BYTES)
		return fail(
		        out_why, ERR_FORMAT, "frame of %u bytes is too short", (unsigned)length);
	if (rest.len < FRAME_HEADER_BYTES - LENGTH_BYTES)
		return 0;
	/* A stream that is lost is left before its length is waited for. */
	uint8_t kind = rest.ptr[0];
	uint8_t flags = rest.ptr[1];
	if (kind == 0 || kind > FRAME_KIND_MAX)
		return fail(out_why, ERR_FORMAT, "frame of unknown kind %u", kind);
	if ((flags & ~(FRAME_ZSTD | FRAME_DICTIONARY)) != 0 || flags == FRAME_DICTIONARY)
		return fail(out_why, ERR_FORMAT, "frame with unknown flags 0x%02x", flags);
	if (rest.len < length)
		return 0;
	out->kind = (enum frame_kind)kind;
	out->flags = flags;
	out->payload = slice_of(
	        in.ptr + FRAME_HEADER_BYTES, length - (FRAME_HEADER_BYTES - LENGTH_BYTES));
	return (int64_t)length + LENGTH_BYTES;
}

int frame_open(
        const struct frame *frame, struct buf *scratch, struct slice *out, struct reason *out_why)
{
	struct slice packed = frame->payload;
	if ((frame->flags & FRAME_ZSTD) == 0) {
		*out = packed;
		return 0;
	}
	unsigned long long declared = ZSTD_getFrameContentSize(packed.ptr, packed.len);
	/* 0 is what skippable frames declare; nobody compresses an empty payload. */
	if (declared == ZSTD_CONTENTSIZE_ERROR || declared == ZSTD_CONTENTSIZE_UNKNOWN ||
	        declared == 0)
		return fail(out_why, ERR_FORMAT, "compressed frame without its content size");
	if (declared > FRAME_PAYLOAD_MAX)
		return fail(out_why, ERR_LIMIT,
		        "compressed frame of %llu bytes is above the limit of %u", declared,
		        FRAME_PAYLOAD_MAX);
	/* The decoder would go on to a second frame behind the first. */
	if (ZSTD_findFrameCompressedSize(packed.ptr, packed.len) != packed.len)
		return fail(out_why, ERR_FORMAT, "compressed frame is cut or not alone");
	ZSTD_DCtx *context = decompress_context();
	if (context == NULL)
		return fail(out_why, -ENOMEM, "cannot decompress frame: %s", err_text(-ENOMEM));
	buf_reset(scratch);
	uint8_t *to = buf_reserve(scratch, (size_t)declared);
	struct slice with = frame->flags & FRAME_DICTIONARY ? dictionary() : (struct slice){0};
	size_t len = ZSTD_decompress_usingDict(
	        context, to, (size_t)declared, packed.ptr, packed.len, with.ptr, with.len);
	if (ZSTD_isError(len))
		return fail(
		        out_why, ERR_FORMAT, "cannot decompress frame: %s", ZSTD_getErrorName(len));
	if (len != declared)
		return fail(out_why, ERR_FORMAT, "compressed frame has %zu bytes and declares %llu",
		        len, declared);
	scratch->len = len;
	*out = buf_slice(scratch);
	return 0;
}
