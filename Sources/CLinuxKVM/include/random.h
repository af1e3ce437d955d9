#pragma once
#include <errno.h>
#include <sys/random.h>

// Random bytes of the kernel's (getrandom(2)): how many of `count` were written, or -errno.
static inline long pv_random(void *bytes, unsigned long count) {
  ssize_t written = getrandom(bytes, count, 0);
  return written < 0 ? -errno : written;
}
