#include "agent/host/net_text.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <net/if.h>

#include "common/base/text.h"

/* The first so many fields of a line; how many there are of them. */
static size_t split_fields(struct slice line, struct slice *field, size_t most)
{
	size_t count = 0;
	while (count < most) {
		while (line.len > 0 && isspace(line.ptr[0])) {
			line.ptr++;
			line.len--;
		}
		size_t len = 0;
		while (len < line.len && !isspace(line.ptr[len]))
			len++;
		if (len == 0)
			break;
		field[count++] = slice_of(line.ptr, len);
		line.ptr += len;
		line.len -= len;
	}
	return count;
}

static bool parse_byte(struct slice text, unsigned *out)
{
	uint8_t byte = 0;
	bool is_fine = text_parse_hex(text, &byte, 1);
	*out = byte;
	return is_fine;
}

/* --- sockets ---------------------------------------------------------------------------------- */

static bool parse_word(struct slice text, uint8_t *out)
{
	uint8_t byte[4];
	if (!text_parse_hex(text, byte, sizeof(byte)))
		return false;
	uint32_t word = (uint32_t)byte[0] << 24 | (uint32_t)byte[1] << 16 | (uint32_t)byte[2] << 8 |
	                byte[3];
	memcpy(out, &word, sizeof(word)); /* the kernel took it from memory in the same order */
	return true;
}

static bool parse_end(struct slice text, struct net_socket *out)
{
	struct slice address, port;
	uint8_t byte[2];
	if (!text_split(text, ':', &address, &port) || !text_parse_hex(port, byte, sizeof(byte)) ||
	        (address.len != 8 && address.len != 32))
		return false;
	out->is_v6 = address.len == 32;
	out->port = (unsigned)byte[0] << 8 | byte[1];
	for (size_t i = 0; i < address.len / 8; i++)
		if (!parse_word(slice_of(address.ptr + i * 8, 8), out->address + i * 4))
			return false;
	return true;
}

bool net_take_socket(struct slice *text, struct net_socket *out)
{
	struct slice line, field[10];
	while (text_take_line(text, &line)) {
		struct net_socket found = {0};
		uint64_t uid = 0;
		if (split_fields(line, field, 10) == 10 && parse_end(field[1], &found) &&
		        parse_byte(field[3], &found.state) &&
		        text_parse_u64(field[7], UINT32_MAX, &uid) &&
		        text_parse_u64(field[9], UINT64_MAX, &found.inode)) {
			found.uid = (uint32_t)uid;
			*out = found;
			return true;
		}
	}
	return false;
}

void net_format(const uint8_t address[16], bool is_v6, char out[INET6_ADDRSTRLEN])
{
	if (!inet_ntop(is_v6 ? AF_INET6 : AF_INET, address, out, INET6_ADDRSTRLEN))
		out[0] = '\0';
}

/* --- addresses -------------------------------------------------------------------------------- */

bool net_is_interface(struct slice name)
{
	for (size_t i = 0; i < name.len; i++)
		if (name.ptr[i] <= ' ' || name.ptr[i] == 0x7f || name.ptr[i] == '/' ||
		        name.ptr[i] == ':')
			return false;
	return name.len > 0 && name.len < IFNAMSIZ && !slice_is(name, ".") && !slice_is(name, "..");
}

bool net_take_address(struct slice *text, struct net_address *out)
{
	struct slice line, field[6];
	while (text_take_line(text, &line)) {
		struct net_address found = {0};
		if (split_fields(line, field, 6) == 6 &&
		        text_parse_hex(field[0], found.address, sizeof(found.address)) &&
		        parse_byte(field[2], &found.prefix) && found.prefix <= 128 &&
		        parse_byte(field[3], &found.scope) && parse_byte(field[4], &found.flags) &&
		        net_is_interface(field[5])) {
			found.name = field[5];
			*out = found;
			return true;
		}
	}
	return false;
}
