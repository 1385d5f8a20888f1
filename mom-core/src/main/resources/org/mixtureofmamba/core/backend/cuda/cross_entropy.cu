// cross_entropy.cu: loss[t] = log(sum over v of e^logit[t, v]) - logit[t, target[t]];  gradLogit[t, v] = scale (softmax[t, v] - [v = target[t]])
//
// logits [rows, V] in ACT, row starts 16-byte aligned; loss [rows] float32; a row whose target has no modality (-1) has loss 0 and
// gradient 0. One pass finds maximum and sum together (Milakov & Gimelshein 2018), a second, in backward, turns the logits into their
// gradients in place: it finds them in L2, since a block's row is short and few rows are under way. One block a row.
// crossEntropySum: lossSums[m] += sum over the rows of modality m, in float64, in a fixed order. One block a modality.
#include "common.cuh"

constexpr int THREADS = 1024;
constexpr int V = ACT_PER_16B;
constexpr float LOWEST = -3.0e38f;

/** The largest of some logits, and the sum of e^(logit - largest). */
struct Partition {
    float largest, sum;
};

__device__ __forceinline__ float exponential(float value) { return exp2Fast(LOG2_E * value); }

__device__ __forceinline__ Partition join(Partition a, Partition b) {
    const float largest = fmaxf(a.largest, b.largest);
    return {largest, a.sum * exponential(a.largest - largest) + b.sum * exponential(b.largest - largest)};
}

__device__ __forceinline__ Partition partitionOfBlock(Partition p) {
    __shared__ Partition ofWarp[THREADS / 32];
    for (int distance = 16; distance > 0; distance /= 2) {
        p = join(p, {__shfl_xor_sync(FULL_WARP, p.largest, distance), __shfl_xor_sync(FULL_WARP, p.sum, distance)});
    }
    if (threadIdx.x % 32 == 0) ofWarp[threadIdx.x / 32] = p;
    __syncthreads();
    p = ofWarp[threadIdx.x % 32];
    for (int distance = 16; distance > 0; distance /= 2) {
        p = join(p, {__shfl_xor_sync(FULL_WARP, p.largest, distance), __shfl_xor_sync(FULL_WARP, p.sum, distance)});
    }
    return p;
}

__device__ __forceinline__ Partition partition(const ACT* row, int vocabulary) {
    Partition p = {LOWEST, 0.0f};
    const int vectors = vocabulary / V;
    float values[V];
#pragma unroll 2
    for (int vector = threadIdx.x; vector < vectors; vector += THREADS) {
        unpack(reinterpret_cast<const uint4*>(row)[vector], values);
        float largest = values[0];
#pragma unroll
        for (int i = 1; i < V; i++) largest = fmaxf(largest, values[i]);
        float sum = 0;
        largest = fmaxf(largest, p.largest);
#pragma unroll
        for (int i = 0; i < V; i++) sum += exponential(values[i] - largest);
        p = {largest, p.sum * exponential(p.largest - largest) + sum};
    }
    const int tail = vectors * V + threadIdx.x;
    if (tail < vocabulary) p = join(p, {toFloat(row[tail]), 1.0f});
    return partitionOfBlock(p);
}

extern "C" {

__device__ int crossEntropyForward_launch[4] = {THREADS, 1, 0, 0};
__global__ void __launch_bounds__(THREADS, 2) crossEntropyForward(float* loss, const ACT* logits, int stride, const int* targets,
                                                                  const int* targetModality, int vocabulary) {
    const int t = blockIdx.x;
    if (targetModality[t] < 0) {
        if (threadIdx.x == 0) loss[t] = 0.0f;
        return;
    }
    const ACT* row = logits + (long)t * stride;
    const Partition p = partition(row, vocabulary);
    if (threadIdx.x == 0) loss[t] = logf(p.sum) + (p.largest - toFloat(row[targets[t]]));
}

__device__ int crossEntropyBackward_launch[4] = {THREADS, 1, 0, 0};
__global__ void __launch_bounds__(THREADS, 2) crossEntropyBackward(float* loss, ACT* logits, int stride, const int* targets,
                                                                   const int* targetModality, int vocabulary, float scale) {
    const int t = blockIdx.x;
    ACT* row = logits + (long)t * stride;
    const int vectors = vocabulary / V;
    uint4* vectorsOfRow = reinterpret_cast<uint4*>(row);
    const int tail = vectors * V + threadIdx.x;
    if (targetModality[t] < 0) {
        if (threadIdx.x == 0) loss[t] = 0.0f;
        for (int vector = threadIdx.x; vector < vectors; vector += THREADS) vectorsOfRow[vector] = make_uint4(0, 0, 0, 0);
        if (tail < vocabulary) store(row + tail, 0.0f);
        return;
    }
    const int target = targets[t];
    const float targetLogit = toFloat(row[target]);
    const Partition p = partition(row, vocabulary);
    if (threadIdx.x == 0) loss[t] = logf(p.sum) + (p.largest - targetLogit);
    const float factor = scale / p.sum;
    float values[V];
#pragma unroll 2
    for (int vector = threadIdx.x; vector < vectors; vector += THREADS) {
        unpack(vectorsOfRow[vector], values);
#pragma unroll
        for (int i = 0; i < V; i++) {
            values[i] = factor * exponential(values[i] - p.largest) - (vector * V + i == target ? scale : 0.0f);
        }
        vectorsOfRow[vector] = pack(values);
    }
    if (tail < vocabulary) store(row + tail, factor * exponential(toFloat(row[tail]) - p.largest) - (tail == target ? scale : 0.0f));
}

__device__ int crossEntropySum_launch[4] = {THREADS, 1, 0, 0};
__global__ void __launch_bounds__(THREADS) crossEntropySum(double* lossSums, const float* loss, const int* targetModality, int tokens) {
    __shared__ double ofThread[THREADS];
    double sum = 0;
    for (int t = threadIdx.x; t < tokens; t += THREADS) {
        if (targetModality[t] == (int)blockIdx.x) sum += (double)loss[t];
    }
    ofThread[threadIdx.x] = sum;
    for (int half = THREADS / 2; half > 0; half /= 2) {
        __syncthreads();
        if (threadIdx.x < half) ofThread[threadIdx.x] += ofThread[threadIdx.x + half];
    }
    if (threadIdx.x == 0) lossSums[blockIdx.x] += ofThread[0];
}
}
