#pragma once
#include <errno.h>
#include <poll.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

// ppoll(2) with a time limit in nanoseconds, negative for none: the number of ready descriptors, or -errno. glibc declares
// its own only under _GNU_SOURCE, which a module for Swift must not define.
static inline int pv_poll(struct pollfd *descriptors, unsigned long count, long long nanoseconds) {
  struct timespec limit = {.tv_sec = nanoseconds / 1000000000, .tv_nsec = nanoseconds % 1000000000};
  long ready = syscall(SYS_ppoll, descriptors, count, nanoseconds < 0 ? NULL : &limit, NULL, 0);
  return ready < 0 ? -errno : (int)ready;
}
