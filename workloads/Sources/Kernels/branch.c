// Three branches a byte, by its bits. Too many pseudo-random bytes for a branch predictor to learn them by heart.
#include "include/Kernels.h"

// Keeps the compiler from doing both sides and choosing between the results.
#define BRANCH(sum) __asm__ volatile("" : "+r"(sum))

uint64_t pv_branch_prepare(void *work, int is_random) {
  uint8_t *bytes = work;
  uint64_t state = 1, answer = 0;
  for (int index = 0; index < pv_branch_bytes; index++) {
    // xorshift64 (Marsaglia, "Xorshift RNGs", 2003)
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    bytes[index] = is_random ? (uint8_t)(state >> 32) : 5;
    uint64_t first = bytes[index] & 1, second = bytes[index] >> 1 & 1, third = bytes[index] >> 2 & 1;
    answer += first * 3 + (1 - first) * 5 + second * 7 + (1 - second) * 11 + third * 13 + (1 - third) * 17;
  }
  return answer;
}

uint64_t pv_branch(void *work) {
  const uint8_t *bytes = work;
  uint64_t sum = 0;
  for (int index = 0; index < pv_branch_bytes; index++) {
    uint8_t byte = bytes[index];
    if (byte & 1) {
      sum += 3;
      BRANCH(sum);
    } else {
      sum += 5;
      BRANCH(sum);
    }
    if (byte & 2) {
      sum += 7;
      BRANCH(sum);
    } else {
      sum += 11;
      BRANCH(sum);
    }
    if (byte & 4) {
      sum += 13;
      BRANCH(sum);
    } else {
      sum += 17;
      BRANCH(sum);
    }
  }
  return sum;
}
