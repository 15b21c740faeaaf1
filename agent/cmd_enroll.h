/*
 * cmd_enroll - the command `tsujiban-agent enroll`: options in, sentences and exit status out.
 *
 * Thread   before threads.
 */
#ifndef TSUJIBAN_AGENT_CMD_ENROLL_H
#define TSUJIBAN_AGENT_CMD_ENROLL_H

int command_enroll(int argc, char **argv);

#endif
