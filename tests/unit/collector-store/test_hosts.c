#include "fixture.h"

#include "collector/store/hosts.h"

static struct host_record record(const char *name, uint8_t serial)
{
	struct host_record host = {.id = UINT32_MAX,
	        .name = slice_text(name),
	        .enrolled_ns = 100,
	        .agent_version = slice_text("0.1.0"),
	        .label_count = 1,
	        .label_name = {slice_text("env")},
	        .label_value = {slice_text("prod")}};

	host.serial[PKI_SERIAL_BYTES - 1] = serial;
	return host;
}

static struct pki_cert_info cert(const char *name, uint8_t serial)
{
	struct pki_cert_info info = {0};

	snprintf(info.name, sizeof(info.name), "%s", name);
	info.serial[PKI_SERIAL_BYTES - 1] = serial;
	return info;
}

static void test_numbers_are_dense_and_names_find_them(void **state)
{
	struct kv_txn *txn = ((struct fixture *)*state)->txn;
	struct host_record a = record("web01", 1), b = record("web02", 2), read;
	uint32_t id = 99;

	assert_int_equal(hosts_put(txn, &a, &id), 0);
	assert_int_equal(id, 0);
	assert_int_equal(hosts_put(txn, &b, &id), 0);
	assert_int_equal(id, 1);
	assert_int_equal(hosts_find(txn, slice_text("web02"), &read), 0);
	assert_int_equal(read.id, 1);
	assert_true(slice_is(read.name, "web02"));
	assert_true(slice_is(read.agent_version, "0.1.0"));
	assert_int_equal(read.enrolled_ns, 100);
	assert_int_equal(read.label_count, 1);
	assert_true(slice_is(read.label_value[0], "prod"));
	assert_int_equal(hosts_find(txn, slice_text("web0"), &read), ERR_MISSING);
	assert_int_equal(hosts_get(txn, 2, &read), ERR_MISSING);
}

static void test_record_read_from_the_store_can_be_written_back(void **state)
{
	struct kv_txn *txn = ((struct fixture *)*state)->txn;
	struct host_record host = record("web01", 1), read;
	uint32_t id;

	assert_int_equal(hosts_put(txn, &host, &id), 0);
	assert_int_equal(hosts_get(txn, id, &read), 0);
	read.is_revoked = true;
	read.last_seen_ns = 7;
	assert_int_equal(hosts_put(txn, &read, NULL), 0);
	assert_int_equal(hosts_find(txn, slice_text("web01"), &read), 0);
	assert_true(read.is_revoked);
	assert_int_equal(read.last_seen_ns, 7);
	assert_int_equal(read.id, id);
}

static void test_only_the_present_certificate_is_accepted(void **state)
{
	struct kv_txn *txn = ((struct fixture *)*state)->txn;
	struct host_record host = record("web01", 1), out;
	struct pki_cert_info good = cert("web01", 1), old = cert("web01", 9);
	struct pki_cert_info next = cert("web01", 2), other = cert("db01", 1);
	struct pki_cert_info zero = cert("web01", 0);
	struct reason why;

	assert_int_equal(hosts_put(txn, &host, &host.id), 0);
	assert_int_equal(hosts_accepts(txn, &good, &out, &why), 0);
	assert_int_equal(out.id, host.id);
	assert_int_equal(hosts_accepts(txn, &old, &out, &why), ERR_REFUSED);
	assert_non_null(strstr(why.text, "web01"));
	assert_int_equal(hosts_accepts(txn, &next, &out, &why), ERR_REFUSED);
	assert_int_equal(hosts_accepts(txn, &zero, &out, &why), ERR_REFUSED);
	assert_int_equal(hosts_accepts(txn, &other, &out, &why), ERR_MISSING);
	assert_non_null(strstr(why.text, "db01"));
	host.next_serial[PKI_SERIAL_BYTES - 1] = 2;
	assert_int_equal(hosts_put(txn, &host, NULL), 0);
	assert_int_equal(hosts_accepts(txn, &next, &out, &why), 0);
	assert_int_equal(hosts_accepts(txn, &good, &out, &why), 0);
	host.is_revoked = true;
	assert_int_equal(hosts_put(txn, &host, NULL), 0);
	assert_int_equal(hosts_accepts(txn, &good, &out, &why), ERR_REFUSED);
	assert_non_null(strstr(why.text, "revoked"));
}

static int count_until_three(void *ctx, const struct host_record *host)
{
	unsigned *count = ctx;

	assert_int_equal(host->id, *count);
	return ++*count == 3 ? ERR_LIMIT : 0;
}

static void test_each_goes_in_order_until_it_is_stopped(void **state)
{
	struct kv_txn *txn = ((struct fixture *)*state)->txn;
	char name[16];
	unsigned count = 0;

	for (int i = 0; i < 5; i++) {
		snprintf(name, sizeof(name), "host%d", 9 - i);
		struct host_record host = record(name, 1);
		assert_int_equal(hosts_put(txn, &host, NULL), 0);
	}
	assert_int_equal(hosts_each(txn, count_until_three, &count), ERR_LIMIT);
	assert_int_equal(count, 3);
}

static void test_names_out_of_bounds_are_refused(void **state)
{
	struct kv_txn *txn = ((struct fixture *)*state)->txn;
	struct host_record host = record("", 1);
	char name[300];

	memset(name, 'a', sizeof(name));
	assert_int_equal(hosts_put(txn, &host, NULL), ERR_LIMIT);
	host.name = slice_of(name, sizeof(name));
	assert_int_equal(hosts_put(txn, &host, NULL), ERR_LIMIT);
	assert_int_equal(hosts_find(txn, host.name, &host), ERR_MISSING);
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        WITH_STORE(test_numbers_are_dense_and_names_find_them),
	        WITH_STORE(test_record_read_from_the_store_can_be_written_back),
	        WITH_STORE(test_only_the_present_certificate_is_accepted),
	        WITH_STORE(test_each_goes_in_order_until_it_is_stopped),
	        WITH_STORE(test_names_out_of_bounds_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
