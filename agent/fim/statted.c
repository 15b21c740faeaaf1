#include "agent/fim/statted.h"

enum file_type statted_type(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return FILE_REGULAR;
	case S_IFDIR:
		return FILE_DIRECTORY;
	case S_IFLNK:
		return FILE_SYMLINK;
	case S_IFIFO:
		return FILE_FIFO;
	case S_IFSOCK:
		return FILE_SOCKET;
	case S_IFCHR:
		return FILE_CHAR;
	case S_IFBLK:
		return FILE_BLOCK;
	default:
		return FILE_ABSENT;
	}
}

struct filestate statted_state(const struct stat *info)
{
	return (struct filestate){
	        .type = statted_type(info->st_mode),
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
