#pragma once
#include <stdint.h>
#include <x86intrin.h>

// When a thread slept, for a time line: pairs of TSC values, falling asleep and waking up. The notebook is the thread's own, so
// that whatever puts it to sleep need not know who wants to know; a thread without one notes nothing.
typedef struct pv_sleep_log {
  uint64_t *pairs;
  uint64_t capacity;  // pairs that there is room for
  uint64_t count;     // all of them, also those without room
} pv_sleep_log;

extern _Thread_local pv_sleep_log *pv_own_sleeps;

// From now on the calling thread notes its sleeps in `log`, or nothing where it is null.
static inline void pv_note_sleeps(pv_sleep_log *log) { pv_own_sleeps = log; }

// The calling thread is about to sleep: what `pv_sleep_ends` wants to know.
static inline uint64_t pv_sleep_begins(void) { return pv_own_sleeps ? __rdtsc() : 0; }

static inline void pv_sleep_ends(uint64_t began) {
  pv_sleep_log *log = pv_own_sleeps;
  if (!log) return;
  if (log->count < log->capacity) {
    log->pairs[2 * log->count] = began;
    log->pairs[2 * log->count + 1] = __rdtsc();
  }
  log->count++;
}
