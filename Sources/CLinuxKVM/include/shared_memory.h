#pragma once
#include <errno.h>
#include <linux/memfd.h>
#include <sys/syscall.h>
#include <unistd.h>

// A close-on-exec memfd of `count` bytes (memfd_create(2)), or -errno. glibc declares its own only under _GNU_SOURCE.
static inline int pv_memfd(const char *name, long count) {
  long descriptor = syscall(SYS_memfd_create, name, MFD_CLOEXEC);
  if (descriptor < 0) return -errno;
  if (ftruncate((int)descriptor, count) == 0) return (int)descriptor;
  int code = errno;
  close((int)descriptor);
  return -code;
}
