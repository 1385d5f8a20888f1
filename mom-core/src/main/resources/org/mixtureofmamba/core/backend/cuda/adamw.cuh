// adamw.cuh: one step of AdamW for single weights                                        (Loshchilov & Hutter 2019, algorithm 2)
//
//   g = grad * min(1, clip / |grad|);  m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2
//   w = w - lr (m / (1 - b1^t) / (sqrt(v / (1 - b2^t)) + eps) + decay w)
#pragma once
#include "common.cuh"

struct Step {
    float learningRate, beta1, beta2, epsilon, weightDecay, correction1, correction2;  // corrections: 1 / (1 - beta^t)
};

/** What a kernel writes. Moments may be left for later: they follow from the gradients once more, to the bit. */
enum Part { WHOLE, WEIGHTS, MOMENTS };

/** Every rounding is written out, so that all kernels give the same bits. */
__device__ __forceinline__ float update(float& weight, float grad, float& first, float& second, bool decays, const Step& step) {
    first = __fmaf_rn(step.beta1, first, __fmul_rn(1.0f - step.beta1, grad));
    second = __fmaf_rn(step.beta2, second, __fmul_rn(__fmul_rn(1.0f - step.beta2, grad), grad));
    float root;
    asm("sqrt.approx.f32 %0, %1;" : "=f"(root) : "f"(__fmul_rn(second, step.correction2)));
    const float direction = __fmul_rn(__fmul_rn(first, step.correction1), reciprocalFast(__fadd_rn(root, step.epsilon)));
    weight = __fmaf_rn(-step.learningRate, decays ? __fmaf_rn(step.weightDecay, weight, direction) : direction, weight);
    return weight;
}

/** Four neighbours; decays(i) says whether the i-th of them does. */
template <typename Decays>
__device__ __forceinline__ void update(float4& weight, const float4& grad, float4& first, float4& second, float scale, const Decays& decays,
                                       const Step& step) {
    update(weight.x, __fmul_rn(scale, grad.x), first.x, second.x, decays(0), step);
    update(weight.y, __fmul_rn(scale, grad.y), first.y, second.y, decays(1), step);
    update(weight.z, __fmul_rn(scale, grad.z), first.z, second.z, decays(2), step);
    update(weight.w, __fmul_rn(scale, grad.w), first.w, second.w, decays(3), step);
}

__device__ __forceinline__ void storeWorking(ACT* working, const float4& weight) {
#if defined(MOM_BF16)
    *reinterpret_cast<uint2*>(working) = make_uint2(packBf16(weight.x, weight.y), packBf16(weight.z, weight.w));
#else
    *reinterpret_cast<float4*>(working) = weight;
#endif
}

/** The factor of the gradients, or NaN where nothing may change. */
__device__ __forceinline__ float clipping(double squaredNorm, double clipNorm) {
    const double norm = sqrt(squaredNorm);
    if (!isfinite(norm)) return __int_as_float(0x7fffffff);
    return norm > clipNorm ? (float)(clipNorm / norm) : 1.0f;
}
