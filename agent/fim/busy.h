/*
 * busy - paths that change all the time: until when the next reading of one is put off.
 *
 *	free ──more than per_minute readings in a minute──► busy, 10 s ──► 20 s ──► 40 s ──► 60 s
 *	  ▲                                                   │ each time it has changed meanwhile
 *	  └──────────── unchanged for as long again ◄─────────┘
 *
 * A path that is busy is read once at the end of each pause, if it has changed, and that reading
 * stands for all changes of the pause. The first change after a pause is not put off, and neither
 * is the first of a pause that is urgent (the path was deleted, say).
 *
 * Memory   BUSY_SLOTS paths by the hash of their name, 64 KiB; one more takes the place of that
 *          which was read longest ago, and is then free. So a path may be read too often, and two
 *          paths of one hash too seldom, but none is forgotten: what is put off, settle holds.
 *
 * Life     busy_new -> (busy_read | busy_until)* -> busy_free.
 * Thread   one. Time is passed in, in ms of any clock that does not go back.
 */
#ifndef TSUJIBAN_AGENT_FIM_BUSY_H
#define TSUJIBAN_AGENT_FIM_BUSY_H

#include <stdbool.h>
#include <stdint.h>

#define BUSY_SLOTS 2048

struct busy;

/* `per_minute`: readings of one path that are not too many; 0: no path is ever busy. */
struct busy *busy_new(uint32_t per_minute);
void busy_free(struct busy *busy);
/* The path with this hash is read now because it was seen to change. */
void busy_read(struct busy *busy, uint32_t hash, uint64_t now_ms);
/* When a change that was seen now may be read; 0: at once. */
uint64_t busy_until(const struct busy *busy, uint32_t hash, bool is_urgent, uint64_t now_ms);

#endif
