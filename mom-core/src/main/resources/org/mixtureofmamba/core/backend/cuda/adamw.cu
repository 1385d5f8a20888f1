// adamw.cu: one step of AdamW over a flat buffer, in one pass                              (Loshchilov & Hutter 2019, algorithm 2)
//
//   g = grad * min(1, clip / |grad|);  m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2
//   w = w - lr (m / (1 - b1^t) / (sqrt(v / (1 - b2^t)) + eps) + decay w)          decay for the first `decayed` elements only
//
// Reads and writes w, m, v (float32), reads grad (float32), writes the working copy of w (ACT; 0 where w is used itself). The norm stays on
// the card: squaredNorm [1] float64 comes from squared_norm.cu. Where it is not finite, nothing changes. 30 bytes a weight with bf16.
//
// adamW takes the whole card. adamWBeside runs beside the scan of the next forward: blocks of one warp and 32 registers, which find room on a
// multiprocessor that the scan fills, and which ask the second-level cache for what they will need some rounds later, so that few loads in flight
// are enough.
#include "common.cuh"

constexpr int THREADS = 256;
constexpr int VECTORS = 4;  // of 4 elements, a thread

struct Step {
    float learningRate, beta1, beta2, epsilon, weightDecay, correction1, correction2;  // corrections: 1 / (1 - beta^t)
};

/** Every rounding is written out, so that both kernels give the same bits. */
__device__ __forceinline__ float update(float& weight, float grad, float& first, float& second, bool decays, const Step& step) {
    first = __fmaf_rn(step.beta1, first, __fmul_rn(1.0f - step.beta1, grad));
    second = __fmaf_rn(step.beta2, second, __fmul_rn(__fmul_rn(1.0f - step.beta2, grad), grad));
    float root;
    asm("sqrt.approx.f32 %0, %1;" : "=f"(root) : "f"(__fmul_rn(second, step.correction2)));
    const float direction = __fmul_rn(__fmul_rn(first, step.correction1), reciprocalFast(__fadd_rn(root, step.epsilon)));
    weight = __fmaf_rn(-step.learningRate, decays ? __fmaf_rn(step.weightDecay, weight, direction) : direction, weight);
    return weight;
}

__device__ __forceinline__ void storeWorking(ACT* working, const float4& weight) {
#if defined(MOM_BF16)
    *reinterpret_cast<uint2*>(working) = make_uint2(packBf16(weight.x, weight.y), packBf16(weight.z, weight.w));
#else
    *reinterpret_cast<float4*>(working) = weight;
#endif
}

/** Four weights from element i on; those before `decayed` decay. */
template <typename Index, typename Decays>
__device__ __forceinline__ void updateFour(float* weights, ACT* working, const float* grads, float* firstMoments, float* secondMoments,
                                           Index i, const Decays& decays, float scale, const Step& step) {
    float4 w = *reinterpret_cast<const float4*>(weights + i);
    const float4 g = *reinterpret_cast<const float4*>(grads + i);
    float4 m = *reinterpret_cast<const float4*>(firstMoments + i);
    float4 v = *reinterpret_cast<const float4*>(secondMoments + i);
    update(w.x, __fmul_rn(scale, g.x), m.x, v.x, decays(i), step);
    update(w.y, __fmul_rn(scale, g.y), m.y, v.y, decays(i + 1), step);
    update(w.z, __fmul_rn(scale, g.z), m.z, v.z, decays(i + 2), step);
    update(w.w, __fmul_rn(scale, g.w), m.w, v.w, decays(i + 3), step);
    *reinterpret_cast<float4*>(weights + i) = w;
    *reinterpret_cast<float4*>(firstMoments + i) = m;
    *reinterpret_cast<float4*>(secondMoments + i) = v;
    if (working) storeWorking(working + i, w);
}

/** The factor of the gradients, or NaN where nothing may change. */
__device__ __forceinline__ float clipping(double squaredNorm, double clipNorm) {
    const double norm = sqrt(squaredNorm);
    if (!isfinite(norm)) return __int_as_float(0x7fffffff);
    return norm > clipNorm ? (float)(clipNorm / norm) : 1.0f;
}

constexpr int BESIDE_THREADS = 32;
constexpr int BESIDE_ELEMENTS = 4 * BESIDE_THREADS;  // of a block, each round
constexpr int AHEAD = 4;                             // rounds

extern "C" {

// units: elements a block
__device__ int adamW_launch[4] = {THREADS, 4 * VECTORS * THREADS, 0, 0};
__global__ void __launch_bounds__(THREADS)
    adamW(float* weights, ACT* working, const float* grads, float* firstMoments, float* secondMoments, const double* squaredNorm,
          long size, long decayed, double clipNorm, Step step) {
    const float scale = clipping(*squaredNorm, clipNorm);
    if (isnan(scale)) return;
    const auto decays = [&](long i) { return i < decayed; };
    const long firstElement = (long)blockIdx.x * (4 * VECTORS * THREADS) + 4 * threadIdx.x;
#pragma unroll
    for (int vector = 0; vector < VECTORS; vector++) {
        const long i = firstElement + vector * (4 * THREADS);
        if (i + 4 <= size) {
            updateFour(weights, working, grads, firstMoments, secondMoments, i, decays, scale, step);
        } else {
            for (long j = i; j < size; j++) {
                update(weights[j], __fmul_rn(scale, grads[j]), firstMoments[j], secondMoments[j], decays(j), step);
                if (working) store(working + j, weights[j]);
            }
        }
    }
}

// All of the elements decay. units: elements of which `size` is a multiple; any number of blocks.
__device__ int adamWBeside_launch[4] = {BESIDE_THREADS, BESIDE_ELEMENTS, 0, 0};
__global__ void __maxnreg__(32)
    adamWBeside(float* weights, ACT* working, const float* grads, float* firstMoments, float* secondMoments, const double* squaredNorm,
                int size, double clipNorm, Step step) {
    const float scale = clipping(*squaredNorm, clipNorm);
    if (isnan(scale)) return;
    const int array = threadIdx.x / 4;  // of four, the first lanes ask for lines of 32 elements
    const float* const asked =
        (array == 0 ? weights : array == 1 ? grads : array == 2 ? firstMoments : secondMoments) + threadIdx.x % 4 * 32;
    const int stride = gridDim.x * BESIDE_ELEMENTS;
    for (int i = blockIdx.x * BESIDE_ELEMENTS; i < size; i += stride) {
        const int later = i + AHEAD * stride;
        if (threadIdx.x < 16 && later < size) asm volatile("prefetch.global.L2 [%0];" ::"l"(asked + later));
        updateFour(weights, working, grads, firstMoments, secondMoments, i + 4 * threadIdx.x, [](long) { return true; },
                   scale, step);
    }
}
}
