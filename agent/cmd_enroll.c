#include "agent/cmd_enroll.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "agent/enroll/enroll_settings.h"
#include "agent/identity/identity.h"
#include "common/base/clock.h"
#include "common/codec/option.h"
#include "common/codec/program.h"
#include "common/io/owner.h"

#define PROGRAM "tsujiban-agent"

/* --- around the enrolment -------------------------------------------------------------------- */

static bool is_enrolled(const char *dir)
{
	struct identity identity;
	bool is_valid = identity_load(dir, &identity, NULL) == 0 &&
	                identity.cert.not_after_ns > clock_wall_ns();
	identity_fini(&identity);
	return is_valid;
}

/* The token is used up; what it stood in has done its work. */
static int remove_secret(const char *file, struct reason *out_why)
{
	if (file && unlink(file) < 0 && errno != ENOENT)
		return fail(out_why, -errno, "enrolled, but cannot remove '%s': %s", file,
		        err_text(-errno));
	return 0;
}

static int carry_out(const struct enroll_settings *settings, bool removes, struct reason *out_why)
{
	const char *dir = settings->options.dir;
	struct buf name = BUF_INIT;
	int rc = owner_become(dir, out_why);
	if (rc == 0)
		rc = enroll(&settings->options, &name, out_why);
	if (rc == 0)
		rc = owner_root_again(out_why);
	if (rc == 0 && removes)
		rc = remove_secret(settings->secret_file, out_why);
	if (rc == 0)
		printf("enrolled as '%s', key and certificate are in '%s'\n", buf_text(&name), dir);
	buf_fini(&name);
	return rc;
}

/* --- the command ----------------------------------------------------------------------------- */

static void print_help(const struct option_row *rows)
{
	struct buf keys = BUF_INIT;
	option_print_help("tsujiban-agent enroll --collector HOST:PORT --token T --ca-fingerprint "
	                  "sha256:HEX [--dir STATE_DIR] [--name NAME]\n"
	                  "       tsujiban-agent enroll --from FILE",
	        "Makes a key on this host and fetches a certificate for it, once. What no option "
	        "says\ncomes from $TSUJIBAN_ENROLL_COLLECTOR, _TOKEN, _TOKEN_FILE, "
	        "_CA_FINGERPRINT, _DIR and\n_NAME, and then from the file.",
	        rows);
	config_describe(ENROLL_FILE, &keys);
	printf("\nKeys of the file:\n%s", buf_text(&keys));
	buf_fini(&keys);
}

int command_enroll(int argc, char **argv)
{
	struct enroll_settings settings = {0};
	struct enroll_options *options = &settings.options;
	bool help, if_needed = false, removes = false;
	struct reason why;
	const struct option_row rows[] = {
	        {.name = "from",
	                .value = "FILE",
	                .out_text = &settings.from,
	                .help = "what no option and no variable says"},
	        {.name = "collector",
	                .value = "HOST:PORT",
	                .out_text = &options->collector,
	                .help = "where the collector listens for agents"},
	        {.name = "token",
	                .value = "T",
	                .out_text = &options->token,
	                .help = "from `tsujiban token create`"},
	        {.name = "token-file",
	                .value = "FILE",
	                .out_text = &settings.token_file,
	                .help = "file that has the token"},
	        {.name = "ca-fingerprint",
	                .value = "sha256:HEX",
	                .out_text = &options->ca_fingerprint,
	                .help = "of the collector's CA, printed with the token"},
	        {.name = "dir",
	                .value = "STATE_DIR",
	                .out_text = &options->dir,
	                .help = "where key and certificate go (" STATE_DEFAULT_DIR ")"},
	        {.name = "name",
	                .value = "NAME",
	                .out_text = &options->name,
	                .help = "instead of the host's name"},
	        {.name = "if-needed",
	                .out_flag = &if_needed,
	                .help = "a host that is enrolled already is no failure"},
	        {.name = "remove",
	                .out_flag = &removes,
	                .help = "afterwards, the file that had the token"},
	        {0},
	};
	int rc = option_parse(argc, argv, rows, NULL, 0, &help, &why);
	if (rc == 0 && help) {
		print_help(rows);
		return 0;
	}
	if (rc == 0)
		rc = enroll_settings_load(&settings, &why);
	if ((rc == 0 || rc == -ENOENT) && if_needed && is_enrolled(options->dir)) {
		enroll_settings_fini(&settings); /* --remove may have taken file and token */
		return 0;
	}
	if (rc == 0)
		rc = enroll_settings_complete(&settings, &why);
	if (rc == 0)
		rc = carry_out(&settings, removes, &why);
	enroll_settings_fini(&settings);
	return rc < 0 ? program_complain(PROGRAM, rc, &why) : 0;
}
