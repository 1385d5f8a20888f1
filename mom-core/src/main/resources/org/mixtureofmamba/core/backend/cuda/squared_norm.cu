// squared_norm.cu: out = sum of values[i]^2, float32 in, float64 out.
// Each thread of a grid of fixed size sums its own stride in float64, then each block its threads, then one block the blocks: one order,
// whatever else the card does. Overwrites. squaredNormBeside sums a part of the gradients beside the scan before it (see adamw_beside.cu).
#include "common.cuh"

constexpr int THREADS = 512;
constexpr int BLOCKS = 1056;
constexpr int THREADS_BESIDE = 128;

/** The sum over a block, in thread 0. */
template <int THREADS>
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

/** partial[block] = the sum of every so many'th four values. */
template <int THREADS>
__device__ __forceinline__ void sumOfStride(double* partial, const float* values, long size) {
    double sum = 0;
    const long vectors = size / 4;
    const float4* vector = reinterpret_cast<const float4*>(values);
    const long stride = (long)gridDim.x * THREADS;
    const long first = (long)blockIdx.x * THREADS + threadIdx.x;
#pragma unroll 4
    for (long i = first; i < vectors; i += stride) {
        const float4 v = vector[i];
        sum += (square(v.x) + square(v.y)) + (square(v.z) + square(v.w));
    }
    if (first < size - 4 * vectors) sum += square(values[4 * vectors + first]);
    sum = sumOfBlock<THREADS>(sum);
    if (threadIdx.x == 0) partial[blockIdx.x] = sum;
}

extern "C" {

// units: blocks of the grid, and elements of `partial`
__device__ int squaredNormPartial_launch[4] = {THREADS, BLOCKS, 0, 0};
__global__ void __launch_bounds__(THREADS) squaredNormPartial(double* partial, const float* values, long size) {
    sumOfStride<THREADS>(partial, values, size);
}

// units: none; any number of blocks
__device__ int squaredNormBeside_launch[4] = {THREADS_BESIDE, 0, 0, 0};
__global__ void __maxnreg__(32) squaredNormBeside(double* partial, const float* values, long size) {
    letNextStart(); // another may run beside the scan when this is over
    sumOfStride<THREADS_BESIDE>(partial, values, size);
    if (blockIdx.x == 0) awaitLast(); // what comes after this kernel comes after the scan too
}

__device__ int squaredNormFinish_launch[4] = {THREADS, 1, 0, 0};
__global__ void __launch_bounds__(THREADS) squaredNormFinish(double* out, const double* partial, int count) {
    double sum = 0;
    for (int i = threadIdx.x; i < count; i += THREADS) sum += partial[i];
    sum = sumOfBlock<THREADS>(sum);
    if (threadIdx.x == 0) *out = sum;
}
}
