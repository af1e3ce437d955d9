// Loads of which each needs the one before: a single cycle through all lines of a piece of memory, in random order.
#include "include/Kernels.h"

struct node {
  struct node *next;
  uint64_t ordinal;
  uint64_t pad[6];
};
struct work {
  struct node *at;
  uint64_t count, walked, pad[5];
  struct node nodes[];
};
_Static_assert(sizeof(struct work) == sizeof(struct node), "every node has a line");

void pv_chase_prepare(void *memory, uint64_t bytes, uint64_t seed) {
  struct work *work = memory;
  struct node *nodes = work->nodes;
  uint64_t count = bytes / sizeof(struct node) - 1, state = seed | 1;
  for (uint64_t index = 0; index < count; index++) nodes[index].next = &nodes[index];
  // Sattolo, "An Algorithm to Generate a Random Cyclic Permutation" (1986), by xorshift64.
  for (uint64_t index = count - 1; index > 0; index--) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    uint64_t other = state % index;
    struct node *next = nodes[index].next;
    nodes[index].next = nodes[other].next;
    nodes[other].next = next;
  }
  struct node *at = nodes;
  for (uint64_t ordinal = 0; ordinal < count; ordinal++, at = at->next) at->ordinal = ordinal;
  work->at = nodes;
  work->count = count;
  work->walked = 0;
}

uint64_t pv_chase(void *memory) {
  struct work *work = memory;
  struct node *at = work->at;
  for (int load = 0; load < pv_chase_loads; load += 8)
    at = at->next->next->next->next->next->next->next->next;
  work->at = at;
  work->walked = (work->walked + pv_chase_loads) % work->count;
  return at->ordinal - work->walked;
}
