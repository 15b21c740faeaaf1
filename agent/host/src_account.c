/*
 * Users and groups, as /etc/passwd and /etc/group have them: those of a directory (LDAP) are none
 * of the host's own.
 */
#include <errno.h>
#include <stdlib.h>

#include "agent/host/account_text.h"
#include "agent/source/hostfile.h"
#include "agent/host/sources.h"
#include "common/base/text.h"

#define FILE_BYTES_MAX     (16u << 20)
#define SHADOW_BYTES_USUAL (256u << 10)
#define SCRATCH_BYTES_MAX  (64u << 20)
#define MEMBERS_MAX        4096
#define CUT_MARK           ",..."

/* Of one reading. */
struct accounts {
	struct arena *arena;
	struct slice *locked; /* names, in byte order */
	size_t locked_count;
	struct fact_list found; /* to be put in order */
};

static int by_slice(const void *a, const void *b)
{
	return slice_compare(*(const struct slice *)a, *(const struct slice *)b);
}

static int compare_names(const struct fact *a, const struct fact *b)
{
	return a->kind != b->kind ? (a->kind > b->kind) - (a->kind < b->kind)
	                          : slice_compare(a->field[0], b->field[0]);
}

/* Equal names in the order of the file, which is that of the array they stand in. */
static int by_name(const void *a, const void *b)
{
	const struct fact *const *left = a, *const *right = b;
	int order = compare_names(*left, *right);
	return order ? order : (*left > *right) - (*left < *right);
}

/* Of several lines with one name the C library takes the first. */
static int give_out(const struct accounts *accounts, struct fact_list *out)
{
	size_t count = accounts->found.count;
	const struct fact **sorted = arena_alloc(accounts->arena, (count + 1) * sizeof(*sorted));
	int rc = sorted ? 0 : ERR_LIMIT;
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < count; i++)
		sorted[i] = &accounts->found.fact[i];
	qsort(sorted, count, sizeof(*sorted), by_name);
	for (size_t i = 0; rc == 0 && i < count; i++)
		if (i == 0 || compare_names(sorted[i - 1], sorted[i]) != 0)
			rc = fact_list_add(out, sorted[i]);
	return rc;
}

/* --- users ------------------------------------------------------------------------------------ */

static int note_locked(struct accounts *accounts, struct slice text)
{
	struct slice name, rest = text;
	bool is_locked = false;
	size_t lines = 0;
	while (account_take_shadow(&rest, &name, &is_locked))
		lines++;
	accounts->locked = arena_alloc(accounts->arena, (lines + 1) * sizeof(name));
	if (!accounts->locked)
		return ERR_LIMIT;
	while (account_take_shadow(&text, &name, &is_locked)) {
		struct slice copy = is_locked ? arena_copy(accounts->arena, name) : name;
		if (!copy.ptr)
			return ERR_LIMIT;
		if (is_locked)
			accounts->locked[accounts->locked_count++] = copy;
	}
	qsort(accounts->locked, accounts->locked_count, sizeof(name), by_slice);
	return 0;
}

/* The digests do not stay in memory; with room from the first, growing leaves none behind. */
static int read_shadow(const char *root, struct accounts *accounts, struct reason *out_why)
{
	struct buf text = BUF_INIT;
	buf_reserve(&text, SHADOW_BYTES_USUAL);
	int rc = hostfile_read(root, "/etc/shadow", FILE_BYTES_MAX, &text);
	if (rc == 0)
		rc = note_locked(accounts, buf_slice(&text));
	else
		rc = hostfile_is_complaint(rc) ? hostfile_complain(rc, "/etc/shadow", out_why) : 0;
	if (text.cap > 0)
		explicit_bzero(text.data, text.cap);
	buf_fini(&text);
	return rc;
}

/* "locked" is of the password alone: whoever has a key for sshd(8) still gets the shell. */
static const char *login_of(const struct accounts *accounts, const struct account_user *user)
{
	if (!account_shell_lets_in(user->shell))
		return "no";
	bool is_locked = accounts->locked_count > 0 &&
	                 bsearch(&user->name, accounts->locked, accounts->locked_count,
	                         sizeof(user->name), by_slice);
	return is_locked ? "locked" : "yes";
}

static int add_users(struct accounts *accounts, struct slice text)
{
	struct account_user user;
	int rc = 0;
	while (rc == 0 && account_take_user(&text, &user)) {
		struct fact fact = {.kind = FACT_USER};
		fact.field[USER_NAME] = user.name;
		fact.field[USER_UID] = user.uid;
		fact.field[USER_GID] = user.gid;
		fact.field[USER_HOME] = user.home;
		fact.field[USER_SHELL] = user.shell;
		fact.field[USER_LOGIN] = slice_text(login_of(accounts, &user));
		if (fact_is_valid(&fact))
			rc = fact_list_add(&accounts->found, &fact);
	}
	return rc;
}

/* --- groups ----------------------------------------------------------------------------------- */

/* In order, each once; what does not fit into a field is cut behind a name. */
static void join_members(struct slice members, struct buf *out)
{
	struct slice name[MEMBERS_MAX];
	size_t count = 0;
	bool is_more = members.len > 0;
	while (is_more && count < MEMBERS_MAX) {
		is_more = text_split(members, ',', &name[count], &members);
		if (!is_more)
			name[count] = members;
		name[count] = text_trim(name[count]);
		count += name[count].len > 0;
	}
	if (count > 0)
		qsort(name, count, sizeof(name[0]), by_slice);
	for (size_t i = 0; i < count; i++) {
		if (i > 0 && slice_equal(name[i - 1], name[i]))
			continue;
		if (out->len + 1 + name[i].len + sizeof(CUT_MARK) > FACT_FIELD_BYTES) {
			buf_append_text(out, CUT_MARK);
			return;
		}
		if (out->len > 0)
			buf_append_byte(out, ',');
		buf_append_slice(out, name[i]);
	}
}

static int add_groups(struct accounts *accounts, struct slice text)
{
	struct account_group group;
	struct buf members = BUF_INIT;
	int rc = 0;
	while (rc == 0 && account_take_group(&text, &group)) {
		struct fact fact = {.kind = FACT_GROUP};
		buf_reset(&members);
		join_members(group.members, &members);
		fact.field[GROUP_NAME] = group.name;
		fact.field[GROUP_GID] = group.gid;
		fact.field[GROUP_MEMBERS] = buf_slice(&members);
		if (fact_is_valid(&fact))
			rc = fact_list_add(&accounts->found, &fact);
	}
	buf_fini(&members);
	return rc;
}

/* --- both ------------------------------------------------------------------------------------- */

static int read_lines(const char *root, const char *path, struct accounts *accounts,
        int (*add)(struct accounts *accounts, struct slice text), struct reason *out_why)
{
	struct buf text = BUF_INIT;
	int rc = hostfile_read(root, path, FILE_BYTES_MAX, &text);
	if (rc == 0)
		rc = add(accounts, buf_slice(&text));
	else if (rc != ERR_LIMIT)
		rc = hostfile_is_complaint(rc) ? hostfile_complain(rc, path, out_why) : 0;
	buf_fini(&text);
	return rc;
}

int src_account_read(const char *root, struct fact_list *out, struct reason *out_why)
{
	struct accounts accounts = {.arena = arena_new(SCRATCH_BYTES_MAX)};
	accounts.found.arena = accounts.arena;
	int rc = read_shadow(root, &accounts, out_why);
	if (rc == 0)
		rc = read_lines(root, "/etc/passwd", &accounts, add_users, out_why);
	if (rc == 0)
		rc = read_lines(root, "/etc/group", &accounts, add_groups, out_why);
	if (rc == 0)
		rc = give_out(&accounts, out);
	arena_free(accounts.arena);
	if (rc == ERR_LIMIT)
		fail(out_why, rc, "cannot read users and groups: there are too many");
	return rc;
}
