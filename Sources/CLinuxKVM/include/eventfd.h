#pragma once
#include <errno.h>
#include <sys/eventfd.h>

// A non-blocking, close-on-exec eventfd, or -errno.
static inline int pv_eventfd(void) {
  int descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  return descriptor < 0 ? -errno : descriptor;
}
