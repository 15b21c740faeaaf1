/*
 * Sockets that others can speak to: TCP that listens, UDP that is bound, each with its program.
 *
 * What comes and goes is no fact, and of UDP nothing tells a client that waits for an answer from a
 * server. So these are left out:
 *
 *   UDP on ports that the kernel gives out by itself (ip_local_port_range), unless nobody holds the
 *     socket: then it is the kernel's own (WireGuard, VXLAN), which does not come and go;
 *   further UDP ports of who answers on port 53 or 5060: name servers ask from a random port each
 *     time, telephony has one for each call;
 *   further TCP ports of who listens on port 21 and of its children: FTP opens one a transfer.
 *
 * Ports of either kind that are fixed are lost with them, but their program is told by its port
 * below. TCP in the range of the kernel stays: few listen there but servers.
 *
 * A socket is told when it was there before and behind the walk over the processes; whoever came or
 * went meanwhile is not, so that a socket without a program has none for sure.
 */
#include <errno.h>
#include <stdlib.h>

#include "agent/host/account_text.h"
#include "agent/source/hostfile.h"
#include "agent/host/net_text.h"
#include "agent/pkgdb/owner.h"
#include "agent/host/socket_owners.h"
#include "agent/host/sources.h"
#include "common/base/text.h"

#define SCRATCH_BYTES_MAX (128u << 20)
/* The kernel lists what listens before what is connected: the first 25 000 sockets are enough. */
#define FILE_BYTES_MAX   (4u << 20)
#define PASSWD_BYTES_MAX (16u << 20)
#define PORT_FTP         21
#define PORT_NAMES       53
#define PORT_MDNS        5353
#define PORT_LLMNR       5355
#define PORT_SIP         5060
#define OPENERS_MAX      256
#define PORT_LOW_MAX     1023 /* only root takes them: nobody gets one by chance */

static const struct {
	const char *protocol, *path;
	bool is_udp;
} TABLES[] = {{"tcp", "/proc/net/tcp", false}, {"tcp6", "/proc/net/tcp6", false},
        {"udp", "/proc/net/udp", true}, {"udp6", "/proc/net/udp6", true}};
#define TABLE_COUNT (sizeof(TABLES) / sizeof(TABLES[0]))

struct seen {
	struct net_socket socket;
	size_t table;
	const struct socket_owner *owner;
};

struct sockets {
	struct seen *seen;
	size_t count, room;
};

/* Of one reading. */
struct reading {
	const char *root;
	struct arena *arena;
	struct sockets sockets;
	struct socket_owners holders;
	struct owners *packages;
	struct buf passwd;
	uint64_t first_port, last_port; /* that the kernel gives out */
	const struct seen *opener[OPENERS_MAX];
	size_t opener_count;
};

/* --- tables of sockets ------------------------------------------------------------------------ */

static int add_seen(struct sockets *sockets, const struct seen *seen, struct arena *arena)
{
	if (sockets->count == sockets->room) {
		size_t room = sockets->room ? sockets->room * 2 : 64;
		struct seen *more = arena_alloc(arena, room * sizeof(*more));
		if (!more)
			return ERR_LIMIT;
		if (sockets->count > 0)
			memcpy(more, sockets->seen, sockets->count * sizeof(*more));
		sockets->seen = more;
		sockets->room = room;
	}
	sockets->seen[sockets->count++] = *seen;
	return 0;
}

static int by_inode(const void *a, const void *b)
{
	const struct seen *left = a, *right = b;
	uint64_t l = left->socket.inode, r = right->socket.inode;
	return (l > r) - (l < r);
}

/* Sockets that wait for others, by inode. */
static int read_tables(const struct reading *reading, struct sockets *out, struct reason *out_why)
{
	struct buf text = BUF_INIT;
	int rc = 0;
	*out = (struct sockets){0};
	for (size_t i = 0; rc == 0 && i < TABLE_COUNT; i++) {
		unsigned wanted = TABLES[i].is_udp ? NET_UDP_BOUND : NET_TCP_LISTEN;
		struct seen seen = {.table = i};
		rc = hostfile_read(reading->root, TABLES[i].path, FILE_BYTES_MAX, &text);
		if (rc < 0 && hostfile_is_complaint(rc))
			hostfile_complain(rc, TABLES[i].path, out_why);
		else if (rc < 0)
			rc = 0; /* a kernel without IPv6 */
		struct slice rest = buf_slice(&text);
		while (rc == 0 && net_take_socket(&rest, &seen.socket))
			if (seen.socket.state == wanted && seen.socket.port != 0)
				rc = add_seen(out, &seen, reading->arena);
	}
	buf_fini(&text);
	if (out->count > 0)
		qsort(out->seen, out->count, sizeof(*out->seen), by_inode);
	return rc;
}

static int find_holders(struct reading *reading)
{
	struct sockets *sockets = &reading->sockets;
	uint64_t *inodes = arena_alloc(reading->arena, (sockets->count + 1) * sizeof(*inodes));
	if (!inodes)
		return ERR_LIMIT;
	for (size_t i = 0; i < sockets->count; i++)
		inodes[i] = sockets->seen[i].socket.inode;
	int rc = socket_owners_read(
	        reading->root, inodes, sockets->count, reading->arena, &reading->holders);
	for (size_t i = 0; i < sockets->count; i++)
		sockets->seen[i].owner = socket_owners_of(&reading->holders, inodes[i]);
	return rc;
}

static void keep_common(struct sockets *sockets, const struct sockets *later)
{
	size_t kept = 0;
	for (size_t i = 0; i < sockets->count; i++)
		if (later->count > 0 && bsearch(&sockets->seen[i], later->seen, later->count,
		                                sizeof(*later->seen), by_inode))
			sockets->seen[kept++] = sockets->seen[i];
	sockets->count = kept;
}

/* --- what comes and goes ---------------------------------------------------------------------- */

static void read_port_range(struct reading *reading)
{
	struct buf text = BUF_INIT;
	struct slice low, high;
	uint64_t first = 0, last = 0;
	reading->first_port = 32768; /* the kernel's default: ip-sysctl */
	reading->last_port = 60999;
	if (text_split(
	            hostfile_value(reading->root, "/proc/sys/net/ipv4/ip_local_port_range", &text),
	            '\t', &low, &high) &&
	        text_parse_u64(low, UINT16_MAX, &first) &&
	        text_parse_u64(text_trim(high), UINT16_MAX, &last)) {
		reading->first_port = first;
		reading->last_port = last;
	}
	buf_fini(&text);
}

/* Ports whose servers open others as they go. */
static bool opens_others(const struct seen *seen)
{
	unsigned port = seen->socket.port;
	return TABLES[seen->table].is_udp ? port == PORT_NAMES || port == PORT_SIP
	                                  : port == PORT_FTP;
}

/* PID 1 keeps sockets for others. */
static void note_openers(struct reading *reading)
{
	for (size_t i = 0; i < reading->sockets.count; i++) {
		const struct seen *seen = &reading->sockets.seen[i];
		if (seen->owner && seen->owner->pid != 1 && opens_others(seen) &&
		        reading->opener_count < OPENERS_MAX)
			reading->opener[reading->opener_count++] = seen;
	}
}

/* Whether the process of this socket or its parent is one of them. Not by the program's name: there
 * is a docker-proxy for each port. */
static bool is_openers(const struct reading *reading, const struct seen *seen)
{
	for (size_t i = 0; seen->owner && i < reading->opener_count; i++) {
		const struct seen *opener = reading->opener[i];
		if (TABLES[opener->table].is_udp == TABLES[seen->table].is_udp &&
		        (opener->owner->pid == seen->owner->pid ||
		                opener->owner->pid == seen->owner->parent))
			return true;
	}
	return false;
}

static bool comes_and_goes(const struct reading *reading, const struct seen *seen)
{
	unsigned port = seen->socket.port;
	bool is_udp = TABLES[seen->table].is_udp;
	bool is_given_out = port >= reading->first_port && port <= reading->last_port;
	if (port <= PORT_LOW_MAX || opens_others(seen))
		return false;
	if (is_udp && is_given_out && (seen->owner || !reading->holders.is_complete))
		return true;
	if (is_udp && (port == PORT_MDNS || port == PORT_LLMNR))
		return false;
	return is_openers(reading, seen);
}

static void keep_lasting(struct reading *reading)
{
	struct sockets kept = {0};
	note_openers(reading);
	kept.seen = arena_alloc(reading->arena, (reading->sockets.count + 1) * sizeof(*kept.seen));
	for (size_t i = 0; kept.seen && i < reading->sockets.count; i++)
		if (!comes_and_goes(reading, &reading->sockets.seen[i]))
			kept.seen[kept.count++] = reading->sockets.seen[i];
	reading->sockets = kept;
}

/* --- facts ------------------------------------------------------------------------------------ */

static int find_packages(struct reading *reading, struct reason *out_why)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < reading->sockets.count; i++) {
		const struct socket_owner *owner = reading->sockets.seen[i].owner;
		if (owner && owner->is_of_host && owner->program.len > 0)
			rc = owners_want(reading->packages, owner->program);
	}
	return rc == 0 ? owners_resolve(reading->packages, reading->root, out_why) : rc;
}

/* Who made the socket, by the name that /etc/passwd has for him. */
static struct slice user_of(const struct reading *reading, uint32_t uid, struct buf *number)
{
	struct slice rest = buf_slice(&reading->passwd);
	struct account_user user;
	buf_reset(number);
	buf_printf(number, "%u", uid);
	while (account_take_user(&rest, &user))
		if (slice_equal(user.uid, buf_slice(number)))
			return user.name;
	return buf_slice(number);
}

static int add_fact(const struct reading *reading, const struct seen *seen, struct fact_list *out)
{
	struct fact fact = {.kind = FACT_SOCKET};
	char address[INET6_ADDRSTRLEN];
	struct buf port = BUF_INIT, number = BUF_INIT;
	net_format(seen->socket.address, seen->socket.is_v6, address);
	buf_printf(&port, "%u", seen->socket.port);
	fact.field[SOCKET_PROTOCOL] = slice_text(TABLES[seen->table].protocol);
	fact.field[SOCKET_ADDRESS] = slice_text(address);
	fact.field[SOCKET_PORT] = buf_slice(&port);
	if (seen->owner) {
		fact.field[SOCKET_PROGRAM] = seen->owner->program;
		if (seen->owner->is_of_host && seen->owner->program.len > 0)
			fact.field[SOCKET_PACKAGE] =
			        owners_of(reading->packages, seen->owner->program).package;
	}
	fact.field[SOCKET_USER] = user_of(reading, seen->socket.uid, &number);
	int rc = fact_is_valid(&fact) ? fact_list_add(out, &fact) : 0;
	buf_fini(&port);
	buf_fini(&number);
	return rc;
}

static int read_all(struct reading *reading, struct fact_list *out, struct reason *out_why)
{
	struct sockets later = {0};
	read_port_range(reading);
	hostfile_read(reading->root, "/etc/passwd", PASSWD_BYTES_MAX, &reading->passwd);
	int rc = read_tables(reading, &reading->sockets, out_why);
	if (rc == 0)
		rc = find_holders(reading);
	if (rc == 0)
		rc = read_tables(reading, &later, out_why);
	if (rc < 0)
		return rc;
	keep_common(&reading->sockets, &later);
	keep_lasting(reading);
	rc = find_packages(reading, out_why);
	for (size_t i = 0; rc == 0 && i < reading->sockets.count; i++)
		rc = add_fact(reading, &reading->sockets.seen[i], out);
	return rc;
}

int src_socket_read(const char *root, struct fact_list *out, struct reason *out_why)
{
	struct reading reading = {.root = root, .arena = arena_new(SCRATCH_BYTES_MAX)};
	reading.packages = owners_new(reading.arena);
	int rc = read_all(&reading, out, out_why);
	owners_free(reading.packages);
	buf_fini(&reading.passwd);
	arena_free(reading.arena);
	if (rc == ERR_LIMIT)
		fail(out_why, rc, "cannot read the sockets: there are too many");
	return rc;
}
