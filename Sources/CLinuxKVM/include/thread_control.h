#pragma once
#include <errno.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

// Binds a thread, 0 for the calling one, to one CPU (0 to 1023); 0 or -errno.
static inline int pv_pin_thread(int thread, int cpu) {
  unsigned long mask[1024 / (8 * sizeof(unsigned long))] = {0};
  if (cpu < 0 || cpu >= 1024) return -EINVAL;
  mask[cpu / (8 * sizeof(unsigned long))] = 1UL << (cpu % (8 * sizeof(unsigned long)));
  return syscall(SYS_sched_setaffinity, thread, sizeof mask, mask) < 0 ? -errno : 0;
}

static inline int pv_pin_current_thread(int cpu) { return pv_pin_thread(0, cpu); }

// Names the calling thread, as ps and perf show it; cut off after 15 bytes.
static inline void pv_name_current_thread(const char *name) { prctl(PR_SET_NAME, name, 0, 0, 0); }
