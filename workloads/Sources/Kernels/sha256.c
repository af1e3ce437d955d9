// SHA-256 (FIPS 180-4) by SHA256RNDS2, SHA256MSG1 and SHA256MSG2 (Intel SDM 2; "Intel SHA Extensions", 2013).
#include "include/Kernels.h"
#include <immintrin.h>
#define SHA __attribute__((target("sha,sse4.1,ssse3")))

static const uint32_t constants[64] __attribute__((aligned(16))) = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01,
    0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc,
    0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
    0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08,
    0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
    0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

// The state as the instructions want it: words A, B, E, F and C, D, G, H, the first of each highest.
struct state {
  __m128i abef, cdgh;
};

SHA static struct state start(void) {
  struct state state = {_mm_set_epi32(0x6a09e667, (int)0xbb67ae85, 0x510e527f, (int)0x9b05688c),
                        _mm_set_epi32(0x3c6ef372, (int)0xa54ff53a, 0x1f83d9ab, 0x5be0cd19)};
  return state;
}

SHA static struct state compress(struct state state, const uint8_t *bytes, size_t blocks) {
  const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
  for (; blocks; blocks--, bytes += 64) {
    struct state before = state;
    __m128i words[4];
#pragma clang loop unroll(full)
    for (int quarter = 0; quarter < 16; quarter++) {
      if (quarter < 4) {
        words[quarter] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(bytes + 16 * quarter)), big_endian);
      } else {
        __m128i *next = &words[quarter & 3], last = words[(quarter + 3) & 3];
        *next = _mm_sha256msg1_epu32(*next, words[(quarter + 1) & 3]);
        *next = _mm_add_epi32(*next, _mm_alignr_epi8(last, words[(quarter + 2) & 3], 4));
        *next = _mm_sha256msg2_epu32(*next, last);
      }
      __m128i sum = _mm_add_epi32(words[quarter & 3], _mm_load_si128((const __m128i *)(constants + 4 * quarter)));
      state.cdgh = _mm_sha256rnds2_epu32(state.cdgh, state.abef, sum);
      state.abef = _mm_sha256rnds2_epu32(state.abef, state.cdgh, _mm_shuffle_epi32(sum, 0x0e));
    }
    state.abef = _mm_add_epi32(state.abef, before.abef);
    state.cdgh = _mm_add_epi32(state.cdgh, before.cdgh);
  }
  return state;
}

static void put(uint8_t *bytes, uint32_t word) {
  for (int index = 0; index < 4; index++) bytes[index] = (uint8_t)(word >> (24 - 8 * index));
}

// The digest, big-endian as it is written.
SHA static void finish(struct state state, uint8_t *digest) {
  uint32_t high[4], low[4];
  _mm_storeu_si128((__m128i *)high, state.abef);
  _mm_storeu_si128((__m128i *)low, state.cdgh);
  const uint32_t words[8] = {high[3], high[2], low[3], low[2], high[1], high[0], low[1], low[0]};
  for (int index = 0; index < 8; index++) put(digest + 4 * index, words[index]);
}

// The last block: what is left of the bytes, a one, and the length in bits.
SHA static struct state close(struct state state, const uint8_t *rest, size_t count, uint64_t total) {
  uint8_t block[64];
  for (size_t index = 0; index < 64; index++) block[index] = index < count ? rest[index] : index == count ? 0x80 : 0;
  put(block + 56, (uint32_t)(total >> 29));
  put(block + 60, (uint32_t)(total << 3));
  return compress(state, block, 1);
}

static uint64_t first_bits(const uint8_t *digest) {
  uint64_t bits = 0;
  for (int index = 0; index < 8; index++) bits = bits << 8 | digest[index];
  return bits;
}

SHA uint64_t pv_sha256_short(const void *bytes, size_t count) {
  uint8_t digest[32];
  finish(close(start(), bytes, count, count), digest);
  return first_bits(digest);
}

SHA uint64_t pv_sha256(void *work) {
  uint8_t *message = work;
  for (int index = 0; index < 32; index++) message[index] = 0;
  for (int index = 32; index < pv_sha256_message; index++) message[index] = (uint8_t)(7 * index + 3);
  for (int round = 0; round < pv_sha256_rounds; round++) {
    struct state state = compress(start(), message, pv_sha256_message / 64);
    finish(close(state, message, 0, pv_sha256_message), message);
  }
  return first_bits(message);
}
