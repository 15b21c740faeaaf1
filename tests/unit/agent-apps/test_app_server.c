/* Servers and libraries that say their version in their bytes alone. */
#include "tests/unit/agent-apps/making_elf.h"
#include "tests/unit/agent-apps/reading.h"

#define BYTES(text)                                   \
	{                                             \
		(const uint8_t *)(text), sizeof(text) \
	}

/* What stands around the version in builds of Debian 12, and of pyenv for the first Python. */
static const struct {
	const char *path, *name, *version;
	struct slice bytes;
} KNOWN[] = {
        {"/usr/local/bin/php", "php", "8.2.36", BYTES("%s,%s\0X-Powered-By: PHP/8.2.36\0ZEND")},
        {"/opt/php/sbin/php-fpm8.2", "php", "8.3.0RC2", BYTES("\0X-Powered-By: PHP/8.3.0RC2")},
        {"/opt/libphp8.2.so", "php", "8.2.36-dev", BYTES("\0X-Powered-By: PHP/8.2.36-dev")},
        {"/usr/local/nginx/sbin/nginx", "nginx", "1.22.1",
                BYTES("\0nginx/1.22.1\0nginx version: nginx/1.22.1\n\0OpenSSL 3.0.20 7 Apr 2026")},
        {"/usr/local/openresty/nginx/sbin/nginx", "openresty", "1.25.3.1",
                BYTES("nginx version: openresty/1.25.3.1\n\0")},
        {"/usr/local/mysql/bin/mariadbd", "mariadb", "10.11.19",
                BYTES("Unknown\0-0+deb12u1\00010.11.19-MariaDB\0x86_64\0")},
        {"/usr/local/mysql/bin/mysqld", "mysql", "8.0.36",
                BYTES("\0/home/build/mysql-8.0.36/sql/mysqld.cc\0")},
        {"/usr/local/bin/openssl", "openssl", "3.0.19",
                BYTES("OpenSSL 3.0 is\0OpenSSL 3.0.19 27 Jan 2026\0003.0.19\0")},
        {"/usr/local/lib/libcrypto.so.1.1", "openssl", "1.1.1k",
                BYTES("\0OpenSSL 1.1.1k  FIPS 25 Mar 2021\0")},
        {"/usr/local/bin/redis-server", "redis", "7.0.15",
                BYTES("upstart\0err\0007.0.15\0c11-builtin\0shutdown_in")},
        {"/usr/local/bin/redis-server", "redis", "5.0.14",
                BYTES("\0005.0.14\0atomic-builtin\0shutdown_in")},
        {"/usr/local/apache2/bin/httpd", "httpd", "2.4.71",
                BYTES("Apache/2.4\0Apache/2\0Apache/2.4.71\0 Server at <a")},
        {"/usr/local/sbin/haproxy", "haproxy", "2.6.12-1+deb12u3",
                BYTES("\0 version of 2.6\0 version 2.6.12-1+deb12u3, released 2025/10/03\0")},
        {"/usr/local/bin/memcached", "memcached", "1.6.18",
                BYTES("listen\0memcached 1.6.18\0udp-port\0memcached 1.6.18\n")},
        {"/usr/local/pgsql/bin/postgres", "postgresql", "15.18",
                BYTES("PostgreSQL 9.1\0postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)")},
        {"/usr/local/bin/postgres", "postgresql", "18.0beta2",
                BYTES("postgres (PostgreSQL) 18.0beta2\0")},
        {"/usr/local/bin/node", "node", "20.20.2", BYTES("/json\0node.js/v20.20.2\0(deleg")},
        {"/usr/local/lib/libruby-3.1.so.3.1.2", "ruby", "3.1.2",
                BYTES("for ruby 1.8)\0ruby 3.1.2p20 (2022-04-12 revision 4491bb740a)")},
        {"/usr/local/bin/ruby", "ruby", "3.4.1", BYTES("\0ruby 3.4.1 (2024-12-25 revision")},
        {"/root/.pyenv/versions/3.11.7/lib/libpython3.11.so.1.0", "python", "3.11.7",
                BYTES("3.11.so.1.0\0/root/.pyenv/versions/3.11.7/lib\0V\0/versions/3.11.7\0VPATH")},
        {"/usr/local/bin/python3.11", "python", "3.11.2",
                BYTES("\0003.2.0\0pymalloc_debug\0003.11.2\0strict\0")},
        {"/usr/local/bin/python3.6m", "python", "3.6.15", BYTES("\0003.6.15\0strict\0")},
        {"/usr/local/bin/python2.7", "python", "2.7.18+", BYTES("\0002.7.18+\0strict\0")},
};

__attribute__((nonnull)) static int read_server(
        struct reading *reading, const char *path, struct slice bytes)
{
	struct making making = {.part = {{".rodata", bytes}}, .count = 1};
	struct buf file = BUF_INIT;
	making_finish(&making, &file);
	int rc = reading_bytes(reading, path, buf_slice(&file));
	buf_fini(&file);
	return rc;
}

static void test_servers_are_known_by_their_bytes(void **state)
{
	struct reading *reading = *state;
	for (size_t i = 0; i < sizeof(KNOWN) / sizeof(KNOWN[0]); i++) {
		if (read_server(reading, KNOWN[i].path, KNOWN[i].bytes) != 0)
			fail_msg("'%s' gives %d %s", KNOWN[i].path, reading->rc, reading->why.text);
		assert_int_equal(reading->facts.count, 1);
		reading_expect(reading, 0, "generic", KNOWN[i].name, "", KNOWN[i].version);
	}
}

static void test_the_name_of_the_file_says_what_it_may_be(void **state)
{
	assert_int_equal(
	        read_server(*state, "/usr/bin/other", slice_text("X-Powered-By: PHP/8.2.36")),
	        ERR_MISSING);
	assert_int_equal(
	        read_server(*state, "/usr/bin/node", slice_text("OpenSSL 3.0.19 27 Jan 2026")),
	        ERR_MISSING);
	assert_int_equal(
	        read_server(*state, "/usr/bin/python3", slice_of("\0003.11.2", 8)), ERR_MISSING);
	assert_int_equal(
	        reading_text(*state, "/usr/bin/php", "X-Powered-By: PHP/8.2.36"), ERR_MISSING);
}

static void test_what_is_only_spoken_of_is_no_version(void **state)
{
	static const struct {
		const char *path;
		struct slice bytes;
	} NONE[] = {
	        {"/a/openssl", BYTES("enable OpenSSL 3.0 legacy provider")},
	        {"/a/openssl", BYTES("OpenSSL 3.0.19")},
	        {"/a/openssl", BYTES("OpenSSL a3.0.19 27 Jan 2026")},
	        {"/a/httpd", BYTES("Apache/2.4\0Apache/2.4.\0Apache/.2.4.1")},
	        {"/a/mariadbd", BYTES("5-MariaDB-MariaDB .10.1-MariaDB a.b.c-MariaDB")},
	        {"/a/haproxy", BYTES(" version 2.6.12, dreleased 2025")},
	        {"/a/python3.11", BYTES("13.11.2\0003.11.2x/\0003.11.\0.3.11.2\0003.11.so.1.0")},
	        {"/a/php", BYTES("X-Powered-By: PHP/1.2.3456789012345678901234567890123456789012345"
	                         "678901234567890123456789")},
	};
	for (size_t i = 0; i < sizeof(NONE) / sizeof(NONE[0]); i++)
		if (read_server(*state, NONE[i].path, NONE[i].bytes) != ERR_MISSING)
			fail_msg("%zu", i);
}

/* Files are read in pieces: an anchor or a version may lie across their borders. */
static void test_a_version_is_found_wherever_it_lies(void **state)
{
	static const struct slice TEXTS[] = {
	        BYTES("memcached 1.6.18"), BYTES("x10.11.19-MariaDB"), BYTES("\0003.11.2\0")};
	static const char *const PATHS[] = {"/a/memcached", "/a/mariadbd", "/a/python3.11"};
	static const char *const NAMES[] = {"memcached", "mariadb", "python"};
	static const char *const VERSIONS[] = {"1.6.18", "10.11.19", "3.11.2"};
	struct reading *reading = *state;
	size_t len = (256u << 10) + 512,
	       border = (256u << 10) - making_offset(&(struct making){0}, 0);
	uint8_t *bytes = malloc(len);
	for (size_t i = 0; i < 3; i++) {
		for (size_t at = border - 300; at < border + 30; at += at < border - 140 ? 16 : 1) {
			memset(bytes, 'x', len);
			memcpy(bytes + at, TEXTS[i].ptr, TEXTS[i].len);
			read_server(reading, PATHS[i], slice_of(bytes, len));
			if (reading->facts.count != 1)
				fail_msg("'%s' is not found at %zu", VERSIONS[i], at);
			reading_expect(reading, 0, "generic", NAMES[i], "", VERSIONS[i]);
		}
	}
	free(bytes);
}

static void test_a_version_at_the_end_of_the_file_is_found(void **state)
{
	struct making making = {.has_no_sections = true,
	        .part = {{"", slice_text("memcached 1.6.18")}},
	        .count = 1};
	struct buf file = BUF_INIT;
	making_finish(&making, &file);
	reading_bytes(*state, "/a/memcached", slice_of(file.data, file.len));
	reading_expect(*state, 0, "generic", "memcached", "", "1.6.18");
	buf_fini(&file);
}

static void test_servers_beyond_the_cap_are_refused(void **state)
{
	struct reading *reading = *state;
	struct making making = {.part = {{".x", slice_text("memcached 1.6.18")}}, .count = 1};
	struct buf file = BUF_INIT;
	making_finish(&making, &file);
	for (off_t over = 0; over <= 1; over++) {
		int fd = memfd_create("server", MFD_CLOEXEC);
		assert_int_equal(write(fd, file.data, file.len), file.len);
		assert_int_equal(ftruncate(fd, ((off_t)256 << 20) + over), 0);
		reading_forget(reading);
		assert_int_equal(reading_file(reading, "/a/memcached", fd), over ? ERR_LIMIT : 0);
		close(fd);
	}
	buf_fini(&file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        READING_TEST(test_servers_are_known_by_their_bytes),
	        READING_TEST(test_the_name_of_the_file_says_what_it_may_be),
	        READING_TEST(test_what_is_only_spoken_of_is_no_version),
	        READING_TEST(test_a_version_is_found_wherever_it_lies),
	        READING_TEST(test_a_version_at_the_end_of_the_file_is_found),
	        READING_TEST(test_servers_beyond_the_cap_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
