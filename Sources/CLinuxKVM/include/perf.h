#pragma once
#include <errno.h>
#include <linux/perf_event.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

// Counts (never samples) the tracepoint `id` on a thread, 0 for the calling one, whichever CPU it runs on: a descriptor, or
// -errno.
static inline int pv_perf_count_tracepoint(unsigned long long id, int thread) {
  struct perf_event_attr attributes;
  memset(&attributes, 0, sizeof attributes);
  attributes.size = sizeof attributes;
  attributes.type = PERF_TYPE_TRACEPOINT;
  attributes.config = id;
  long descriptor = syscall(SYS_perf_event_open, &attributes, thread, -1, -1, PERF_FLAG_FD_CLOEXEC);
  return descriptor < 0 ? -errno : (int)descriptor;
}

// The same with a record of each event, once the descriptor has a ring; whoever polls it is woken when `watermark` bytes wait.
static inline int pv_perf_record_tracepoint(unsigned long long id, unsigned watermark) {
  struct perf_event_attr attributes;
  memset(&attributes, 0, sizeof attributes);
  attributes.size = sizeof attributes;
  attributes.type = PERF_TYPE_TRACEPOINT;
  attributes.config = id;
  attributes.sample_period = 1;
  attributes.sample_type = PERF_SAMPLE_RAW;
  attributes.watermark = 1;
  attributes.wakeup_watermark = watermark;
  long descriptor = syscall(SYS_perf_event_open, &attributes, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
  return descriptor < 0 ? -errno : (int)descriptor;
}

// Puts the records of one event into the ring of another; 0 or -errno.
static inline int pv_perf_share_ring(int descriptor, int owner) {
  return ioctl(descriptor, PERF_EVENT_IOC_SET_OUTPUT, owner) < 0 ? -errno : 0;
}

// Maps an event's ring, `size` bytes behind its page of indices; NULL with the reason in `error`.
static inline void *pv_perf_map_ring(int descriptor, unsigned long page, unsigned long size, int *error) {
  void *ring = mmap(NULL, page + size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  *error = ring == MAP_FAILED ? errno : 0;
  return ring == MAP_FAILED ? NULL : ring;
}

// How far the kernel has written: what is before it can be read.
static inline unsigned long long pv_perf_head(const void *ring) {
  return __atomic_load_n(&((const struct perf_event_mmap_page *)ring)->data_head, __ATOMIC_ACQUIRE);
}

// Gives everything before `tail` back to the kernel.
static inline void pv_perf_release(void *ring, unsigned long long tail) {
  __atomic_store_n(&((struct perf_event_mmap_page *)ring)->data_tail, tail, __ATOMIC_RELEASE);
}
