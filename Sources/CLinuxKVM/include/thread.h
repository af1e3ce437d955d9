#pragma once
#include <sys/syscall.h>
#include <unistd.h>

// The calling thread's id, as /proc and sched_setaffinity(2) know it.
static inline int pv_gettid(void) { return (int)syscall(SYS_gettid); }
