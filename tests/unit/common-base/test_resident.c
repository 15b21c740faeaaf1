#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/digest.h"
#include "common/base/resident.h"

#define LINE_ROOM 4400

/* How much of the code of libcrypto is mapped into this process: proc_pid_smaps(5). */
static unsigned long resident_code_kib(void)
{
	FILE *maps = fopen("/proc/self/smaps", "re");
	char line[LINE_ROOM];
	bool is_code = false;
	unsigned long sum = 0;
	assert_non_null(maps);
	while (fgets(line, sizeof line, maps)) {
		if (strstr(line, ".so"))
			is_code = strstr(line, "libcrypto") && strstr(line, " r-xp ");
		else if (is_code && strncmp(line, "Rss:", 4) == 0)
			sum += strtoul(line + 4, NULL, 10);
	}
	fclose(maps);
	return sum;
}

static void test_code_that_has_run_is_given_back_and_runs_again(void **test)
{
	uint8_t before[SHA256_BYTES], after[SHA256_BYTES];
	(void)test;
	digest_of(slice_text("abc"), before);
	unsigned long busy_kib = resident_code_kib();
	resident_release();
	unsigned long idle_kib = resident_code_kib();
	digest_of(slice_text("abc"), after);
	assert_memory_equal(before, after, SHA256_BYTES);
	assert_true(idle_kib < busy_kib);
}

static int initialised = 7;

static void test_data_is_left_as_it_is(void **test)
{
	int *heap = malloc(sizeof *heap);
	(void)test;
	assert_non_null(heap);
	*heap = 8;
	initialised++;
	resident_release();
	assert_int_equal(initialised, 8);
	assert_int_equal(*heap, 8);
	free(heap);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_code_that_has_run_is_given_back_and_runs_again),
	        cmocka_unit_test(test_data_is_left_as_it_is),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
