/* floor: common/base - the limit for a first scan: the least that reads and hashes a tree.
 *
 * Threads share a stack of directories; each takes one, reads its entries with getdents64(2), and
 * for each regular file does openat, fstat, read until the size is there, SHA-256, close. Digest
 * fetched once, contexts and buffers reused. With --stat-only one fstatat an entry and no more. The
 * digests are folded into one word that is printed, so that nothing can be left out.
 */
#include <errno.h>
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "common/base/mem.h"
#include "common/base/slice.h"
#include "common/base/text.h"

#define THREADS_MAX  64
#define READ_BYTES   (256u << 10)
#define LISTING_SIZE (64u << 10)

struct walk {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	char **dirs; /* waiting, full paths */
	size_t count, cap;
	unsigned working; /* threads that may still find directories */
	bool is_stat_only;
	const EVP_MD *sha256;
};

struct worker {
	struct walk *walk;
	EVP_MD_CTX *digest;
	uint8_t *content;
	uint8_t *listing;
	char path[8192];
	uint64_t files, directories, others, bytes, unreadable, fold;
};

/* As getdents64(2) has it; glibc's own struct is the same, but says so nowhere. */
struct entry {
	uint64_t inode;
	int64_t next;
	uint16_t len;
	uint8_t type;
	char name[];
};

/* --- the stack ------------------------------------------------------------------------------- */

static void push(struct walk *walk, const char *path)
{
	pthread_mutex_lock(&walk->lock);
	if (walk->count == walk->cap) {
		walk->cap = walk->cap ? 2 * walk->cap : 1024;
		walk->dirs = mem_resize(walk->dirs, walk->cap * sizeof *walk->dirs);
	}
	walk->dirs[walk->count++] = mem_copy_text(path, strlen(path));
	pthread_cond_signal(&walk->changed);
	pthread_mutex_unlock(&walk->lock);
}

/* NULL when there is no directory left and nobody who could find one. */
static char *pop(struct walk *walk)
{
	pthread_mutex_lock(&walk->lock);
	walk->working--;
	while (walk->count == 0 && walk->working > 0)
		pthread_cond_wait(&walk->changed, &walk->lock);
	char *path = walk->count ? walk->dirs[--walk->count] : NULL;
	if (path)
		walk->working++;
	else
		pthread_cond_broadcast(&walk->changed);
	pthread_mutex_unlock(&walk->lock);
	return path;
}

/* --- one entry ------------------------------------------------------------------------------- */

static bool hash_open_file(struct worker *worker, int fd, uint64_t *out_bytes)
{
	uint8_t sha256[EVP_MAX_MD_SIZE];
	struct stat st;
	uint64_t fold;
	ssize_t got = 1;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return false;
	*out_bytes = 0;
	EVP_DigestInit_ex2(worker->digest, worker->walk->sha256, NULL);
	while (*out_bytes < (uint64_t)st.st_size && got > 0) {
		got = read(fd, worker->content, READ_BYTES);
		if (got > 0)
			EVP_DigestUpdate(worker->digest, worker->content, (size_t)got);
		*out_bytes += got > 0 ? (uint64_t)got : 0;
	}
	EVP_DigestFinal_ex(worker->digest, sha256, NULL);
	memcpy(&fold, sha256, sizeof fold);
	worker->fold ^= fold;
	return got >= 0;
}

static void hash_file(struct worker *worker, int dir, const char *name)
{
	uint64_t bytes;
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	bool done = fd >= 0 && hash_open_file(worker, fd, &bytes);
	if (fd >= 0)
		close(fd);
	if (done) {
		worker->files++;
		worker->bytes += bytes;
	} else {
		worker->unreadable++;
	}
}

static void stat_file(struct worker *worker, int dir, const char *name)
{
	struct stat st;
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		worker->unreadable++;
		return;
	}
	worker->fold ^= (uint64_t)st.st_mtim.tv_nsec + st.st_ino;
	worker->files += S_ISREG(st.st_mode);
	worker->others += !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
	worker->bytes += S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
}

static void take_entry(struct worker *worker, int dir, size_t dir_len, const struct entry *entry)
{
	size_t len = strlen(entry->name);
	if (strcmp(entry->name, ".") == 0 || strcmp(entry->name, "..") == 0)
		return;
	if (entry->type == DT_DIR) {
		worker->directories++;
		if (dir_len + len + 2 > sizeof worker->path) {
			worker->unreadable++;
			return;
		}
		worker->path[dir_len] = '/';
		memcpy(worker->path + dir_len + 1, entry->name, len + 1);
		push(worker->walk, worker->path);
		if (worker->walk->is_stat_only)
			stat_file(worker, dir, entry->name);
	} else if (worker->walk->is_stat_only) {
		stat_file(worker, dir, entry->name);
	} else if (entry->type == DT_REG) {
		hash_file(worker, dir, entry->name);
	} else {
		worker->others++;
	}
}

/* --- one directory --------------------------------------------------------------------------- */

static void take_directory(struct worker *worker, const char *path)
{
	size_t len = strlen(path);
	long got = -1;
	int dir = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	memcpy(worker->path, path, len + 1);
	while (dir >= 0 && (got = syscall(SYS_getdents64, dir, worker->listing, LISTING_SIZE)) > 0)
		for (long at = 0; at < got;) {
			const struct entry *entry = (const void *)(worker->listing + at);
			take_entry(worker, dir, len, entry);
			at += entry->len;
		}
	if (dir < 0 || got < 0)
		worker->unreadable++;
	if (dir >= 0)
		close(dir);
}

static void *work(void *ctx)
{
	struct worker *worker = ctx;
	char *path;
	while ((path = pop(worker->walk))) {
		take_directory(worker, path);
		free(path);
	}
	return NULL;
}

/* --- all ------------------------------------------------------------------------------------- */

static double now_s(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Not getrusage(2): its maximum still has that of whoever called exec. */
static long peak_kib(void)
{
	char line[256];
	long peak = 0;
	FILE *status = fopen("/proc/self/status", "re");
	while (status && fgets(line, sizeof line, status))
		if (strncmp(line, "VmHWM:", 6) == 0)
			peak = strtol(line + 6, NULL, 10);
	if (status)
		fclose(status);
	return peak;
}

static void run(struct walk *walk, const char *root, unsigned threads)
{
	static struct worker workers[THREADS_MAX];
	pthread_t ids[THREADS_MAX];
	struct worker sum = {0};
	double began_s = now_s();
	walk->working = threads;
	push(walk, root);
	for (unsigned i = 0; i < threads; i++) {
		workers[i] = (struct worker){.walk = walk,
		        .digest = EVP_MD_CTX_new(),
		        .content = mem_new(READ_BYTES),
		        .listing = mem_new(LISTING_SIZE)};
		if (pthread_create(&ids[i], NULL, work, &workers[i]) != 0)
			abort();
	}
	for (unsigned i = 0; i < threads; i++) {
		pthread_join(ids[i], NULL);
		sum.files += workers[i].files;
		sum.directories += workers[i].directories;
		sum.others += workers[i].others;
		sum.bytes += workers[i].bytes;
		sum.unreadable += workers[i].unreadable;
		sum.fold ^= workers[i].fold;
	}
	double seconds = now_s() - began_s;
	printf("files=%llu directories=%llu others=%llu unreadable=%llu bytes=%llu seconds=%.4f "
	       "peak_kib=%ld fold=%016llx\n",
	        (unsigned long long)sum.files, (unsigned long long)sum.directories,
	        (unsigned long long)sum.others, (unsigned long long)sum.unreadable,
	        (unsigned long long)sum.bytes, seconds, peak_kib(), (unsigned long long)sum.fold);
}

int main(int argc, char **argv)
{
	struct walk walk = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
	const char *root = NULL;
	uint64_t threads = 2;
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--stat-only") == 0)
			walk.is_stat_only = true;
		else if (!root && argv[i][0] != '-')
			root = argv[i];
		else if (strcmp(argv[i], "--threads") != 0 || ++i == argc ||
		         !text_parse_u64(slice_text(argv[i]), THREADS_MAX, &threads) || !threads)
			root = NULL, i = argc;
	}
	if (!root || strlen(root) >= sizeof(((struct worker *)NULL)->path)) {
		fprintf(stderr, "usage: bench_plain_scan [--stat-only] [--threads N] DIR\n");
		return 2;
	}
	walk.sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	run(&walk, root, (unsigned)threads);
	return 0;
}
