/* Java archives: who they say they are, what lies in them, and what is refused. */
#include <stdio.h>

#include "agent/apps/zip.h"
#include "tests/unit/agent-apps/making_zip.h"
#include "tests/unit/agent-apps/reading.h"

#define WAR        "/srv/tomcat/webapps/app.war"
#define MANIFEST   "META-INF/MANIFEST.MF"
#define PROPERTIES "META-INF/maven/org.example/lib/pom.properties"
#define POM        "#Created by Maven\r\nversion=1.2.3\r\ngroupId=org.example\r\nartifactId=lib\r\n"

static int read_zip(struct reading *reading, const char *path, struct zipping *zip)
{
	int rc = reading_bytes(reading, path, zipping_finish(zip));
	zipping_fini(zip);
	return rc;
}

static void expect(struct reading *reading, size_t at, const char *name, const char *version,
        const char *instance)
{
	reading_expect(reading, at, "maven", name, "", version);
	struct slice got = reading->facts.fact[at].field[PACKAGE_INSTANCE];
	if (!slice_is(got, instance))
		fail_msg("'%.*s' is not '%s'", SLICE_ARG(got), instance);
}

/* An archive with this manifest alone. */
static int read_manifest(struct reading *reading, const char *path, const char *manifest)
{
	struct zipping zip = {0};
	zipping_text(&zip, MANIFEST, manifest);
	return read_zip(reading, path, &zip);
}

static void test_archives_are_known_by_their_suffix(void **state)
{
	(void)state;
	static const char *const JAVA[] = {"/a/b.jar", "/a/b.war", "/a/b.ear", "/a/B.JAR"};
	for (size_t i = 0; i < 4; i++) {
		assert_true(reading_is_read_by(JAVA[i], "java"));
		const struct app_reader *reader = app_reader_of(
		        slice_text(JAVA[i]), S_IFREG | 0755);
		assert_string_equal(reader->name, "java");
		assert_null(app_reader_of(slice_text(JAVA[i]), S_IFDIR | 0755));
	}
	assert_true(reading_is_read_by("/a/.jar", NULL));
	assert_true(reading_is_read_by("/a/b.zip", NULL));
	assert_true(reading_is_read_by("/a/b.jar.old", NULL));
}

/* --- names ------------------------------------------------------------------------------------ */

static void test_what_maven_left_comes_first(void **state)
{
	struct reading *reading = *state;
	struct zipping zip = {0};
	zipping_text(&zip, MANIFEST, "Implementation-Title: x\nImplementation-Version: 9\n");
	zipping_text(&zip, PROPERTIES, POM);
	zipping_text(&zip, "META-INF/maven/org.example/other/pom.properties",
	        "! shaded\n artifactId : other \n groupId : org.example\nversion:2.0\n");
	zipping_text(&zip, "META-INF/maven/org.example/broken/pom.properties",
	        "groupId=org.example\nartifactId=broken\nversion=${project.version}\n");
	read_zip(reading, "/a/x-9.jar", &zip);
	assert_int_equal(reading->facts.count, 2);
	expect(reading, 0, "org.example:lib", "1.2.3", "/a/x-9.jar");
	expect(reading, 1, "org.example:other", "2.0", "/a/x-9.jar");
}

static void test_then_comes_the_manifest(void **state)
{
	static const struct {
		const char *text, *name, *version;
	} MANIFESTS[] = {
	        {"Manifest-Version: 1.0\r\nImplementation-Title: spring-core\r\n"
	         "Implementation-Version: 5.3.9\r\n\r\nName: x\r\nImplementation-Version: 6\r\n",
	                "spring-core", "5.3.9"},
	        {"implementation-title: a\nIMPLEMENTATION-VERSION: 1\n"
	         "Implementation-Vendor-Id: org.a\n",
	                "org.a:a", "1"},
	        {"Bundle-SymbolicName: org.ecl\n ipse.core;singl\n eton:=true\nBundle-Version: 3.1"
	         "\n .4\n",
	                "org.eclipse.core", "3.1.4"},
	        {"Implementation-Title: Apache Commons Lang\nImplementation-Version: 3.12.0\n"
	         "Bundle-SymbolicName: org.apache.commons.lang3\nBundle-Version: 3.12.0\n",
	                "org.apache.commons.lang3", "3.12.0"},
	        {"Implementation-Title: Java Runtime Environment\n"
	         "Implementation-Version: 1.8.0_392\n",
	                "rt", "1.8.0_392"},
	        {"Implementation-Title: rt", "rt", "7"},
	        {"", "rt", "7"},
	};
	struct reading *reading = *state;
	for (size_t i = 0; i < sizeof(MANIFESTS) / sizeof(MANIFESTS[0]); i++) {
		if (read_manifest(reading, "/a/rt-7.jar", MANIFESTS[i].text) < 0)
			fail_msg("%zu: %s", i, reading->why.text);
		assert_int_equal(reading->facts.count, 1);
		expect(reading, 0, MANIFESTS[i].name, MANIFESTS[i].version, "/a/rt-7.jar");
	}
}

static void test_then_comes_the_name_of_the_file(void **state)
{
	static const char *const FILES[][3] = {
	        {"/a/commons-lang3-3.12.0.jar", "commons-lang3", "3.12.0"},
	        {"/a/guava-31.1-jre.jar", "guava", "31.1-jre"},
	        {"/a/log4j-1.2-api-2.17.1.jar", "log4j-1.2-api", "2.17.1"},
	        {"/a/spring-5.3.9.RELEASE.war", "spring", "5.3.9.RELEASE"},
	        {"/a/foo-1.0-beta-2.jar", "foo", "1.0-beta-2"},
	        {"/a/foo-1.0-20200101.123456-1.jar", "foo", "1.0-20200101.123456-1"},
	        {"/a/netty-4.1.0.Final-linux-x86_64.jar", "netty", "4.1.0.Final-linux-x86_64"},
	        {"/a/scala_2.12-1.0.jar", "scala_2.12", "1.0"},
	};
	struct reading *reading = *state;
	for (size_t i = 0; i < sizeof(FILES) / sizeof(FILES[0]); i++) {
		read_manifest(reading, FILES[i][0], "Manifest-Version: 1.0\n");
		expect(reading, 0, FILES[i][1], FILES[i][2], FILES[i][0]);
	}
	static const char *const NONE[] = {
	        "/a/app.jar", "/a/-1.jar", "/a/app-.jar", "/a/a b-1.0.jar", "/a/app-x1.jar"};
	for (size_t i = 0; i < sizeof(NONE) / sizeof(NONE[0]); i++)
		assert_int_equal(
		        read_manifest(reading, NONE[i], "Manifest-Version: 1.0\n"), ERR_MISSING);
}

/* --- archives in archives --------------------------------------------------------------------- */

/* Puts what the archive holds into another one. */
static void put_inside(struct zipping *outer, const char *name, struct zipping *inner, bool packed)
{
	zipping_add(outer, slice_text(name), zipping_finish(inner), packed);
	zipping_fini(inner);
}

static void test_archives_within_are_read_stored_or_packed(void **state)
{
	struct reading *reading = *state;
	struct zipping war = {0}, one = {0}, other = {0}, none = {0};
	zipping_text(&one, PROPERTIES, POM);
	zipping_text(&other, MANIFEST, "Manifest-Version: 1.0\n");
	zipping_text(&none, "x", "x");
	put_inside(&war, "WEB-INF/lib/lib.jar", &one, true);
	put_inside(&war, "WEB-INF/lib/other-2.0.jar", &other, false);
	put_inside(&war, "WEB-INF/lib/none.jar", &none, false);
	zipping_text(&war, "WEB-INF/lib/text-1.jar", "no archive at all");
	zipping_text(&war, "WEB-INF/lib/dir-1.jar/", "");
	read_zip(reading, WAR, &war);
	assert_int_equal(reading->facts.count, 2);
	expect(reading, 0, "org.example:lib", "1.2.3", WAR "!/WEB-INF/lib/lib.jar");
	expect(reading, 1, "other", "2.0", WAR "!/WEB-INF/lib/other-2.0.jar");
}

static void test_archives_are_read_three_deep(void **state)
{
	struct reading *reading = *state;
	for (unsigned is_packed = 0; is_packed < 2; is_packed++) {
		struct zipping zip[5];
		memset(zip, 0, sizeof(zip));
		for (unsigned i = 5; i-- > 0;) {
			zipping_text(&zip[i], MANIFEST, "");
			if (i < 4)
				put_inside(&zip[i], "a-1.jar", &zip[i + 1], is_packed);
		}
		read_zip(reading, "/a/x.ear", &zip[0]);
		assert_int_equal(reading->facts.count, 3);
		expect(reading, 0, "a", "1", "/a/x.ear!/a-1.jar");
		expect(reading, 2, "a", "1", "/a/x.ear!/a-1.jar!/a-1.jar!/a-1.jar");
	}
}

static void test_an_archive_within_that_is_refused_is_named(void **state)
{
	struct reading *reading = *state;
	struct zipping war = {0}, good = {0}, bad = {0};
	zipping_text(&good, PROPERTIES, POM);
	put_inside(&war, "lib/good.jar", &good, true);
	zipping_text(&bad, PROPERTIES, POM);
	*zipping_field(&bad, 0, ZIPPING_CRC) ^= 1;
	put_inside(&war, "lib/bad.jar", &bad, true);
	assert_int_equal(read_zip(reading, WAR, &war), ERR_FORMAT);
	assert_int_equal(reading->facts.count, 0);
	assert_non_null(strstr(reading->why.text, "'lib/bad.jar'"));
}

static void test_two_versions_of_an_artifact_are_told_apart(void **state)
{
	struct reading *reading = *state;
	struct zipping zip = {0};
	zipping_text(&zip, PROPERTIES, POM);
	zipping_text(&zip, "META-INF/maven/again/pom.properties", POM);
	zipping_text(&zip, "META-INF/maven/old/pom.properties",
	        "version=1.0\ngroupId=org.example\nartifactId=lib\n");
	read_zip(reading, "/a/x.jar", &zip);
	assert_int_equal(reading->facts.count, 2);
	expect(reading, 0, "org.example:lib", "1.2.3", "/a/x.jar");
	expect(reading, 1, "org.example:lib", "1.0", "/a/x.jar!/org.example:lib@1.0");
}

/* --- archives of other tools ------------------------------------------------------------------ */

static void read_data(struct reading *reading, const char *name)
{
	char path[256];
	uint8_t bytes[8192];
	snprintf(path, sizeof(path), "tests/data/apps/%s", name);
	FILE *file = fopen(path, "re");
	if (!file)
		fail_msg("cannot open '%s'", path);
	size_t len = fread(bytes, 1, sizeof(bytes), file);
	fclose(file);
	snprintf(path, sizeof(path), "/a/%s", name);
	if (reading_bytes(reading, path, slice_of(bytes, len)) < 0)
		fail_msg("'%s' is refused: %s", name, reading->why.text);
}

static void test_archives_of_other_tools_are_read(void **state)
{
	struct reading *reading = *state;
	read_data(reading, "outer.war");
	assert_int_equal(reading->facts.count, 2);
	expect(reading, 0, "org.example:outer", "3.0", "/a/outer.war");
	expect(reading, 1, "org.example:inner", "1.4.2",
	        "/a/outer.war!/WEB-INF/lib/inner-1.4.2.jar");
	read_data(reading, "streamed.jar");
	assert_int_equal(reading->facts.count, 1);
	expect(reading, 0, "org.example:inner", "1.4.2", "/a/streamed.jar");
	read_data(reading, "boot.jar");
	assert_int_equal(reading->facts.count, 2);
	expect(reading, 0, "org.example.boot", "2.0.0", "/a/boot.jar");
	expect(reading, 1, "org.example:inner", "1.4.2",
	        "/a/boot.jar!/BOOT-INF/lib/inner-1.4.2.jar");
}

static void test_sizes_of_64_bits_are_read(void **state)
{
	struct reading *reading = *state;
	struct zipping zip = {.is_64 = true};
	zipping_text(&zip, "x", "x");
	zipping_text(&zip, PROPERTIES, POM);
	read_zip(reading, "/a/x.jar", &zip);
	expect(reading, 0, "org.example:lib", "1.2.3", "/a/x.jar");
}

static void test_a_comment_and_bytes_before_the_archive_are_passed(void **state)
{
	struct reading *reading = *state;
	for (unsigned is_64 = 0; is_64 < 2; is_64++) {
		struct zipping zip = {.is_64 = is_64};
		struct buf bytes = BUF_INIT;
		zipping_text(&zip, PROPERTIES, POM);
		zipping_finish(&zip);
		zip.out.data[zip.out.len - 2] = 7;
		buf_append_text(&bytes, "#!/bin/sh\n");
		buf_append_slice(&bytes, buf_slice(&zip.out));
		buf_append_text(&bytes, "comment");
		reading_bytes(reading, "/a/x.jar", buf_slice(&bytes));
		expect(reading, 0, "org.example:lib", "1.2.3", "/a/x.jar");
		buf_fini(&bytes);
		zipping_fini(&zip);
	}
}

/* --- what is refused -------------------------------------------------------------------------- */

static void test_what_is_no_archive_is_left(void **state)
{
	reading_refuses(*state, "/a/x.jar", slice_text(""), ERR_MISSING);
	reading_refuses(*state, "/a/x.jar", slice_text("version https://git-lfs"), ERR_MISSING);
	struct zipping zip = {0};
	assert_int_equal(read_zip(*state, "/a/x.jar", &zip), ERR_MISSING);
}

static void test_an_archive_that_is_cut_is_refused(void **state)
{
	struct zipping zip = {.is_64 = true};
	zipping_text(&zip, "x", "x");
	zipping_text(&zip, PROPERTIES, POM);
	struct slice whole = zipping_finish(&zip);
	for (size_t len = 4; len < whole.len; len++)
		reading_refuses(*state, "/a/x.jar", slice_of(whole.ptr, len), ERR_FORMAT);
	zipping_fini(&zip);
}

/* An archive of two entries, the second of which lies in a field of the directory. */
static int read_lie(struct reading *reading, size_t field, uint64_t value, size_t bytes)
{
	struct zipping zip = {0};
	zipping_text(&zip, "first", "first");
	zipping_text(&zip, PROPERTIES, POM);
	zipping_change(zipping_field(&zip, 1, field), value, bytes);
	return read_zip(reading, "/a/x.jar", &zip);
}

static void test_entries_that_lie_are_refused(void **state)
{
	static const struct {
		size_t field;
		uint64_t value;
		size_t bytes;
		int rc;
	} LIES[] = {
	        {ZIPPING_FLAGS, 1, 2, ERR_FORMAT},
	        {ZIPPING_METHOD, 12, 2, ERR_FORMAT},
	        {ZIPPING_METHOD, 0, 2, ERR_FORMAT},
	        {ZIPPING_CRC, 1, 4, ERR_FORMAT},
	        {ZIPPING_PACKED, 10, 4, ERR_FORMAT},
	        {ZIPPING_PACKED, 0x10000, 4, ERR_FORMAT},
	        {ZIPPING_PACKED, 0xfffffffe, 4, ERR_FORMAT},
	        {ZIPPING_PACKED, UINT32_MAX, 4, ERR_FORMAT},
	        {ZIPPING_SIZE, sizeof(POM) - 2, 4, ERR_LIMIT},
	        {ZIPPING_SIZE, sizeof(POM), 4, ERR_FORMAT},
	        {ZIPPING_SIZE, 0xfffffffe, 4, ERR_LIMIT},
	        {ZIPPING_COMMENT, 1, 2, ERR_FORMAT},
	        {ZIPPING_PLACE, 1, 4, ERR_FORMAT},
	        {ZIPPING_PLACE, 0xfffffffe, 4, ERR_FORMAT},
	        {0, 0, 4, ERR_FORMAT},
	};
	for (size_t i = 0; i < sizeof(LIES) / sizeof(LIES[0]); i++) {
		int rc = read_lie(*state, LIES[i].field, LIES[i].value, LIES[i].bytes);
		if (rc != LIES[i].rc)
			fail_msg("lie %zu gives %d (%s)", i, rc,
			        ((struct reading *)*state)->why.text);
	}
	assert_int_equal(read_lie(*state, ZIPPING_FLAGS, 8, 2), 0);
}

static void test_entries_over_one_another_are_refused(void **state)
{
	struct reading *reading = *state;
	struct zipping zip = {0};
	zipping_text(&zip, PROPERTIES, POM);
	zipping_text(&zip, PROPERTIES, POM);
	zipping_change(zipping_field(&zip, 1, ZIPPING_PLACE), 0, 4);
	assert_int_equal(read_zip(reading, "/a/x.jar", &zip), ERR_FORMAT);
	assert_non_null(strstr(reading->why.text, "over one another"));
	/* By a local header that is longer than the directory lets one think. */
	zipping_text(&zip, PROPERTIES, POM);
	zipping_text(&zip, "x", "x");
	zipping_change(zip.out.data + 28, 1, 2);
	assert_int_equal(read_zip(reading, "/a/x.jar", &zip), ERR_FORMAT);
	assert_non_null(strstr(reading->why.text, "over one another"));
}

static void test_names_with_nul_or_two_names_are_refused(void **state)
{
	struct zipping zip = {0};
	zipping_add(&zip, slice_of("a\0b", 3), slice_text("x"), false);
	assert_int_equal(read_zip(*state, "/a/x-1.jar", &zip), ERR_FORMAT);
	zipping_add(&zip, slice_text(""), slice_text("x"), false);
	assert_int_equal(read_zip(*state, "/a/x-1.jar", &zip), ERR_FORMAT);
	zipping_text(&zip, PROPERTIES, POM);
	zip.out.data[30] ^= 1;
	assert_int_equal(read_zip(*state, "/a/x-1.jar", &zip), ERR_FORMAT);
}

static void test_bombs_are_refused(void **state)
{
	struct reading *reading = *state;
	struct zipping zip = {0}, inner = {0};
	size_t len = (64u << 20) + 1;
	char *zeros = calloc(1, len);
	/* Honest about its size, beyond what a text may have. */
	zipping_add(&zip, slice_text(PROPERTIES), slice_of(zeros, (64u << 10) + 1), true);
	assert_int_equal(read_zip(reading, "/a/x.jar", &zip), ERR_LIMIT);
	/* An archive within that is too large for memory. */
	zipping_add(&zip, slice_text("a.jar"), slice_of(zeros, len), true);
	assert_int_equal(read_zip(reading, "/a/x.jar", &zip), ERR_LIMIT);
	/* And one that says it is small. */
	zipping_add(&zip, slice_text("a.jar"), slice_of(zeros, len), true);
	zipping_change(zipping_field(&zip, 0, ZIPPING_SIZE), 100, 4);
	assert_int_equal(read_zip(reading, "/a/x.jar", &zip), ERR_LIMIT);
	/* Two, one in the other, that only together are too large. */
	zipping_add(&inner, slice_text("b.jar"), slice_of(zeros, 33u << 20), true);
	zipping_add(&inner, slice_text("filler"), slice_of(zeros, 33u << 20), false);
	put_inside(&zip, "a.jar", &inner, true);
	assert_int_equal(read_zip(reading, "/a/x.jar", &zip), ERR_LIMIT);
	free(zeros);
}

static void test_more_to_unpack_than_the_limit_in_all_is_refused(void **state)
{
	struct reading *reading = *state;
	struct zipping zip = {0};
	struct buf packed = BUF_INIT;
	size_t len = 64u << 20;
	char *zeros = calloc(1, len);
	zipping_deflate(slice_of(zeros, len), &packed);
	uint32_t crc = (uint32_t)crc32_z(0, (const uint8_t *)zeros, len);
	for (unsigned i = 0; i < 9; i++) {
		char name[16];
		snprintf(name, sizeof(name), "%u.jar", i);
		zipping_put(&zip, slice_text(name), buf_slice(&packed), len, crc, true);
	}
	assert_int_equal(read_zip(reading, "/a/x-1.jar", &zip), ERR_LIMIT);
	assert_non_null(strstr(reading->why.text, "'8.jar'")); /* eight fit */
	assert_non_null(strstr(reading->why.text, "bytes to unpack"));
	buf_fini(&packed);
	free(zeros);
}

/* What the end says of the directory. */
static void test_an_end_that_lies_is_refused(void **state)
{
	static const struct {
		size_t from_end, bytes;
		uint64_t value;
		int rc;
	} LIES[] = {
	        {18, 2, 1, ERR_FORMAT},          /* a disk */
	        {14, 2, 2, ERR_FORMAT},          /* entries here */
	        {14, 4, 0x00020002, ERR_FORMAT}, /* entries */
	        {14, 4, 0, ERR_FORMAT},          /* none, and a directory */
	        {14, 4, 0xffffffff, ERR_FORMAT}, /* entries, more than fit */
	        {10, 4, 0xffffffff, ERR_FORMAT}, /* bytes of the directory */
	        {10, 4, 60, ERR_FORMAT},         /* the same, fewer */
	        {6, 4, 0xffffffff, ERR_FORMAT},  /* its place */
	};
	for (size_t i = 0; i < sizeof(LIES) / sizeof(LIES[0]); i++) {
		struct zipping zip = {0};
		zipping_text(&zip, PROPERTIES, POM);
		zipping_finish(&zip);
		zipping_change(zip.out.data + zip.out.len - LIES[i].from_end, LIES[i].value,
		        LIES[i].bytes);
		if (reading_bytes(*state, "/a/x.jar", buf_slice(&zip.out)) != LIES[i].rc)
			fail_msg("lie %zu gives %d", i, ((struct reading *)*state)->rc);
		zipping_fini(&zip);
	}
}

static void test_more_entries_than_the_limit_are_refused(void **state)
{
	struct zipping zip = {.is_64 = true};
	zipping_text(&zip, PROPERTIES, POM);
	zipping_finish(&zip);
	size_t end = zip.out.len - 22 - 20 - 56;
	zipping_change(zip.out.data + end + 24, 500001, 8);
	zipping_change(zip.out.data + end + 32, 500001, 8);
	assert_int_equal(reading_bytes(*state, "/a/x.jar", buf_slice(&zip.out)), ERR_LIMIT);
	zipping_fini(&zip);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        READING_TEST(test_archives_are_known_by_their_suffix),
	        READING_TEST(test_what_maven_left_comes_first),
	        READING_TEST(test_then_comes_the_manifest),
	        READING_TEST(test_then_comes_the_name_of_the_file),
	        READING_TEST(test_archives_within_are_read_stored_or_packed),
	        READING_TEST(test_archives_are_read_three_deep),
	        READING_TEST(test_an_archive_within_that_is_refused_is_named),
	        READING_TEST(test_two_versions_of_an_artifact_are_told_apart),
	        READING_TEST(test_archives_of_other_tools_are_read),
	        READING_TEST(test_sizes_of_64_bits_are_read),
	        READING_TEST(test_a_comment_and_bytes_before_the_archive_are_passed),
	        READING_TEST(test_what_is_no_archive_is_left),
	        READING_TEST(test_an_archive_that_is_cut_is_refused),
	        READING_TEST(test_entries_that_lie_are_refused),
	        READING_TEST(test_entries_over_one_another_are_refused),
	        READING_TEST(test_names_with_nul_or_two_names_are_refused),
	        READING_TEST(test_bombs_are_refused),
	        READING_TEST(test_more_to_unpack_than_the_limit_in_all_is_refused),
	        READING_TEST(test_an_end_that_lies_is_refused),
	        READING_TEST(test_more_entries_than_the_limit_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
