/* tsujiban-collector: takes what agents send, stores and indexes it, answers questions. See
 * README.md. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/cmd_renew.h"
#include "collector/config.h"
#include "collector/confinement.h"
#include "collector/init.h"
#include "collector/pipeline.h"
#include "common/base/log.h"
#include "common/codec/option.h"
#include "common/codec/program.h"
#include "common/io/loop.h"
#include "common/io/service.h"

#define PROGRAM            "tsujiban-collector"
#define CONFIG_ARENA_BYTES (1u << 20)

static int complain(int code, const struct reason *why)
{
	return program_complain(PROGRAM, code, why);
}

/* --- init ------------------------------------------------------------------------------------ */

static void print_next_steps(const char *dir, const char *api)
{
	printf("made a collector in '%s'\n\n"
	       "next:\n"
	       "  tsujiban-collector run --config %s/collector.yaml\n"
	       "  tsujiban --server %s --ca %s/ca.crt --token-file %s/admin.token "
	       "token create\n",
	        dir, dir, api ? api : "127.0.0.1:7444", dir, dir);
}

static int command_init(int argc, char **argv)
{
	struct init_options options = {0};
	bool help, if_needed = false;
	struct reason why;
	const struct option_row rows[] = {
	        {.name = "dir",
	                .value = "DIR",
	                .out_text = &options.dir,
	                .required = true,
	                .help = "made when absent"},
	        {.name = "listen",
	                .value = "ADDR:PORT",
	                .out_text = &options.listen,
	                .help = "default 0.0.0.0:7443"},
	        {.name = "api",
	                .value = "ADDR:PORT",
	                .out_text = &options.api,
	                .help = "default 127.0.0.1:7444"},
	        {.name = "name",
	                .value = "DNS-OR-IP",
	                .out_list = &options.names,
	                .help = "by which agents and operators reach it"},
	        {.name = "if-needed",
	                .out_flag = &if_needed,
	                .help = "a directory that is complete already is no failure"},
	        {0},
	};
	int rc = option_parse(argc, argv, rows, NULL, 0, &help, &why);
	if (rc == 0 && help) {
		option_print_help(
		        "tsujiban-collector init --dir DIR [--listen ADDR:PORT] [--api ADDR:PORT] "
		        "[--name DNS-OR-IP]...",
		        "Makes CA, server certificate, admin token, empty store and "
		        "collector.yaml.",
		        rows);
		return 0;
	}
	if (rc == 0)
		rc = init_collector(&options, &why);
	if (rc == ERR_EXISTS && if_needed)
		return 0;
	if (rc == 0)
		print_next_steps(options.dir, options.api);
	return rc < 0 ? complain(rc, &why) : 0;
}

/* --- run ------------------------------------------------------------------------------------- */

struct running {
	struct loop *loop;
	struct service *service; /* NULL: no service manager asked */
};

static void on_signal(void *ctx, const struct signal_origin *origin)
{
	const struct running *running = ctx;
	log_info("stopping signal=%d from_pid=%d from_uid=%u", origin->signum, origin->pid,
	        origin->uid);
	service_tell(running->service, "STOPPING=1");
	loop_stop(running->loop);
}

static int answer(struct running *running, const struct collector_config *config,
        struct confine_notes *confined, struct reason *out_why)
{
	struct pipeline *pipeline = NULL;
	struct loop *loop = running->loop;
	struct signal_watch *interrupt = signal_watch_new(loop, SIGINT, on_signal, running);
	struct signal_watch *terminate = signal_watch_new(loop, SIGTERM, on_signal, running);
	log_info("tsujiban-collector " TSUJIBAN_VERSION " dir=%s", config->dir);
	int rc = pipeline_new(loop, config, confined, running->service, &pipeline, out_why);
	if (rc == 0)
		rc = confinement_complete(config, confined, out_why);
	if (rc == 0) {
		service_tell(running->service, "READY=1\nSTATUS=answers");
		loop_run(loop);
	}
	pipeline_free(pipeline);
	signal_watch_free(interrupt);
	signal_watch_free(terminate);
	return rc;
}

static int run(const struct collector_config *config, struct reason *out_why)
{
	struct running running = {.service = service_open()};
	struct confine_notes confined = {0};
	int rc = confinement_begin(config, &confined, out_why);
	if (rc == 0) {
		running.loop = loop_new();
		rc = answer(&running, config, &confined, out_why);
		loop_free(running.loop);
	}
	service_close(running.service);
	return rc;
}

/* Both commands begin with the file. Returns what main returns; `*out_rc` 0: go on with the
 * configuration. */
static int load(int argc, char **argv, const char *synopsis, const char *about, struct arena *arena,
        struct collector_config *out, bool *out_go_on)
{
	const char *file = NULL;
	bool help, verbose = false;
	struct reason why;
	const struct option_row rows[] = {
	        {.name = "config",
	                .value = "FILE",
	                .out_text = &file,
	                .required = true,
	                .help = "collector.yaml"},
	        {.name = "verbose", .out_flag = &verbose, .help = "more in the log"},
	        {0},
	};
	*out_go_on = false;
	int rc = option_parse(argc, argv, rows, NULL, 0, &help, &why);
	if (rc == 0 && help) {
		struct buf keys = BUF_INIT;
		option_print_help(synopsis, about, rows);
		config_describe(COLLECTOR_CONFIG, &keys);
		printf("\nKeys of the file:\n%s", buf_text(&keys));
		buf_fini(&keys);
		return 0;
	}
	if (rc < 0)
		return complain(rc, &why);
	if (verbose)
		log_set_level(LOG_LEVEL_DEBUG);
	if (collector_config_load(file, arena, out, &why) < 0)
		return complain(ERR_FORMAT, &why);
	*out_go_on = true;
	return 0;
}

static int command_run(int argc, char **argv)
{
	struct collector_config config;
	struct reason why;
	bool go_on;
	struct arena *arena = arena_new(CONFIG_ARENA_BYTES);
	int code = load(argc, argv, "tsujiban-collector run --config FILE",
	        "Takes batches from agents and answers the API, until SIGTERM or SIGINT.", arena,
	        &config, &go_on);
	if (go_on && run(&config, &why) < 0)
		code = complain(ERR_FORMAT, &why);
	arena_free(arena);
	return code;
}

static int command_check(int argc, char **argv)
{
	struct collector_config config;
	bool go_on;
	struct arena *arena = arena_new(CONFIG_ARENA_BYTES);
	int code = load(argc, argv, "tsujiban-collector check --config FILE",
	        "Says what is wrong with the configuration, or prints it with all defaults.", arena,
	        &config, &go_on);
	if (go_on) {
		struct buf text = BUF_INIT;
		config_print(COLLECTOR_CONFIG, &config, &text);
		fputs(buf_text(&text), stdout);
		buf_fini(&text);
	}
	arena_free(arena);
	return code;
}

/* --- commands -------------------------------------------------------------------------------- */

static const struct program_command COMMANDS[] = {
        {"init", command_init, "make a new collector's directory"},
        {"run", command_run, "take batches, answer questions"},
        {"renew", command_renew, "a new admin token, a certificate for further names"},
        {"check", command_check, "check a configuration"},
        {0},
};

int main(int argc, char **argv)
{
	return program_main(PROGRAM, COMMANDS, argc, argv);
}
