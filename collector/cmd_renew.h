/*
 * cmd_renew - the command `tsujiban-collector renew`: options in, sentences and exit status out.
 *
 * Thread   before threads.
 */
#ifndef TSUJIBAN_COLLECTOR_CMD_RENEW_H
#define TSUJIBAN_COLLECTOR_CMD_RENEW_H

int command_renew(int argc, char **argv);

#endif
