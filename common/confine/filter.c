#include <errno.h>
#include <malloc.h>
#include <seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/confine/confine_private.h"
#include "common/confine/profile.h"

static const struct profile *const PROFILES[] = {
        [CONFINE_READER] = &PROFILE_READER,
        [CONFINE_SENDER] = &PROFILE_SENDER,
        [CONFINE_STARTER] = &PROFILE_STARTER,
        [CONFINE_COLLECTOR] = &PROFILE_COLLECTOR,
};

/* --- what happens to the rest ----------------------------------------------------------------- */

static void on_missing(int signum, siginfo_t *info, void *context)
{
	(void)signum, (void)context;
	char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, info->si_syscall);
	log_error("the profile lacks system call %s (%d)", name ? name : "?", info->si_syscall);
	_exit(128 + SIGSYS);
}

static uint32_t action_for_the_rest(struct confine_notes *notes)
{
	const char *wanted = getenv("TSUJIBAN_SECCOMP");
	if (wanted && strcmp(wanted, "log") == 0) {
		confine_note_on(notes, "seccomp that only logs (TSUJIBAN_SECCOMP)");
		return SCMP_ACT_LOG;
	}
	if (wanted && strcmp(wanted, "trap") == 0) {
		struct sigaction action = {.sa_sigaction = on_missing, .sa_flags = SA_SIGINFO};
		sigaction(SIGSYS, &action, NULL);
		confine_note_on(notes, "seccomp that traps (TSUJIBAN_SECCOMP)");
		return SCMP_ACT_TRAP;
	}
	confine_note_on(notes, "seccomp");
	return SCMP_ACT_KILL_PROCESS;
}

/* --- the filter ------------------------------------------------------------------------------- */

static int add_row(scmp_filter_ctx filter, uint32_t rest, const struct profile_row *row)
{
	struct scmp_arg_cmp tests[PROFILE_TESTS];
	unsigned count = 0;
	int number = seccomp_syscall_resolve_name(row->name);
	if (number == __NR_SCMP_ERROR)
		return 0;
	while (count < PROFILE_TESTS && row->test[count].argument) {
		const struct profile_test *test = &row->test[count];
		tests[count++] = (struct scmp_arg_cmp){.arg = test->argument - 1,
		        .op = SCMP_CMP_MASKED_EQ,
		        .datum_a = test->mask,
		        .datum_b = test->value};
	}
	uint32_t action = row->refusal ? SCMP_ACT_ERRNO((uint32_t)row->refusal) : SCMP_ACT_ALLOW;
	if (action == rest)
		return 0;
	int rc = seccomp_rule_add_array(filter, action, number, count, tests);
	/* Two tables may say the same; a number below 0 is of another machine. */
	return rc == -EEXIST || number < 0 ? 0 : rc;
}

static int add_rows(scmp_filter_ctx filter, uint32_t rest, const struct profile *profile,
        struct reason *out_why)
{
	for (const struct profile_row *const *table = profile->tables; *table; table++) {
		for (const struct profile_row *row = *table; row->name; row++) {
			int rc = add_row(filter, rest, row);
			if (rc < 0)
				return fail(out_why, rc, "cannot filter system call '%s': %s",
				        row->name, err_text(rc));
		}
	}
	return 0;
}

static int load(scmp_filter_ctx filter, struct reason *out_why)
{
	/* All threads; calls by numbers of another architecture end the process too. */
	int rc = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (rc == 0)
		rc = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	if (rc == 0)
		(void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a search tree */
	if (rc == 0)
		rc = seccomp_load(filter);
	if (rc < 0)
		return fail(out_why, rc,
		        "cannot put on the filter of system calls: %s ('confine: off' goes "
		        "without)",
		        err_text(rc));
	return 0;
}

int confine_calls(enum confine_profile profile, struct confine_notes *notes, struct reason *out_why)
{
	uint32_t rest = action_for_the_rest(notes);
	scmp_filter_ctx filter = seccomp_init(rest);
	if (!filter)
		return fail(out_why, -ENOMEM, "cannot make a filter of system calls");
	int rc = add_rows(filter, rest, PROFILES[profile], out_why);
	if (rc == 0)
		rc = load(filter, out_why);
	seccomp_release(filter);
	malloc_trim(0); /* the tree of rules was large, and this process lives long */
	return rc;
}

size_t confine_count_calls(enum confine_profile profile)
{
	size_t count = 0;
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	for (const struct profile_row *const *table = PROFILES[profile]->tables; *table; table++)
		for (const struct profile_row *row = *table; row->name; row++)
			if (!row->refusal && seccomp_syscall_resolve_name(row->name) >= 0)
				count++;
	seccomp_release(filter);
	return count;
}
