#pragma once
#include <elf.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

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

// The address that the first segment was linked at.
static inline uintptr_t pv_first_address(const Elf64_Phdr *segments, int count) {
  for (int index = 0; index < count; index++) {
    if (segments[index].p_type == PT_LOAD) return segments[index].p_vaddr;
  }
  return 0;
}

// Gives back those pages of the program's own data that were read, or mapped beside one that was read, but never written: they
// are still the file's, as bit 61 of their entries says (Linux, admin-guide/mm/pagemap.rst). Only before the first other thread:
// what it would write meanwhile would be lost, and so a process that has more than one keeps everything.
static inline void pv_forget_unwritten_data(void) {
  extern const Elf64_Ehdr __ehdr_start __attribute__((weak));
  struct stat threads;
  if (!&__ehdr_start || stat("/proc/self/task", &threads) != 0 || threads.st_nlink != 3) return;
  int map = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
  if (map < 0) return;
  const Elf64_Phdr *segment = (const Elf64_Phdr *)((const char *)&__ehdr_start + __ehdr_start.e_phoff);
  const uintptr_t bias = (uintptr_t)&__ehdr_start - pv_first_address(segment, __ehdr_start.e_phnum);
  for (int index = 0; index < __ehdr_start.e_phnum; index++) {
    if (segment[index].p_type != PT_LOAD || !(segment[index].p_flags & PF_W)) continue;
    uintptr_t end = bias + segment[index].p_vaddr + segment[index].p_filesz;
    uintptr_t page = (bias + segment[index].p_vaddr) & ~(uintptr_t)4095;
    while (page < end) {
      uint64_t entries[256];
      ssize_t size = pread(map, entries, sizeof entries, (off_t)(page / 4096 * sizeof *entries));
      if (size < (ssize_t)sizeof *entries) break;
      size_t first = 0, count = (size_t)size / sizeof *entries;
      for (size_t next = 0; next <= count; next++) {
        // A run of such pages ends here: one call gives all of it back.
        if (next < count && page + 4096 * next < end && (entries[next] >> 63 & entries[next] >> 61 & 1)) continue;
        if (next > first) madvise((void *)(page + 4096 * first), 4096 * (next - first), MADV_DONTNEED);
        first = next + 1;
      }
      page += 4096 * count;
    }
  }
  close(map);
}
