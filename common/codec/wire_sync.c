#include "common/codec/wire_sync.h"

#include "common/codec/columns.h"
#include "common/codec/wire_protobuf.h"
#include "proto/tsujiban.pb-c.h"

int wire_check_root(struct slice root, struct reason *out_why)
{
	if (root.len != 0 && root.len != SECTION_ROOT_BYTES)
		return fail(out_why, ERR_FORMAT, "field 'facts_root' has the wrong length");
	return 0;
}

/* Of all three messages: kinds that are synced, each once, in ascending order. */
static int check_kind(unsigned kind, unsigned *last, struct reason *out_why)
{
	if (!section_is_synced((enum fact_kind)kind) || kind <= *last)
		return fail(out_why, ERR_FORMAT, "field 'kind' is unknown or out of order");
	*last = kind;
	return 0;
}

static int check_count(size_t count, struct reason *out_why)
{
	return count > FACT_KIND_MAX ? fail(out_why, ERR_LIMIT, "field 'section' has too many") : 0;
}

static int no_room(struct reason *out_why)
{
	return fail(out_why, ERR_LIMIT, "message is too large for its memory limit");
}

/* --- offer ------------------------------------------------------------------------------------ */

static bool is_power_of_two(size_t number)
{
	return number > 0 && (number & (number - 1)) == 0;
}

int wire_check_offer(const struct offer *offer, struct reason *out_why)
{
	unsigned last = 0;
	int rc = check_count(offer->count, out_why);
	for (size_t i = 0; rc == 0 && i < offer->count; i++) {
		const struct section_offer *section = &offer->section[i];
		size_t buckets = section->digests.len / SECTION_DIGEST_BYTES;
		rc = check_kind(section->kind, &last, out_why);
		if (rc == 0 && (section->digests.len % SECTION_DIGEST_BYTES != 0 ||
		                       !is_power_of_two(buckets) || buckets > SECTION_BUCKETS_MAX))
			rc = fail(out_why, ERR_FORMAT, "field 'digests' has the wrong length");
	}
	return rc;
}

int wire_pack_offer(const struct offer *offer, struct buf *out)
{
	Tsujiban__V1__SectionOffer section[FACT_KIND_MAX], *pointer[FACT_KIND_MAX];
	Tsujiban__V1__Offer packed = TSUJIBAN__V1__OFFER__INIT;
	packed.n_section = offer->count;
	packed.section = pointer;
	for (size_t i = 0; i < offer->count; i++) {
		tsujiban__v1__section_offer__init(&section[i]);
		section[i].kind = offer->section[i].kind;
		section[i].digests = wire_bytes(offer->section[i].digests);
		pointer[i] = &section[i];
	}
	return wire_pack(&packed.base, FRAME_PAYLOAD_MAX, out);
}

int wire_unpack_offer(
        struct slice payload, struct arena *arena, struct offer *out, struct reason *out_why)
{
	int rc;
	const Tsujiban__V1__Offer *packed = wire_unpack(
	        &tsujiban__v1__offer__descriptor, payload, arena, &rc, out_why);
	if (packed == NULL)
		return rc;
	rc = check_count(packed->n_section, out_why);
	if (rc != 0)
		return ERR_FORMAT;
	out->count = packed->n_section;
	out->section = arena_alloc_zeroed(arena, out->count + 1, sizeof(*out->section));
	if (out->section == NULL)
		return no_room(out_why);
	for (size_t i = 0; i < out->count; i++)
		out->section[i] = (struct section_offer){
		        .kind = (enum fact_kind)packed->section[i]->kind,
		        .digests = wire_slice(packed->section[i]->digests),
		};
	return 0;
}

/* --- want ------------------------------------------------------------------------------------- */

int wire_check_want(const struct want *want, struct reason *out_why)
{
	unsigned last = 0;
	int rc = check_count(want->count, out_why);
	for (size_t i = 0; rc == 0 && i < want->count; i++) {
		rc = check_kind(want->section[i].kind, &last, out_why);
		if (rc == 0 && want->section[i].buckets.len > SECTION_BUCKETS_MAX)
			rc = fail(out_why, ERR_LIMIT, "field 'buckets' is too long");
	}
	return rc;
}

int wire_pack_want(const struct want *want, struct buf *out)
{
	Tsujiban__V1__SectionWant section[FACT_KIND_MAX], *pointer[FACT_KIND_MAX];
	Tsujiban__V1__Want packed = TSUJIBAN__V1__WANT__INIT;
	packed.n_section = want->count;
	packed.section = pointer;
	for (size_t i = 0; i < want->count; i++) {
		tsujiban__v1__section_want__init(&section[i]);
		section[i].kind = want->section[i].kind;
		section[i].buckets = wire_bytes(want->section[i].buckets);
		pointer[i] = &section[i];
	}
	return wire_pack(&packed.base, FRAME_PAYLOAD_MAX, out);
}

int wire_unpack_want(
        struct slice payload, struct arena *arena, struct want *out, struct reason *out_why)
{
	int rc;
	const Tsujiban__V1__Want *packed = wire_unpack(
	        &tsujiban__v1__want__descriptor, payload, arena, &rc, out_why);
	if (packed == NULL)
		return rc;
	rc = check_count(packed->n_section, out_why);
	if (rc != 0)
		return ERR_FORMAT;
	out->count = packed->n_section;
	out->section = arena_alloc_zeroed(arena, out->count + 1, sizeof(*out->section));
	if (out->section == NULL)
		return no_room(out_why);
	for (size_t i = 0; i < out->count; i++)
		out->section[i] = (struct section_want){
		        .kind = (enum fact_kind)packed->section[i]->kind,
		        .buckets = wire_slice(packed->section[i]->buckets),
		};
	return 0;
}

/* --- bucket ----------------------------------------------------------------------------------- */

int wire_check_bucket(const struct bucket *bucket, struct reason *out_why)
{
	unsigned last = 0;
	int rc = check_count(bucket->count, out_why);
	for (size_t i = 0; rc == 0 && i < bucket->count; i++) {
		const struct section_facts *section = &bucket->section[i];
		rc = check_kind(section->kind, &last, out_why);
		if (rc == 0 && section->count > SECTION_FACTS_MAX)
			rc = fail(out_why, ERR_LIMIT, "field 'count' is out of range");
		for (size_t k = 0; rc == 0 && k < section->count; k++)
			if (section->fact[k].kind != section->kind ||
			        !fact_is_valid(&section->fact[k]))
				rc = fail(out_why, ERR_FORMAT, "field 'column' has a wrong fact");
	}
	return rc;
}

struct columns_room {
	struct buf buf[FACT_FIELDS_MAX];
	ProtobufCBinaryData column[FACT_FIELDS_MAX];
};

static void pack_section(const struct section_facts *facts, struct columns_room *room,
        Tsujiban__V1__SectionFacts *out)
{
	tsujiban__v1__section_facts__init(out);
	out->kind = facts->kind;
	out->count = (uint32_t)facts->count;
	out->n_column = fact_field_count(facts->kind);
	out->column = room->column;
	for (unsigned i = 0; i < out->n_column; i++) {
		columns_pack(facts->fact, facts->count, i, &room->buf[i]);
		room->column[i] = wire_bytes(buf_slice(&room->buf[i]));
	}
}

int wire_pack_bucket(const struct bucket *bucket, struct buf *out)
{
	Tsujiban__V1__SectionFacts section[FACT_KIND_MAX], *pointer[FACT_KIND_MAX];
	struct columns_room room[FACT_KIND_MAX] = {0};
	Tsujiban__V1__Bucket packed = TSUJIBAN__V1__BUCKET__INIT;
	packed.n_section = bucket->count;
	packed.section = pointer;
	packed.more = bucket->more;
	for (size_t i = 0; i < bucket->count; i++) {
		pack_section(&bucket->section[i], &room[i], &section[i]);
		pointer[i] = &section[i];
	}
	int rc = wire_pack(&packed.base, FRAME_PAYLOAD_MAX, out);
	for (size_t i = 0; i < bucket->count; i++)
		for (unsigned k = 0; k < FACT_FIELDS_MAX; k++)
			buf_fini(&room[i].buf[k]);
	return rc;
}

static int unpack_section(const Tsujiban__V1__SectionFacts *packed, struct arena *arena,
        struct section_facts *out, struct reason *out_why)
{
	enum fact_kind kind = (enum fact_kind)packed->kind;
	if (!section_is_synced(kind))
		return fail(out_why, ERR_FORMAT, "field 'kind' is unknown or out of order");
	if (packed->count > SECTION_FACTS_MAX || packed->n_column != fact_field_count(kind))
		return fail(out_why, ERR_FORMAT, "field 'count' or 'column' is out of range");
	out->kind = kind;
	out->count = packed->count;
	out->fact = arena_alloc_zeroed(arena, out->count + 1, sizeof(*out->fact));
	if (out->fact == NULL)
		return no_room(out_why);
	for (size_t i = 0; i < out->count; i++)
		out->fact[i].kind = kind;
	for (unsigned i = 0; i < packed->n_column; i++)
		if (columns_unpack(wire_slice(packed->column[i]), i, out->fact, out->count) < 0)
			return fail(out_why, ERR_FORMAT, "field 'column' is broken");
	return 0;
}

int wire_unpack_bucket(
        struct slice payload, struct arena *arena, struct bucket *out, struct reason *out_why)
{
	int rc;
	const Tsujiban__V1__Bucket *packed = wire_unpack(
	        &tsujiban__v1__bucket__descriptor, payload, arena, &rc, out_why);
	if (packed == NULL)
		return rc;
	rc = check_count(packed->n_section, out_why);
	if (rc != 0)
		return ERR_FORMAT;
	out->count = packed->n_section;
	out->more = packed->more;
	out->section = arena_alloc_zeroed(arena, out->count + 1, sizeof(*out->section));
	if (out->section == NULL)
		return no_room(out_why);
	for (size_t i = 0; rc == 0 && i < out->count; i++)
		rc = unpack_section(packed->section[i], arena, &out->section[i], out_why);
	return rc;
}
