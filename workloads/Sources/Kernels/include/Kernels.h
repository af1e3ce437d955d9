// What the suites `cpu` and `memory` compute. A kernel works in a piece of memory that it is given, of pv_…_bytes or what its comment says,
// at a multiple of 64; it allocates nothing and calls nothing. An operation begins at the same state every time and returns an
// answer in which every step of it has a part.
#pragma once
#include <stddef.h>
#include <stdint.h>

// Lists, matrices, a state machine and CRCs (integer.c): general registers only, for ring 3 and ring 0.
enum { pv_integer_bytes = 4096 };
void pv_integer_prepare(void *work);
uint64_t pv_integer(void *work);

// The Sun and four planets, a thousand steps (nbody.c): 10^9 times the energy's amount, rounded.
enum { pv_nbody_bytes = 512 };
uint64_t pv_nbody(void *work);

// A product of dense square matrices of doubles (matmul.c), in vectors of 2 or 4. Preparing returns the answer.
enum { pv_matmul_order = 96, pv_matmul_bytes = 3 * 8 * pv_matmul_order * pv_matmul_order };
uint64_t pv_matmul_prepare(void *work);
uint64_t pv_matmul_sse2(void *work);
uint64_t pv_matmul_avx2(void *work);

// SHA-256 by the processor's SHA instructions (sha256.c), over a message four times, each time with the last digest in it.
enum { pv_sha256_message = 16384, pv_sha256_rounds = 4 };
uint64_t pv_sha256(void *work);
// The first 64 bits of the digest of `count` bytes, of which the last block is not whole.
uint64_t pv_sha256_short(const void *bytes, size_t count);

// AES-128 by the processor's AES instructions (aes.c): a message encrypted in place four times, block by block.
enum { pv_aes_message = 16384, pv_aes_rounds = 4 };
uint64_t pv_aes(void *work);
// The first 64 bits of one encrypted block.
uint64_t pv_aes_block(const void *key, const void *block);

// Branches by the bits of pseudo-random bytes, or of bytes that are all alike (branch.c). Preparing returns the answer.
enum { pv_branch_bytes = 32768 };
uint64_t pv_branch_prepare(void *work, int is_random);
uint64_t pv_branch(void *work);

// Passes over words that fit in a cache (cache.c): the memory's first word is how many there are. Preparing returns the answer.
enum { pv_cache_passes = 16 };
uint64_t pv_cache_prepare(void *work, uint64_t words);
uint64_t pv_cache(void *work);

// STREAM's loops over three arrays (stream.c), each operation a number of passes. An operation and a check return how many
// elements are wrong; the check looks at all of them.
enum { pv_stream_copy, pv_stream_scale, pv_stream_add, pv_stream_triad, pv_stream_offset = 4096 };
// Elements of each array: three share what the first page leaves, in whole lines.
static inline uint64_t pv_stream_elements(uint64_t bytes) { return (bytes - pv_stream_offset) / (3 * sizeof(double)) / 8 * 8; }
void pv_stream_prepare(void *work, uint64_t bytes, uint64_t operation, uint64_t passes);
uint64_t pv_stream(void *work);
uint64_t pv_stream_check(void *work);

// Dependent loads through all lines in random order (chase.c): 0, or how far from where it should be the walk came.
enum { pv_chase_loads = 4096 };
void pv_chase_prepare(void *work, uint64_t bytes, uint64_t seed);
uint64_t pv_chase(void *work);

// Independent reads and writes (mix.c): how many words held what they should not.
enum { pv_mix_accesses = 4096 };
void pv_mix_prepare(void *work, uint64_t bytes, uint64_t seed, int is_random, uint64_t read_percent);
uint64_t pv_mix(void *work);
uint64_t pv_mix_check(void *work);

// The processor states that the system has switched on (Intel SDM 1, 13.3); only where CR4.OSXSAVE is set.
static inline uint64_t pv_enabled_states(void) {
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (uint64_t)high << 32 | low;
}
