/*
 * confine - a process gives up what it will not need: capabilities, paths, system calls.
 *
 * Life     confine_rights once, before the first thread (capabilities and Landlock belong to
 *          threads); then confine_calls once, at any time: it holds for every thread. A process
 *          that is executed later inherits all but the exemption from core dumps.
 * Owner    nothing stays allocated; granted paths are borrowed for as long as the process lives.
 * Errors   what the kernel does not have is told in the notes and no failure for Landlock; a
 *          filter or a set of capabilities that cannot be put on is one.
 * Thread   the first and only one for confine_rights, any for the rest.
 */
#ifndef TSUJIBAN_COMMON_CONFINE_CONFINE_H
#define TSUJIBAN_COMMON_CONFINE_CONFINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"

/* What a program may keep of what it was given (capabilities(7)). */
enum confine_capability {
	CONFINE_READ_ALL = 1 << 0,   /* CAP_DAC_READ_SEARCH: any file; open_by_handle_at(2) */
	CONFINE_SEE_OTHERS = 1 << 1, /* CAP_SYS_PTRACE: exe, maps and fd of others in /proc */
	CONFINE_FANOTIFY = 1 << 2,   /* CAP_SYS_ADMIN */
	CONFINE_CONNECTOR = 1 << 3,  /* CAP_NET_ADMIN: the proc connector, room for its news */
	CONFINE_LOW_PORTS = 1 << 4,  /* CAP_NET_BIND_SERVICE */
};

/* What may be done with a file, or with everything below a directory. */
enum confine_access {
	CONFINE_READ,
	CONFINE_WRITE, /* read, write, make, rename, remove; no devices, no sockets */
};

struct confine_path {
	const char *path; /* one that is not there, or may not be seen, is passed over */
	enum confine_access access;
};

#define CONFINE_PATHS_MAX 64
#define CONFINE_PORTS_MAX 8

struct confine_rights {
	unsigned capabilities; /* of enum confine_capability; those that are not held stay so */
	/* Landlock; without has_paths it is left out, and why_no_landlock says why. */
	bool has_paths;
	const char *why_no_landlock;
	struct confine_path path[CONFINE_PATHS_MAX];
	size_t path_count;
	/* TCP alone can be held to ports (Landlock 4). */
	uint16_t bind_port[CONFINE_PORTS_MAX], connect_port[CONFINE_PORTS_MAX];
	size_t bind_count, connect_count;
};

/* The tables of system calls, each in a file of its own: profile_NAME.c. */
enum confine_profile {
	CONFINE_READER,   /* the half of the agent that reads the host */
	CONFINE_SENDER,   /* the half that speaks to the collector */
	CONFINE_STARTER,  /* starts the sender, for the reader may not */
	CONFINE_COLLECTOR /* once everything is open */
};

/* What is on, for the log and for status: "capabilities dac_read_search, seccomp, landlock 6", and
 * what is not, with the reason: "no landlock: …"; empty texts where there is nothing to say. */
struct confine_notes {
	char on[160];
	char missing[160];
};

void confine_add_path(struct confine_rights *rights, const char *path, enum confine_access access);
/* What name resolution, OpenSSL and the libraries that they load later read. */
void confine_add_system_files(struct confine_rights *rights);
void confine_add_bind(struct confine_rights *rights, uint16_t port);
void confine_add_connect(struct confine_rights *rights, uint16_t port);
/* A file that may be read has been replaced since, as resolv.conf(5) is when a lease changes: the
 * rules know the old one, so the process has to begin again. Free while nothing was replaced. */
bool confine_is_outdated(void);

int confine_rights(
        const struct confine_rights *rights, struct confine_notes *notes, struct reason *out_why);
/* $TSUJIBAN_SECCOMP=log or trap, for developers: the kernel logs what the table lacks, or the
 * process says its name and ends. */
int confine_calls(
        enum confine_profile profile, struct confine_notes *notes, struct reason *out_why);
/* How many system calls a profile names. */
size_t confine_count_calls(enum confine_profile profile);

/* For a configuration that says `confine: off`. */
void confine_note_off(struct confine_notes *notes);
/* One line for what is on, a warning for what is not: "WHO is confined: …". */
void confine_log(const struct confine_notes *notes, const char *who);

#endif
