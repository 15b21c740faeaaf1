#include "agent/fim/statted.h"

struct filestate statted_state(const struct stat *info)
{
	return (struct filestate){
	        .type = file_type_of(info->st_mode),
	        .mode = info->st_mode & 07777,
	        .uid = info->st_uid,
	        .gid = info->st_gid,
	        .size = (uint64_t)info->st_size,
	        .mtime_ns = statted_ns(info->st_mtim),
	        .ctime_ns = statted_ns(info->st_ctim),
	        .inode = info->st_ino,
	        .device = info->st_dev,
	};
}
