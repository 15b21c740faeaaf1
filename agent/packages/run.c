#include "agent/packages/run.h"

#include <time.h>

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "common/base/text.h"

#define WORDS_MAX      5
#define TIME_BYTES     20 /* "2026-11-26 21:06:39 " */
#define WORD_BYTES_MAX 4096

struct run *run_new(void)
{
	struct run *run = mem_new(sizeof(*run));
	run->arena = arena_new(RUN_BYTES_MAX);
	return run;
}

void run_free(struct run *run)
{
	if (!run)
		return;
	HASH_CLEAR(hh, run->packages);
	key_set_fini(&run->replaced);
	arena_free(run->arena);
	free(run);
}

/* Local time, as dpkg writes it. */
static bool take_time(struct slice *line, int64_t *out_ns)
{
	static const char FORM[] = "dddd-dd-dd dd:dd:dd ";
	unsigned number[6] = {0}, at = 0;
	if (line->len < TIME_BYTES)
		return false;
	for (size_t i = 0; i < TIME_BYTES; i++) {
		uint8_t c = line->ptr[i];
		if (FORM[i] == 'd' ? c < '0' || c > '9' : c != (uint8_t)FORM[i])
			return false;
		if (FORM[i] == 'd')
			number[at] = number[at] * 10 + (c - '0');
		else
			at++;
	}
	struct tm local = {
	        .tm_year = (int)number[0] - 1900,
	        .tm_mon = (int)number[1] - 1,
	        .tm_mday = (int)number[2],
	        .tm_hour = (int)number[3],
	        .tm_min = (int)number[4],
	        .tm_sec = (int)number[5],
	        .tm_isdst = -1,
	};
	time_t seconds = mktime(&local);
	if (seconds < 0 || seconds > INT64_MAX / NS_PER_S)
		return false;
	*line = slice_of(line->ptr + TIME_BYTES, line->len - TIME_BYTES);
	*out_ns = (int64_t)seconds * NS_PER_S;
	return true;
}

static size_t split_words(struct slice line, struct slice word[WORDS_MAX])
{
	size_t count = 0;
	struct slice head;
	while (count < WORDS_MAX - 1 && text_split(line, ' ', &head, &line))
		word[count++] = head;
	word[count++] = line;
	return count;
}

static bool is_none(struct slice version)
{
	return version.len == 0 || slice_is(version, "<none>");
}

static struct run_package *find_or_add(struct run *run, struct slice id)
{
	struct run_package *package;
	struct slice arch;
	HASH_FIND(hh, run->packages, id.ptr, id.len, package);
	if (package)
		return package;
	package = arena_alloc_zeroed(run->arena, 1, sizeof(*package));
	id = arena_copy(run->arena, id);
	if (!package || !id.ptr)
		return NULL;
	package->id = package->name = id;
	text_split(id, ':', &package->name, &arch);
	HASH_ADD_KEYPTR(hh, run->packages, package->id.ptr, package->id.len, package);
	return package;
}

static int keep_version(struct run *run, struct slice version, struct slice *out)
{
	if (is_none(version))
		return 0;
	*out = arena_copy(run->arena, version);
	return out->ptr ? 0 : ERR_LIMIT;
}

static int note_act(
        struct run *run, unsigned act, struct slice id, struct slice old, struct slice new)
{
	struct run_package *package = find_or_add(run, id);
	if (!package)
		return ERR_LIMIT;
	package->acts |= act;
	int rc = 0;
	if (!package->old_version.ptr && (act & RUN_UNPACKED))
		rc = keep_version(run, old, &package->old_version);
	/* "configure P VERSION <none>": the one that is there. */
	struct slice last = is_none(new) ? old : new;
	return rc < 0 || act == RUN_MENTIONED ? rc : keep_version(run, last, &package->version);
}

int run_note(struct run *run, unsigned act, struct slice id, struct slice name, struct slice old,
        struct slice new, const struct run_package **out)
{
	struct run_package *package = find_or_add(run, id);
	if (!package)
		return ERR_LIMIT;
	package->acts |= act;
	package->name = arena_copy(run->arena, name);
	int rc = package->name.ptr ? 0 : ERR_LIMIT;
	if (rc == 0 && !package->old_version.ptr)
		rc = keep_version(run, old, &package->old_version);
	if (rc == 0)
		rc = keep_version(run, new, &package->version);
	if (rc == 0 && !package->version.ptr)
		rc = keep_version(run, old, &package->version);
	*out = package;
	return rc;
}

static unsigned act_of(struct slice word)
{
	static const struct {
		const char *word;
		unsigned act;
	} ACTS[] = {
	        {"install", RUN_INSTALLED},
	        {"upgrade", RUN_UPGRADED},
	        {"remove", RUN_REMOVED},
	        {"purge", RUN_REMOVED},
	        {"disappear", RUN_REMOVED},
	        {"configure", RUN_CONFIGURED},
	        {"trigproc", RUN_TRIGGERED},
	};
	for (size_t i = 0; i < sizeof(ACTS) / sizeof(ACTS[0]); i++)
		if (slice_is(word, ACTS[i].word))
			return ACTS[i].act;
	return 0;
}

/* "conffile FILE install": the name may have spaces. */
static void take_conffile(struct run *run, struct slice rest)
{
	static const char INSTALL[] = " install";
	size_t len = sizeof(INSTALL) - 1;
	if (rest.len <= len || memcmp(rest.ptr + rest.len - len, INSTALL, len) != 0)
		return;
	key_set_add(&run->replaced, key_of(slice_of(rest.ptr, rest.len - len)));
}

static int take_line(struct run *run, struct slice line)
{
	struct slice word[WORDS_MAX], first, rest, none = {0};
	int64_t time_ns;
	if (line.len > WORD_BYTES_MAX || !take_time(&line, &time_ns) || time_ns < run->since_ns)
		return 0;
	if (run->began_ns == 0)
		run->began_ns = time_ns;
	if (text_split(line, ' ', &first, &rest) && slice_is(first, "conffile")) {
		take_conffile(run, rest);
		return 0;
	}
	size_t count = split_words(line, word);
	unsigned act = act_of(word[0]);
	if (act && count == 4 && word[1].len > 0)
		return note_act(run, act, word[1], word[2], word[3]);
	if (slice_is(word[0], "status") && count == 4 && word[2].len > 0)
		return note_act(run, RUN_MENTIONED, word[2], none, none);
	return 0;
}

int run_take(struct run *run, struct slice log, struct reason *out_why)
{
	struct slice line;
	while (text_take_line(&log, &line)) {
		if (take_line(run, line) < 0)
			return fail(out_why, ERR_LIMIT,
			        "cannot keep what dpkg did: its log tells of too much");
	}
	return 0;
}

void run_seal(struct run *run)
{
	key_set_seal(&run->replaced);
}

bool run_did_anything(const struct run *run)
{
	return run_count(run, RUN_UNPACKED | RUN_CONFIGURED | RUN_TRIGGERED) > 0;
}

struct run_package *run_find(const struct run *run, struct slice id)
{
	struct run_package *package;
	HASH_FIND(hh, run->packages, id.ptr, id.len, package);
	return package;
}

struct run_package *run_find_name(const struct run *run, struct slice name)
{
	struct run_package *package = run->packages;
	while (package && !slice_equal(package->name, name))
		package = package->hh.next;
	return package;
}

uint32_t run_count(const struct run *run, unsigned acts)
{
	uint32_t count = 0;
	for (const struct run_package *package = run->packages; package; package = package->hh.next)
		count += (package->acts & acts) != 0;
	return count;
}
