#pragma once
#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

// The calling thread's id, as /proc and sched_setaffinity(2) know it.
static inline int pv_gettid(void) { return (int)syscall(SYS_gettid); }

// Has this process killed when the thread that started it ends; whoever calls checks afterwards that it has not yet.
static inline int pv_die_with_parent(void) { return prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 ? -errno : 0; }

// A file in memory without a name, closed by exec, or -errno.
static inline int pv_memory_file(void) {
  int descriptor = (int)syscall(SYS_memfd_create, "report", 1u /* MFD_CLOEXEC */);
  return descriptor < 0 ? -errno : descriptor;
}
