#include "agent/rpmdb/rpm_header.h"

uint32_t rpm_header_count(const struct rpm_header *header, enum rpm_tag tag)
{
	(void)header;
	(void)tag;
	return 0;
}
