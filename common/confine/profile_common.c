#include <errno.h>
#include <linux/sched.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "common/confine/confine_private.h"
#include "common/confine/profile.h"

#define THREAD_FLAGS (CLONE_VM | CLONE_THREAD | CLONE_SIGHAND)
#define NAMESPACES                                                                     \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | \
	        CLONE_NEWPID | CLONE_NEWNET)
#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41 /* newer C libraries name their memory */
#endif

const struct profile_row PROFILE_COMMON[] = {
        /* memory; what can be written is never executed, nor made so later */
        ALLOW("brk"),
        ALLOW_IF("mmap", BITS(3, PROT_EXEC, 0)),
        ALLOW_IF("mmap", BITS(3, PROT_EXEC | PROT_WRITE, PROT_EXEC)),
        REFUSE_IF("mmap", EACCES, BITS(3, PROT_EXEC | PROT_WRITE, PROT_EXEC | PROT_WRITE)),
        ALLOW_IF("mprotect", BITS(3, PROT_EXEC, 0)),
        REFUSE_IF("mprotect", EACCES, BITS(3, PROT_EXEC, PROT_EXEC)),
        ALLOW("munmap"),
        ALLOW("mremap"),
        ALLOW("madvise"),
        /* threads, no processes: clone3 hides its flags behind a pointer, and who hears that it is
         * not there takes clone */
        ALLOW_IF("clone", BITS(1, THREAD_FLAGS | NAMESPACES, THREAD_FLAGS)),
        REFUSE("clone3", ENOSYS),
        ALLOW("futex"),
        ALLOW("set_robust_list"),
        ALLOW("get_robust_list"),
        ALLOW("rseq"),
        ALLOW("set_tid_address"),
        ALLOW("sched_yield"),
        ALLOW("sched_getaffinity"),
        ALLOW("getcpu"),
        ALLOW("gettid"),
        ALLOW("getpid"),
        ALLOW("tgkill"), /* abort(3) */
        ALLOW("exit"),
        ALLOW("exit_group"),
        /* signals */
        ALLOW("rt_sigaction"),
        ALLOW("rt_sigprocmask"),
        ALLOW("rt_sigreturn"),
        ALLOW("sigaltstack"),
        ALLOW("signalfd4"),
        ALLOW("restart_syscall"),
        /* time */
        ALLOW("clock_gettime"),
        ALLOW("clock_getres"),
        ALLOW("clock_nanosleep"),
        ALLOW("nanosleep"),
        ALLOW("gettimeofday"),
        ALLOW("time"),
        /* who and where we are */
        ALLOW("getuid"),
        ALLOW("geteuid"),
        ALLOW("getgid"),
        ALLOW("getegid"),
        ALLOW("getppid"),
        ALLOW("uname"),
        ALLOW("sysinfo"),
        ALLOW("getrusage"),
        ALLOW("getrlimit"),
        ALLOW_IF("prlimit64", {3, UINT64_MAX, 0}), /* asked, not set */
        ALLOW("getrandom"),
        ALLOW_IF("prctl", IS(1, PR_SET_NAME)),
        ALLOW_IF("prctl", IS(1, PR_GET_NAME)),
        ALLOW_IF("prctl", IS(1, PR_GET_DUMPABLE)),
        ALLOW_IF("prctl", IS(1, PR_CAPBSET_READ)),
        ALLOW_IF("prctl", IS(1, PR_SET_VMA)),
        /* descriptors */
        ALLOW("read"),
        ALLOW("readv"),
        ALLOW("pread64"),
        ALLOW("preadv"),
        ALLOW("preadv2"),
        ALLOW("write"),
        ALLOW("writev"),
        ALLOW("pwrite64"),
        ALLOW("pwritev"),
        ALLOW("pwritev2"),
        ALLOW("lseek"),
        ALLOW("fcntl"),
        ALLOW("dup"),
        ALLOW("close"),
        ALLOW("close_range"),
        ALLOW("pipe2"),
        ALLOW_IF("ioctl", IS(2, FIONBIO)),
        ALLOW_IF("ioctl", IS(2, FIONREAD)),
        ALLOW_IF("ioctl", IS(2, TCGETS)), /* isatty(3) */
        /* looking at files; what may be opened each program's own table says */
        ALLOW("stat"),
        ALLOW("lstat"),
        ALLOW("fstat"),
        ALLOW("newfstatat"),
        ALLOW("statx"),
        ALLOW("statfs"),
        ALLOW("fstatfs"),
        ALLOW("access"),
        ALLOW("faccessat"),
        ALLOW("faccessat2"),
        ALLOW("readlink"),
        ALLOW("readlinkat"),
        ALLOW("getdents64"),
        ALLOW("getcwd"),
        REFUSE("openat2", ENOSYS), /* its flags stand behind a pointer */
        /* the loop; libuv goes on without io_uring, which no filter would see into */
        ALLOW("epoll_create1"),
        ALLOW("epoll_ctl"),
        ALLOW("epoll_wait"),
        ALLOW("epoll_pwait"),
        ALLOW("epoll_pwait2"),
        ALLOW("eventfd2"),
        ALLOW("poll"),
        ALLOW("ppoll"),
        REFUSE("io_uring_setup", ENOSYS),
        {0},
};

const struct profile_row PROFILE_SANITIZERS[] = {
#if CONFINE_SANITIZED
        /* The search for leaks stops all threads from a process that shares the memory. */
        ALLOW_IF("clone", BITS(1, CLONE_VM | CLONE_THREAD | NAMESPACES, CLONE_VM)),
        ALLOW("ptrace"),
        ALLOW("wait4"),
        ALLOW("tkill"),
        ALLOW("kill"),
        ALLOW("open"),
        ALLOW("mlock"),
        ALLOW("munlock"),
        ALLOW("sched_getparam"),
        ALLOW("sched_getscheduler"),
        ALLOW("process_vm_readv"),
        ALLOW("getdents"),
        ALLOW_IF("prctl", IS(1, PR_SET_DUMPABLE)),
        ALLOW_IF("prctl", IS(1, PR_SET_PTRACER)),
        ALLOW_IF("prctl", IS(1, PR_SET_PDEATHSIG)),
        ALLOW_IF("prlimit64", {4, UINT64_MAX, 0}),
#endif
        {0},
};
