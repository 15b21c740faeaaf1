#include "common/io/pki.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <time.h>

#include "common/base/clock.h"
#include "common/base/digest.h"
#include "common/base/text.h"
#include "common/io/pki_private.h"

#define FINGERPRINT_PREFIX "sha256:"

int64_t pki_time_ns(const ASN1_TIME *when)
{
	struct tm parts;

	if (ASN1_TIME_to_tm(when, &parts) != 1)
		return 0;
	int64_t seconds = timegm(&parts);
	if (seconds > INT64_MAX / NS_PER_S)
		return INT64_MAX;
	if (seconds < INT64_MIN / NS_PER_S)
		return INT64_MIN;
	return seconds * NS_PER_S;
}

/* Exactly one, so that nobody can read another identity from the same certificate. */
static int copy_common_name(const X509 *cert, char out[PKI_NAME_MAX + 1], struct reason *out_why)
{
	const X509_NAME *subject = X509_get_subject_name(cert);
	int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	unsigned char *text = NULL;

	if (at < 0)
		return fail(out_why, ERR_FORMAT, "cannot use certificate: it has no common name");
	if (X509_NAME_get_index_by_NID(subject, NID_commonName, at) >= 0)
		return fail(out_why, ERR_FORMAT,
		        "cannot use certificate: it has more than one common name");
	int len = ASN1_STRING_to_UTF8(
	        &text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
	bool ok = len > 0 && len <= PKI_NAME_MAX && !memchr(text, '\0', (size_t)len) &&
	          text_is_utf8(slice_of(text, (size_t)len));
	if (ok) {
		memcpy(out, text, (size_t)len);
		out[len] = '\0';
	}
	OPENSSL_free(text);
	ERR_clear_error();
	return ok ? 0
	          : fail(out_why, ERR_FORMAT,
	                    "cannot use certificate: its common name is empty, too long or not "
	                    "UTF-8");
}

static int copy_serial(const X509 *cert, uint8_t out[PKI_SERIAL_BYTES], struct reason *out_why)
{
	BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(cert), NULL);
	bool ok = number && !BN_is_negative(number) &&
	          BN_bn2binpad(number, out, PKI_SERIAL_BYTES) == PKI_SERIAL_BYTES;

	BN_free(number);
	ERR_clear_error();
	return ok ? 0
	          : fail(out_why, ERR_FORMAT,
	                    "cannot use certificate: its serial number is negative or has more "
	                    "than %d bytes",
	                    PKI_SERIAL_BYTES);
}

int pki_describe(const X509 *cert, struct pki_cert_info *out, struct reason *out_why)
{
	struct pki_cert_info info = {0};
	unsigned len = 0;
	int code = copy_common_name(cert, info.name, out_why);

	if (code == 0)
		code = copy_serial(cert, info.serial, out_why);
	if (code < 0)
		return code;
	if (X509_digest(cert, EVP_sha256(), info.fingerprint, &len) != 1 ||
	        len != PKI_FINGERPRINT_BYTES)
		return fail(out_why, ERR_TLS, "cannot hash certificate: %s", pki_complaint());
	info.not_before_ns = pki_time_ns(X509_get0_notBefore(cert));
	info.not_after_ns = pki_time_ns(X509_get0_notAfter(cert));
	*out = info;
	return 0;
}

int pki_cert_info(struct slice pem, struct pki_cert_info *out, struct reason *out_why)
{
	X509 *cert = pki_read_cert(pem, out_why);

	if (!cert)
		return ERR_FORMAT;
	int code = pki_describe(cert, out, out_why);
	X509_free(cert);
	return code;
}

static bool is_plain(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] <= ' ' || text.ptr[i] >= 0x7f)
			return false;
	return true;
}

/* What is neither name nor address is passed over. */
static void append_name(const GENERAL_NAME *name, struct buf *out)
{
	char address[INET6_ADDRSTRLEN];
	int type;
	const ASN1_STRING *value = GENERAL_NAME_get0_value(name, &type);

	if (type != GEN_IPADD && type != GEN_DNS)
		return;
	struct slice bytes = slice_of(
	        ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value));
	if (type == GEN_IPADD && bytes.len != 4 && bytes.len != 16)
		return;
	if (type == GEN_IPADD)
		bytes = slice_text(inet_ntop(
		        bytes.len == 4 ? AF_INET : AF_INET6, bytes.ptr, address, sizeof(address)));
	if (!is_plain(bytes))
		return;
	buf_append_slice(out, bytes);
	buf_append_byte(out, '\n');
}

int pki_cert_names(struct slice pem, struct buf *out, struct reason *out_why)
{
	X509 *cert = pki_read_cert(pem, out_why);

	if (!cert)
		return ERR_FORMAT;
	GENERAL_NAMES *all = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	for (int i = 0; all && i < sk_GENERAL_NAME_num(all); i++)
		append_name(sk_GENERAL_NAME_value(all, i), out);
	GENERAL_NAMES_free(all);
	ERR_clear_error();
	X509_free(cert);
	return 0;
}

int pki_key_matches(struct slice key_pem, struct slice cert_pem, struct reason *out_why)
{
	EVP_PKEY *key = pki_read_key(key_pem, out_why);
	X509 *cert = key ? pki_read_cert(cert_pem, out_why) : NULL;
	int code = key && cert ? 0 : ERR_FORMAT;

	if (code == 0 && X509_check_private_key(cert, key) != 1)
		code = fail(out_why, ERR_FORMAT, "cannot use certificate: the key is another's");
	ERR_clear_error();
	X509_free(cert);
	EVP_PKEY_free(key);
	return code;
}

void pki_fingerprint_text(
        const uint8_t fingerprint[PKI_FINGERPRINT_BYTES], char out[PKI_FINGERPRINT_TEXT])
{
	size_t at = strlen(FINGERPRINT_PREFIX);

	memcpy(out, FINGERPRINT_PREFIX, at);
	for (size_t i = 0; i < PKI_FINGERPRINT_BYTES; i++, at += 2)
		snprintf(out + at, 3, "%02x", fingerprint[i]);
}

bool pki_fingerprint_parse(struct slice text, uint8_t out[PKI_FINGERPRINT_BYTES])
{
	struct slice prefix = slice_text(FINGERPRINT_PREFIX);

	if (!slice_starts_with(text, prefix))
		return false;
	text.ptr += prefix.len;
	text.len -= prefix.len;
	return text_parse_hex(text, out, PKI_FINGERPRINT_BYTES);
}
