// What the kernels share: the activation type ACT, its conversions, fast transcendental functions, 16-byte and asynchronous loads.
//
// A kernel is compiled once for each activation type, -DMOM_BF16 or -DMOM_FLOAT32; arithmetic is float32 in both. No header of the toolkit
// is included, so that NVRTC alone is enough. Needs compute capability 8.0.
#pragma once

#if defined(MOM_BF16) == defined(MOM_FLOAT32)
#error "compile with -DMOM_BF16 or with -DMOM_FLOAT32"
#endif

struct bf16 {
    unsigned short bits;
};

#if defined(MOM_BF16)
typedef bf16 ACT;
#else
typedef float ACT;
#endif

/** Values of type ACT in 16 bytes, the widest access of a thread. */
#define ACT_PER_16B (16 / (int)sizeof(ACT))

#define FULL_WARP 0xffffffffu
#define LOG2_E 1.4426950408889634f
#define LN_2 0.6931471805599453f

__device__ __forceinline__ float toFloat(bf16 value) { return __uint_as_float((unsigned)value.bits << 16); }
__device__ __forceinline__ float toFloat(float value) { return value; }

/** The two bf16 of one word, lower address first. */
__device__ __forceinline__ float lowBf16(unsigned word) { return __uint_as_float(word << 16); }
__device__ __forceinline__ float highBf16(unsigned word) { return __uint_as_float(word & 0xffff0000u); }

/** Two floats rounded to bf16 in one word, lower address first. */
__device__ __forceinline__ unsigned packBf16(float low, float high) {
    unsigned word;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(word) : "f"(high), "f"(low));
    return word;
}

/** The sum over a warp, in every lane. */
__device__ __forceinline__ float sumOfWarp(float value) {
    for (int distance = 16; distance > 0; distance /= 2) value += __shfl_xor_sync(FULL_WARP, value, distance);
    return value;
}

__device__ __forceinline__ void store(bf16* address, float value) {
    unsigned short bits;
    asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(bits) : "f"(value));
    address->bits = bits;
}
__device__ __forceinline__ void store(float* address, float value) { *address = value; }

/** 16 bytes of ACT as floats. */
__device__ __forceinline__ void unpack(const uint4& words, float (&values)[ACT_PER_16B]) {
    const unsigned word[4] = {words.x, words.y, words.z, words.w};
#pragma unroll
    for (int i = 0; i < 4; i++) {
#if defined(MOM_BF16)
        values[2 * i] = lowBf16(word[i]);
        values[2 * i + 1] = highBf16(word[i]);
#else
        values[i] = __uint_as_float(word[i]);
#endif
    }
}

__device__ __forceinline__ uint4 pack(const float (&values)[ACT_PER_16B]) {
#if defined(MOM_BF16)
    return make_uint4(packBf16(values[0], values[1]), packBf16(values[2], values[3]), packBf16(values[4], values[5]),
                      packBf16(values[6], values[7]));
#else
    return make_uint4(__float_as_uint(values[0]), __float_as_uint(values[1]), __float_as_uint(values[2]), __float_as_uint(values[3]));
#endif
}

/** 2^value; 0 from about -126 down. */
__device__ __forceinline__ float exp2Fast(float value) {
    float result;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(result) : "f"(value));
    return result;
}

__device__ __forceinline__ float reciprocalFast(float value) {
    float result;
    asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(result) : "f"(value));
    return result;
}

__device__ __forceinline__ float sigmoid(float value) { return reciprocalFast(1.0f + exp2Fast(-LOG2_E * value)); }

__device__ __forceinline__ float silu(float value) { return value * sigmoid(value); }

/** The derivative of SiLU, from the value and its sigmoid. */
__device__ __forceinline__ float siluSlope(float value, float sigmoid) { return sigmoid * (1.0f + value * (1.0f - sigmoid)); }

/**
 * log(1 + e^value) = max(value, 0) + log1p(e^-|value|), with log1p(e) = 2 atanh(e / (2 + e)) as a series: full relative precision for small
 * step sizes, where log(1 + e) loses it. Equals the value beyond 20, as with the threshold of the usual implementations.
 */
__device__ __forceinline__ float softplus(float value) {
    const float e = exp2Fast(-LOG2_E * fabsf(value));
    const float s = e * reciprocalFast(2.0f + e);
    const float s2 = s * s;
#if defined(MOM_FLOAT32)
    float series = fmaf(s2, 2.0f / 13, 2.0f / 11);
    series = fmaf(series, s2, 2.0f / 9);
    series = fmaf(series, s2, 2.0f / 7);
#else
    float series = 2.0f / 7;  // 2e-5 of the value
#endif
    series = fmaf(series, s2, 2.0f / 5);
    series = fmaf(series, s2, 2.0f / 3);
    series = fmaf(series, s2, 2.0f);
    return fmaf(series, s, fmaxf(value, 0.0f));
}

/** The derivative of softplus where it has the value `step`: 1 - e^-step. */
__device__ __forceinline__ float softplusSlope(float step) {
    const float slope = 1.0f - exp2Fast(-LOG2_E * step);
#if defined(MOM_FLOAT32)
    // The difference loses precision for small steps; bf16 does not see it.
    if (step < 0.125f) return step * (1.0f - step / 2 * (1.0f - step / 3 * (1.0f - step / 4 * (1.0f - step / 5))));
#endif
    return slope;
}

/** Starts a copy of 16 bytes from global to shared memory; writes zeros where `valid` is false, reading nothing. */
__device__ __forceinline__ void copyAsync16(void* shared, const void* global, bool valid) {
    const unsigned destination = (unsigned)__cvta_generic_to_shared(shared);
    const int bytes = valid ? 16 : 0;
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(destination), "l"(global), "r"(bytes) : "memory");
}

__device__ __forceinline__ void copyAsync4(void* shared, const void* global) {
    const unsigned destination = (unsigned)__cvta_generic_to_shared(shared);
    asm volatile("cp.async.ca.shared.global [%0], [%1], 4;" ::"r"(destination), "l"(global) : "memory");
}

/** Waits for this thread's asynchronous copies; a barrier makes those of the block visible. */
__device__ __forceinline__ void waitForCopies() { asm volatile("cp.async.wait_all;" ::: "memory"); }

/**
 * threadIdx.x, read anew. What follows from it, addresses of loads and stores above all, is then computed where it is used and holds no
 * registers through the loops between.
 */
__device__ __forceinline__ int thread() {
    int x;
    asm volatile("mov.u32 %0, %%tid.x;" : "=r"(x));
    return x;
}

/** Lets the next kernel start when every block has said this or is over, if it was launched to overlap. */
__device__ __forceinline__ void letNextStart() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
    asm volatile("griddepcontrol.launch_dependents;");
#endif
}

/** Of a kernel that was launched to overlap: waits until the one before is over and all that it wrote can be seen. */
__device__ __forceinline__ void awaitLast() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
    asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}

/** 4 adjacent values; their address is a multiple of 4 values. */
#if defined(MOM_BF16)
typedef uint2 ACT4;
#else
typedef float4 ACT4;
#endif

__device__ __forceinline__ void unpack(const ACT4& four, float (&values)[4]) {
#if defined(MOM_BF16)
    values[0] = lowBf16(four.x);
    values[1] = highBf16(four.x);
    values[2] = lowBf16(four.y);
    values[3] = highBf16(four.y);
#else
    values[0] = four.x;
    values[1] = four.y;
    values[2] = four.z;
    values[3] = four.w;
#endif
}

/** Starts a copy of 4 adjacent values from global to shared memory. */
__device__ __forceinline__ void copyAsync(ACT4* shared, const ACT4* global) {
    const unsigned destination = (unsigned)__cvta_generic_to_shared(shared);
    asm volatile("cp.async.ca.shared.global [%0], [%1], %2;" ::"r"(destination), "l"(global), "n"((int)sizeof(ACT4)) : "memory");
}

__device__ __forceinline__ void load4(float (&values)[4], const ACT* address) {
    unpack(*reinterpret_cast<const ACT4*>(address), values);
}

__device__ __forceinline__ void store4(ACT* address, const float (&values)[4]) {
#if defined(MOM_BF16)
    *reinterpret_cast<ACT4*>(address) = make_uint2(packBf16(values[0], values[1]), packBf16(values[2], values[3]));
#else
    *reinterpret_cast<ACT4*>(address) = make_float4(values[0], values[1], values[2], values[3]);
#endif
}
