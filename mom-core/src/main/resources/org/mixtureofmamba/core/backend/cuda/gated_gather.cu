// gated_gather.cu: out[t] = residual[t] + gates[t] y[rows[t]]                                          (Fedus et al. 2021, eq. 2)
//
// y, residual, out, gradOut, gradY [T, D] in ACT; gates, gradGates [T] float32; rows [T] a permutation. A warp takes a row.
// Backward: gradY[rows[t]] = gates[t] gradOut[t], gradGates[t] = gradOut[t] . y[rows[t]], both overwritten; sums in float32, in a fixed order.
#include "common.cuh"

constexpr int THREADS = 256;
constexpr int WARPS = THREADS / 32;

extern "C" {

// units: rows a block
__device__ int gatedGatherForward_launch[4] = {THREADS, WARPS, 0, 0};
__global__ void __launch_bounds__(THREADS) gatedGatherForward(ACT* out, int outStride, const ACT* y, int yStride, const int* rows,
                                                              const float* gates, const ACT* residual, int residualStride, int tokens,
                                                              int columns) {
    const int t = blockIdx.x * WARPS + threadIdx.x / 32;
    if (t >= tokens) return;
    const float gate = gates[t];
    const ACT* from = y + (long)rows[t] * yStride;
    for (int d = threadIdx.x % 32; d < columns; d += 32) {
        store(out + (long)t * outStride + d, toFloat(residual[(long)t * residualStride + d]) + gate * toFloat(from[d]));
    }
}

// units: rows a block
__device__ int gatedGatherBackward_launch[4] = {THREADS, WARPS, 0, 0};
__global__ void __launch_bounds__(THREADS) gatedGatherBackward(ACT* gradY, int gradYStride, float* gradGates, const ACT* gradOut,
                                                               int gradOutStride, const ACT* y, int yStride, const int* rows,
                                                               const float* gates, int tokens, int columns) {
    const int t = blockIdx.x * WARPS + threadIdx.x / 32;
    if (t >= tokens) return;
    const float gate = gates[t];
    const ACT* from = y + (long)rows[t] * yStride;
    ACT* to = gradY + (long)rows[t] * gradYStride;
    float along = 0;
    for (int d = threadIdx.x % 32; d < columns; d += 32) {
        const float grad = toFloat(gradOut[(long)t * gradOutStride + d]);
        along += grad * toFloat(from[d]);
        store(to + d, gate * grad);
    }
    along = sumOfWarp(along);
    if (threadIdx.x % 32 == 0) gradGates[t] = along;
}
}
