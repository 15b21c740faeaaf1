#include "agent/identity/identity.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "common/base/text.h"
#include "common/io/file.h"

#define PEM_FILE_MAX     (64u << 10)
#define ADDRESS_FILE_MAX 1024

struct path {
	char text[PATH_MAX];
};

static struct path path_in(const char *dir, const char *name)
{
	struct path path;
	snprintf(path.text, sizeof path.text, "%s/%s", dir, name);
	return path;
}

static int rename_in(const char *dir, const char *from, const char *to, struct reason *out_why)
{
	struct path source = path_in(dir, from);
	struct path target = path_in(dir, to);
	if (rename(source.text, target.text) < 0)
		return fail(out_why, -errno, "cannot rename '%s' to '%s': %s", source.text,
		        target.text, err_text(-errno));
	return 0;
}

static int read_in(const char *dir, const char *name, struct buf *out, struct reason *out_why)
{
	struct path path = path_in(dir, name);
	return file_read(path.text, PEM_FILE_MAX, out, out_why);
}

/* A renewal writes both .next files, then renames the key, then the certificate: a key that does
 * not match its certificate means that a crash came between the two renames. */
static int finish_install(const char *dir, struct identity *identity, struct reason *out_why)
{
	struct buf next = BUF_INIT;
	int rc = read_in(dir, "agent.crt.next", &next, NULL);
	if (rc == 0)
		rc = pki_key_matches(buf_slice(&identity->key_pem), buf_slice(&next), NULL);
	if (rc < 0)
		rc = fail(out_why, ERR_FORMAT,
		        "cannot use '%s/agent.key': it is not the key of agent.crt", dir);
	else
		rc = rename_in(dir, "agent.crt.next", "agent.crt", out_why);
	if (rc == 0) {
		buf_reset(&identity->cert_pem);
		buf_append_slice(&identity->cert_pem, buf_slice(&next));
	}
	buf_fini(&next);
	return rc;
}

int identity_load(const char *dir, struct identity *out, struct reason *out_why)
{
	*out = (struct identity){0};
	int rc = read_in(dir, "agent.crt", &out->cert_pem, out_why);
	if (rc == -ENOENT)
		return fail(out_why, ERR_MISSING,
		        "cannot find '%s/agent.crt': this host is not enrolled (run tsujiban-agent "
		        "enroll)",
		        dir);
	if (rc == 0)
		rc = read_in(dir, "agent.key", &out->key_pem, out_why);
	if (rc == 0)
		rc = read_in(dir, "ca.crt", &out->ca_pem, out_why);
	if (rc == 0 &&
	        pki_key_matches(buf_slice(&out->key_pem), buf_slice(&out->cert_pem), NULL) < 0)
		rc = finish_install(dir, out, out_why);
	if (rc == 0)
		rc = pki_cert_info(buf_slice(&out->cert_pem), &out->cert, out_why);
	return rc;
}

void identity_fini(struct identity *identity)
{
	buf_fini(&identity->key_pem);
	buf_fini(&identity->cert_pem);
	buf_fini(&identity->ca_pem);
}

static int write_in(const char *dir, const char *name, struct slice content, mode_t mode,
        struct reason *out_why)
{
	struct path path = path_in(dir, name);
	return file_write(path.text, content, mode, out_why);
}

int identity_install(const char *dir, struct slice key_pem, struct slice cert_pem,
        struct slice ca_pem, struct reason *out_why)
{
	int rc = pki_key_matches(key_pem, cert_pem, out_why);
	if (rc == 0 && ca_pem.len)
		rc = write_in(dir, "ca.crt", ca_pem, 0644, out_why);
	if (rc == 0)
		rc = write_in(dir, "agent.crt.next", cert_pem, 0644, out_why);
	if (rc == 0)
		rc = write_in(dir, "agent.key.next", key_pem, 0600, out_why);
	if (rc == 0)
		rc = rename_in(dir, "agent.key.next", "agent.key", out_why);
	if (rc == 0)
		rc = rename_in(dir, "agent.crt.next", "agent.crt", out_why);
	return rc;
}

int identity_save_collector(const char *dir, const char *address, struct reason *out_why)
{
	struct buf line = BUF_INIT;
	buf_printf(&line, "%s\n", address);
	int rc = write_in(dir, "collector", buf_slice(&line), 0644, out_why);
	buf_fini(&line);
	return rc;
}

int identity_load_collector(const char *dir, struct buf *out_address, struct reason *out_why)
{
	struct path path = path_in(dir, "collector");
	struct buf content = BUF_INIT;
	int rc = file_read(path.text, ADDRESS_FILE_MAX, &content, out_why);
	struct slice address = text_trim(buf_slice(&content));
	if (rc == -ENOENT || (rc == 0 && address.len == 0))
		rc = fail(out_why, ERR_MISSING,
		        "cannot find '%s': this host is not enrolled (run tsujiban-agent enroll, "
		        "or "
		        "say which collector in the configuration)",
		        path.text);
	if (rc == 0)
		buf_append_slice(out_address, address);
	buf_fini(&content);
	return rc;
}

bool identity_is_due(const struct pki_cert_info *cert, int64_t now_ns)
{
	return now_ns > cert->not_before_ns + (cert->not_after_ns - cert->not_before_ns) / 3 * 2;
}
