/*
 * restate_scene - agents that show their facts to a collector, in process.
 */
#ifndef TSUJIBAN_TESTS_UNIT_COLLECTOR_INGEST_RESTATE_SCENE_H
#define TSUJIBAN_TESTS_UNIT_COLLECTOR_INGEST_RESTATE_SCENE_H

#include "fact_agent.h"

#include "common/base/mem.h"

#define SLOTS      4 /* restate.c's */
#define ROUNDS_MAX 5

static struct scene *scene;
static struct fact_agent web01;

static inline int begin(void **state)
{
	const struct fact facts[] = {user_of("root", "/bin/bash"), user_of("aiko", "/bin/zsh"),
	        module_of("ext4", "1"), module_of("xfs", "1"), module_of("btrfs", "1"),
	        module_of("nfs", "1")};
	int rc = set_up(state);

	if (rc < 0)
		return rc;
	scene = *state;
	agent_enrol(&web01, scene, "web01");
	agent_holds(&web01, facts, 6);
	return 0;
}

static inline int end(void **state)
{
	agent_fini(&web01);
	return tear_down(state);
}

static inline void open_fleet(struct fact_agent *fleet, size_t count)
{
	char name[16];

	for (size_t i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "db%02zu", i);
		agent_enrol(&fleet[i], scene, name);
		agent_holds(&fleet[i], web01.fact, web01.count);
		agent_connect(&fleet[i], scene);
		agent_is_asked_for_an_offer(&fleet[i]);
		agent_offers(&fleet[i]);
		if (i < SLOTS)
			agent_is_asked_for_buckets(&fleet[i]);
	}
}

static inline void close_fleet(struct fact_agent *fleet, size_t count)
{
	for (size_t i = 0; i < count; i++)
		agent_fini(&fleet[i]);
}

#endif
