#include "common/io/address.h"

#include <netinet/in.h>
#include <stdio.h>
#include <uv.h>

#include "common/base/text.h"

/* HOST and PORT, still as text; the last colon parts them, and an IPv6 address has brackets. */
static bool part(struct slice text, struct slice *out_host, struct slice *out_port)
{
	const uint8_t *colon = text.len ? memrchr(text.ptr, ':', text.len) : NULL;

	if (!colon)
		return false;
	struct slice host = slice_of(text.ptr, (size_t)(colon - text.ptr));
	*out_port = slice_of(colon + 1, text.len - host.len - 1);
	if (host.len >= 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']') {
		host = slice_of(host.ptr + 1, host.len - 2);
		if (!memchr(host.ptr, ':', host.len))
			return false;
	} else if (memchr(host.ptr, ':', host.len)) {
		return false;
	}
	*out_host = host;
	return host.len > 0 && host.len < ADDRESS_HOST_MAX;
}

int address_parse(const char *text, struct address *out, struct reason *out_why)
{
	struct address address = {0};
	struct slice host, port;
	uint64_t number;

	if (part(slice_text(text), &host, &port) && text_parse_u64(port, UINT16_MAX, &number)) {
		memcpy(address.host, host.ptr, host.len);
		address.port = (unsigned)number;
		address.is_numeric = uv_ip4_addr(address.host, (int)number,
		                             (struct sockaddr_in *)&address.numeric) == 0 ||
		                     uv_ip6_addr(address.host, (int)number,
		                             (struct sockaddr_in6 *)&address.numeric) == 0;
		if (address.is_numeric || text_is_host_name(host)) {
			*out = address;
			return 0;
		}
	}
	struct buf shown = BUF_INIT;
	text_append_display(&shown, slice_text(text));
	fail(out_why, ERR_CONFIG, "'%s' is no address of the form HOST:PORT", buf_text(&shown));
	buf_fini(&shown);
	return ERR_CONFIG;
}

void address_format(const struct sockaddr *address, char out[ADDRESS_TEXT_MAX])
{
	char host[INET6_ADDRSTRLEN];

	if (uv_ip_name(address, host, sizeof(host)) < 0)
		snprintf(out, ADDRESS_TEXT_MAX, "?");
	else if (address->sa_family == AF_INET6)
		snprintf(out, ADDRESS_TEXT_MAX, "[%s]:%u", host,
		        ntohs(((const struct sockaddr_in6 *)address)->sin6_port));
	else
		snprintf(out, ADDRESS_TEXT_MAX, "%s:%u", host,
		        ntohs(((const struct sockaddr_in *)address)->sin_port));
}
