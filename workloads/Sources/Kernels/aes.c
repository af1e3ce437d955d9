// AES-128 (FIPS 197) by AESENC, AESENCLAST and AESKEYGENASSIST (Intel SDM 2), eight blocks at a time.
#include "include/Kernels.h"
#include <immintrin.h>
#define AES __attribute__((target("aes,sse4.1")))

struct schedule {
  __m128i keys[11];
};

AES static __m128i next_key(__m128i key, __m128i assist) {
  key = _mm_xor_si128(key, _mm_slli_si128(key, 4));
  key = _mm_xor_si128(key, _mm_slli_si128(key, 4));
  key = _mm_xor_si128(key, _mm_slli_si128(key, 4));
  return _mm_xor_si128(key, _mm_shuffle_epi32(assist, 0xff));
}

AES static struct schedule expand(const void *key) {
  struct schedule schedule;
  __m128i *keys = schedule.keys;
  keys[0] = _mm_loadu_si128(key);
  // The round constants are operands of the instruction.
#define EXPAND(round, constant) keys[round] = next_key(keys[round - 1], _mm_aeskeygenassist_si128(keys[round - 1], constant))
  EXPAND(1, 0x01);
  EXPAND(2, 0x02);
  EXPAND(3, 0x04);
  EXPAND(4, 0x08);
  EXPAND(5, 0x10);
  EXPAND(6, 0x20);
  EXPAND(7, 0x40);
  EXPAND(8, 0x80);
  EXPAND(9, 0x1b);
  EXPAND(10, 0x36);
  return schedule;
}

enum { LANES = 8 };

AES static void encrypt(const struct schedule *schedule, __m128i *blocks) {
  __m128i lanes[LANES];
  for (int lane = 0; lane < LANES; lane++) lanes[lane] = _mm_xor_si128(blocks[lane], schedule->keys[0]);
  for (int round = 1; round < 10; round++)
    for (int lane = 0; lane < LANES; lane++) lanes[lane] = _mm_aesenc_si128(lanes[lane], schedule->keys[round]);
  for (int lane = 0; lane < LANES; lane++) blocks[lane] = _mm_aesenclast_si128(lanes[lane], schedule->keys[10]);
}

AES uint64_t pv_aes_block(const void *key, const void *block) {
  struct schedule schedule = expand(key);
  __m128i lanes[LANES];
  for (int lane = 0; lane < LANES; lane++) lanes[lane] = _mm_loadu_si128(block);
  encrypt(&schedule, lanes);
  return __builtin_bswap64((uint64_t)_mm_cvtsi128_si64(lanes[LANES - 1]));
}

AES uint64_t pv_aes(void *work) {
  uint8_t *message = work, key[16];
  for (int index = 0; index < 16; index++) key[index] = (uint8_t)index;
  for (int index = 0; index < pv_aes_message; index++) message[index] = (uint8_t)(7 * index + (index >> 8));
  struct schedule schedule = expand(key);
  for (int round = 0; round < pv_aes_rounds; round++)
    for (int at = 0; at < pv_aes_message; at += 16 * LANES) encrypt(&schedule, (__m128i *)(message + at));
  uint64_t digest = 0;
  for (int at = 0; at < pv_aes_message; at += 8) digest = digest * 31 + *(const uint64_t *)(message + at);
  return digest;
}
