#include "agent/who/proc_status.h"

#include "common/base/text.h"

bool proc_id_parse(struct slice text, uint32_t *out_id)
{
	uint64_t id;
	if (!text_parse_u64(text_trim(text), UINT32_MAX, &id))
		return false;
	*out_id = (uint32_t)id;
	return true;
}

/* The second of "\tREAL\tEFFECTIVE\tSAVED\tFS". */
static bool parse_effective(struct slice ids, uint32_t *out)
{
	struct slice real, effective, rest;
	return text_split(text_trim(ids), '\t', &real, &rest) &&
	       text_split(rest, '\t', &effective, &rest) && proc_id_parse(effective, out);
}

bool proc_status_parse(struct slice text, uint32_t *out_uid, uint32_t *out_gid)
{
	struct slice line, key, ids;
	bool has_uid = false, has_gid = false;
	uint32_t uid = 0, gid = 0;
	while (!(has_uid && has_gid) && text_take_line(&text, &line)) {
		if (!text_split(line, ':', &key, &ids))
			continue;
		if (!has_uid && slice_is(key, "Uid"))
			has_uid = parse_effective(ids, &uid);
		else if (!has_gid && slice_is(key, "Gid"))
			has_gid = parse_effective(ids, &gid);
	}
	if (!has_uid || !has_gid)
		return false;
	*out_uid = uid;
	*out_gid = gid;
	return true;
}
