#include "tests/unit/agent-apps/reading.h"

#define DIR  "/usr/lib/ruby/gems/3.1.0/specifications/"
#define RAKE DIR "rake-13.0.6.gemspec"
/* As RubyGems writes them. */
#define BEGIN     "# -*- encoding: utf-8 -*-\n# stub: rake 13.0.6 ruby lib"
#define GEM(body) BEGIN "\n\nGem::Specification.new do |s|\n" body "end\n"

static void test_installed_and_default_gems_are_read(void **state)
{
	(void)state;
	assert_true(reading_is_read_by(RAKE, "ruby"));
	assert_true(reading_is_read_by(DIR "default/json-2.6.1.gemspec", "ruby"));
	assert_true(reading_is_read_by("/srv/rake/rake.gemspec", NULL));
	assert_true(reading_is_read_by("/srv/default/rake-1.gemspec", NULL));
	assert_true(reading_is_read_by(DIR ".gemspec", NULL));
	assert_true(reading_is_read_by(DIR "rake-13.0.6.gem", NULL));
	assert_null(app_reader_of(slice_text(RAKE), S_IFDIR | 0755));
}

static void test_assignments_are_taken_however_they_are_written(void **state)
{
	static const char *const FORMS[] = {
	        GEM("  s.name = \"a\".freeze\n  s.version = \"1.2\"\n"),
	        GEM("  s.name = 'a'\n  s.version = '1.2'\n"),
	        GEM("  s.name = %q{a}\n  s.version = %q<1.2>\n"),
	        GEM("\ts.name     =   \"a\" # it\r\n s.version=\"1.2\".freeze;\n"),
	        GEM("  s.name = 'a'\n  s.version = Gem::Version.new(\"1.2\")\n"),
	        GEM("  s.name = 'a'\n  s.version = Gem::Version.new '1.2'\n"),
	        GEM("  spec.name = 'a'\n  spec.version = Gem::Version.new('1.2'.freeze)\n"),
	        GEM("  s.name = 'a'\n  s.version = '1.2' if s.respond_to? :version=\n"),
	        GEM("  s.name = 'a'\n  s.version = '1.2'\n  s.name = 'b'\n  s.version = '3'\n"),
	};
	for (size_t i = 0; i < sizeof(FORMS) / sizeof(FORMS[0]); i++)
		reading_gives(*state, RAKE, FORMS[i], "gem", "a", "1.2");
}

static void test_what_ruby_would_compute_comes_from_the_file_name(void **state)
{
	static const char *const FORMS[] = {
	        GEM("  s.name = \"rake\"\n  s.version = Rake::VERSION\n"),
	        GEM("  s.name = \"ra#{'ke'}\"\n  s.version = \"13.\" + \"0\"\n"),
	        GEM("  s.name = \"ra\\x6be\"\n  s.version = \"1\".succ\n"),
	        GEM("  s.name = \"rake\"\n  s.version == \"9\"\n"),
	        GEM("  # s.name = \"x\"\n  s.name.x = 'y'\n  @s.version = '9'\n"),
	        GEM("  s.summary = \"s.name\"\n  s.rubygems_version = \"9\"\n"),
	        GEM("  s.name = \"/../rake\"\n  s.version = \"x1\"\n"),
	        GEM("  s.name = \"rake\n  s.version = '9\n"),
	};
	for (size_t i = 0; i < sizeof(FORMS) / sizeof(FORMS[0]); i++)
		reading_gives(*state, RAKE, FORMS[i], "gem", "rake", "13.0.6");
}

static void expect_built(struct reading *reading, const char *path, const char *text,
        const char *name, const char *arch, const char *version)
{
	assert_int_equal(reading_text(reading, path, text), 0);
	assert_int_equal(reading->facts.count, 1);
	reading_expect(reading, 0, "gem", name, arch, version);
}

static void test_the_platform_is_the_architecture_unless_it_is_ruby(void **state)
{
	expect_built(*state, DIR "nokogiri-1.15.4-x86_64-linux.gemspec",
	        GEM(" s.name = \"nokogiri\".freeze\n s.version = \"1.15.4\"\n"
	            " s.platform = \"x86_64-linux\".freeze\n"),
	        "nokogiri", "x86_64-linux", "1.15.4");
	expect_built(*state, DIR "jruby-launcher-1.1.2-java.gemspec",
	        GEM(" s.name = 'jruby-launcher'\n s.version = '1.1.2'\n"
	            " s.platform = Gem::Platform.new('java')\n"),
	        "jruby-launcher", "java", "1.1.2");
	expect_built(*state, DIR "a-1-java.gemspec",
	        GEM(" s.name = 'a'\n s.version = '1'\n s.platform = Gem::Platform.new([\"java\"])"
	            "\n"),
	        "a", "java", "1");
	expect_built(*state, DIR "a-1-ruby.gemspec", GEM("s.platform = 'ruby'\n"), "a", "", "1");
	expect_built(*state, DIR "a-1.gemspec",
	        GEM(" s.name = 'a'\n s.version = '1'\n s.platform = Gem::Platform::RUBY\n"), "a",
	        "", "1");
}

static void test_file_names_are_split_where_the_version_begins(void **state)
{
	const char *nothing = "Gem::Specification.new\n";
	expect_built(*state, DIR "net-http2-0.18.4.gemspec", nothing, "net-http2", "", "0.18.4");
	expect_built(*state, DIR "a-2-1.0.gemspec", nothing, "a-2", "", "1.0");
	expect_built(*state, DIR "a-2b-c-1.0-x86-mswin32-60.gemspec", nothing, "a-2b-c",
	        "x86-mswin32-60", "1.0");
	expect_built(*state, DIR "a-3.gemspec", nothing, "a", "", "3");
	expect_built(*state, DIR "a-1.0.pre.2-java.gemspec", nothing, "a", "java", "1.0.pre.2");
	expect_built(*state, DIR "a-4-5-java.gemspec", GEM("s.name = 'a-4'\n"), "a-4", "java", "5");
}

static void test_the_nul_bytes_of_the_stub_line_do_no_harm(void **state)
{
	static const char TEXT[] = "# stub: a 1 ruby lib\0ext\n\nGem::Specification.new do |s|\n"
	                           "  s.name = \"a\"\n  s.version = \"1\"\nend\n";
	assert_int_equal(reading_bytes(*state, RAKE, slice_of(TEXT, sizeof(TEXT) - 1)), 0);
	reading_expect(*state, 0, "gem", "a", "", "1");
}

static void test_what_is_no_gem_is_refused(void **state)
{
	reading_refuses(*state, RAKE, slice_text(""), ERR_MISSING);
	reading_refuses(*state, RAKE, slice_text("# stub: rake 13.0.6 ruby lib\n"), ERR_MISSING);
	reading_refuses(*state, RAKE,
	        slice_text("\x7f"
	                   "ELF\x02"),
	        ERR_MISSING);
	reading_refuses(*state, DIR "rake.gemspec",
	        slice_text(GEM(" s.name = 'rake'\n s.version = V\n")), ERR_FORMAT);
	reading_refuses(*state, DIR "rake-x.gemspec", slice_text(GEM("")), ERR_FORMAT);
	reading_refuses(*state, DIR "ra\x01ke-1.0.gemspec", slice_text(GEM("")), ERR_FORMAT);
}

static void test_a_huge_file_is_read_to_its_bound_only(void **state)
{
	struct buf text = BUF_INIT;
	buf_append_text(&text, GEM("  s.name = 'a'\n  s.version = '1'\n"));
	for (int i = 0; i < 200000; i++)
		buf_append_text(&text, i < 5000 ? "  s.x = 'java'\n" : "  s.platform = 'java'\n");
	assert_int_equal(reading_bytes(*state, RAKE, buf_slice(&text)), 0);
	reading_expect(*state, 0, "gem", "a", "", "1");
	buf_fini(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        READING_TEST(test_installed_and_default_gems_are_read),
	        READING_TEST(test_assignments_are_taken_however_they_are_written),
	        READING_TEST(test_what_ruby_would_compute_comes_from_the_file_name),
	        READING_TEST(test_the_platform_is_the_architecture_unless_it_is_ruby),
	        READING_TEST(test_file_names_are_split_where_the_version_begins),
	        READING_TEST(test_the_nul_bytes_of_the_stub_line_do_no_harm),
	        READING_TEST(test_what_is_no_gem_is_refused),
	        READING_TEST(test_a_huge_file_is_read_to_its_bound_only),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
