/*
 * Servers and libraries that were built by hand tell nobody their version but in their own bytes.
 * What stands beside it in each was looked up in Debian's builds, but for MySQL, which is known
 * from the directory that its sources lie in. The file's name says where to look, so that few files
 * are read whole.
 */
#include "agent/apps/app_text.h"
#include "agent/apps/program.h"
#include "common/base/glob.h"

#define FILE_BYTES_MAX (256u << 20)
#define PIECE_BYTES    (256u << 10)
#define CONTEXT_BYTES  128 /* on either side of an anchor; no text and version are longer */
#define VERSION_MAX    64
#define ROWS_MAX       8 /* for one file's name */
#define ANCHOR_MAX     32

enum place {
	VERSION_BEHIND, /* the version stands behind the anchor and may have letters */
	NUMBERS_BEHIND, /* the same of digits and dots alone; what follows belongs to it no more */
	NUMBERS_BEFORE, /* digits and dots before the anchor */
	VERSION_NAMED,  /* the anchor is the version's beginning, from the file's name */
};

struct product {
	const char *name;
	const char *files; /* a glob of their names */
	const char *anchor;
	size_t anchor_len;
	enum place place;
	unsigned least_dots; /* fewer: it is only spoken of */
	const char *then;    /* has to stand behind the version */
};

#define ANCHOR(text) (text), sizeof(text) - 1
static const struct product PRODUCTS[] = {
        {"php", "php", ANCHOR("X-Powered-By: PHP/"), VERSION_BEHIND, 2, ""},
        {"php", "php[0-9]*", ANCHOR("X-Powered-By: PHP/"), VERSION_BEHIND, 2, ""},
        {"php", "php-fpm*", ANCHOR("X-Powered-By: PHP/"), VERSION_BEHIND, 2, ""},
        {"php", "php-cgi*", ANCHOR("X-Powered-By: PHP/"), VERSION_BEHIND, 2, ""},
        {"php", "lsphp*", ANCHOR("X-Powered-By: PHP/"), VERSION_BEHIND, 2, ""},
        {"php", "libphp*.so", ANCHOR("X-Powered-By: PHP/"), VERSION_BEHIND, 2, ""},
        {"nginx", "nginx", ANCHOR("nginx version: nginx/"), VERSION_BEHIND, 2, ""},
        {"openresty", "nginx", ANCHOR("nginx version: openresty/"), VERSION_BEHIND, 2, ""},
        {"openresty", "openresty", ANCHOR("nginx version: openresty/"), VERSION_BEHIND, 2, ""},
        {"mariadb", "mariadbd", ANCHOR("-MariaDB"), NUMBERS_BEFORE, 2, ""},
        {"mariadb", "mysqld", ANCHOR("-MariaDB"), NUMBERS_BEFORE, 2, ""},
        {"mysql", "mysqld", ANCHOR("/mysql-"), VERSION_BEHIND, 2, "/"},
        {"openssl", "openssl", ANCHOR("OpenSSL "), VERSION_BEHIND, 2, " "},
        {"openssl", "libcrypto.so*", ANCHOR("OpenSSL "), VERSION_BEHIND, 2, " "},
        {"openssl", "libssl.so*", ANCHOR("OpenSSL "), VERSION_BEHIND, 2, " "},
        /* Two arguments of one printf; the programs that check its files are the server too. */
        {"redis", "redis-server", ANCHOR("\0c11-builtin"), NUMBERS_BEFORE, 2, ""},
        {"redis", "redis-server", ANCHOR("\0atomic-builtin"), NUMBERS_BEFORE, 2, ""},
        {"redis", "redis-check-rdb", ANCHOR("\0c11-builtin"), NUMBERS_BEFORE, 2, ""},
        {"httpd", "httpd", ANCHOR("Apache/"), VERSION_BEHIND, 2, ""},
        {"httpd", "apache2", ANCHOR("Apache/"), VERSION_BEHIND, 2, ""},
        {"haproxy", "haproxy", ANCHOR(" version "), VERSION_BEHIND, 1, ", released 20"},
        {"memcached", "memcached", ANCHOR("memcached "), VERSION_BEHIND, 2, ""},
        {"postgresql", "postgres", ANCHOR("(PostgreSQL) "), VERSION_BEHIND, 1, ""},
        {"node", "node", ANCHOR("node.js/v"), VERSION_BEHIND, 2, ""},
        {"ruby", "ruby", ANCHOR("ruby "), NUMBERS_BEHIND, 2, ""},
        {"ruby", "ruby[0-9]*", ANCHOR("ruby "), NUMBERS_BEHIND, 2, ""},
        {"ruby", "libruby*.so*", ANCHOR("ruby "), NUMBERS_BEHIND, 2, ""},
        {"python", "python[23].*", "", 0, VERSION_NAMED, 2, ""},
        {"python", "libpython[23].*.so*", "", 0, VERSION_NAMED, 2, ""},
};
#define PRODUCT_COUNT (sizeof(PRODUCTS) / sizeof(PRODUCTS[0]))

struct search {
	const struct product *product;
	char anchor[ANCHOR_MAX];
	size_t anchor_len;
	uint8_t version[VERSION_MAX];
	size_t version_len; /* 0: not found so far */
};

bool program_is_library_name(struct slice name)
{
	if (!slice_starts_with(name, slice_text("lib")))
		return false;
	for (size_t i = 0; i < PRODUCT_COUNT; i++)
		if (glob_matches(slice_text(PRODUCTS[i].files), name))
			return true;
	return false;
}

/* --- a version -------------------------------------------------------------------------------- */

static bool is_digit(uint8_t byte)
{
	return byte >= '0' && byte <= '9';
}

static bool is_number(uint8_t byte)
{
	return is_digit(byte) || byte == '.';
}

static bool is_version(uint8_t byte)
{
	uint8_t lower = byte | 0x20;
	return is_number(byte) || (lower >= 'a' && lower <= 'z') ||
	       (byte != 0 && strchr("-+~_", byte));
}

static size_t run(struct slice text, bool (*belongs)(uint8_t byte))
{
	size_t len = 0;
	while (len < text.len && belongs(text.ptr[len]))
		len++;
	return len;
}

/* Digits, and dots between digits, before anything else: no file's suffix is taken for numbers. */
static bool is_fit(const struct product *product, struct slice version)
{
	unsigned dots = 0;
	for (size_t i = 0; i + 1 < version.len && is_number(version.ptr[i]); i++)
		dots += version.ptr[i] == '.' && is_digit(version.ptr[i + 1]);
	return version.len > 0 && version.len <= VERSION_MAX && is_digit(version.ptr[0]) &&
	       version.ptr[version.len - 1] != '.' && dots >= product->least_dots;
}

static struct slice version_before(struct slice bytes, size_t at)
{
	size_t begin = at;
	while (begin > 0 && at - begin <= VERSION_MAX && is_number(bytes.ptr[begin - 1]))
		begin--;
	return slice_of(bytes.ptr + begin, at - begin);
}

/* Where there is an anchor at `at`. */
static bool take(const struct search *search, struct slice bytes, size_t at, struct slice *out)
{
	const struct product *product = search->product;
	if (product->place == NUMBERS_BEFORE) {
		*out = version_before(bytes, at);
		return is_fit(product, *out);
	}
	bool is_named = product->place == VERSION_NAMED;
	if (is_named && at > 0 && is_number(bytes.ptr[at - 1]))
		return false;
	struct slice rest = app_after(bytes, is_named ? at : at + search->anchor_len);
	out->ptr = rest.ptr;
	out->len = run(rest, product->place == NUMBERS_BEHIND ? is_number : is_version);
	rest = app_after(rest, out->len);
	if (is_named && (rest.len == 0 || rest.ptr[0] != 0))
		return false;
	return slice_starts_with(rest, slice_text(product->then)) && is_fit(product, *out);
}

/* --- a file ----------------------------------------------------------------------------------- */

/* "3.11." of "python3.11" and "libpython3.11.so.1.0"; false where the name says only "3". */
static bool take_named_anchor(struct slice name, struct search *search)
{
	const uint8_t *from = memmem(name.ptr, name.len, "python", 6);
	struct slice rest = from ? app_after(name, (size_t)(from - name.ptr) + 6)
	                         : (struct slice){0};
	size_t len = 0, dots = 0;
	for (; len < rest.len && is_number(rest.ptr[len]) && dots + (rest.ptr[len] == '.') < 2;
	        len++)
		dots += rest.ptr[len] == '.';
	if (dots != 1 || rest.ptr[len - 1] == '.' || len + 1 > ANCHOR_MAX)
		return false;
	memcpy(search->anchor, rest.ptr, len);
	search->anchor[len] = '.';
	search->anchor_len = len + 1;
	return true;
}

static size_t choose(struct slice name, struct search *searches)
{
	size_t count = 0;
	for (size_t i = 0; i < PRODUCT_COUNT && count < ROWS_MAX; i++) {
		const struct product *product = &PRODUCTS[i];
		struct search *search = &searches[count];
		if (!glob_matches(slice_text(product->files), name))
			continue;
		*search = (struct search){.product = product, .anchor_len = product->anchor_len};
		memcpy(search->anchor, product->anchor, product->anchor_len);
		count += product->place != VERSION_NAMED || take_named_anchor(name, search);
	}
	return count;
}

/* Anchors near the end are left to the next piece, which has what stands around them. */
static void look(struct search *search, struct slice bytes, bool is_last)
{
	size_t until = is_last ? bytes.len : bytes.len - CONTEXT_BYTES;
	const uint8_t *at = bytes.ptr;
	struct slice version;
	while (search->version_len == 0 &&
	        (at = memmem(at, bytes.len - (size_t)(at - bytes.ptr), search->anchor,
	                 search->anchor_len)) &&
	        (size_t)(at - bytes.ptr) < until) {
		if (take(search, bytes, (size_t)(at - bytes.ptr), &version)) {
			memcpy(search->version, version.ptr, version.len);
			search->version_len = version.len;
		}
		at++;
	}
}

static bool look_for_all(struct search *searches, size_t count, struct slice bytes, bool is_last)
{
	bool is_done = true;
	for (size_t i = 0; i < count; i++) {
		look(&searches[i], bytes, is_last);
		is_done = is_done && searches[i].version_len > 0;
	}
	return is_done;
}

static int search_file(
        const struct extent *file, struct search *searches, size_t count, struct reason *out_why)
{
	struct buf bytes = BUF_INIT;
	int rc = 0;
	bool is_done = false;
	for (uint64_t at = 0; at < file->size && rc == 0 && !is_done; at += PIECE_BYTES) {
		uint64_t left = file->size - at;
		bool is_last = left <= PIECE_BYTES;
		if (bytes.len > (size_t)2 * CONTEXT_BYTES)
			buf_consume(&bytes, bytes.len - (size_t)2 * CONTEXT_BYTES);
		rc = extent_append(file, at, is_last ? left : PIECE_BYTES, &bytes, out_why);
		if (rc == 0)
			is_done = look_for_all(searches, count, buf_slice(&bytes), is_last);
	}
	buf_fini(&bytes);
	return rc;
}

int program_server(const struct program *program, struct several *out, struct reason *out_why)
{
	struct search searches[ROWS_MAX];
	const struct extent *file = &program->elf.file;
	size_t count = choose(app_path_name(program->file->path, 0), searches);
	if (count == 0)
		return 0;
	if (file->size > FILE_BYTES_MAX)
		return fail(out_why, ERR_LIMIT, "a server of more than %u bytes", FILE_BYTES_MAX);
	int rc = search_file(file, searches, count, out_why);
	for (size_t i = 0; i < count && rc == 0; i++) {
		const struct search *search = &searches[i];
		if (search->version_len > 0)
			rc = several_add(out, "generic", slice_text(search->product->name),
			        slice_of(search->version, search->version_len), program->file->path,
			        out_why);
	}
	return rc;
}
