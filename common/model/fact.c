#include "common/model/fact.h"

#include "common/base/digest.h"
#include "common/base/err.h"

/* In a key that is shortened. */
#define KEY_HEAD_BYTES 100

static const struct {
	const char *name;
	unsigned key_fields;   /* the first so many */
	unsigned first_fields; /* that the kind had from the first: always written */
	unsigned name_field;
	const char *field[FACT_FIELDS_MAX];
} KINDS[] = {
        [FACT_PACKAGE] = {"package", 4, 8, PACKAGE_NAME,
                {"manager", "name", "arch", "instance", "version", "source", "source_version",
                        "status", "origin", "module", "hold", "owner"}},
        [FACT_KERNEL] = {"kernel", 2, 4, KERNEL_RELEASE,
                {"state", "release", "version", "package"}},
        [FACT_OS] = {"os", 0, 4, OS_ID, {"id", "version_id", "codename", "pretty_name"}},
        [FACT_HOST] = {"host", 1, 2, PAIR_NAME, {"name", "value"}},
        [FACT_LABEL] = {"label", 1, 2, PAIR_NAME, {"name", "value"}},
        [FACT_MODULE] = {"module", 1, 3, MODULE_NAME, {"name", "version", "taint"}},
        [FACT_LIVEPATCH] = {"livepatch", 1, 3, LIVEPATCH_NAME, {"name", "state", "objects"}},
        [FACT_MITIGATION] = {"mitigation", 1, 2, PAIR_NAME, {"name", "value"}},
        [FACT_RESTART] = {"restart", 4, 7, RESTART_UNIT,
                {"unit", "container", "exe", "file", "what", "package", "installed", "runs",
                        "since"}},
        [FACT_SOCKET] = {"socket", 4, 6, SOCKET_PORT,
                {"protocol", "address", "port", "program", "package", "user"}},
        [FACT_ADDRESS] = {"address", 2, 3, ADDRESS_ADDRESS, {"interface", "address", "mac"}},
        [FACT_USER] = {"user", 1, 6, USER_NAME, {"name", "uid", "gid", "home", "shell", "login"}},
        [FACT_GROUP] = {"group", 1, 3, GROUP_NAME, {"name", "gid", "members"}},
        [FACT_UNIT] = {"unit", 1, 4, UNIT_NAME, {"name", "state", "file", "command"}},
        [FACT_CRON] = {"cron", 4, 4, CRON_FILE, {"file", "schedule", "user", "command"}},
        [FACT_INSTALL] = {"install", 4, 5, INSTALL_NAME,
                {"manager", "name", "arch", "instance", "time"}},
};
_Static_assert(sizeof(KINDS) / sizeof(KINDS[0]) == FACT_KIND_MAX + 1, "a row for each kind");

static bool is_kind(unsigned kind)
{
	return kind >= 1 && kind <= FACT_KIND_MAX;
}

const char *fact_kind_name(enum fact_kind kind)
{
	return is_kind(kind) ? KINDS[kind].name : NULL;
}

bool fact_kind_parse(struct slice name, enum fact_kind *out)
{
	for (unsigned kind = 1; kind <= FACT_KIND_MAX; kind++) {
		if (slice_is(name, KINDS[kind].name)) {
			*out = (enum fact_kind)kind;
			return true;
		}
	}
	return false;
}

unsigned fact_field_count(enum fact_kind kind)
{
	unsigned count = 0;
	while (is_kind(kind) && count < FACT_FIELDS_MAX && KINDS[kind].field[count])
		count++;
	return count;
}

const char *fact_field_name(enum fact_kind kind, unsigned field)
{
	return is_kind(kind) && field < FACT_FIELDS_MAX ? KINDS[kind].field[field] : NULL;
}

bool fact_is_searched(enum fact_kind kind)
{
	return is_kind(kind) && kind != FACT_INSTALL;
}

struct slice fact_name(const struct fact *fact)
{
	return is_kind(fact->kind) ? fact->field[KINDS[fact->kind].name_field] : (struct slice){0};
}

bool fact_is_valid(const struct fact *fact)
{
	if (!is_kind(fact->kind))
		return false;
	unsigned count = fact_field_count(fact->kind);
	for (unsigned i = 0; i < count; i++) {
		struct slice field = fact->field[i];
		if (field.len > FACT_FIELD_BYTES)
			return false;
		bool ends_early = i < KINDS[fact->kind].key_fields && field.len > 0 &&
		                  memchr(field.ptr, '\0', field.len);
		if (ends_early)
			return false;
	}
	return true;
}

/* How many fields the canonical form has. */
static unsigned written_fields(const struct fact *fact)
{
	unsigned count = fact_field_count(fact->kind);
	unsigned least = is_kind(fact->kind) ? KINDS[fact->kind].first_fields : 0;
	while (count > least && fact->field[count - 1].len == 0)
		count--;
	return count;
}

void fact_encode(const struct fact *fact, struct buf *out)
{
	buf_append_byte(out, (uint8_t)fact->kind);
	unsigned count = written_fields(fact);
	for (unsigned i = 0; i < count; i++) {
		buf_append_varint(out, fact->field[i].len);
		buf_append_slice(out, fact->field[i]);
	}
}

static bool take_field(struct slice *in, struct slice *out)
{
	uint64_t len;
	size_t before = in->len;
	if (!slice_take_varint(in, &len) || len > FACT_FIELD_BYTES)
		return false;
	/* One form only: equal facts have equal bytes. */
	if (before - in->len != (len < 0x80 ? 1 : 2))
		return false;
	return slice_take(in, len, out);
}

int fact_decode(struct slice bytes, struct fact *out)
{
	uint8_t kind;
	struct fact fact = {0};
	if (!slice_take_byte(&bytes, &kind) || !is_kind(kind))
		return ERR_FORMAT;
	fact.kind = (enum fact_kind)kind;
	unsigned most = fact_field_count(fact.kind), count = 0;
	while (count < most && (bytes.len > 0 || count < KINDS[fact.kind].first_fields)) {
		if (!take_field(&bytes, &fact.field[count++]))
			return ERR_FORMAT;
	}
	if (bytes.len != 0 || !fact_is_valid(&fact) || count != written_fields(&fact))
		return ERR_FORMAT;
	*out = fact;
	return 0;
}

static size_t long_key(const struct fact *fact, uint8_t out[FACT_KEY_MAX])
{
	struct buf joined = BUF_INIT;
	for (unsigned i = 0; i < KINDS[fact->kind].key_fields; i++) {
		buf_append_slice(&joined, fact->field[i]);
		buf_append_byte(&joined, 0);
	}
	memcpy(out + 1, joined.data, KEY_HEAD_BYTES);
	digest_of(buf_slice(&joined), out + 1 + KEY_HEAD_BYTES);
	buf_fini(&joined);
	return 1 + KEY_HEAD_BYTES + SHA256_BYTES;
}

size_t fact_key(const struct fact *fact, uint8_t out[FACT_KEY_MAX])
{
	size_t len = 0;
	out[len++] = (uint8_t)fact->kind;
	unsigned key_fields = is_kind(fact->kind) ? KINDS[fact->kind].key_fields : 0;
	for (unsigned i = 0; i < key_fields; i++) {
		struct slice field = fact->field[i];
		if (field.len >= FACT_KEY_MAX - len)
			return long_key(fact, out);
		if (field.len > 0)
			memcpy(out + len, field.ptr, field.len);
		len += field.len;
		out[len++] = 0;
	}
	return len;
}

bool fact_equal(const struct fact *a, const struct fact *b)
{
	if (a->kind != b->kind)
		return false;
	unsigned count = fact_field_count(a->kind);
	for (unsigned i = 0; i < count; i++) {
		if (!slice_equal(a->field[i], b->field[i]))
			return false;
	}
	return true;
}

int fact_copy(const struct fact *fact, struct arena *arena, struct fact *out)
{
	struct fact copy = {.kind = fact->kind};
	unsigned count = fact_field_count(fact->kind);
	for (unsigned i = 0; i < count; i++) {
		if (fact->field[i].len == 0)
			continue;
		copy.field[i] = arena_copy(arena, fact->field[i]);
		if (!copy.field[i].ptr)
			return ERR_LIMIT;
	}
	*out = copy;
	return 0;
}
