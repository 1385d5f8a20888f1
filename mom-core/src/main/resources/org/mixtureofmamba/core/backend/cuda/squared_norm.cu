// squared_norm.cu: out = sum of values[i]^2, float32 in, float64 out.
// Each thread of a grid of fixed size sums its own stride in float64, then each block its threads, then one block the blocks: one order,
// whatever else the card does. Overwrites.
#include "common.cuh"

constexpr int THREADS = 512;
constexpr int BLOCKS = 1056;

/** The sum over a block, in thread 0. */
__device__ __forceinline__ double sumOfBlock(double value) {
    __shared__ double ofWarp[THREADS / 32];
    for (int distance = 16; distance > 0; distance /= 2) value += __shfl_down_sync(FULL_WARP, value, distance);
    if (threadIdx.x % 32 == 0) ofWarp[threadIdx.x / 32] = value;
    __syncthreads();
    double sum = 0;
    if (threadIdx.x == 0) {
        for (int warp = 0; warp < THREADS / 32; warp++) sum += ofWarp[warp];
    }
    return sum;
}

__device__ __forceinline__ double square(float value) { return (double)value * (double)value; }

extern "C" {

// units: blocks of the grid, and elements of `partial`
__device__ int squaredNormPartial_launch[4] = {THREADS, BLOCKS, 0, 0};
__global__ void __launch_bounds__(THREADS) squaredNormPartial(double* partial, const float* values, long size) {
    double sum = 0;
    const long vectors = size / 4;
    const float4* vector = reinterpret_cast<const float4*>(values);
    const long stride = (long)BLOCKS * THREADS;
    const long first = (long)blockIdx.x * THREADS + threadIdx.x;
#pragma unroll 4
    for (long i = first; i < vectors; i += stride) {
        const float4 v = vector[i];
        sum += (square(v.x) + square(v.y)) + (square(v.z) + square(v.w));
    }
    if (first < size - 4 * vectors) sum += square(values[4 * vectors + first]);
    sum = sumOfBlock(sum);
    if (threadIdx.x == 0) partial[blockIdx.x] = sum;
}

__device__ int squaredNormFinish_launch[4] = {THREADS, 1, 0, 0};
__global__ void __launch_bounds__(THREADS) squaredNormFinish(double* out, const double* partial) {
    double sum = 0;
    for (int i = threadIdx.x; i < BLOCKS; i += THREADS) sum += partial[i];
    sum = sumOfBlock(sum);
    if (threadIdx.x == 0) *out = sum;
}
}
