/*
 * net_text - sockets and addresses as the kernel writes them into /proc/net.
 *
 * Format   tcp, tcp6, udp, udp6: proc_pid_net(5). A line a socket, fields by spaces: number, local
 *          address, other address, state, queues, timer, retransmits, uid, timeout, inode. Of
 *          addresses words of 32 bits in the processor's order, ports as plain hexadecimal numbers.
 *          if_inet6: 32 hex digits, index, prefix length, scope, flags (all hexadecimal), name.
 * Thread   any; no state.
 */
#ifndef TSUJIBAN_AGENT_HOST_NET_TEXT_H
#define TSUJIBAN_AGENT_HOST_NET_TEXT_H

#include <netinet/in.h>

#include "common/base/slice.h"

/* linux/tcp_states: of TCP it waits for connections; of UDP it is bound and has no other side. */
#define NET_TCP_LISTEN 0x0a
#define NET_UDP_BOUND  0x07

/* linux/if_addr.h, linux/ipv6.h (the kernel's own IPV6_ADDR_*). */
#define NET_FLAG_TEMPORARY 0x01
#define NET_FLAG_REFUSED   0x08 /* another host has it */
#define NET_SCOPE_LOOPBACK 0x10
#define NET_SCOPE_LINK     0x20

struct net_socket {
	bool is_v6;
	uint8_t address[16]; /* network order; the first four of IPv4 */
	unsigned port;
	unsigned state;
	uint32_t uid;
	uint64_t inode;
};

struct net_address {
	uint8_t address[16];
	unsigned prefix, scope, flags;
	struct slice name; /* of the interface; borrowed */
};

/* Take lines up to and with the next that is one; false at the end. */
bool net_take_socket(struct slice *text, struct net_socket *out);
bool net_take_address(struct slice *text, struct net_address *out);

/* Interfaces as the kernel lets them be called (dev_valid_name), without ":" for old aliases. */
bool net_is_interface(struct slice name);
void net_format(const uint8_t address[16], bool is_v6, char out[INET6_ADDRSTRLEN]);

#endif
