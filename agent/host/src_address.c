/*
 * Addresses of interfaces.
 *
 * Left out is what says nothing or comes and goes: loopback addresses (others on "lo" are a host's
 * own: routers send them there), link-local IPv6 (made of the MAC), temporary IPv6 (RFC 8981, a new
 * one a day), and interfaces without any address (the ends of containers' cables). Deprecated
 * addresses stay: they are set so by hand, to be reached by and not to be sent from.
 *
 * IPv6 is read from /proc/net/if_inet6, which has the flags. Of IPv4 there is no such file: the
 * kernel is asked, and of a root that is not the host itself nothing is known.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>

#include "agent/source/hostfile.h"
#include "agent/host/net_text.h"
#include "agent/source/root.h"
#include "agent/host/sources.h"
#include "common/base/text.h"

#define FILE_BYTES_MAX    (4u << 20)
#define HARDWARE_BYTES    59 /* 20 bytes of Infiniband, with colons */
#define IPV4_COUNT_MAX    65536
#define NO_HARDWARE       "00:00:00:00:00:00"
#define LOOPBACK_NET_IPV4 127

/* Without one: empty. */
static struct slice hardware_of(const char *root, struct slice interface, struct buf *text)
{
	struct buf path = BUF_INIT;
	buf_printf(&path, "/sys/class/net/%.*s/address", SLICE_ARG(interface));
	struct slice value = hostfile_value(root, buf_text(&path), text);
	buf_fini(&path);
	if (value.len > HARDWARE_BYTES || slice_is(value, NO_HARDWARE))
		return (struct slice){0};
	return value;
}

static int add_address(const char *root, struct slice interface, const char *address,
        unsigned prefix, struct fact_list *out)
{
	struct fact fact = {.kind = FACT_ADDRESS};
	struct buf text = BUF_INIT, hardware = BUF_INIT;
	buf_printf(&text, "%s/%u", address, prefix);
	fact.field[ADDRESS_INTERFACE] = interface;
	fact.field[ADDRESS_ADDRESS] = buf_slice(&text);
	fact.field[ADDRESS_MAC] = hardware_of(root, interface, &hardware);
	int rc = fact_is_valid(&fact) ? fact_list_add(out, &fact) : 0;
	buf_fini(&text);
	buf_fini(&hardware);
	return rc;
}

/* --- IPv6 ------------------------------------------------------------------------------------- */

static bool is_lasting(const struct net_address *address)
{
	return address->scope != NET_SCOPE_LOOPBACK && address->scope != NET_SCOPE_LINK &&
	       !(address->flags & (NET_FLAG_TEMPORARY | NET_FLAG_REFUSED));
}

static int add_ipv6(const char *root, struct fact_list *out, struct reason *out_why)
{
	static const char PATH[] = "/proc/net/if_inet6"; /* not there: no IPv6 */
	char text[INET6_ADDRSTRLEN];
	struct buf file = BUF_INIT;
	struct net_address address;
	int rc = hostfile_read(root, PATH, FILE_BYTES_MAX, &file);
	if (rc < 0)
		rc = hostfile_is_complaint(rc) ? hostfile_complain(rc, PATH, out_why) : 0;
	struct slice rest = buf_slice(&file);
	while (rc == 0 && net_take_address(&rest, &address)) {
		if (!is_lasting(&address))
			continue;
		net_format(address.address, true, text);
		rc = add_address(root, address.name, text, address.prefix, out);
	}
	buf_fini(&file);
	return rc;
}

/* --- IPv4 ------------------------------------------------------------------------------------- */

static unsigned prefix_of(const struct sockaddr *mask)
{
	uint32_t bits = mask ? ((const struct sockaddr_in *)(const void *)mask)->sin_addr.s_addr
	                     : UINT32_MAX;
	return (unsigned)__builtin_popcount(bits);
}

/* An address may have a label ("eth0:web") in the place of its interface's name. */
static struct slice interface_of(const struct ifaddrs *entry)
{
	struct slice name = slice_text(entry->ifa_name), head, tail;
	return text_split(name, ':', &head, &tail) ? head : name;
}

static int add_ipv4(struct fact_list *out, struct reason *out_why)
{
	char text[INET_ADDRSTRLEN];
	struct ifaddrs *entries = NULL;
	size_t count = 0;
	if (getifaddrs(&entries) < 0)
		return fail(out_why, -errno, "cannot ask for the addresses of this host: %s",
		        err_text(-errno));
	int rc = 0;
	for (const struct ifaddrs *entry = entries; rc == 0 && entry && count < IPV4_COUNT_MAX;
	        entry = entry->ifa_next) {
		if (!entry->ifa_addr || entry->ifa_addr->sa_family != AF_INET)
			continue;
		const struct sockaddr_in *ipv4 = (const void *)entry->ifa_addr;
		struct slice interface = interface_of(entry);
		bool is_loopback = ntohl(ipv4->sin_addr.s_addr) >> 24 == LOOPBACK_NET_IPV4;
		if (is_loopback || !net_is_interface(interface) ||
		        !inet_ntop(AF_INET, &ipv4->sin_addr, text, sizeof(text)))
			continue;
		rc = add_address("/", interface, text, prefix_of(entry->ifa_netmask), out);
		count++;
	}
	freeifaddrs(entries);
	return rc;
}

int src_address_read(const char *root, struct fact_list *out, struct reason *out_why)
{
	int rc = add_ipv6(root, out, out_why);
	if (rc == 0 && root_is_host(root))
		rc = add_ipv4(out, out_why);
	if (rc == ERR_LIMIT)
		fail(out_why, rc, "cannot read the addresses: there are too many");
	return rc;
}
