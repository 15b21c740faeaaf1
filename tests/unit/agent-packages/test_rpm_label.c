#include "agent/packages/rpm_label.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/packages/manager.h"
#include "agent/packages/rpm_proof.h"
#include "common/model/xattrs.h"

#define NET_RAW (1u << 13)

static struct manifest *manifest;
static const struct run_package *package;
static struct explained got;

/* A file as the package has it: root's, with the digest of `content`. */
static struct rpm_file packaged(uint32_t mode, const char *content)
{
	struct rpm_file file = {
	        .user = slice_text("root"),
	        .group = slice_text("root"),
	        .mode = mode,
	        .algorithm = RPM_DIGEST_SHA256,
	        .digest_len = SHA256_BYTES,
	};
	digest_of(slice_text(content), file.digest);
	return file;
}

/* And as it lies there. */
static struct filestate lying(uint32_t mode, const char *content)
{
	struct filestate state = {
	        .type = FILE_REGULAR, .hash = HASH_DONE, .mode = mode, .has_attributes = true};
	digest_of(slice_text(content), state.sha256);
	return state;
}

static void list(const char *path, struct rpm_file file)
{
	uint64_t key = key_of(slice_text(path));
	rpm_proof_take(&file, manifest_list(manifest, package, key));
	manifest_own(manifest, key);
}

static void list_config(const char *path, uint32_t flags, const char *content)
{
	struct rpm_file file = packaged(0100644, content);
	file.flags = flags;
	list(path, file);
}

static void list_special(void)
{
	struct rpm_file capable = packaged(0100755, "x"), old = packaged(0100755, "x"),
	                link = packaged(0120777, ""), users = packaged(0100644, "x");
	capable.capabilities = slice_text("= cap_net_raw+ep");
	list("/usr/bin/capable", capable);
	old.algorithm = RPM_DIGEST_MD5;
	old.digest_len = MD5_BYTES;
	memset(old.digest, 7, MD5_BYTES);
	list("/usr/bin/old", old);
	link.digest_len = 0;
	link.link = slice_text("p");
	list("/usr/bin/link", link);
	users.user = slice_text("daemon");
	list("/usr/share/users", users);
	old.algorithm = 10; /* SHA-512 */
	list("/usr/bin/strong", old);
	list("/usr/share/d", packaged(040755, ""));
}

/* Package p 2 in place of 1: what it lists, and what 1 listed besides. */
static int setup(void **unused)
{
	struct run *run = run_new();
	(void)unused;
	assert_int_equal(run_note(run, RUN_UPGRADED, slice_text("p.noarch"), slice_text("p"),
	                         slice_text("1-1"), slice_text("2-1"), &package),
	        0);
	manifest = manifest_new(run, &MANAGER_RPM, "/nonexistent");
	list("/usr/bin/p", packaged(0100755, "x"));
	list("/usr/bin/su", packaged(0104755, "x"));
	list_config("/etc/p.conf", RPM_FILE_CONFIG, "conf");
	list_config("/var/lib/p/state", RPM_FILE_GHOST, "");
	list_special();
	manifest_listed_before(manifest, package, key_of(slice_text("/usr/bin/gone")));
	manifest_listed_before(manifest, package, key_of(slice_text("/etc/gone.conf")));
	manifest_listed_before(manifest, package, key_of(slice_text("/usr/bin/p")));
	manifest_seal(manifest);
	return 0;
}

static int teardown(void **unused)
{
	(void)unused;
	manifest_free(manifest);
	return 0;
}

static enum explained_state label(const char *path, const struct filestate *before,
        const struct filestate *after, const uint8_t *md5)
{
	struct change change = {
	        .path = slice_text(path), .before = before, .after = after, .md5 = md5};
	got = (struct explained){0};
	return rpm_label(manifest, &change, &got) ? got.state : EXPLAINED_NONE;
}

static enum explained_state label_created(const char *path, struct filestate after)
{
	return label(path, NULL, &after, NULL);
}

static void test_file_as_packaged_is_verified(void **unused)
{
	(void)unused;
	assert_int_equal(label_created("/usr/bin/p", lying(0755, "x")), EXPLAINED_VERIFIED);
	assert_true(slice_is(got.package, "p") && slice_is(got.version, "2-1"));
	assert_int_equal(label_created("/usr/bin/su", lying(04755, "x")), EXPLAINED_VERIFIED);
}

static void test_other_content_mode_or_owner_is_not(void **unused)
{
	struct filestate state = lying(0755, "x");
	(void)unused;
	assert_int_equal(label_created("/usr/bin/p", lying(0755, "y")), EXPLAINED_NONE);
	assert_int_equal(label_created("/usr/bin/p", lying(04755, "x")), EXPLAINED_NONE);
	assert_int_equal(label_created("/usr/bin/su", lying(0755, "x")), EXPLAINED_NONE);
	state.hash = HASH_TOO_LARGE;
	assert_int_equal(label_created("/usr/bin/p", state), EXPLAINED_NONE);
	state = lying(0755, "x");
	state.uid = 1;
	state.owner = slice_text("daemon");
	assert_int_equal(label_created("/usr/bin/p", state), EXPLAINED_NONE);
	state = lying(0755, "x");
	state.gid = 1;
	state.group = slice_text("daemon");
	assert_int_equal(label_created("/usr/bin/p", state), EXPLAINED_NONE);
	assert_int_equal(label("/usr/bin/p", &state, NULL, NULL), EXPLAINED_NONE);
	assert_int_equal(label_created("/usr/bin/new", lying(0755, "x")), EXPLAINED_NONE);
}

static void test_owner_is_compared_by_name(void **unused)
{
	struct filestate state = lying(0644, "x");
	(void)unused;
	assert_int_equal(label_created("/usr/share/users", state), EXPLAINED_NONE);
	state.uid = 1;
	state.owner = slice_text("daemon");
	assert_int_equal(label_created("/usr/share/users", state), EXPLAINED_VERIFIED);
}

static void test_capabilities_are_those_of_the_package(void **unused)
{
	const uint8_t value[20] = {1, 0, 0, 2, 0, NET_RAW >> 8};
	struct buf packed = BUF_INIT;
	struct filestate with = lying(0755, "x");
	(void)unused;
	xattrs_append(&packed, slice_text("security.capability"), slice_of(value, sizeof(value)));
	with.xattrs = buf_slice(&packed);
	assert_int_equal(label_created("/usr/bin/capable", with), EXPLAINED_VERIFIED);
	assert_int_equal(label_created("/usr/bin/capable", lying(0755, "x")), EXPLAINED_NONE);
	assert_int_equal(label_created("/usr/bin/p", with), EXPLAINED_NONE);
	buf_fini(&packed);
}

static void test_links_and_directories(void **unused)
{
	struct filestate link = {.type = FILE_SYMLINK, .mode = 0777, .target = slice_text("p")};
	struct filestate directory = {.type = FILE_DIRECTORY, .mode = 0755};
	(void)unused;
	assert_int_equal(label_created("/usr/bin/link", link), EXPLAINED_VERIFIED);
	assert_int_equal(label_created("/usr/share/d", directory), EXPLAINED_VERIFIED);
	assert_int_equal(label_created("/usr/bin/p", link), EXPLAINED_NONE);
	link.target = slice_text("/tmp/evil");
	directory.mode = 0777;
	assert_int_equal(label_created("/usr/bin/link", link), EXPLAINED_NONE);
	assert_int_equal(label_created("/usr/share/d", directory), EXPLAINED_NONE);
}

static void test_md5_is_asked_for_where_the_package_has_no_better(void **unused)
{
	struct filestate state = lying(0755, "x");
	uint8_t md5[MD5_BYTES];
	(void)unused;
	memset(md5, 7, sizeof(md5));
	assert_true(rpm_wants_md5(manifest, slice_text("/usr/bin/old")));
	assert_false(rpm_wants_md5(manifest, slice_text("/usr/bin/p")));
	assert_false(rpm_wants_md5(manifest, slice_text("/home/x")));
	assert_int_equal(label("/usr/bin/old", NULL, &state, md5), EXPLAINED_VERIFIED);
	assert_int_equal(label("/usr/bin/old", NULL, &state, NULL), EXPLAINED_NONE);
	md5[0] = 8;
	assert_int_equal(label("/usr/bin/old", NULL, &state, md5), EXPLAINED_NONE);
}

static void test_digest_of_an_unknown_kind_proves_nothing(void **unused)
{
	(void)unused;
	assert_int_equal(label_created("/usr/bin/strong", lying(0755, "x")), EXPLAINED_NONE);
}

static void test_configuration_file_and_its_siblings(void **unused)
{
	struct filestate mine = lying(0644, "mine"), shipped = lying(0644, "conf");
	(void)unused;
	assert_int_equal(label("/etc/p.conf", &mine, &shipped, NULL), EXPLAINED_CONFFILE);
	assert_int_equal(label("/etc/p.conf", &shipped, &mine, NULL), EXPLAINED_NONE);
	assert_int_equal(label_created("/etc/p.conf.rpmnew", shipped), EXPLAINED_CONFFILE);
	assert_int_equal(label_created("/etc/p.conf.rpmnew", mine), EXPLAINED_NONE);
	assert_int_equal(label_created("/etc/p.conf.rpmsave", mine), EXPLAINED_CONFFILE);
	assert_int_equal(label_created("/etc/gone.conf.rpmsave", mine), EXPLAINED_CONFFILE);
	assert_int_equal(
	        label_created("/etc/p.conf.rpmsave", lying(04644, "mine")), EXPLAINED_NONE);
	assert_int_equal(label_created("/usr/bin/p.rpmsave", mine), EXPLAINED_NONE);
	assert_int_equal(label_created("/etc/foreign.rpmsave", mine), EXPLAINED_NONE);
}

static void test_what_passes_is_noise_of_the_run_and_what_stays_is_not(void **unused)
{
	(void)unused;
	assert_int_equal(label("/usr/bin/p;6b08d85d", NULL, NULL, NULL), EXPLAINED_GENERATED);
	assert_int_equal(label_created("/usr/bin/p;6b08d85d", lying(0755, "x")), EXPLAINED_NONE);
	assert_int_equal(label("/usr/bin/p;6b08d8", NULL, NULL, NULL), EXPLAINED_NONE);
	assert_int_equal(label("/usr/bin/other;6b08d85d", NULL, NULL, NULL), EXPLAINED_NONE);
}

static void test_ghost_may_be_anything_that_gains_no_power(void **unused)
{
	(void)unused;
	assert_int_equal(label_created("/var/lib/p/state", lying(0640, "z")), EXPLAINED_GENERATED);
	assert_int_equal(label_created("/var/lib/p/state", lying(04755, "z")), EXPLAINED_NONE);
}

static void test_removed_is_what_was_listed_and_is_no_more(void **unused)
{
	struct filestate state = lying(0755, "x");
	(void)unused;
	assert_int_equal(label("/usr/bin/gone", &state, NULL, NULL), EXPLAINED_REMOVED);
	assert_int_equal(label_created("/usr/bin/gone", state), EXPLAINED_NONE);
	assert_int_equal(label("/usr/bin/foreign", &state, NULL, NULL), EXPLAINED_NONE);
}

static void test_generated_knows_rpms_files_and_not_dpkgs(void **unused)
{
	struct filestate state = lying(0644, "x");
	(void)unused;
	assert_int_equal(label("/etc/ld.so.cache", &state, &state, NULL), EXPLAINED_GENERATED);
	assert_int_equal(
	        label("/var/lib/rpm/rpmdb.sqlite", &state, &state, NULL), EXPLAINED_GENERATED);
	assert_int_equal(label("/var/lib/dpkg/status", &state, &state, NULL), EXPLAINED_NONE);
	assert_int_equal(label("/boot/initramfs-1.img", &state, &state, NULL), EXPLAINED_NONE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(test_file_as_packaged_is_verified),
	        TEST(test_other_content_mode_or_owner_is_not),
	        TEST(test_owner_is_compared_by_name),
	        TEST(test_capabilities_are_those_of_the_package),
	        TEST(test_links_and_directories),
	        TEST(test_md5_is_asked_for_where_the_package_has_no_better),
	        TEST(test_digest_of_an_unknown_kind_proves_nothing),
	        TEST(test_configuration_file_and_its_siblings),
	        TEST(test_what_passes_is_noise_of_the_run_and_what_stays_is_not),
	        TEST(test_ghost_may_be_anything_that_gains_no_power),
	        TEST(test_removed_is_what_was_listed_and_is_no_more),
	        TEST(test_generated_knows_rpms_files_and_not_dpkgs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
