#pragma once
#include <malloc.h>
#include <stdint.h>
#include <sys/mman.h>

// Start-up memory that nobody needs again goes back to the host: a runner lives long and uses little of its code and heap,
// and there may be hundreds of them.

// One heap for all threads: the few allocations outside the exit loop do not contend. Before the first thread.
static inline void pv_use_one_heap(void) { mallopt(M_ARENA_MAX, 1); }

// Gives free heap and the pages of the program's own code back: what is needed again is mapped again from the page cache.
// (__executable_start and etext are the linker's; code is never written, so nothing can be lost.)
static inline void pv_forget_startup(void) {
  malloc_trim(0);
  extern char __executable_start[] __attribute__((weak)), etext[] __attribute__((weak));
  uintptr_t start = ((uintptr_t)__executable_start + 4095) & ~(uintptr_t)4095, end = (uintptr_t)etext & ~(uintptr_t)4095;
  if (__executable_start && etext && start < end) madvise((void *)start, end - start, MADV_DONTNEED);
}
