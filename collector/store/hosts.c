/*
 * hostrec, integers big endian:
 *
 *   1   version (1)
 *   1   flags: bit 0 revoked
 *   16  serial
 *   16  next_serial
 *   8   enrolled_ns
 *   8   last_seen_ns
 *   …   name, agent_version: varint length and bytes each
 *   …   labels, see labels.h
 */
#include "collector/store/hosts.h"

#include "collector/store/hostkey.h"
#include "collector/store/labels.h"
#include "common/base/buf.h"

#define RECORD_VERSION 1
#define FLAG_REVOKED   0x01

static bool take_serial(struct slice *in, uint8_t out[PKI_SERIAL_BYTES])
{
	struct slice bytes;

	if (!slice_take(in, PKI_SERIAL_BYTES, &bytes))
		return false;
	memcpy(out, bytes.ptr, PKI_SERIAL_BYTES);
	return true;
}

static bool take_time(struct slice *in, int64_t *out)
{
	uint64_t value;

	if (!slice_take_u64(in, &value))
		return false;
	*out = (int64_t)value;
	return true;
}

static int read_record(uint32_t id, struct slice record, struct host_record *out)
{
	uint8_t version, flags;

	if (!slice_take_byte(&record, &version))
		return ERR_FORMAT;
	if (version > RECORD_VERSION)
		return ERR_VERSION;
	out->id = id;
	if (!slice_take_byte(&record, &flags) || !take_serial(&record, out->serial) ||
	        !take_serial(&record, out->next_serial) || !take_time(&record, &out->enrolled_ns) ||
	        !take_time(&record, &out->last_seen_ns) || !labels_take_text(&record, &out->name) ||
	        !labels_take_text(&record, &out->agent_version) ||
	        !labels_take(&record, &out->label_count, out->label_name, out->label_value))
		return ERR_FORMAT;
	out->is_revoked = flags & FLAG_REVOKED;
	return 0;
}

static void append_record(struct buf *out, const struct host_record *host)
{
	buf_append_byte(out, RECORD_VERSION);
	buf_append_byte(out, host->is_revoked ? FLAG_REVOKED : 0);
	buf_append(out, host->serial, PKI_SERIAL_BYTES);
	buf_append(out, host->next_serial, PKI_SERIAL_BYTES);
	buf_append_u64(out, (uint64_t)host->enrolled_ns);
	buf_append_u64(out, (uint64_t)host->last_seen_ns);
	labels_append_text(out, host->name);
	labels_append_text(out, host->agent_version);
	labels_append(out, host->label_count, host->label_name, host->label_value);
}

static struct slice id_bytes(uint32_t id, uint8_t out[STORE_HOST_ID_BYTES])
{
	hostkey_put_u32(out, id);
	return slice_of(out, STORE_HOST_ID_BYTES);
}

int hosts_get(struct kv_txn *txn, uint32_t id, struct host_record *out)
{
	uint8_t key[STORE_HOST_ID_BYTES];
	struct slice record;
	int rc = kv_get(txn, STORE_HOSTS, id_bytes(id, key), &record);

	return rc < 0 ? rc : read_record(id, record, out);
}

int hosts_find(struct kv_txn *txn, struct slice name, struct host_record *out)
{
	struct slice value;
	uint32_t id;
	int rc;

	if (name.len == 0 || name.len > PKI_NAME_MAX)
		return ERR_MISSING;
	rc = kv_get(txn, STORE_HOST_NAMES, name, &value);
	if (rc < 0)
		return rc;
	return slice_take_u32(&value, &id) ? hosts_get(txn, id, out) : ERR_FORMAT;
}

/* Hosts are never deleted, so the next number is one more than the last. */
static int next_id(struct kv_txn *txn, uint32_t *out)
{
	struct slice key, value;
	struct kv_cursor *cursor;
	uint32_t last;
	int rc = kv_cursor_open(txn, STORE_HOSTS, &cursor);

	if (rc < 0)
		return rc;
	rc = kv_last(cursor, &key, &value);
	if (rc == ERR_MISSING) {
		*out = 0;
		rc = 0;
	} else if (rc == 0) {
		rc = slice_take_u32(&key, &last) && last < UINT32_MAX - 1 ? 0 : ERR_LIMIT;
		*out = last + 1;
	}
	kv_cursor_close(cursor);
	return rc;
}

int hosts_put(struct kv_txn *txn, const struct host_record *host, uint32_t *out_id)
{
	uint8_t key[STORE_HOST_ID_BYTES];
	struct buf record = BUF_INIT, name = BUF_INIT;
	uint32_t id = host->id;
	int rc = 0;

	if (host->name.len == 0 || host->name.len > PKI_NAME_MAX ||
	        host->label_count > HOST_LABELS_MAX)
		return ERR_LIMIT;
	/* The slices may point into the store, which the first put below changes. */
	append_record(&record, host);
	buf_append_slice(&name, host->name);
	if (id == UINT32_MAX) {
		rc = next_id(txn, &id);
		if (rc == 0)
			rc = kv_put(txn, STORE_HOST_NAMES, buf_slice(&name), id_bytes(id, key));
	}
	if (rc == 0)
		rc = kv_put(txn, STORE_HOSTS, id_bytes(id, key), buf_slice(&record));
	if (rc == 0 && out_id)
		*out_id = id;
	buf_fini(&name);
	buf_fini(&record);
	return rc;
}

int hosts_each(
        struct kv_txn *txn, int (*each)(void *ctx, const struct host_record *host), void *ctx)
{
	struct slice key, value;
	struct kv_cursor *cursor;
	struct host_record host;
	uint32_t id = 0;
	int rc = kv_cursor_open(txn, STORE_HOSTS, &cursor);

	if (rc < 0)
		return rc;
	rc = kv_first(cursor, &key, &value);
	while (rc == 0) {
		rc = slice_take_u32(&key, &id) ? read_record(id, value, &host) : ERR_FORMAT;
		if (rc == 0)
			rc = each(ctx, &host);
		if (rc < 0)
			break;
		rc = kv_next(cursor, &key, &value);
	}
	kv_cursor_close(cursor);
	return rc == ERR_MISSING ? 0 : rc;
}

static bool is_set(const uint8_t serial[PKI_SERIAL_BYTES])
{
	static const uint8_t none[PKI_SERIAL_BYTES];

	return memcmp(serial, none, PKI_SERIAL_BYTES) != 0;
}

int hosts_accepts(struct kv_txn *txn, const struct pki_cert_info *cert, struct host_record *out,
        struct reason *out_why)
{
	int rc = hosts_find(txn, slice_text(cert->name), out);

	if (rc == ERR_MISSING)
		return fail(out_why, rc, "host '%s' is not enrolled here", cert->name);
	if (rc < 0)
		return fail(out_why, rc, "cannot read the record of host '%s': %s", cert->name,
		        err_text(rc));
	if (out->is_revoked)
		return fail(out_why, ERR_REFUSED, "host '%s' is revoked", cert->name);
	if (memcmp(cert->serial, out->serial, PKI_SERIAL_BYTES) == 0)
		return 0;
	if (is_set(out->next_serial) &&
	        memcmp(cert->serial, out->next_serial, PKI_SERIAL_BYTES) == 0)
		return 0;
	return fail(out_why, ERR_REFUSED,
	        "certificate of host '%s' was replaced by a newer one: enrol the host again",
	        cert->name);
}
