// Preloaded into pvbench: kills it with SIGKILL in place of its n-th call that changes a file (PVBENCH_TEST_KILL_AT, from 1), or
// makes that call fail for want of space (PVBENCH_TEST_FULL_AT).
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int calls;

static int is_full(void) {
  const char *kill_at = getenv("PVBENCH_TEST_KILL_AT"), *full_at = getenv("PVBENCH_TEST_FULL_AT");
  calls++;
  if (kill_at && atoi(kill_at) == calls) raise(SIGKILL);
  if (!full_at || atoi(full_at) != calls) return 0;
  errno = ENOSPC;
  return 1;
}

int open(const char *path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  int mode = flags & O_CREAT ? va_arg(arguments, int) : 0;
  va_end(arguments);
  if ((flags & O_ACCMODE) != O_RDONLY && strncmp(path, "/dev/", 5) && is_full()) return -1;
  int (*next)(const char *, int, ...) = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open");
  return next(path, flags, mode);
}

ssize_t write(int file, const void *bytes, size_t count) {
  if (file > 2 && is_full()) return -1;
  ssize_t (*next)(int, const void *, size_t) = (ssize_t (*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
  return next(file, bytes, count);
}

int fsync(int file) {
  if (is_full()) return -1;
  return ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(file);
}

int rename(const char *from, const char *to) {
  if (is_full()) return -1;
  return ((int (*)(const char *, const char *))dlsym(RTLD_NEXT, "rename"))(from, to);
}

int unlink(const char *path) {
  if (is_full()) return -1;
  return ((int (*)(const char *))dlsym(RTLD_NEXT, "unlink"))(path);
}
