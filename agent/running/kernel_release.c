#include "agent/running/kernel_release.h"

#include "common/base/text.h"

static bool take_prefix(struct slice *text, const char *prefix)
{
	struct slice start = slice_text(prefix);
	if (!text->ptr || !slice_starts_with(*text, start))
		return false;
	*text = slice_of(text->ptr + start.len, text->len - start.len);
	return true;
}

static bool take_suffix(struct slice *text, const char *suffix)
{
	size_t len = strlen(suffix);
	if (!text->ptr || text->len < len || memcmp(text->ptr + text->len - len, suffix, len) != 0)
		return false;
	text->len -= len;
	return true;
}

/* Splits at the last separator. */
static bool split_last(struct slice text, char separator, struct slice *head, struct slice *tail)
{
	for (size_t at = text.len; at > 0; at--) {
		if (text.ptr[at - 1] != (uint8_t)separator)
			continue;
		*head = slice_of(text.ptr, at - 1);
		*tail = slice_of(text.ptr + at, text.len - at);
		return true;
	}
	return false;
}

static bool contains(struct slice text, const char *part)
{
	return text.len > 0 && memmem(text.ptr, text.len, part, strlen(part));
}

static bool is_one_of(struct slice text, const char *const *word, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (slice_is(text, word[i]))
			return true;
	return false;
}
#define IS_ONE_OF(text, words) is_one_of(text, words, sizeof(words) / sizeof((words)[0]))

bool kernel_is_release(struct slice text)
{
	if (text.len == 0 || text.len > RELEASE_MAX || text.ptr[0] < '0' || text.ptr[0] > '9')
		return false;
	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] <= ' ' || text.ptr[i] > '~')
			return false;
	return true;
}

/* --- by package manager ----------------------------------------------------------------------- */

static bool write_dpkg(const struct fact *package, struct buf *out)
{
	struct slice rest = package->field[PACKAGE_NAME], other;
	if (take_prefix(&rest, "proxmox-kernel-") || take_prefix(&rest, "pve-kernel-")) {
		take_suffix(&rest, "-signed");
		other = rest;
		if (!take_suffix(&other, "-pve")) /* "proxmox-kernel-6.8" depends on the newest */
			return false;
	} else if (!take_prefix(&rest, "linux-image-unsigned-") &&
	           !take_prefix(&rest, "linux-image-")) {
		return false;
	}
	other = rest;
	if (take_suffix(&other, "-dbg") || take_suffix(&other, "-dbgsym"))
		return false;
	take_suffix(&rest, "-unsigned");
	buf_append_slice(out, rest);
	return true;
}

/* The small kernel-default-base names both sources that it was built of: release and release. */
static struct slice first_release(struct slice release)
{
	struct slice first, rest;
	if (!text_split(release, '.', &first, &rest))
		return release;
	const uint8_t *again = memmem(rest.ptr, rest.len, first.ptr, first.len);
	bool is_twice = again && again > rest.ptr && again[-1] == '.' && first.len >= 6;
	return is_twice ? slice_of(release.ptr, (size_t)(again - 1 - release.ptr)) : release;
}

static bool write_suse(struct slice version, struct slice flavour, struct buf *out)
{
	struct slice head, release, base, rebuild;
	if (!split_last(version, '-', &head, &release))
		return false;
	if (take_suffix(&flavour, "-base"))
		release = first_release(release);
	/* The last part counts builds of one source. */
	if (split_last(release, '.', &base, &rebuild))
		release = base;
	buf_append_slice(out, head);
	buf_append_byte(out, '-');
	buf_append_slice(out, release);
	buf_append_byte(out, '-');
	buf_append_slice(out, flavour);
	return true;
}

static bool is_suse(const struct fact *package, struct slice flavour)
{
	static const char *const FLAVOURS[] = {"default", "default-base", "azure", "preempt",
	        "64kb", "pae", "kvmsmall", "vanilla", "longterm"};
	static const char *const SHARED[] = {"rt", "debug"};
	return IS_ONE_OF(flavour, FLAVOURS) ||
	       (IS_ONE_OF(flavour, SHARED) && contains(package->field[PACKAGE_ORIGIN], "SUSE"));
}

/* What stands behind the architecture in the releases of a flavour; NULL: it is no kernel. */
static const char *variant_of(struct slice flavour, bool is_core, struct slice version)
{
	static const char *const PLAIN[] = {"", "uek", "lt", "ml", "plus"};
	static const char *const OTHERS[] = {"+64k", "+16k", "+rt-64k", "+debug", "+64k-debug",
	        "+16k-debug", "+rt-debug", "+rt-64k-debug", "+zfcpdump"};
	if (IS_ONE_OF(flavour, PLAIN))
		return "";
	if (slice_is(flavour, "rt"))
		return contains(version, ".rt") ? "" : "+rt";
	if (slice_is(flavour, "debug") && !is_core)
		return ".debug";
	for (size_t i = 0; is_core && i < sizeof(OTHERS) / sizeof(OTHERS[0]); i++)
		if (slice_is(flavour, OTHERS[i] + 1))
			return OTHERS[i];
	return NULL;
}

static bool write_rpm(const struct fact *package, struct buf *out)
{
	struct slice flavour = package->field[PACKAGE_NAME],
	             version = package->field[PACKAGE_VERSION];
	struct slice epoch, rest;
	if (!take_prefix(&flavour, "kernel"))
		return false;
	if (text_split(version, ':', &epoch, &rest))
		version = rest;
	/* Amazon's name the line: kernel6.12. */
	while (flavour.len > 0 &&
	        ((flavour.ptr[0] >= '0' && flavour.ptr[0] <= '9') || flavour.ptr[0] == '.'))
		flavour = slice_of(flavour.ptr + 1, flavour.len - 1);
	if (flavour.len > 0 && !take_prefix(&flavour, "-"))
		return false;
	if (is_suse(package, flavour))
		return write_suse(version, flavour, out);
	bool is_core = slice_is(flavour, "core") || take_suffix(&flavour, "-core");
	if (slice_is(flavour, "core"))
		flavour.len = 0;
	const char *variant = variant_of(flavour, is_core, version);
	if (!variant)
		return false;
	buf_append_slice(out, version);
	buf_append_byte(out, '.');
	buf_append_slice(out, package->field[PACKAGE_ARCH]);
	buf_append_text(out, variant);
	return true;
}

static bool write_apk(const struct fact *package, struct buf *out)
{
	static const char *const FLAVOURS[] = {"lts", "virt", "edge", "stable", "vanilla",
	        "hardened", "rpi", "rpi2", "rpi4", "asahi", "gru", "openpax", "elm", "starfive"};
	struct slice flavour = package->field[PACKAGE_NAME], version, build;
	if (!take_prefix(&flavour, "linux-") || !IS_ONE_OF(flavour, FLAVOURS) ||
	        !split_last(package->field[PACKAGE_VERSION], '-', &version, &build) ||
	        !take_prefix(&build, "r"))
		return false;
	buf_append_slice(out, version);
	buf_append_byte(out, '-');
	buf_append_slice(out, build);
	buf_append_byte(out, '-');
	buf_append_slice(out, flavour);
	return true;
}

static bool write_pacman(const struct fact *package, struct buf *out)
{
	static const char *const FLAVOURS[] = {"lts", "zen", "hardened", "rt", "rt-lts"};
	struct slice flavour = package->field[PACKAGE_NAME], version, build, head, tail;
	bool is_plain = slice_is(flavour, "linux");
	if ((!is_plain && (!take_prefix(&flavour, "linux-") || !IS_ONE_OF(flavour, FLAVOURS))) ||
	        !split_last(package->field[PACKAGE_VERSION], '-', &version, &build))
		return false;
	if (split_last(version, '.', &head, &tail) && tail.len > 0 && tail.ptr[0] >= 'a' &&
	        tail.ptr[0] <= 'z') {
		buf_append_slice(out, head);
		buf_append_byte(out, '-');
		version = tail;
	}
	buf_append_slice(out, version);
	buf_append_byte(out, '-');
	buf_append_slice(out, build);
	if (!is_plain) {
		buf_append_byte(out, '-');
		buf_append_slice(out, flavour);
	}
	return true;
}

static const struct {
	const char *manager;
	bool (*write)(const struct fact *package, struct buf *out);
} MANAGERS[] = {
        {"dpkg", write_dpkg}, {"rpm", write_rpm}, {"apk", write_apk}, {"pacman", write_pacman}};

bool kernel_release_of(const struct fact *package, struct buf *out)
{
	buf_reset(out);
	if (package->kind != FACT_PACKAGE ||
	        slice_is(package->field[PACKAGE_STATUS], "config-files") ||
	        slice_is(package->field[PACKAGE_STATUS], "not-installed"))
		return false;
	for (size_t i = 0; i < sizeof(MANAGERS) / sizeof(MANAGERS[0]); i++)
		if (slice_is(package->field[PACKAGE_MANAGER], MANAGERS[i].manager))
			return MANAGERS[i].write(package, out) && kernel_is_release(buf_slice(out));
	return false;
}

/* --- the version that runs -------------------------------------------------------------------- */

/* The word behind the last `name`. */
static struct slice word_behind(struct slice text, const char *name)
{
	struct slice found = {0}, word, rest;
	const uint8_t *at = NULL;
	while (text.len > 0 && (at = memmem(text.ptr, text.len, name, strlen(name)))) {
		size_t past = (size_t)(at - text.ptr) + strlen(name);
		text = slice_of(text.ptr + past, text.len - past);
		if (text_split(text, ' ', &word, &rest) && kernel_is_release(word))
			found = word;
		else if (kernel_is_release(text_trim(text)))
			found = text_trim(text);
	}
	return found;
}

struct slice kernel_version_of_build(struct slice proc_version)
{
	static const char *const BUILDERS[] = {" Debian ", " PMX ", " PVE "};
	struct slice found = {0};
	for (size_t i = 0; !found.ptr && i < sizeof(BUILDERS) / sizeof(BUILDERS[0]); i++)
		found = word_behind(proc_version, BUILDERS[i]);
	return found;
}

/* Release "VERSION-ABI-FLAVOUR", signature "VERSION-ABI.UPLOAD-FLAVOUR". */
struct slice kernel_version_of_signature(struct slice signature, struct slice release)
{
	struct slice word, rest, version, abi, flavour;
	signature = text_trim(signature);
	if (!take_prefix(&signature, "Ubuntu ") || !text_split(signature, ' ', &word, &rest) ||
	        !text_split(release, '-', &version, &rest) ||
	        !text_split(rest, '-', &abi, &flavour))
		return (struct slice){0};
	struct slice stem = slice_of(release.ptr, version.len + 1 + abi.len);
	if (word.len <= flavour.len + 1 || !slice_starts_with(word, stem))
		return (struct slice){0};
	word.len -= flavour.len + 1;
	bool is_flavour = word.ptr[word.len] == '-' &&
	                  memcmp(word.ptr + word.len + 1, flavour.ptr, flavour.len) == 0;
	return is_flavour && kernel_is_release(word) ? word : (struct slice){0};
}

struct slice kernel_version_of_rpm(struct slice release)
{
	static const char *const ARCHES[] = {
	        ".x86_64", ".aarch64", ".ppc64le", ".s390x", ".i686", ".riscv64"};
	const uint8_t *at = NULL;
	struct slice head, tail;
	for (size_t i = 0; !at && i < sizeof(ARCHES) / sizeof(ARCHES[0]); i++)
		if (release.len > 0)
			at = memmem(release.ptr, release.len, ARCHES[i], strlen(ARCHES[i]));
	if (at)
		return slice_of(release.ptr, (size_t)(at - release.ptr));
	bool has_flavour = split_last(release, '-', &head, &tail) &&
	                   memchr(head.ptr, '-', head.len);
	return has_flavour ? head : release;
}
