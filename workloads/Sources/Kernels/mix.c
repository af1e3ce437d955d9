// Reads and writes of a word in a line, the next one or any. Every word holds its number in its upper half and how often it was
// written in its lower half.
#include "include/Kernels.h"

struct work {
  uint64_t count, is_random, read_percent, state, at, writes, pad[2];
};
enum { LINE = 64 };
_Static_assert(sizeof(struct work) == LINE, "the lines lie behind it");

static uint64_t *word(struct work *work, uint64_t index) { return (uint64_t *)((char *)(work + 1) + LINE * index); }

void pv_mix_prepare(void *memory, uint64_t bytes, uint64_t seed, int is_random, uint64_t read_percent) {
  struct work *work = memory;
  struct work filled = {
      .count = bytes / LINE - 1, .is_random = (uint64_t)is_random, .read_percent = read_percent, .state = seed | 1};
  *work = filled;
  for (uint64_t index = 0; index < work->count; index++) *word(work, index) = index << 32;
}

uint64_t pv_mix(void *memory) {
  struct work *work = memory;
  uint64_t wrong = 0, state = work->state, at = work->at, writes = 0;
  for (int access = 0; access < pv_mix_accesses; access++) {
    // xorshift64 (Marsaglia, "Xorshift RNGs", 2003); its upper half as a fraction, so that nothing is divided.
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    at = work->is_random ? (state >> 32) * work->count >> 32 : at + 1 < work->count ? at + 1 : 0;
    uint64_t *chosen = word(work, at);
    wrong += *chosen >> 32 != at;
    if ((state & 0xffff) * 100 >> 16 >= work->read_percent) {
      ++*chosen;
      writes++;
    }
  }
  work->state = state;
  work->at = at;
  work->writes += writes;
  return wrong;
}

uint64_t pv_mix_check(void *memory) {
  struct work *work = memory;
  uint32_t sum = 0;
  for (uint64_t index = 0; index < work->count; index++) sum += (uint32_t)*word(work, index);
  return sum != (uint32_t)work->writes;
}
