/* floor: agent/rpmdb - any bytes as a header of rpm: refused with a reason, or every question is
 * answered within them. */
#include <stdint.h>
#include <stdlib.h>

#include "agent/rpmdb/rpm_files.h"
#include "agent/rpmdb/rpm_region.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile uint8_t sink;

static void touch(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		sink = text.ptr[i];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum rpm_tag TAGS[] = {RPM_NAME, RPM_EPOCH, RPM_INSTALLTIME, RPM_BASENAMES};
	struct rpm_header header;
	struct rpm_files *files;
	struct rpm_file file;
	struct reason why = {""};
	struct slice text;
	uint64_t number;
	if (rpm_header_open(slice_of(data, size), &header, &why) < 0) {
		if (!why.text[0])
			abort();
		return 0;
	}
	for (size_t i = 0; i < sizeof(TAGS) / sizeof(TAGS[0]); i++) {
		struct rpm_texts texts = rpm_header_texts(&header, TAGS[i]);
		while (rpm_texts_next(&texts, &text))
			touch(text);
		for (uint32_t at = 0; at < 3; at++)
			if (rpm_header_number(&header, TAGS[i], at, &number))
				sink = (uint8_t)number;
	}
	uint8_t digest[SHA256_BYTES];
	rpm_header_digest(&header, digest);
	sink = (uint8_t)rpm_region_check(&header);
	if (rpm_files_open(&header, &files, &why) < 0) {
		if (!why.text[0])
			abort();
		return 0;
	}
	while (rpm_files_next(files, &file)) {
		touch(file.directory);
		touch(file.name);
		touch(file.link);
		touch(file.user);
		touch(file.capabilities);
	}
	rpm_files_close(files);
	return 0;
}
