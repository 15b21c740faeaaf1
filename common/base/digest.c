#include "common/base/digest.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "common/base/log.h"
#include "common/base/mem.h"

struct digest {
	EVP_MD_CTX *ctx;
	EVP_MD *algorithm;
};

/* Fetching takes locks and a name lookup: 1 µs and more, as much as hashing a small record. */
static EVP_MD *sha256;
static EVP_MD *md5; /* NULL: there is none */
static pthread_key_t own_key;
static pthread_once_t prepared = PTHREAD_ONCE_INIT;

static _Noreturn void die(const char *what)
{
	log_error("cannot go on: %s", what);
	_exit(EXIT_FAILURE);
}

static void free_own(void *digest)
{
	digest_free(digest);
}

static void prepare(void)
{
	sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	if (!sha256)
		die("libcrypto has no SHA-256");
	md5 = EVP_MD_fetch(NULL, "MD5", NULL);
	if (pthread_key_create(&own_key, free_own) != 0)
		die("no thread-specific key is left");
}

static struct digest *new_of(EVP_MD *algorithm)
{
	struct digest *digest = mem_new(sizeof(*digest));
	digest->algorithm = algorithm;
	digest->ctx = EVP_MD_CTX_new();
	if (!digest->ctx)
		die("out of memory for a digest");
	return digest;
}

struct digest *digest_new(void)
{
	pthread_once(&prepared, prepare);
	return new_of(sha256);
}

struct digest *digest_new_md5(void)
{
	pthread_once(&prepared, prepare);
	return md5 ? new_of(md5) : NULL;
}

void digest_free(struct digest *digest)
{
	if (!digest)
		return;
	EVP_MD_CTX_free(digest->ctx);
	free(digest);
}

void digest_start(struct digest *digest)
{
	if (!EVP_DigestInit_ex2(digest->ctx, digest->algorithm, NULL))
		die("a digest does not start");
}

void digest_update(struct digest *digest, const void *ptr, size_t len)
{
	if (len && !EVP_DigestUpdate(digest->ctx, ptr, len))
		die("a digest fails");
}

void digest_finish(struct digest *digest, uint8_t *out)
{
	if (!EVP_DigestFinal_ex(digest->ctx, out, NULL))
		die("a digest does not end");
}

static struct digest *own_digest(void)
{
	pthread_once(&prepared, prepare);
	struct digest *digest = pthread_getspecific(own_key);
	if (!digest) {
		digest = digest_new();
		if (pthread_setspecific(own_key, digest) != 0)
			die("out of memory for a thread's digest");
	}
	return digest;
}

void digest_of(struct slice bytes, uint8_t out[SHA256_BYTES])
{
	struct digest *digest = own_digest();
	digest_start(digest);
	digest_update(digest, bytes.ptr, bytes.len);
	digest_finish(digest, out);
}

void random_bytes(void *out, size_t len)
{
	uint8_t *at = out;
	while (len > 0) {
		ssize_t got = getrandom(at, len, 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			die("the system gives no random bytes");
		at += got;
		len -= (size_t)got;
	}
}
