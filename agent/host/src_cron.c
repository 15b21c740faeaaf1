/*
 * What cron and anacron are to run.
 *
 * A command is told as its file has it, and may hold what should not stand there (a password in a
 * URL): whoever may ask for facts sees it. Behind COMMAND_BYTES it is cut.
 */
#include <errno.h>

#include "agent/host/cron_text.h"
#include "agent/source/hostfile.h"
#include "agent/host/sources.h"
#include "common/base/text.h"

#define SCRATCH_BYTES_MAX (32u << 20)
#define FILE_BYTES_MAX    (1u << 20)
#define ENTRIES_MAX       4096 /* of one file */
#define COMMAND_BYTES     1024

/* Of one reading. */
struct reading {
	const char *root;
	struct arena *arena;
	bool is_debian; /* its cron and run-parts: see cron_runs_name */
	struct fact_list *out;
	struct reason *out_why;
	bool is_partial; /* something could not be read, and `out_why` says what */
};

/* --- facts ------------------------------------------------------------------------------------ */

/* Not within a character. */
static struct slice cut_command(struct slice command)
{
	if (command.len <= COMMAND_BYTES)
		return command;
	size_t len = COMMAND_BYTES;
	while (len > COMMAND_BYTES - 4 && (command.ptr[len] & 0xc0) == 0x80)
		len--;
	return slice_of(command.ptr, len);
}

static int add_entry(const struct reading *reading, const char *file, struct slice schedule,
        struct slice user, struct slice command)
{
	struct fact fact = {.kind = FACT_CRON};
	fact.field[CRON_FILE] = slice_text(file);
	fact.field[CRON_SCHEDULE] = schedule;
	fact.field[CRON_USER] = user;
	fact.field[CRON_COMMAND] = cut_command(command);
	return fact_is_valid(&fact) ? fact_list_add(reading->out, &fact) : 0;
}

/* `user`: whose it is when its lines do not say. */
static int add_file(
        struct reading *reading, const char *path, enum cron_form form, const char *user)
{
	struct buf text = BUF_INIT, schedule = BUF_INIT;
	struct cron_line line;
	size_t count = 0;
	int rc = hostfile_read(reading->root, path, FILE_BYTES_MAX, &text);
	/* What is no file in a directory of crontabs is none of cron's. */
	if (rc < 0 && rc != -EINVAL && rc != -ELOOP)
		rc = hostfile_note(rc, path, &reading->is_partial, reading->out_why);
	else if (rc < 0)
		rc = 0;
	struct slice rest = buf_slice(&text);
	while (rc == 0 && count++ < ENTRIES_MAX && cron_take(&rest, form, &schedule, &line))
		rc = add_entry(reading, path, buf_slice(&schedule),
		        line.user.len > 0 ? line.user : slice_text(user), line.command);
	buf_fini(&text);
	buf_fini(&schedule);
	return rc;
}

/* --- directories ------------------------------------------------------------------------------ */

static int list(struct reading *reading, const char *dir, struct host_names *names)
{
	int rc = hostfile_list(reading->root, dir, reading->arena, names);
	return rc < 0 ? hostfile_note(rc, dir, &reading->is_partial, reading->out_why) : 0;
}

static int add_system_dir(struct reading *reading, const char *dir)
{
	struct host_names names;
	struct buf path = BUF_INIT;
	int rc = list(reading, dir, &names);
	for (size_t i = 0; rc == 0 && i < names.count; i++) {
		if (!cron_runs_name(names.name[i], reading->is_debian))
			continue;
		buf_reset(&path);
		buf_printf(&path, "%s/%s", dir, names.name[i]);
		rc = add_file(reading, buf_text(&path), CRON_OF_SYSTEM, "root");
	}
	buf_fini(&path);
	return rc;
}

/* Files named as their users. crontab(1) writes a new one beside it first ("tmp.XXXXXX"); busybox
 * leaves a note for its crond ("cron.update"). */
static int add_user_dir(struct reading *reading, const char *dir)
{
	struct host_names names;
	struct buf path = BUF_INIT;
	int rc = list(reading, dir, &names);
	for (size_t i = 0; rc == 0 && i < names.count; i++) {
		const char *user = names.name[i];
		if (user[0] == '.' || strncmp(user, "tmp.", 4) == 0 ||
		        strcmp(user, "cron.update") == 0)
			continue;
		buf_reset(&path);
		buf_printf(&path, "%s/%s", dir, user);
		rc = add_file(reading, buf_text(&path), CRON_OF_USER, user);
	}
	buf_fini(&path);
	return rc;
}

/* Programs that run-parts starts. */
static int add_parts_dir(struct reading *reading, const char *dir, const char *schedule)
{
	struct host_names names;
	struct buf path = BUF_INIT;
	struct stat info;
	int rc = list(reading, dir, &names);
	for (size_t i = 0; rc == 0 && i < names.count; i++) {
		buf_reset(&path);
		buf_printf(&path, "%s/%s", dir, names.name[i]);
		if (cron_runs_name(names.name[i], reading->is_debian) &&
		        hostfile_stat(reading->root, buf_text(&path), &info) == 0 &&
		        S_ISREG(info.st_mode) && info.st_mode & 0111)
			rc = add_entry(reading, buf_text(&path), slice_text(schedule),
			        slice_text("root"), buf_slice(&path));
	}
	buf_fini(&path);
	return rc;
}

static int read_all(struct reading *reading)
{
	static const struct {
		const char *dir, *schedule;
	} PARTS[] = {{"/etc/cron.hourly", "@hourly"}, {"/etc/cron.daily", "@daily"},
	        {"/etc/cron.weekly", "@weekly"}, {"/etc/cron.monthly", "@monthly"}};
	/* Of Debian; SUSE; Red Hat, where the others are not. */
	static const char *const USERS[] = {
	        "/var/spool/cron/crontabs", "/var/spool/cron/tabs", "/var/spool/cron"};
	int rc = add_file(reading, "/etc/crontab", CRON_OF_SYSTEM, "root");
	if (rc == 0)
		rc = add_file(reading, "/etc/anacrontab", CRON_OF_ANACRON, "root");
	if (rc == 0)
		rc = add_system_dir(reading, "/etc/cron.d");
	for (size_t i = 0; rc == 0 && i < sizeof(USERS) / sizeof(USERS[0]); i++)
		rc = add_user_dir(reading, USERS[i]);
	for (size_t i = 0; rc == 0 && i < sizeof(PARTS) / sizeof(PARTS[0]); i++)
		rc = add_parts_dir(reading, PARTS[i].dir, PARTS[i].schedule);
	return rc;
}

int src_cron_read(const char *root, struct fact_list *out, struct reason *out_why)
{
	struct stat info;
	struct reading reading = {.root = root, .out = out, .out_why = out_why};
	reading.arena = arena_new(SCRATCH_BYTES_MAX);
	reading.is_debian = hostfile_stat(root, "/etc/debian_version", &info) == 0;
	int rc = read_all(&reading);
	arena_free(reading.arena);
	if (rc == ERR_LIMIT)
		fail(out_why, rc, "cannot read the crontabs: there are too many");
	return rc == 0 && reading.is_partial ? SOURCE_PARTIAL : rc;
}
