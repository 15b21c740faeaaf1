#include "agent/host/sources.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "agent/host/net_text.h"
#include "agent/host/socket_owners.h"
#include "tests/unit/agent-source/scratch.h"

/* Behind ours: it defines a macro `fail`. */
#include <cmocka.h>

/* ROOT/path becomes a link that says `target`. */
static void make_link(struct scratch *scratch, const char *path, const char *target)
{
	char beside[200], full[400];
	snprintf(beside, sizeof(beside), "%s-dir", path);
	assert_true(scratch_write(scratch, beside, "")); /* makes the directories */
	snprintf(full, sizeof(full), "%s%s", scratch->root, path);
	assert_int_equal(symlink(target, full), 0);
}

static void make_process(struct scratch *scratch, unsigned pid, unsigned parent, const char *exe,
        const unsigned *inodes, size_t count)
{
	char path[256], text[256];
	snprintf(path, sizeof(path), "/proc/%u/exe", pid);
	make_link(scratch, path, exe);
	snprintf(path, sizeof(path), "/proc/%u/root", pid);
	make_link(scratch, path, scratch->root);
	snprintf(path, sizeof(path), "/proc/%u/stat", pid);
	snprintf(text, sizeof(text), "%u (a ) name) S %u 1 1 0", pid, parent);
	scratch_write(scratch, path, text);
	for (size_t i = 0; i < count; i++) {
		snprintf(path, sizeof(path), "/proc/%u/fd/%zu", pid, i + 3);
		snprintf(text, sizeof(text), "socket:[%u]", inodes[i]);
		make_link(scratch, path, text);
	}
}

#define MAKE_PROCESS(pid, parent, exe, ...)                                      \
	make_process(scratch, pid, parent, exe, (const unsigned[]){__VA_ARGS__}, \
	        sizeof((const unsigned[]){__VA_ARGS__}) / sizeof(unsigned))

#define HEAD "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n"
#define LINE(local, state, uid, inode)                                                        \
	"   0: " local " 00000000:0000 " state " 00000000:00000000 00:00000000 00000000 " uid \
	" 0 " inode " 1 0000000013a58337 100 0 0 10 0\n"

static void read_sockets(struct scratch *scratch)
{
	scratch_forget(scratch);
	assert_int_equal(src_socket_read(scratch->root, &scratch->facts, &scratch->why), 0);
	for (size_t i = 0; i < scratch->facts.count; i++)
		assert_true(fact_is_valid(&scratch->facts.fact[i]));
}

static void expect(const struct fact *fact, unsigned at, const char *value)
{
	assert_non_null(fact);
	if (!slice_is(fact->field[at], value))
		fail_msg("field %u is '%.*s', not '%s'", at, SLICE_ARG(fact->field[at]), value);
}

static const struct fact *on_port(struct scratch *scratch, const char *port)
{
	return scratch_find(scratch, FACT_SOCKET, SOCKET_PORT, port);
}

/* --- sockets ---------------------------------------------------------------------------------- */

static void test_lines_of_the_kernel_are_understood(void **state)
{
	(void)state;
	struct slice text = slice_text(HEAD LINE("0100007F:0CEA", "0A", "117",
	        "4711") "short line\n"
	                "   1: B80D01200000000000000000 00:0 0A a b c 0 0 1\n"
	                "  12: B80D0120000000000000000001000000:01BB "
	                "00000000000000000000000000000000:0000 "
	                "07 00000000:00000000 00:00000000 00000000     0        0 99 2 0 0");
	struct net_socket socket;
	char address[INET6_ADDRSTRLEN];
	assert_true(net_take_socket(&text, &socket));
	net_format(socket.address, socket.is_v6, address);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	assert_string_equal(address, "127.0.0.1");
#endif
	assert_int_equal(socket.port, 3306);
	assert_int_equal(socket.state, NET_TCP_LISTEN);
	assert_int_equal(socket.uid, 117);
	assert_int_equal(socket.inode, 4711);
	assert_true(net_take_socket(&text, &socket));
	net_format(socket.address, socket.is_v6, address);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	assert_string_equal(address, "2001:db8::1");
#endif
	assert_int_equal(socket.port, 443);
	assert_false(net_take_socket(&text, &socket));
}

static void test_listening_socket_has_program_and_user(void **state)
{
	struct scratch *scratch = *state;
	scratch_write(scratch, "/etc/passwd", "mysql:x:117:120::/nonexistent:/bin/false\n");
	scratch_write(scratch, "/proc/net/tcp",
	        HEAD LINE("00000000:0CEA", "0A", "117", "10") LINE("00000000:0016", "0A", "4242",
	                "11") LINE("00000000:0050", "01", "0", "12"));
	MAKE_PROCESS(500, 1, "/usr/sbin/mariadbd (deleted)", 10, 12);
	read_sockets(scratch);
	assert_int_equal(scratch->facts.count, 2); /* the connected one is none */
	expect(on_port(scratch, "3306"), SOCKET_PROTOCOL, "tcp");
	expect(on_port(scratch, "3306"), SOCKET_ADDRESS, "0.0.0.0");
	expect(on_port(scratch, "3306"), SOCKET_PROGRAM, "/usr/sbin/mariadbd");
	expect(on_port(scratch, "3306"), SOCKET_USER, "mysql");
	expect(on_port(scratch, "22"), SOCKET_PROGRAM, "");
	expect(on_port(scratch, "22"), SOCKET_USER, "4242");
}

static void test_program_has_its_package_unless_it_is_in_a_container(void **state)
{
	struct scratch *scratch = *state;
	char elsewhere[] = "/tmp/test-inventory-XXXXXX", path[128];
	assert_non_null(mkdtemp(elsewhere));
	scratch_write(scratch, "/var/lib/dpkg/status",
	        "Package: nginx\nStatus: install ok installed\nArchitecture: amd64\nVersion: "
	        "1\n\n");
	scratch_write(scratch, "/var/lib/dpkg/info/nginx.list", "/.\n/usr/sbin/nginx\n");
	scratch_write(scratch, "/proc/net/tcp",
	        HEAD LINE("00000000:0050", "0A", "0", "10") LINE("00000000:0051", "0A", "0", "11"));
	MAKE_PROCESS(500, 1, "/usr/sbin/nginx", 10);
	MAKE_PROCESS(600, 1, "/usr/sbin/nginx", 11);
	snprintf(path, sizeof(path), "%s/proc/600/root", scratch->root);
	unlink(path);
	assert_int_equal(symlink(elsewhere, path), 0);
	read_sockets(scratch);
	rmdir(elsewhere);
	expect(on_port(scratch, "80"), SOCKET_PACKAGE, "dpkg:nginx");
	expect(on_port(scratch, "81"), SOCKET_PROGRAM, "/usr/sbin/nginx");
	expect(on_port(scratch, "81"), SOCKET_PACKAGE, "");
}

static void test_shared_socket_is_one_fact_of_the_first_process(void **state)
{
	struct scratch *scratch = *state;
	scratch_write(scratch, "/proc/net/tcp6",
	        HEAD LINE("00000000000000000000000000000000:0016", "0A", "0", "10"));
	MAKE_PROCESS(1, 0, "/usr/lib/systemd/systemd", 10);
	read_sockets(scratch);
	expect(on_port(scratch, "22"), SOCKET_PROGRAM, "/usr/lib/systemd/systemd");
	MAKE_PROCESS(900, 800, "/usr/bin/backup", 10);
	MAKE_PROCESS(800, 1, "/usr/sbin/sshd", 10);
	read_sockets(scratch);
	assert_int_equal(scratch->facts.count, 1);
	expect(on_port(scratch, "22"), SOCKET_PROGRAM, "/usr/sbin/sshd");
	expect(on_port(scratch, "22"), SOCKET_ADDRESS, "::");
}

static void test_clients_of_udp_are_left_out(void **state)
{
	struct scratch *scratch = *state;
	scratch_write(scratch, "/proc/net/udp",
	        HEAD LINE("00000000:007B", "07", "0", "10") /* 123 */
	        LINE("00000000:9C40", "07", "0", "11")      /* 40000, a client's */
	        LINE("00000000:CA6C", "07", "0", "12")      /* 51820, the kernel's */
	        LINE("00000000:1194", "07", "0", "13")      /* 4500 */
	        LINE("00000000:1195", "01", "0", "14"));    /* connected */
	MAKE_PROCESS(500, 1, "/usr/sbin/chronyd", 10, 11, 13);
	read_sockets(scratch);
	assert_non_null(on_port(scratch, "123"));
	assert_non_null(on_port(scratch, "4500"));
	assert_non_null(on_port(scratch, "51820"));
	assert_int_equal(scratch->facts.count, 3);
	scratch_write(scratch, "/proc/sys/net/ipv4/ip_local_port_range", "50000\t60000\n");
	read_sockets(scratch);
	assert_non_null(on_port(scratch, "40000"));
}

static void test_ports_of_queries_and_transfers_are_left_out(void **state)
{
	struct scratch *scratch = *state;
	scratch_write(scratch, "/proc/net/udp",
	        HEAD LINE("00000000:0035", "07", "0", "10") LINE("00000000:0043", "07", "0", "11")
	                LINE("00000000:2710", "07", "0", "12")
	                        LINE("00000000:14E9", "07", "0", "13"));
	scratch_write(scratch, "/proc/net/tcp",
	        HEAD LINE("00000000:0015", "0A", "0", "20") LINE("00000000:7531", "0A", "0", "21")
	                LINE("00000000:7532", "0A", "0", "22"));
	MAKE_PROCESS(500, 1, "/usr/sbin/dnsmasq", 10, 11, 12, 13);
	MAKE_PROCESS(600, 1, "/usr/sbin/pure-ftpd", 20);
	MAKE_PROCESS(601, 600, "/usr/sbin/pure-ftpd", 21);
	MAKE_PROCESS(602, 1, "/usr/sbin/pure-ftpd", 22); /* another server */
	scratch_write(scratch, "/proc/net/udp6",
	        HEAD LINE("00000000000000000000000000000000:13C4", "07", "0", "30")
	                LINE("00000000000000000000000000000000:2711", "07", "0", "31"));
	MAKE_PROCESS(700, 1, "/usr/sbin/asterisk", 30, 31);
	read_sockets(scratch);
	assert_non_null(on_port(scratch, "53"));
	assert_non_null(on_port(scratch, "67"));
	assert_null(on_port(scratch, "10000"));
	assert_non_null(on_port(scratch, "5060"));
	assert_null(on_port(scratch, "10001"));
	assert_non_null(on_port(scratch, "5353"));
	assert_non_null(on_port(scratch, "21"));
	assert_null(on_port(scratch, "30001"));
	assert_non_null(on_port(scratch, "30002"));
}

static void test_inode_is_read_from_a_descriptors_link(void **state)
{
	(void)state;
	uint64_t inode = 0;
	assert_true(socket_inode_parse(slice_text("socket:[4711]"), &inode));
	assert_int_equal(inode, 4711);
	assert_false(socket_inode_parse(slice_text("socket:["), &inode));
	assert_false(socket_inode_parse(slice_text("socket:[]"), &inode));
	assert_false(socket_inode_parse(slice_text("pipe:[4711]"), &inode));
	assert_false(socket_inode_parse(slice_text("socket:[47x]"), &inode));
}

static void test_own_socket_is_told_with_its_program(void **state)
{
	struct scratch *scratch = *state;
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t len = sizeof(address);
	char port[16], program[4096];
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (void *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, (void *)&address, &len), 0);
	snprintf(port, sizeof(port), "%u", ntohs(address.sin_port));
	assert_int_equal(src_socket_read("/", &scratch->facts, &scratch->why), 0);
	close(fd);
	ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);
	assert_true(length > 0);
	program[length] = '\0';
	const struct fact *fact = NULL;
	for (size_t i = 0; i < scratch->facts.count; i++)
		if (slice_is(scratch->facts.fact[i].field[SOCKET_PORT], port) &&
		        slice_is(scratch->facts.fact[i].field[SOCKET_ADDRESS], "127.0.0.1"))
			fact = &scratch->facts.fact[i];
	expect(fact, SOCKET_PROTOCOL, "tcp");
	expect(fact, SOCKET_PROGRAM, program);
	scratch_forget(scratch);
	assert_int_equal(src_socket_read("/", &scratch->facts, &scratch->why), 0);
	for (size_t i = 0; i < scratch->facts.count; i++)
		assert_false(slice_is(scratch->facts.fact[i].field[SOCKET_PROGRAM], program));
}

/* --- addresses -------------------------------------------------------------------------------- */

static void test_lasting_addresses_are_told_with_their_hardware(void **state)
{
	struct scratch *scratch = *state;
	scratch_write(scratch, "/proc/net/if_inet6",
	        "00000000000000000000000000000001 01 80 10 80       lo\n"
	        "20010db8000000000000000000000053 01 80 00 80       lo\n"
	        "20010db8000000000000000000000007 02 40 00 80     eth0\n"
	        "20010db8000000000000000000000008 02 40 00 a0     eth0\n"
	        "20010db800000000abcdef0123456789 02 40 00 01     eth0\n"
	        "20010db8000000000000000000000009 02 40 00 08     eth0\n"
	        "fe80000000000000021122fffe334455 02 40 20 80     eth0\n"
	        "fd000000000000000000000000000001 03 40 00 80     ../x\n"
	        "nonsense\n");
	scratch_write(scratch, "/sys/class/net/eth0/address", "00:11:22:33:44:55\n");
	scratch_write(scratch, "/sys/class/net/lo/address", "00:00:00:00:00:00\n");
	assert_int_equal(src_address_read(scratch->root, &scratch->facts, &scratch->why), 0);
	assert_int_equal(scratch->facts.count, 3);
	const struct fact *fact = scratch_find(
	        scratch, FACT_ADDRESS, ADDRESS_ADDRESS, "2001:db8::7/64");
	expect(fact, ADDRESS_INTERFACE, "eth0");
	expect(fact, ADDRESS_MAC, "00:11:22:33:44:55");
	fact = scratch_find(scratch, FACT_ADDRESS, ADDRESS_ADDRESS, "2001:db8::53/128");
	expect(fact, ADDRESS_INTERFACE, "lo");
	expect(fact, ADDRESS_MAC, "");
	assert_non_null(scratch_find(scratch, FACT_ADDRESS, ADDRESS_ADDRESS, "2001:db8::8/64"));
}

static void test_addresses_of_this_host_are_its_own(void **state)
{
	struct scratch *scratch = *state;
	assert_int_equal(src_address_read("/", &scratch->facts, &scratch->why), 0);
	for (size_t i = 0; i < scratch->facts.count; i++) {
		const struct fact *fact = &scratch->facts.fact[i];
		struct sockaddr_in address = {.sin_family = AF_INET};
		char text[64];
		assert_true(fact_is_valid(fact));
		snprintf(text, sizeof(text), "%.*s", SLICE_ARG(fact->field[ADDRESS_ADDRESS]));
		char *slash = strchr(text, '/');
		assert_non_null(slash);
		*slash = '\0';
		if (inet_pton(AF_INET, text, &address.sin_addr) != 1)
			continue;
		/* Only an own address can be bound. */
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		assert_int_equal(bind(fd, (void *)&address, sizeof(address)), 0);
		close(fd);
	}
}

static void test_root_without_a_network_has_no_facts(void **state)
{
	struct scratch *scratch = *state;
	read_sockets(scratch);
	assert_int_equal(src_address_read(scratch->root, &scratch->facts, &scratch->why), 0);
	assert_int_equal(scratch->facts.count, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_set_up, scratch_tear_down)
	const struct CMUnitTest tests[] = {
	        TEST(test_lines_of_the_kernel_are_understood),
	        TEST(test_listening_socket_has_program_and_user),
	        TEST(test_program_has_its_package_unless_it_is_in_a_container),
	        TEST(test_shared_socket_is_one_fact_of_the_first_process),
	        TEST(test_clients_of_udp_are_left_out),
	        TEST(test_ports_of_queries_and_transfers_are_left_out),
	        TEST(test_inode_is_read_from_a_descriptors_link),
	        TEST(test_own_socket_is_told_with_its_program),
	        TEST(test_lasting_addresses_are_told_with_their_hardware),
	        TEST(test_addresses_of_this_host_are_its_own),
	        TEST(test_root_without_a_network_has_no_facts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
