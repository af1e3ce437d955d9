#pragma once
#include <stdint.h>
#include <x86intrin.h>

// The host's TSC, not ordered against the instructions around it: 10 ns, good enough to time an exit.
static inline uint64_t pv_rdtsc(void) { return __rdtsc(); }
