// Reads, changes and writes every word of a piece of memory that stays in a cache, a few times over.
#include "include/Kernels.h"

struct work {
  uint64_t count;
  uint64_t words[];
};

uint64_t pv_cache_prepare(void *memory, uint64_t count) {
  struct work *work = memory;
  work->count = count;
  // Pass p adds i to word i, which held (p - 1) i: the sum of what is read and written is known.
  return pv_cache_passes * (pv_cache_passes + 1) / 2 * (count * (count - 1) / 2);
}

uint64_t pv_cache(void *memory) {
  struct work *work = memory;
  uint64_t sum = 0;
  for (uint64_t index = 0; index < work->count; index++) work->words[index] = 0;
  for (int pass = 0; pass < pv_cache_passes; pass++) {
    for (uint64_t index = 0; index < work->count; index++) {
      work->words[index] += index;
      sum += work->words[index];
    }
    __asm__ volatile("" ::: "memory");
  }
  return sum;
}
