/*
 * wire_parts - the parts of an event: states, facts, the actor, what explains it.
 *
 * Packing fills rooms that the caller has on its stack; bytes are borrowed. NULL stands for a part
 * that is not there, in both directions.
 *
 * Errors   check: ERR_FORMAT or ERR_LIMIT with the field. take: ERR_LIMIT when the arena is full,
 *          ERR_FORMAT.
 * Thread   any; no state.
 */
#ifndef TSUJIBAN_COMMON_CODEC_WIRE_PARTS_H
#define TSUJIBAN_COMMON_CODEC_WIRE_PARTS_H

#include "common/codec/wire.h"
#include "common/codec/wire_protobuf.h"
#include "proto/tsujiban.pb-c.h"

struct fact_room {
	Tsujiban__V1__Fact fact;
	ProtobufCBinaryData field[FACT_FIELDS_MAX];
};

struct actor_room {
	Tsujiban__V1__Actor actor;
	ProtobufCBinaryData parent[ACTOR_PARENTS_MAX];
};

struct transaction_room {
	Tsujiban__V1__Transaction transaction;
	uint32_t events[EXPLAINED_MAX + 1];
};

int wire_state_check(const struct filestate *state, const char *name, struct reason *out_why);
int wire_fact_check(const struct fact *fact, const char *name, struct reason *out_why);
int wire_actor_check(const struct actor *actor, struct reason *out_why);
int wire_explained_check(const struct explained *explained, struct reason *out_why);
int wire_transaction_check(const struct transaction *transaction, struct reason *out_why);

Tsujiban__V1__FileState *wire_state_part(
        const struct filestate *state, Tsujiban__V1__FileState *room);
Tsujiban__V1__Fact *wire_fact_part(const struct fact *fact, struct fact_room *room);
Tsujiban__V1__Actor *wire_actor_part(const struct actor *actor, struct actor_room *room);
Tsujiban__V1__Explained *wire_explained_part(
        const struct explained *explained, Tsujiban__V1__Explained *room);
Tsujiban__V1__Transaction *wire_transaction_part(
        const struct transaction *transaction, struct transaction_room *room);

int wire_state_take(const Tsujiban__V1__FileState *part, const char *name, struct arena *arena,
        const struct filestate **out, struct reason *out_why);
int wire_fact_take(const Tsujiban__V1__Fact *part, const char *name, struct arena *arena,
        const struct fact **out, struct reason *out_why);
int wire_actor_take(const Tsujiban__V1__Actor *part, struct arena *arena, const struct actor **out,
        struct reason *out_why);
int wire_explained_take(const Tsujiban__V1__Explained *part, struct arena *arena,
        const struct explained **out, struct reason *out_why);
int wire_transaction_take(const Tsujiban__V1__Transaction *part, struct arena *arena,
        const struct transaction **out, struct reason *out_why);

#endif
