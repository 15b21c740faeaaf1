/* floor: agent/apps - any bytes as a file of an application package; the first byte picks whose:
 * refused or taken, never a crash; what is taken can be told apart and encoded. */
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agent/apps/app.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const PATHS[] = {"/a/b-1.dist-info/METADATA", "/a/node_modules/b/package.json",
        "/a/specifications/b-1.0-java.gemspec", "/a/vendor/composer/installed.json",
        "/a/wp-includes/version.php", "/a/wp-content/plugins/b/b.php",
        "/a/wp-content/themes/b/style.css"};
#define PATH_COUNT (sizeof(PATHS) / sizeof(PATHS[0]))

static int file_of(const uint8_t *data, size_t size)
{
	static int fd = -1;
	if (fd < 0)
		fd = memfd_create("fuzz", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, 0) < 0 || pwrite(fd, data, size, 0) != (ssize_t)size)
		abort();
	return fd;
}

static void check(const struct fact *fact, struct buf *bytes)
{
	struct fact back;
	uint8_t key[FACT_KEY_MAX];
	buf_reset(bytes);
	fact_encode(fact, bytes);
	if (fact_decode(buf_slice(bytes), &back) < 0 || !fact_equal(&back, fact) ||
	        fact_key(&back, key) == 0 || fact->field[PACKAGE_NAME].len == 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	struct fact_list facts = {.arena = arena_new(16u << 20)};
	struct reason why = {""};
	struct buf bytes = BUF_INIT;
	struct stat stat = {.st_mode = S_IFREG | 0644, .st_size = (off_t)size - 1};
	struct app_file file = {.path = slice_text(PATHS[data[0] % PATH_COUNT]), .stat = &stat};
	file.fd = file_of(data + 1, size - 1);
	int rc = app_reader_of(file.path, stat.st_mode)->read(&file, &facts, &why);
	if ((rc < 0 && facts.count > 0) || (rc < 0 && rc != ERR_MISSING && !why.text[0]))
		abort();
	for (size_t i = 0; i < facts.count; i++)
		check(&facts.fact[i], &bytes);
	buf_fini(&bytes);
	arena_free(facts.arena);
	return 0;
}
