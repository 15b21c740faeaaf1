#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/io/pki.h"

/* Last: it makes a macro of `fail`. */
#include <cmocka.h>

#define DAY_NS (86400 * NS_PER_S)

static struct buf ca_key, ca_cert, host_key, host_csr;
static const int64_t now_ns = 1800000000 * NS_PER_S;
static struct reason why;

static int make_keys(void **state)
{
	(void)state;
	assert_int_equal(pki_key_new(&ca_key, &why), 0);
	assert_int_equal(
	        pki_ca_new(buf_slice(&ca_key), "test CA", now_ns, 3650 * DAY_NS, &ca_cert, &why),
	        0);
	assert_int_equal(pki_key_new(&host_key, &why), 0);
	assert_int_equal(pki_csr_new(buf_slice(&host_key), "asked", &host_csr, &why), 0);
	return 0;
}

static int free_keys(void **state)
{
	(void)state;
	buf_fini(&ca_key);
	buf_fini(&ca_cert);
	buf_fini(&host_key);
	buf_fini(&host_csr);
	return 0;
}

static struct pki_grant host_grant(const char *name)
{
	return (struct pki_grant){
	        .name = name, .not_before_ns = now_ns, .not_after_ns = now_ns + 30 * DAY_NS};
}

static int sign(struct slice csr, const struct pki_grant *grant, struct buf *out)
{
	return pki_sign(csr, buf_slice(&ca_cert), buf_slice(&ca_key), grant, out, &why);
}

/* What openssl(1) says of a certificate or request: another reader than our own. */
static char *ask_openssl(const char *command, const struct buf *pem)
{
	static char answer[16384];
	char file[] = "/tmp/test_pki.XXXXXX";
	char line[256];
	int fd = mkstemp(file);
	FILE *in = fdopen(fd, "w");

	assert_non_null(in);
	assert_int_equal(fwrite(pem->data, 1, pem->len, in), pem->len);
	fclose(in);
	snprintf(line, sizeof(line), "openssl %s -in '%s' 2>&1", command, file);
	FILE *pipe = popen(line, "r");
	assert_non_null(pipe);
	size_t len = fread(answer, 1, sizeof(answer) - 1, pipe);
	pclose(pipe);
	remove(file);
	answer[len] = '\0';
	return answer;
}

static void test_ca_may_sign_leaves_only(void **state)
{
	char *text = ask_openssl("x509 -noout -text", &ca_cert);

	(void)state;
	assert_non_null(strstr(text, "CA:TRUE, pathlen:0"));
	assert_non_null(strstr(text, "Certificate Sign, CRL Sign"));
	assert_non_null(strstr(text, "X509v3 Subject Key Identifier"));
	assert_non_null(strstr(text, "X509v3 Authority Key Identifier"));
	assert_non_null(strstr(text, "ecdsa-with-SHA256"));
}

static void test_signed_certificate_has_the_granted_name_and_not_the_asked_one(void **state)
{
	struct pki_grant grant = host_grant("web01");
	struct pki_cert_info info;
	struct buf cert = BUF_INIT;

	(void)state;
	assert_int_equal(sign(buf_slice(&host_csr), &grant, &cert), 0);
	assert_int_equal(pki_cert_info(buf_slice(&cert), &info, &why), 0);
	assert_string_equal(info.name, "web01");
	assert_int_equal(info.not_before_ns, now_ns);
	assert_int_equal(info.not_after_ns, now_ns + 30 * DAY_NS);
	assert_in_range(info.serial[0], 0x40, 0x7f);
	assert_int_equal(pki_key_matches(buf_slice(&host_key), buf_slice(&cert), &why), 0);
	assert_int_equal(pki_key_matches(buf_slice(&ca_key), buf_slice(&cert), &why), ERR_FORMAT);

	char *text = ask_openssl("x509 -noout -text", &cert);
	assert_non_null(strstr(text, "TLS Web Client Authentication"));
	assert_null(strstr(text, "TLS Web Server Authentication"));
	assert_non_null(strstr(text, "CA:FALSE"));
	buf_fini(&cert);
}

static void test_serials_differ(void **state)
{
	struct pki_grant grant = host_grant("web01");
	struct pki_cert_info infos[2];

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct buf cert = BUF_INIT;

		assert_int_equal(sign(buf_slice(&host_csr), &grant, &cert), 0);
		assert_int_equal(pki_cert_info(buf_slice(&cert), &infos[i], &why), 0);
		buf_fini(&cert);
	}
	assert_memory_not_equal(infos[0].serial, infos[1].serial, PKI_SERIAL_BYTES);
}

static void test_server_certificate_names_hosts_and_addresses(void **state)
{
	const char *names[] = {"collector.example.org", "127.0.0.1", "::1", NULL};
	struct pki_grant grant = host_grant("collector");
	struct buf cert = BUF_INIT, read = BUF_INIT;

	(void)state;
	grant.is_server = true;
	grant.names = names;
	assert_int_equal(sign(buf_slice(&host_csr), &grant, &cert), 0);
	char *text = ask_openssl("x509 -noout -text", &cert);
	assert_non_null(strstr(text, "DNS:collector.example.org, IP Address:127.0.0.1, "
	                             "IP Address:0:0:0:0:0:0:0:1"));
	assert_non_null(strstr(text, "TLS Web Server Authentication"));
	assert_int_equal(pki_cert_names(buf_slice(&cert), &read, &why), 0);
	assert_string_equal(buf_text(&read), "collector.example.org\n127.0.0.1\n::1\n");
	buf_reset(&read);
	assert_int_equal(pki_cert_names(buf_slice(&ca_cert), &read, &why), 0);
	assert_int_equal(read.len, 0);
	assert_int_equal(pki_cert_names(slice_text("no PEM"), &read, &why), ERR_FORMAT);
	buf_fini(&read);
	buf_fini(&cert);
}

static void test_name_that_is_no_host_is_refused(void **state)
{
	const char *names[] = {"evil\x1b[2J host", NULL};
	struct pki_grant grant = host_grant("collector");
	struct buf cert = BUF_INIT;

	(void)state;
	grant.names = names;
	assert_int_equal(sign(buf_slice(&host_csr), &grant, &cert), ERR_FORMAT);
	assert_non_null(strstr(why.text, "'evil\\x1b[2J host' is no host name"));
	grant = host_grant("");
	assert_int_equal(sign(buf_slice(&host_csr), &grant, &cert), ERR_FORMAT);
	assert_int_equal(cert.len, 0);
}

static void test_longest_host_name_becomes_a_common_name(void **state)
{
	char name[PKI_NAME_MAX + 2];
	struct pki_grant grant = host_grant(name);
	struct pki_cert_info info;
	struct buf cert = BUF_INIT;

	(void)state;
	memset(name, 'n', sizeof(name));
	name[PKI_NAME_MAX + 1] = '\0';
	assert_int_equal(sign(buf_slice(&host_csr), &grant, &cert), ERR_FORMAT);
	name[PKI_NAME_MAX] = '\0';
	assert_int_equal(sign(buf_slice(&host_csr), &grant, &cert), 0);
	assert_int_equal(pki_cert_info(buf_slice(&cert), &info, &why), 0);
	assert_string_equal(info.name, name);
	buf_fini(&cert);
}

static void test_certificate_never_outlives_its_ca(void **state)
{
	struct pki_grant grant = host_grant("web01");
	struct pki_cert_info info;
	struct buf cert = BUF_INIT;

	(void)state;
	grant.not_after_ns = now_ns + 5000 * DAY_NS;
	assert_int_equal(sign(buf_slice(&host_csr), &grant, &cert), 0);
	assert_int_equal(pki_cert_info(buf_slice(&cert), &info, &why), 0);
	assert_int_equal(info.not_after_ns, now_ns + 3650 * DAY_NS);
	buf_reset(&cert);

	grant.not_before_ns = now_ns + 4000 * DAY_NS;
	assert_int_equal(sign(buf_slice(&host_csr), &grant, &cert), ERR_FORMAT);
	assert_non_null(strstr(why.text, "ends on"));
	buf_fini(&cert);
}

static void test_request_with_a_broken_signature_is_refused(void **state)
{
	struct pki_grant grant = host_grant("web01");
	struct buf cert = BUF_INIT;
	struct buf broken = BUF_INIT;

	(void)state;
	/* The last base64 digits before the closing line are the end of the signature. */
	buf_append_slice(&broken, buf_slice(&host_csr));
	char *end = strstr((char *)buf_text(&broken), "\n-----END");
	assert_non_null(end);
	end[-6] = end[-6] == 'A' ? 'B' : 'A';
	assert_int_equal(sign(buf_slice(&broken), &grant, &cert), ERR_FORMAT);
	assert_non_null(strstr(why.text, "signature is wrong"));
	assert_int_equal(cert.len, 0);
	buf_fini(&broken);
}

/* openssl req -new -newkey rsa:2048 -nodes -subj /CN=x, and the same with secp384r1. */
static void test_request_with_another_kind_of_key_is_refused(void **state)
{
	const char *commands[] = {"openssl req -new -newkey rsa:2048 -nodes -keyout /dev/null "
	                          "-subj /CN=x 2>/dev/null",
	        "openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:secp384r1 -nodes "
	        "-keyout /dev/null -subj /CN=x 2>/dev/null"};
	struct pki_grant grant = host_grant("web01");
	struct buf cert = BUF_INIT;

	(void)state;
	for (int i = 0; i < 2; i++) {
		static char text[8192];
		FILE *pipe = popen(commands[i], "r");
		size_t len = fread(text, 1, sizeof(text), pipe);

		pclose(pipe);
		assert_true(len > 100);
		assert_int_equal(sign(slice_of(text, len), &grant, &cert), ERR_FORMAT);
		assert_non_null(strstr(why.text, "not ECDSA P-256"));
	}
}

static void test_leaf_cannot_sign(void **state)
{
	struct pki_grant grant = host_grant("web01");
	struct buf leaf = BUF_INIT;
	struct buf cert = BUF_INIT;

	(void)state;
	assert_int_equal(sign(buf_slice(&host_csr), &grant, &leaf), 0);
	assert_int_equal(pki_sign(buf_slice(&host_csr), buf_slice(&leaf), buf_slice(&host_key),
	                         &grant, &cert, &why),
	        ERR_FORMAT);
	assert_non_null(strstr(why.text, "no CA"));
	assert_int_equal(pki_sign(buf_slice(&host_csr), buf_slice(&ca_cert), buf_slice(&host_key),
	                         &grant, &cert, &why),
	        ERR_FORMAT);
	buf_fini(&leaf);
}

static void test_text_that_is_no_pem_is_refused(void **state)
{
	struct pki_cert_info info;
	struct buf out = BUF_INIT;
	struct slice junk = slice_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END "
	                               "CERTIFICATE-----\n");

	(void)state;
	assert_int_equal(pki_cert_info(slice_text(""), &info, &why), ERR_FORMAT);
	assert_int_equal(pki_cert_info(slice_text("hello"), &info, &why), ERR_FORMAT);
	assert_int_equal(pki_cert_info(junk, &info, &why), ERR_FORMAT);
	assert_int_equal(pki_cert_info(buf_slice(&ca_key), &info, &why), ERR_FORMAT);
	assert_int_equal(pki_csr_new(buf_slice(&ca_cert), "x", &out, &why), ERR_FORMAT);
	assert_int_equal(pki_csr_new(buf_slice(&ca_key), "", &out, &why), ERR_FORMAT);
	assert_int_equal(out.len, 0);
}

static void test_fingerprint_is_openssls_and_reads_back(void **state)
{
	struct pki_cert_info info;
	char text[PKI_FINGERPRINT_TEXT];
	uint8_t back[PKI_FINGERPRINT_BYTES];
	char colons[3 * PKI_FINGERPRINT_BYTES + 1];

	(void)state;
	assert_int_equal(pki_cert_info(buf_slice(&ca_cert), &info, &why), 0);
	pki_fingerprint_text(info.fingerprint, text);
	assert_int_equal(strlen(text), PKI_FINGERPRINT_TEXT - 1);
	assert_true(pki_fingerprint_parse(slice_text(text), back));
	assert_memory_equal(back, info.fingerprint, sizeof(back));
	assert_false(pki_fingerprint_parse(slice_text(text + 1), back));
	assert_false(pki_fingerprint_parse(slice_of(text, sizeof(text) - 2), back));

	for (size_t i = 0; i < PKI_FINGERPRINT_BYTES; i++)
		snprintf(colons + 3 * i, 4, "%02X:", info.fingerprint[i]);
	colons[sizeof(colons) - 2] = '\0';
	assert_non_null(strstr(ask_openssl("x509 -noout -fingerprint -sha256", &ca_cert), colons));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_ca_may_sign_leaves_only),
	        cmocka_unit_test(
	                test_signed_certificate_has_the_granted_name_and_not_the_asked_one),
	        cmocka_unit_test(test_serials_differ),
	        cmocka_unit_test(test_server_certificate_names_hosts_and_addresses),
	        cmocka_unit_test(test_name_that_is_no_host_is_refused),
	        cmocka_unit_test(test_longest_host_name_becomes_a_common_name),
	        cmocka_unit_test(test_certificate_never_outlives_its_ca),
	        cmocka_unit_test(test_request_with_a_broken_signature_is_refused),
	        cmocka_unit_test(test_request_with_another_kind_of_key_is_refused),
	        cmocka_unit_test(test_leaf_cannot_sign),
	        cmocka_unit_test(test_text_that_is_no_pem_is_refused),
	        cmocka_unit_test(test_fingerprint_is_openssls_and_reads_back),
	};
	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
