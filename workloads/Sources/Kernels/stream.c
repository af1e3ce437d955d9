// The four loops of STREAM (McCalpin, "Memory Bandwidth and Machine Balance in Current High Performance Computers", 1995) over
// three arrays of doubles. All values are small whole numbers: what every element must be is known, and exact.
#include "include/Kernels.h"

struct work {
  uint64_t operation, count, passes, turns;
  double *a, *b, *c;
};
_Static_assert(sizeof(struct work) <= pv_stream_offset, "the arrays lie behind it");

static double first(uint64_t index) { return (double)(index & 1023); }
static double second(uint64_t index) { return (double)(index % 1021); }
static double scalar(const struct work *work) { return (double)(3 + (work->turns & 7)); }

void pv_stream_prepare(void *memory, uint64_t bytes, uint64_t operation, uint64_t passes) {
  struct work *work = memory;
  uint64_t count = pv_stream_elements(bytes);
  struct work filled = {.operation = operation, .count = count, .passes = passes};
  *work = filled;
  work->a = (double *)((char *)memory + pv_stream_offset);
  work->b = work->a + count;
  work->c = work->b + count;
  for (uint64_t index = 0; index < count; index++) {
    work->a[index] = first(index);
    work->b[index] = second(index);
    work->c[index] = 0;
  }
}

static double expected(const struct work *work, uint64_t index) {
  switch (work->operation) {
  case pv_stream_copy: return first(index);
  case pv_stream_scale: return scalar(work) * first(index);
  case pv_stream_add: return first(index) + second(index);
  default: return first(index) + scalar(work) * second(index);
  }
}

static uint64_t wrong(const struct work *work, uint64_t step) {
  uint64_t wrong = 0;
  for (uint64_t index = 0; index < work->count; index += step) wrong += work->c[index] != expected(work, index);
  return wrong + (work->c[work->count - 1] != expected(work, work->count - 1));
}

uint64_t pv_stream_check(void *memory) { return wrong(memory, 1); }

uint64_t pv_stream(void *memory) {
  struct work *work = memory;
  const double *restrict a = work->a, *restrict b = work->b;
  double *restrict c = work->c;
  work->turns++;
  uint64_t count = work->count;
  double s = scalar(work);
  for (uint64_t pass = 0; pass < work->passes; pass++) {
    switch (work->operation) {
    case pv_stream_copy:
      for (uint64_t index = 0; index < count; index++) c[index] = a[index];
      break;
    case pv_stream_scale:
      for (uint64_t index = 0; index < count; index++) c[index] = s * a[index];
      break;
    case pv_stream_add:
      for (uint64_t index = 0; index < count; index++) c[index] = a[index] + b[index];
      break;
    default:
      for (uint64_t index = 0; index < count; index++) c[index] = a[index] + s * b[index];
    }
    __asm__ volatile("" ::: "memory");
  }
  // All of them are looked at in the end; now, one in 1,009.
  return wrong(work, 1009);
}
