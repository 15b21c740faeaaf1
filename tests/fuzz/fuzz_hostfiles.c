/* floor: agent/inventory - any bytes as a file of the host: the first byte picks whose. Taken or
 * passed over, never a crash; what is taken lies within what was given and can be encoded. */
#include <stdint.h>
#include <stdlib.h>

#include "agent/host/account_text.h"
#include "agent/host/cron_text.h"
#include "agent/host/net_text.h"
#include "agent/host/socket_owners.h"
#include "agent/host/unit_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_within(struct slice part, struct slice whole)
{
	if (part.ptr && (part.ptr < whole.ptr || part.ptr + part.len > whole.ptr + whole.len))
		abort();
}

static void check_name(struct slice name, struct slice whole)
{
	check_within(name, whole);
	if (name.len == 0 || memchr(name.ptr, 0, name.len))
		abort();
}

static void try_accounts(struct slice text)
{
	struct slice rest = text;
	struct account_user user;
	struct account_group group;
	struct slice name;
	bool is_locked = false;
	while (account_take_user(&rest, &user)) {
		check_name(user.name, text);
		check_within(user.shell, text);
		account_shell_lets_in(user.shell);
	}
	rest = text;
	while (account_take_group(&rest, &group)) {
		check_name(group.name, text);
		check_within(group.members, text);
	}
	rest = text;
	while (account_take_shadow(&rest, &name, &is_locked))
		check_name(name, text);
}

static void try_cron(struct slice text, enum cron_form form)
{
	struct slice rest = text;
	struct buf schedule = BUF_INIT;
	struct cron_line line;
	while (cron_take(&rest, form, &schedule, &line)) {
		check_name(line.command, text);
		check_within(line.user, text);
		if (schedule.len == 0 || memchr(schedule.data, 0, schedule.len))
			abort();
	}
	buf_fini(&schedule);
}

static void try_network(struct slice text)
{
	struct slice rest = text;
	struct net_socket socket;
	struct net_address address;
	char shown[INET6_ADDRSTRLEN];
	uint64_t inode = 0;
	while (net_take_socket(&rest, &socket)) {
		net_format(socket.address, socket.is_v6, shown);
		if (shown[0] == '\0' || socket.port > UINT16_MAX)
			abort();
	}
	rest = text;
	while (net_take_address(&rest, &address))
		check_name(address.name, text);
	socket_inode_parse(text, &inode);
}

/* Twice: as a file and as its drop-in. */
static void try_unit(struct slice content, enum unit_type type)
{
	struct unit_text text;
	unit_text_init(&text, type);
	unit_text_apply(&text, content);
	unit_text_apply(&text, content);
	unit_text_has_alias(&text, slice_text("a.service"));
	if (text.command.len > UNIT_COMMAND_MAX ||
	        (text.command.len > 0 && memchr(text.command.data, 0, text.command.len)))
		abort();
	unit_text_fini(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	struct slice text = slice_of(data + 1, size - 1);
	switch (data[0] % 8) {
	case 0:
		try_accounts(text);
		break;
	case 1:
	case 2:
	case 3:
		try_cron(text, (enum cron_form)(data[0] % 8 - 1));
		break;
	case 4:
		try_network(text);
		break;
	default:
		try_unit(text, (enum unit_type)(data[0] % 8 - 5));
		break;
	}
	return 0;
}
