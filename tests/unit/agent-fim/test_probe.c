#include "agent/fim/probe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/err.h"

#define LIMIT (4u << 20)

static char dir[64];
static struct prober *prober;
static struct arena *arena;

static int remove_one(const char *path, const struct stat *info, int flag, struct FTW *walk)
{
	(void)info, (void)flag, (void)walk;
	return remove(path);
}

static int begin(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/test-probe-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	prober = prober_new(LIMIT);
	arena = arena_new(1u << 20);
	return 0;
}

static int end(void **state)
{
	(void)state;
	prober_free(prober);
	arena_free(arena);
	return nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static const char *in_dir(const char *name)
{
	static char path[4][128];
	static unsigned turn;
	char *text = path[turn++ % 4];
	snprintf(text, sizeof(path[0]), "%s/%s", dir, name);
	return text;
}

static void write_file(const char *name, const void *bytes, size_t len)
{
	int fd = open(in_dir(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), len);
	close(fd);
}

static struct reading read_path(const char *name, const struct filestate *known)
{
	struct reading reading;
	assert_int_equal(probe_read(prober, slice_text(in_dir(name)), known, arena, &reading), 0);
	return reading;
}

/* So long ago that no later change could leave the same times. */
static void age(struct filestate *state)
{
	state->mtime_ns -= 1;
}

static void test_a_file_is_read_whole(void **state)
{
	(void)state;
	static uint8_t bytes[300000];
	const size_t SIZES[] = {0, 1, 16383, 16384, 16385, 131071, 131072, 131073, sizeof(bytes)};
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7);
	for (size_t i = 0; i < sizeof(SIZES) / sizeof(SIZES[0]); i++) {
		uint8_t wanted[SHA256_BYTES];
		write_file("f", bytes, SIZES[i]);
		struct reading reading = read_path("f", NULL);
		digest_of(slice_of(bytes, SIZES[i]), wanted);
		assert_int_equal(reading.state.type, FILE_REGULAR);
		assert_int_equal(reading.state.hash, HASH_DONE);
		assert_int_equal(reading.state.size, SIZES[i]);
		assert_int_equal(reading.state.mode, 0640);
		assert_memory_equal(reading.state.sha256, wanted, SHA256_BYTES);
		assert_false(reading.is_moving);
	}
}

static void test_nothing_there_is_absent(void **state)
{
	(void)state;
	write_file("f", "x", 1);
	assert_int_equal(read_path("none", NULL).state.type, FILE_ABSENT);
	assert_int_equal(read_path("f/below", NULL).state.type, FILE_ABSENT);
}

static void test_a_fifo_and_a_socket_do_not_block(void **state)
{
	(void)state;
	assert_int_equal(mkfifo(in_dir("fifo"), 0600), 0);
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", dir);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
	assert_int_equal(read_path("fifo", NULL).state.type, FILE_FIFO);
	assert_int_equal(read_path("socket", NULL).state.type, FILE_SOCKET);
	assert_int_equal(read_path("socket", NULL).state.hash, HASH_NONE);
}

static void test_a_link_is_not_followed(void **state)
{
	(void)state;
	write_file("f", "x", 1);
	assert_int_equal(symlink("f", in_dir("link")), 0);
	assert_int_equal(symlink("nowhere/\xff", in_dir("dangling")), 0);
	struct reading reading = read_path("link", NULL);
	assert_int_equal(reading.state.type, FILE_SYMLINK);
	assert_true(slice_is(reading.state.target, "f"));
	struct filestate known = reading.state;
	assert_true(slice_is(read_path("link", &known).state.target, "f"));
	assert_true(slice_is(read_path("dangling", NULL).state.target, "nowhere/\xff"));
}

static void test_a_file_above_the_limit_is_not_read(void **state)
{
	(void)state;
	int fd = open(in_dir("sparse"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(ftruncate(fd, (off_t)1 << 40), 0);
	close(fd);
	struct reading reading = read_path("sparse", NULL);
	assert_int_equal(reading.state.hash, HASH_TOO_LARGE);
	assert_true(reading.state.size == (uint64_t)1 << 40);
	/* A larger limit later makes it read again. */
	assert_int_equal(truncate(in_dir("sparse"), LIMIT), 0);
	reading = read_path("sparse", NULL);
	struct filestate known = reading.state;
	known.hash = HASH_TOO_LARGE;
	assert_int_equal(read_path("sparse", &known).state.hash, HASH_DONE);
}

static struct reading read_listed(const char *name)
{
	struct reading reading;
	assert_int_equal(probe_read_listed(prober, slice_text(in_dir(name)), arena, &reading), 0);
	return reading;
}

static void test_a_listed_file_reads_like_any_other(void **state)
{
	(void)state;
	write_file("plain", "hello", 5);
	struct reading listed = read_listed("plain"), other = read_path("plain", NULL);
	assert_int_equal(listed.state.hash, HASH_DONE);
	assert_int_equal(filestate_diff(&listed.state, &other.state), 0);
	assert_int_equal(listed.state.ctime_ns, other.state.ctime_ns);
	assert_int_equal(listed.links, 1);
}

static void test_what_is_no_longer_the_listed_file_is_told_as_it_is(void **state)
{
	(void)state;
	assert_int_equal(mkfifo(in_dir("fifo"), 0600), 0);
	assert_int_equal(symlink("/nowhere", in_dir("link")), 0);
	assert_int_equal(mkdir(in_dir("sub"), 0700), 0);
	assert_int_equal(read_listed("fifo").state.type, FILE_FIFO);
	assert_int_equal(read_listed("link").state.type, FILE_SYMLINK);
	assert_int_equal(read_listed("sub").state.type, FILE_DIRECTORY);
	assert_int_equal(read_listed("gone").state.type, FILE_ABSENT);
	write_file("large", "", 0);
	assert_int_equal(truncate(in_dir("large"), LIMIT + 1), 0);
	assert_int_equal(read_listed("large").state.hash, HASH_TOO_LARGE);
}

/* Neighbours are reached through their directory, which is kept open for the batch only. */
static void test_a_directory_that_was_replaced_is_seen_in_the_next_batch(void **state)
{
	(void)state;
	assert_int_equal(mkdir(in_dir("d"), 0700), 0);
	write_file("d/a", "1", 1);
	write_file("d/b", "2", 1);
	assert_int_equal(read_path("d/a", NULL).state.size, 1);
	assert_int_equal(read_path("d/b", NULL).state.size, 1);
	assert_int_equal(rename(in_dir("d"), in_dir("old")), 0);
	assert_int_equal(mkdir(in_dir("d"), 0700), 0);
	write_file("d/b", "22", 2);
	prober_leave(prober);
	assert_int_equal(read_path("d/a", NULL).state.type, FILE_ABSENT);
	assert_int_equal(read_path("d/b", NULL).state.size, 2);
}

static void test_an_unreadable_file_says_so(void **state)
{
	(void)state;
	write_file("f", "x", 1);
	assert_int_equal(chmod(in_dir("f"), 0), 0);
	assert_int_equal(chmod(dir, 0755), 0);
	bool is_root = geteuid() == 0;
	if (is_root)
		assert_int_equal(seteuid(65534), 0);
	struct reading reading = read_path("f", NULL);
	if (is_root)
		assert_int_equal(seteuid(0), 0);
	assert_int_equal(reading.state.type, FILE_REGULAR);
	assert_int_equal(reading.state.hash, HASH_UNREADABLE);
	assert_false(reading.is_moving);
	/* It is tried again, although nothing moved. */
	if (is_root)
		assert_int_equal(read_path("f", &reading.state).state.hash, HASH_DONE);
}

static void test_what_cannot_be_looked_at_stays_as_it_was_known(void **state)
{
	(void)state;
	struct filestate known = {.type = FILE_REGULAR, .hash = HASH_DONE, .inode = 5};
	if (geteuid() != 0)
		skip();
	assert_int_equal(mkdir(in_dir("locked"), 0700), 0);
	assert_int_equal(chmod(dir, 0755), 0);
	write_file("locked/f", "x", 1);
	assert_int_equal(seteuid(65534), 0);
	struct reading reading = read_path("locked/f", &known);
	struct reading unknown = read_path("locked/f", NULL);
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(reading.state.inode, 5);
	assert_int_equal(reading.state.hash, HASH_UNREADABLE);
	assert_int_equal(unknown.state.type, FILE_ABSENT);
}

static void test_a_file_that_stands_is_not_read_again(void **state)
{
	(void)state;
	write_file("f", "content", 7);
	struct filestate known = read_path("f", NULL).state;
	memset(known.sha256, 0xaa, SHA256_BYTES);
	assert_int_equal(read_path("f", &known).state.sha256[0], 0xaa);
	age(&known);
	assert_int_not_equal(read_path("f", &known).state.sha256[0], 0xaa);
}

static void test_a_renamed_file_is_not_read_again(void **state)
{
	(void)state;
	struct reading reading;
	write_file("f", "content", 7);
	struct filestate known = read_path("f", NULL).state;
	memset(known.sha256, 0xaa, SHA256_BYTES);
	assert_int_equal(rename(in_dir("f"), in_dir("g")), 0);
	known.ctime_ns += 1; /* the rename moves it, but for the grain of the clock */
	struct slice path = slice_text(in_dir("g"));
	assert_int_equal(probe_read_renamed(prober, path, &known, arena, &reading), 0);
	assert_int_equal(reading.state.sha256[0], 0xaa);
	/* A state that was fresh when it was kept proves nothing. */
	known.ctime_ns = known.mtime_ns - 1;
	assert_int_equal(probe_read_renamed(prober, path, &known, arena, &reading), 0);
	assert_int_not_equal(reading.state.sha256[0], 0xaa);
}

static void test_a_file_just_written_is_fresh_and_an_old_one_is_not(void **state)
{
	(void)state;
	write_file("f", "x", 1);
	struct reading reading = read_path("f", NULL);
	struct reading old;
	assert_true(reading.is_fresh); /* unless the machine stood still for 20 ms */
	assert_int_equal(probe_read(prober, slice_text("/etc/passwd"), NULL, arena, &old), 0);
	assert_false(old.is_fresh);
}

static void test_owners_have_names(void **state)
{
	(void)state;
	struct reading reading;
	assert_int_equal(probe_read(prober, slice_text("/etc/passwd"), NULL, arena, &reading), 0);
	assert_true(slice_is(reading.state.owner, "root"));
	assert_true(slice_is(reading.state.group, "root"));
}

static void test_a_small_arena_is_a_limit(void **state)
{
	(void)state;
	struct reading reading;
	struct arena *tiny = arena_new(1);
	int rc = probe_read(prober, slice_text("/etc/passwd"), NULL, tiny, &reading);
	arena_free(tiny);
	assert_int_equal(rc, ERR_LIMIT);
}

/* --- a file that moves ----------------------------------------------------------------------- */

static atomic_bool is_over;

static void *grow(void *path)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	static const uint8_t more[64];
	while (!atomic_load(&is_over)) {
		if (write(fd, more, sizeof(more)) != sizeof(more) ||
		        lseek(fd, 0, SEEK_CUR) > LIMIT - 100000) {
			if (ftruncate(fd, LIMIT / 2) != 0)
				break;
		}
	}
	close(fd);
	return NULL;
}

static void test_a_growing_file_is_moving_or_whole(void **state)
{
	(void)state;
	pthread_t thread;
	char path[128];
	unsigned moving = 0;
	snprintf(path, sizeof(path), "%s", in_dir("log"));
	write_file("log", "", 0);
	assert_int_equal(truncate(path, LIMIT / 2), 0);
	atomic_store(&is_over, false);
	assert_int_equal(pthread_create(&thread, NULL, grow, path), 0);
	for (int i = 0; moving == 0 && i < 10000; i++) {
		struct reading reading = read_path("log", NULL);
		assert_int_equal(reading.state.type, FILE_REGULAR);
		assert_int_equal(reading.is_moving, reading.state.hash == HASH_UNSTABLE);
		moving += reading.is_moving;
	}
	atomic_store(&is_over, true);
	pthread_join(thread, NULL);
	assert_true(moving > 0);
	assert_false(read_path("log", NULL).is_moving);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
	        TEST(test_a_file_is_read_whole),
	        TEST(test_nothing_there_is_absent),
	        TEST(test_a_fifo_and_a_socket_do_not_block),
	        TEST(test_a_link_is_not_followed),
	        TEST(test_a_file_above_the_limit_is_not_read),
	        TEST(test_a_listed_file_reads_like_any_other),
	        TEST(test_what_is_no_longer_the_listed_file_is_told_as_it_is),
	        TEST(test_a_directory_that_was_replaced_is_seen_in_the_next_batch),
	        TEST(test_an_unreadable_file_says_so),
	        TEST(test_what_cannot_be_looked_at_stays_as_it_was_known),
	        TEST(test_a_file_that_stands_is_not_read_again),
	        TEST(test_a_renamed_file_is_not_read_again),
	        TEST(test_a_file_just_written_is_fresh_and_an_old_one_is_not),
	        TEST(test_owners_have_names),
	        TEST(test_a_small_arena_is_a_limit),
	        TEST(test_a_growing_file_is_moving_or_whole),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
