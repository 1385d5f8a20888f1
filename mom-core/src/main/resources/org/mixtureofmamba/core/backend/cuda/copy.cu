// copy.cu: to[i] = from[i] over i in [0, size), where element i of a tensor lies at i / columns * stride + i % columns.
// Overwrites. Rounds to nearest even where the target is narrower. A block copies NAME_launch[1] elements.
#include "common.cuh"

struct halfWord {
    unsigned short bits;
};

__device__ __forceinline__ void assign(bf16* to, float from) { store(to, from); }
__device__ __forceinline__ void assign(float* to, bf16 from) { *to = toFloat(from); }
__device__ __forceinline__ void assign(halfWord* to, halfWord from) { *to = from; }

constexpr int THREADS = 256;
constexpr int ELEMENTS = 2048;

template <typename TO, typename FROM>
__device__ __forceinline__ void copyRows(TO* to, long toStride, long toColumns, const FROM* from, long fromStride, long fromColumns,
                                         long size) {
    const long first = (long)blockIdx.x * ELEMENTS;
    for (long i = first + threadIdx.x; i < min(first + ELEMENTS, size); i += THREADS) {
        assign(to + i / toColumns * toStride + i % toColumns, from[i / fromColumns * fromStride + i % fromColumns]);
    }
}

extern "C" {

__device__ int copyFloatToBf16_launch[4] = {THREADS, ELEMENTS, 0, 0};
__global__ void copyFloatToBf16(bf16* to, long toStride, long toColumns, const float* from, long fromStride, long fromColumns, long size) {
    copyRows(to, toStride, toColumns, from, fromStride, fromColumns, size);
}

__device__ int copyBf16ToFloat_launch[4] = {THREADS, ELEMENTS, 0, 0};
__global__ void copyBf16ToFloat(float* to, long toStride, long toColumns, const bf16* from, long fromStride, long fromColumns, long size) {
    copyRows(to, toStride, toColumns, from, fromStride, fromColumns, size);
}

__device__ int copyHalfWords_launch[4] = {THREADS, ELEMENTS, 0, 0};
__global__ void copyHalfWords(halfWord* to, long toStride, long toColumns, const halfWord* from, long fromStride, long fromColumns,
                              long size) {
    copyRows(to, toStride, toColumns, from, fromStride, fromColumns, size);
}
}
