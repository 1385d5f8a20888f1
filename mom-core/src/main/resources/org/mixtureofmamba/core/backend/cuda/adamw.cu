// adamw.cu: one step of AdamW over a flat buffer, in one pass, on the whole card. Only the first `decayed` elements decay.
//
// Reads and writes w, m, v (float32), reads grad (float32), writes the working copy of w (ACT; 0 where w is used itself). The norm stays on
// the card: squaredNorm [1] float64 comes from squared_norm.cu. Where it is not finite, nothing changes. 30 bytes a weight with bf16. adamWMoments
// does what adamw_beside.cu left: m and v alone, 20 bytes.
#include "adamw.cuh"

constexpr int THREADS = 256;
constexpr int VECTORS = 4;  // of 4 elements, a thread

template <Part PART>
__device__ __forceinline__ void run(float* weights, ACT* working, const float* grads, float* firstMoments, float* secondMoments,
                                    const double* squaredNorm, long size, long decayed, double clipNorm, const Step& step) {
    const float scale = clipping(*squaredNorm, clipNorm);
    if (isnan(scale)) return;
    const long firstElement = (long)blockIdx.x * (4 * VECTORS * THREADS) + 4 * threadIdx.x;
#pragma unroll
    for (int vector = 0; vector < VECTORS; vector++) {
        const long i = firstElement + vector * (4 * THREADS);
        if (i + 4 <= size) {
            float4 w = PART == MOMENTS ? float4{} : *reinterpret_cast<const float4*>(weights + i);
            const float4 g = *reinterpret_cast<const float4*>(grads + i);
            float4 m = *reinterpret_cast<const float4*>(firstMoments + i);
            float4 v = *reinterpret_cast<const float4*>(secondMoments + i);
            update(w, g, m, v, scale, [&](int j) { return i + j < decayed; }, step);
            *reinterpret_cast<float4*>(firstMoments + i) = m;
            *reinterpret_cast<float4*>(secondMoments + i) = v;
            if (PART == WHOLE) *reinterpret_cast<float4*>(weights + i) = w;
            if (PART == WHOLE && working) storeWorking(working + i, w);
        } else {
            for (long j = i; j < size; j++) {
                float w = weights[j];
                update(w, __fmul_rn(scale, grads[j]), firstMoments[j], secondMoments[j], j < decayed, step);
                if (PART == WHOLE) weights[j] = w;
                if (PART == WHOLE && working) store(working + j, w);
            }
        }
    }
}

extern "C" {

// units: elements a block
#define ADAMW(name, part)                                                                                                               \
    __device__ int name##_launch[4] = {THREADS, 4 * VECTORS * THREADS, 0, 0};                                                           \
    __global__ void __launch_bounds__(THREADS)                                                                                          \
        name(float* weights, ACT* working, const float* grads, float* firstMoments, float* secondMoments, const double* squaredNorm,    \
             long size, long decayed, double clipNorm, const __grid_constant__ Step step) {                                             \
        run<part>(weights, working, grads, firstMoments, secondMoments, squaredNorm, size, decayed, clipNorm, step);                    \
    }

ADAMW(adamW, WHOLE)
ADAMW(adamWMoments, MOMENTS)
}
