/* tsujiban-agent: watches this host's files, reads its inventory, ships both. See README.md. */
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "agent/cmd_enroll.h"
#include "agent/config.h"
#include "agent/confinement.h"
#include "agent/life.h"
#include "agent/own_paths.h"
#include "agent/pipeline.h"
#include "agent/sender/launcher.h"
#include "agent/ship/half.h"
#include "agent/state/state.h"
#include "agent/status.h"
#include "common/base/log.h"
#include "common/codec/option.h"
#include "common/codec/program.h"
#include "common/io/file.h"
#include "common/io/loop.h"

#define PROGRAM            "tsujiban-agent"
#define CONFIG_ARENA_BYTES (8u << 20)
#define WORKERS            3 /* two read files, one commits */

static int complain(int code, const struct reason *why)
{
	return program_complain(PROGRAM, code, why);
}

/* --- run ------------------------------------------------------------------------------------- */

struct running {
	struct launcher *launcher;
	struct confine_notes confined;
	struct loop *loop;
	struct pipeline *pipeline;
	bool is_stopping;
	bool is_again; /* stopped in order to begin again */
	bool is_anew;  /* and to report everything in a new stream */
	bool is_alone; /* the half that sends cannot be started any more */
};

/* Who is asked twice goes at once. */
static void on_signal(void *ctx, const struct signal_origin *origin)
{
	struct running *running = ctx;
	if (running->is_stopping)
		loop_stop(running->loop);
	else
		pipeline_leave(running->pipeline, origin);
	running->is_stopping = true;
}

static void on_end(void *ctx, enum pipeline_end why)
{
	struct running *running = ctx;
	running->is_alone |= why == PIPELINE_ALONE;
	running->is_again |= why == PIPELINE_MOVED || why == PIPELINE_ANEW;
	running->is_anew |= why == PIPELINE_ANEW;
	loop_stop(running->loop);
}

/* One life of the pipeline on a loop of its own. */
static int run_once(struct running *running, struct state *state, const struct agent_config *config,
        struct reason *out_why)
{
	bool is_continued = running->is_again && !running->is_anew;
	running->is_again = running->is_anew = false;
	running->loop = loop_new();
	struct signal_watch *interrupt = signal_watch_new(
	        running->loop, SIGINT, on_signal, running);
	struct signal_watch *terminate = signal_watch_new(
	        running->loop, SIGTERM, on_signal, running);
	struct pipeline_options options = {
	        .config = config,
	        .launcher = running->launcher,
	        .confined = &running->confined,
	        .is_continued = is_continued,
	};
	running->pipeline = NULL;
	int rc = pipeline_new(
	        running->loop, state, &options, on_end, running, &running->pipeline, out_why);
	if (rc == 0)
		loop_run(running->loop);
	pipeline_stop(running->pipeline);
	signal_watch_free(interrupt);
	signal_watch_free(terminate);
	loop_free(running->loop);
	pipeline_free(running->pipeline);
	return rc;
}

static void be_frugal(void)
{
	mallopt(M_ARENA_MAX, 1);             /* what one thread gives back another can use */
	mallopt(M_MMAP_THRESHOLD, 64 << 10); /* larger pieces go back to the system at once */
}

static int run_on_state(
        struct running *running, const struct agent_config *config, struct reason *out_why)
{
	struct state_limits limits = {.spool_bytes = config->limits.spool_mb << 20};
	struct state *state;
	struct reason why;
	int rc = state_open(config->state_dir, &limits, &state, out_why);
	if (rc < 0)
		return rc;
	rc = confinement_of_reader(config, &running->confined, out_why);
	if (rc < 0)
		goto close_state;
	loop_set_workers(WORKERS);
	log_info("tsujiban-agent " TSUJIBAN_VERSION " state=%s collector=%s", config->state_dir,
	        config->collector);
	confine_log(&running->confined, "the half that reads");
	do {
		rc = run_once(running, state, config, out_why);
		if (rc == 0 && running->is_anew)
			rc = state_begin_anew(state, out_why);
	} while (rc == 0 && running->is_again && !running->is_stopping && !running->is_alone);
	if (running->is_stopping && life_end(state, &why) < 0)
		log_warn("%s", why.text);
close_state:
	state_close(state);
	if (rc == 0 && running->is_alone)
		rc = fail(out_why, ERR_CLOSED,
		        "cannot go on: the process that starts the half that sends is gone");
	return rc;
}

static int run(const struct agent_config *config, struct reason *out_why)
{
	struct running running = {0};
	char word[CONFINEMENT_WORD];
	int rc = confinement_word(config, word, out_why);
	if (rc == 0)
		rc = launcher_start(word, config->is_confined ? confinement_of_launcher : NULL,
		        &running.launcher, out_why);
	if (rc < 0)
		return rc;
	be_frugal();
	rc = run_on_state(&running, config, out_why);
	launcher_stop(running.launcher);
	return rc;
}

static int command_run(int argc, char **argv)
{
	const char *file = AGENT_CONFIG_FILE;
	bool help, verbose = false;
	struct reason why;
	const struct option_row rows[] = {
	        {.name = "config",
	                .value = "FILE",
	                .out_text = &file,
	                .help = "configuration (" AGENT_CONFIG_FILE ")"},
	        {.name = "verbose", .out_flag = &verbose, .help = "more in the log"},
	        {0},
	};
	int rc = option_parse(argc, argv, rows, NULL, 0, &help, &why);
	if (rc < 0)
		return complain(rc, &why);
	if (help) {
		option_print_help("tsujiban-agent run [--config FILE]",
		        "Watches, reads the inventory and ships both, until SIGTERM or SIGINT.",
		        rows);
		return 0;
	}
	if (verbose)
		log_set_level(LOG_LEVEL_DEBUG);
	struct agent_config config;
	struct arena *arena = arena_new(CONFIG_ARENA_BYTES);
	rc = agent_config_load(file, arena, &config, &why);
	if (rc == 0)
		rc = agent_config_find_collector(&config, arena, &why);
	if (rc == 0 && config.watches_self)
		rc = own_paths_find(&config, file, arena, &why);
	if (rc == 0)
		rc = run(&config, &why);
	arena_free(arena);
	return rc < 0 ? complain(rc == ERR_CONFIG ? ERR_FORMAT : rc, &why) : 0;
}

/* --- check ----------------------------------------------------------------------------------- */

/* Paths that are not there, or that this user may not read, are worth a word: both may be meant. */
static void mention_paths(const struct agent_config *config)
{
	const struct watch_config *watch = config->watch.item;
	for (size_t i = 0; i < config->watch.count; i++) {
		struct stat ignored;
		if (lstat(watch[i].path, &ignored) < 0)
			fprintf(stderr, "tsujiban-agent: note: watch path '%s': %s\n",
			        watch[i].path, err_text(-errno));
	}
}

static int command_check(int argc, char **argv)
{
	const char *file = AGENT_CONFIG_FILE;
	bool help;
	struct reason why;
	struct agent_config config;
	const struct option_row rows[] = {
	        {.name = "config",
	                .value = "FILE",
	                .out_text = &file,
	                .help = "configuration (" AGENT_CONFIG_FILE ")"},
	        {0},
	};
	int rc = option_parse(argc, argv, rows, NULL, 0, &help, &why);
	if (rc < 0)
		return complain(rc, &why);
	if (help) {
		struct buf keys = BUF_INIT;
		option_print_help("tsujiban-agent check [--config FILE]",
		        "Says what is wrong with the configuration, or prints it with all "
		        "defaults.",
		        rows);
		config_describe(AGENT_CONFIG, &keys);
		printf("\nKeys of the file:\n%s", buf_text(&keys));
		buf_fini(&keys);
		return 0;
	}
	struct arena *arena = arena_new(CONFIG_ARENA_BYTES);
	rc = agent_config_load(file, arena, &config, &why);
	if (rc == 0) {
		struct buf text = BUF_INIT;
		config_print(AGENT_CONFIG, &config, &text);
		fputs(buf_text(&text), stdout);
		buf_fini(&text);
		mention_paths(&config);
	}
	arena_free(arena);
	return rc < 0 ? complain(ERR_FORMAT, &why) : 0;
}

/* --- status ---------------------------------------------------------------------------------- */

static int command_status(int argc, char **argv)
{
	const char *dir = STATE_DEFAULT_DIR, *format = NULL;
	bool help;
	struct reason why;
	const struct option_row rows[] = {
	        {.name = "dir",
	                .value = "STATE_DIR",
	                .out_text = &dir,
	                .help = "of the agent (" STATE_DEFAULT_DIR ")"},
	        {.name = "format",
	                .value = "table|json",
	                .out_text = &format,
	                .help = "default: table"},
	        {0},
	};
	int rc = option_parse(argc, argv, rows, NULL, 0, &help, &why);
	if (rc == 0 && help) {
		option_print_help("tsujiban-agent status [--dir STATE_DIR]",
		        "What the agent watches, how far behind it is, what is degraded.", rows);
		return 0;
	}
	bool as_json = format && strcmp(format, "json") == 0;
	if (rc == 0 && format && !as_json && strcmp(format, "table") != 0)
		rc = fail(&why, ERR_CONFIG, "unknown format '%s': expected table or json", format);
	struct buf out = BUF_INIT;
	if (rc == 0)
		rc = status_print(dir, as_json, &out, &why);
	if (rc == 0)
		fputs(buf_text(&out), stdout);
	buf_fini(&out);
	return rc < 0 ? complain(rc, &why) : 0;
}

/* --- commands -------------------------------------------------------------------------------- */

static const struct program_command COMMANDS[] = {
        {"enroll", command_enroll, "make this host known to a collector"},
        {"run", command_run, "watch, read, ship"},
        {"check", command_check, "check a configuration"},
        {"status", command_status, "what the running agent does"},
        {0},
};

/* The half that sends, started by the one that reads: no command for people. */
static int send_half(const char *word)
{
	struct reason why;
	struct confine_notes confined;
	be_frugal();
	int rc = confinement_of_sender(word, &confined, &why);
	if (rc == 0)
		confine_log(&confined, "the half that sends");
	if (rc == 0)
		rc = half_run(LAUNCHER_SEAM_FD, &confined, &why);
	if (rc > 0)
		return LAUNCHER_AGAIN;
	return rc < 0 ? complain(rc, &why) : 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], LAUNCHER_COMMAND) == 0)
		return send_half(argv[2]);
	return program_main(PROGRAM, COMMANDS, argc, argv);
}
