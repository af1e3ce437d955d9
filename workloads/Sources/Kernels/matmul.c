// C = A B for A[i][k] = i + k and B[k][j] = k - j: whole numbers, so that the product is exact however it is rounded and in
// whatever order it is summed. Four rows by two vectors of C are kept in registers.
#include "include/Kernels.h"

enum { N = pv_matmul_order };
typedef double pair __attribute__((vector_size(16)));
typedef double quad __attribute__((vector_size(32)));

struct work {
  double a[N][N], b[N][N], c[N][N];
};
_Static_assert(sizeof(struct work) == pv_matmul_bytes, "callers give this much memory");

static uint64_t weigh(uint64_t digest, int64_t value) { return digest * 31 + (uint64_t)value; }

static uint64_t digest(const struct work *work) {
  uint64_t digest = 0;
  for (int i = 0; i < N; i++)
    for (int j = 0; j < N; j++) digest = weigh(digest, (int64_t)work->c[i][j]);
  return digest;
}

uint64_t pv_matmul_prepare(void *memory) {
  struct work *work = memory;
  // The sums of k and of k^2 below N.
  int64_t first = N * (N - 1) / 2, second = (N - 1) * N * (2 * N - 1) / 6;
  uint64_t answer = 0;
  for (int64_t i = 0; i < N; i++) {
    for (int64_t j = 0; j < N; j++) {
      work->a[i][j] = i + j;
      work->b[i][j] = i - j;
      answer = weigh(answer, second + (i - j) * first - N * i * j);
    }
  }
  return answer;
}

#define MULTIPLY(vector, work)                                                                                         \
  enum { WIDTH = sizeof(vector) / sizeof(double) };                                                                    \
  for (int i = 0; i < N; i += 4) {                                                                                     \
    for (int j = 0; j < N; j += 2 * WIDTH) {                                                                           \
      vector sums[4][2] = {{{0}}};                                                                                     \
      for (int k = 0; k < N; k++) {                                                                                    \
        vector b0 = *(const vector *)&(work)->b[k][j], b1 = *(const vector *)&(work)->b[k][j + WIDTH];                 \
        for (int row = 0; row < 4; row++) {                                                                            \
          sums[row][0] += (work)->a[i + row][k] * b0;                                                                  \
          sums[row][1] += (work)->a[i + row][k] * b1;                                                                  \
        }                                                                                                              \
      }                                                                                                                \
      for (int row = 0; row < 4; row++) {                                                                              \
        *(vector *)&(work)->c[i + row][j] = sums[row][0];                                                              \
        *(vector *)&(work)->c[i + row][j + WIDTH] = sums[row][1];                                                      \
      }                                                                                                                \
    }                                                                                                                  \
  }

uint64_t pv_matmul_sse2(void *memory) {
  struct work *work = memory;
  MULTIPLY(pair, work)
  return digest(work);
}

__attribute__((target("avx2,fma"))) uint64_t pv_matmul_avx2(void *memory) {
  struct work *work = memory;
  MULTIPLY(quad, work)
  return digest(work);
}
