#include "collector/cmd_renew.h"

#include <stdio.h>

#include "collector/admin_token.h"
#include "collector/certificate.h"
#include "collector/config.h"
#include "common/codec/program.h"
#include "common/io/owner.h"

#define PROGRAM            "tsujiban-collector"
#define CONFIG_ARENA_BYTES (1u << 20)

struct wishes {
	const char *file;
	bool token;
	struct option_list names;
};

static int carry_out_token(const struct collector_config *config, struct reason *out_why)
{
	int rc = admin_token_make(config->dir, config->limits.store_gb << 30, out_why);
	if (rc == ERR_BUSY)
		return fail(out_why, rc,
		        "cannot renew the token of '%s' while its collector is running: stop it "
		        "first, agents wait that long",
		        config->dir);
	if (rc == 0)
		printf("the admin token in '%s/%s' is a new one; every other is refused from now "
		       "on\n",
		        config->dir, COLLECTOR_FILE_TOKEN);
	return rc;
}

static int carry_out_names(const struct collector_config *config, const struct option_list *asked,
        struct reason *out_why)
{
	static struct certificate_names names;
	int rc = certificate_renew(config->dir, asked, &names, out_why);
	if (rc < 0)
		return rc;
	printf("the certificate is for");
	for (size_t i = 0; i < names.count; i++)
		printf("%s %s", i > 0 ? "," : "", names.item[i]);
	printf(": from the collector's next start on\n");
	return 0;
}

static int carry_out(const struct wishes *wishes, struct reason *out_why)
{
	struct collector_config config;
	struct arena *arena = arena_new(CONFIG_ARENA_BYTES);
	int rc = collector_config_load(wishes->file, arena, &config, out_why);
	if (rc == 0)
		rc = owner_become(config.dir, out_why);
	if (rc == 0 && wishes->names.count > 0)
		rc = carry_out_names(&config, &wishes->names, out_why);
	if (rc == 0 && wishes->token)
		rc = carry_out_token(&config, out_why);
	arena_free(arena);
	return rc;
}

int command_renew(int argc, char **argv)
{
	struct wishes wishes = {0};
	struct reason why;
	bool help;
	const struct option_row rows[] = {
	        {.name = "config",
	                .value = "FILE",
	                .out_text = &wishes.file,
	                .required = true,
	                .help = "collector.yaml"},
	        {.name = "token",
	                .out_flag = &wishes.token,
	                .help = "a new admin token; while the collector is stopped"},
	        {.name = "name",
	                .value = "DNS-OR-IP",
	                .out_list = &wishes.names,
	                .help = "by which it is reached, besides those that its certificate has"},
	        {0},
	};
	int rc = option_parse(argc, argv, rows, NULL, 0, &help, &why);
	if (rc == 0 && help) {
		option_print_help("tsujiban-collector renew --config FILE [--token] "
		                  "[--name DNS-OR-IP]...",
		        "Makes the admin token anew, or the certificate for further names.", rows);
		return 0;
	}
	if (rc == 0 && !wishes.token && wishes.names.count == 0)
		rc = fail(&why, ERR_CONFIG, "nothing to renew: say --token, --name, or both");
	if (rc == 0)
		rc = carry_out(&wishes, &why);
	return rc < 0 ? program_complain(PROGRAM, rc, &why) : 0;
}
