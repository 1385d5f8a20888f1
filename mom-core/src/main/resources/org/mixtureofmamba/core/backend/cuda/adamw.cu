// adamw.cu: one step of AdamW over a flat buffer, in one pass                              (Loshchilov & Hutter 2019, algorithm 2)
//
//   g = grad * min(1, clip / |grad|);  m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2
//   w = w - lr (m / (1 - b1^t) / (sqrt(v / (1 - b2^t)) + eps) + decay w)          decay for the first `decayed` elements only
//
// Reads and writes w, m, v (float32), reads grad (float32), writes the working copy of w (ACT; 0 where w is used itself). The norm stays on
// the card: squaredNorm [1] float64 comes from squared_norm.cu. Where it is not finite, nothing changes. 30 bytes a weight with bf16.
#include "common.cuh"

constexpr int THREADS = 256;
constexpr int VECTORS = 4;  // of 4 elements, a thread

struct Step {
    float learningRate, beta1, beta2, epsilon, weightDecay, correction1, correction2;  // corrections: 1 / (1 - beta^t)
};

__device__ __forceinline__ float update(float& weight, float grad, float& first, float& second, bool decays, const Step& step) {
    first = step.beta1 * first + (1.0f - step.beta1) * grad;
    second = step.beta2 * second + (1.0f - step.beta2) * grad * grad;
    const float direction = first * step.correction1 / (sqrtf(second * step.correction2) + step.epsilon);
    weight -= step.learningRate * (direction + (decays ? step.weightDecay * weight : 0.0f));
    return weight;
}

__device__ __forceinline__ void storeWorking(ACT* working, const float4& weight) {
#if defined(MOM_BF16)
    *reinterpret_cast<uint2*>(working) = make_uint2(packBf16(weight.x, weight.y), packBf16(weight.z, weight.w));
#else
    *reinterpret_cast<float4*>(working) = weight;
#endif
}

extern "C" {

// units: elements a block
__device__ int adamW_launch[4] = {THREADS, 4 * VECTORS * THREADS, 0, 0};
__global__ void __launch_bounds__(THREADS)
    adamW(float* weights, ACT* working, const float* grads, float* firstMoments, float* secondMoments, const double* squaredNorm,
          long size, long decayed, double clipNorm, Step step) {
    const double norm = sqrt(*squaredNorm);
    if (!isfinite(norm)) return;
    const float scale = norm > clipNorm ? (float)(clipNorm / norm) : 1.0f;
    const long firstElement = (long)blockIdx.x * (4 * VECTORS * THREADS) + 4 * threadIdx.x;
#pragma unroll
    for (int vector = 0; vector < VECTORS; vector++) {
        const long i = firstElement + vector * (4 * THREADS);
        if (i + 4 <= size) {
            float4 w = *reinterpret_cast<const float4*>(weights + i);
            const float4 g = *reinterpret_cast<const float4*>(grads + i);
            float4 m = *reinterpret_cast<const float4*>(firstMoments + i);
            float4 v = *reinterpret_cast<const float4*>(secondMoments + i);
            update(w.x, scale * g.x, m.x, v.x, i < decayed, step);
            update(w.y, scale * g.y, m.y, v.y, i + 1 < decayed, step);
            update(w.z, scale * g.z, m.z, v.z, i + 2 < decayed, step);
            update(w.w, scale * g.w, m.w, v.w, i + 3 < decayed, step);
            *reinterpret_cast<float4*>(weights + i) = w;
            *reinterpret_cast<float4*>(firstMoments + i) = m;
            *reinterpret_cast<float4*>(secondMoments + i) = v;
            if (working) storeWorking(working + i, w);
        } else {
            for (long j = i; j < size; j++) {
                update(weights[j], scale * grads[j], firstMoments[j], secondMoments[j], j < decayed, step);
                if (working) store(working + j, weights[j]);
            }
        }
    }
}
}
