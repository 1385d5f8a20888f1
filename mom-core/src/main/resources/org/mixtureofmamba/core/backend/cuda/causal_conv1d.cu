// causal_conv1d.cu: y[l] = silu(p[l]),  p[l] = bias + sum over k of weight[k] x[l - (K-1) + k]         depthwise, causal (Gu & Dao 2023, fig. 3)
//
// B batch, L sequence, E channels (a multiple of 32), K taps. Activations are rows of E channels in modality order, token (b, l) in row
// rowOf[b, l]; each has its own row stride, in elements. The window is cut where documentStart[b, l] != 0 (null: nowhere): taps before that
// token read zeros. weight [E, K] and bias [E] are float32, as are all sums.
//
// What a sequence carries from the one before it and into the next are its last K-1 inputs: before, after and their gradients are rows of E
// channels, [B, K-1, E] with a row stride, in the type of activations, the oldest input first; a null pointer says that there is none (taps read
// zeros), or that nobody asks.
//
// A warp takes 128 channels, 4 a lane, of a strip of tokens and slides the window along it in registers.
//
// Forward saves nothing: backward computes p again from x. gradX, gradBefore and after are overwritten; gradWeight and gradBias overwritten or, if
// `adds`, added to; gradAfter adds to the gradients of the inputs that forward left in after. Sums have a fixed order (no atomics): over a strip
// in registers, over the strips of a block in shared memory, over blocks by causalConv1dReduce.
//
// Every kernel NAME has NAME_launch[4] = {threads per block, channels per block, dynamic shared bytes, tokens per block}.
//
//   kernel                       grid
//   causalConv1dForward          (ceil(E / channels), ceil(L / tokens), B)
//   causalConv1dCarry            (ceil(E / channels), 1, B)                    if after is wanted
//   causalConv1dBackward         (ceil(E / channels), ceil(L / tokens), B)     writes partial [B ceil(L / tokens), K+1, E]
//   causalConv1dCarryBackward    (ceil(E / channels), 2 (K-1), B)              after it, if there is gradAfter or gradBefore is wanted
//   causalConv1dReduce           (ceil(E (K+1) / 256))

#include "common.cuh"

#ifndef MOM_K
#define MOM_K 4
#endif

constexpr int K = MOM_K;
constexpr int WARPS = 8;
constexpr int THREADS = 32 * WARPS;
// A multiple of 32. H100, benchmarks/cuda-scan.md, "Where the next cut is": backward takes 97 us at 443m and 50 at 37m; with 128, 90 and 64.
#ifndef MOM_STRIP
#define MOM_STRIP 64
#endif
constexpr int STRIP = MOM_STRIP;
constexpr int TOKENS = WARPS * STRIP;
constexpr int CHANNELS = 32 * 4;

/** A value known to the compiler. */
template <bool VALUE>
struct Known {
    static constexpr bool value = VALUE;
};

/** Set in a row number where the window is cut before the token; a row below 0 lies outside the sequence. */
constexpr int CUT = 1 << 30;

__device__ __forceinline__ int rowAt(int l, int L, const int* rowOf, const int* documentStart) {
    if (l < 0 || l >= L) return -1;
    const long long at = (long long)blockIdx.z * L + l;
    return rowOf[at] | (documentStart != nullptr && documentStart[at] != 0 ? CUT : 0);
}

/** The rows of 32 tokens, one a lane, and of the 32 that follow. */
struct RowsAhead {
    int l, rows, later;

    __device__ __forceinline__ RowsAhead(int l, int L, const int* rowOf, const int* documentStart)
        : l(l + 32), rows(rowAt(l, L, rowOf, documentStart)), later(rowAt(l + 32, L, rowOf, documentStart)) {}

    __device__ __forceinline__ void advance(int L, const int* rowOf, const int* documentStart) {
        l += 32;
        rows = later;
        later = rowAt(l, L, rowOf, documentStart);
    }
};

/** The inputs in reach of a token, newest last, for 4 channels: zeros before a cut. */
struct Window {
    float x[K][4] = {};

    __device__ __forceinline__ void push(const ACT4& next, bool cut) {
#pragma unroll
        for (int k = 0; k < K - 1; k++) {
#pragma unroll
            for (int i = 0; i < 4; i++) x[k][i] = cut ? 0.0f : x[k + 1][i];
        }
        unpack(next, x[K - 1]);
    }
};

struct Filter {
    float weight[K][4];
    float bias[4];

    __device__ __forceinline__ Filter(const float* weights, const float* biases, int channel) {
#pragma unroll
        for (int i = 0; i < 4; i++) {
            bias[i] = biases[channel + i];
#pragma unroll
            for (int k = 0; k < K; k++) weight[k][i] = weights[(channel + i) * K + k];
        }
    }

    __device__ __forceinline__ float at(const Window& window, int i) const {
        float sum = bias[i];
#pragma unroll
        for (int k = 0; k < K; k++) sum = fmaf(weight[k][i], window.x[k][i], sum);
        return sum;
    }
};

/** Values of `COUNT` tokens whose rows stand in the lanes of `rows` from `from` on; zeros outside the sequence. */
template <int COUNT>
struct Ahead {
    ACT4 values[COUNT];

    __device__ __forceinline__ void load(const ACT* data, int stride, int channel, int rows, int from) {
#pragma unroll
        for (int j = 0; j < COUNT; j++) {
            const int row = __shfl_sync(FULL_WARP, rows, from + j);
            values[j] = {};
            if (row >= 0) values[j] = *reinterpret_cast<const ACT4*>(data + (long long)(row & ~CUT) * stride + channel);
        }
    }
};

/** Whether a cut lies among the `COUNT` tokens from lane `from` on. Most often none does, and the window slides without a condition. */
template <int COUNT>
__device__ __forceinline__ bool cutAmong(int rows, int from) {
    return __ballot_sync(FULL_WARP, rows < 0 || rows & CUT) >> from & ((1u << COUNT) - 1);
}

/** Row j of the block's sequence in what it carries. */
__device__ __forceinline__ long long carriedAt(int j, int stride, int channel) {
    return ((long long)blockIdx.z * (K - 1) + j) * stride + channel;
}

/** Fills the window with the K-1 inputs before token l, which may lie before the sequence: there they are carried, or zeros. */
__device__ __forceinline__ void fill(Window& window, const ACT* x, int xStride, int channel, int l, int L, const int* rowOf,
                                     const int* documentStart, const ACT* before, int beforeStride) {
    if constexpr (K > 1) {
        const int lane = threadIdx.x % 32;
        const int rows = lane < K - 1 ? rowAt(l - (K - 1) + lane, L, rowOf, documentStart) : -1;
        Ahead<K - 1> inputs;
        inputs.load(x, xStride, channel, rows, 0);
        if (before != nullptr && l < K - 1) {
#pragma unroll
            for (int j = 0; j < K - 1; j++) {
                if (l + j < K - 1) inputs.values[j] = *reinterpret_cast<const ACT4*>(before + carriedAt(l + j, beforeStride, channel));
            }
        }
#pragma unroll
        for (int j = 0; j < K - 1; j++) {
            const int row = __shfl_sync(FULL_WARP, rows, j);
            window.push(inputs.values[j], row >= 0 && row & CUT);
        }
    }
}

// --- forward ---------------------------------------------------------------------------------------------------------------------------

extern "C" __device__ int causalConv1dForward_launch[4] = {THREADS, CHANNELS, 0, TOKENS};

extern "C" __global__ void __launch_bounds__(THREADS, 4) causalConv1dForward(
    ACT* __restrict__ y, int yStride, const ACT* __restrict__ before, int beforeStride,
    const ACT* __restrict__ x, int xStride, const float* __restrict__ weight, const float* __restrict__ bias,
    const int* __restrict__ rowOf, const int* __restrict__ documentStart, int L, int E) {
    letNextStart();
    constexpr int AHEAD = ACT_PER_16B / 2;
    const int lane = threadIdx.x % 32;
    const int wanted = blockIdx.x * CHANNELS + 4 * lane;
    const bool inside = wanted < E;
    const int channel = inside ? wanted : 0;  // lanes beyond E take part in the shuffles
    const int begin = (blockIdx.y * WARPS + threadIdx.x / 32) * STRIP;
    if (begin >= L) return;

    const Filter filter(weight, bias, channel);
    Window window;
    fill(window, x, xStride, channel, begin, L, rowOf, documentStart, before, beforeStride);
    RowsAhead rowsAhead(begin + lane, L, rowOf, documentStart);
    Ahead<AHEAD> next;
    next.load(x, xStride, channel, rowsAhead.rows, 0);
#pragma unroll 1
    for (int t = 0; t < STRIP; t += AHEAD) {
        const Ahead<AHEAD> inputs = next;
        const int rows = rowsAhead.rows;
        const int from = t % 32;
        if (from + AHEAD == 32) rowsAhead.advance(L, rowOf, documentStart);
        if (t + AHEAD < STRIP) next.load(x, xStride, channel, rowsAhead.rows, (from + AHEAD) % 32);
        const auto slide = [&](auto cuts) {
#pragma unroll
            for (int j = 0; j < AHEAD; j++) {
                const int row = __shfl_sync(FULL_WARP, rows, from + j);
                window.push(inputs.values[j], cuts.value && row & CUT);
                float out[4];
#pragma unroll
                for (int i = 0; i < 4; i++) out[i] = silu(filter.at(window, i));
                if (inside && row >= 0) store4(y + (long long)(row & ~CUT) * yStride + channel, out);
            }
        };
        if (cutAmong<AHEAD>(rows, from)) {
            slide(Known<true>());
        } else {
            slide(Known<false>());
        }
    }
}

extern "C" __device__ int causalConv1dCarry_launch[4] = {32, CHANNELS, 0, 0};

/** after = the last K-1 inputs. */
extern "C" __global__ void __launch_bounds__(32) causalConv1dCarry(
    ACT* __restrict__ after, int afterStride, const ACT* __restrict__ before, int beforeStride, const ACT* __restrict__ x, int xStride,
    const int* __restrict__ rowOf, const int* __restrict__ documentStart, int L, int E) {
    const int channel = blockIdx.x * CHANNELS + 4 * threadIdx.x;
    const bool inside = channel < E;
    Window last;
    fill(last, x, xStride, inside ? channel : 0, L, L, rowOf, documentStart, before, beforeStride);
    for (int j = 0; inside && j < K - 1; j++) store4(after + carriedAt(j, afterStride, channel), last.x[j + 1]);
}

// --- backward --------------------------------------------------------------------------------------------------------------------------

extern "C" __device__ int causalConv1dBackward_launch[4] = {THREADS, CHANNELS, 0, TOKENS};

extern "C" __global__ void __launch_bounds__(THREADS, 2) causalConv1dBackward(
    ACT* __restrict__ gradX, int gradXStride, float* __restrict__ partial,
    const ACT* __restrict__ before, int beforeStride,
    const ACT* __restrict__ gradY, int gradYStride, const ACT* __restrict__ x, int xStride, const float* __restrict__ weight,
    const float* __restrict__ bias, const int* __restrict__ rowOf, const int* __restrict__ documentStart, int L, int E) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 1000
    constexpr int AHEAD = ACT_PER_16B / 4;  // more would not stay in registers there
#else
    constexpr int AHEAD = ACT_PER_16B / 2;
#endif
    __shared__ float sums[WARPS][K + 1][CHANNELS];
    const int warp = threadIdx.x / 32;
    const int lane = threadIdx.x % 32;
    const int wanted = blockIdx.x * CHANNELS + 4 * lane;
    const bool inside = wanted < E;
    const int channel = inside ? wanted : 0;
    const int begin = (blockIdx.y * WARPS + warp) * STRIP;

    float gradWeight[K][4] = {};
    float gradBias[4] = {};
    if (begin < L) {
        const Filter filter(weight, bias, channel);
        Window window;
        fill(window, x, xStride, channel, begin, L, rowOf, documentStart, before, beforeStride);
        RowsAhead rowsAhead(begin + lane, L, rowOf, documentStart);

        float pending[K][4] = {};   // gradX of the last K tokens, oldest first, not yet complete but for the oldest
        int oldRow[K];              // their rows; -1 where another strip owns the token
        int reach = K - 1;          // how many tokens before this one its window sees
#pragma unroll
        for (int k = 0; k < K; k++) oldRow[k] = -1;

        const auto step = [&](auto cuts, auto own, const ACT4& input, const ACT4& gradOut, int row) {
            const bool cut = cuts.value && (row < 0 || row & CUT);
            window.push(input, cut);
            reach = cut ? 0 : min(reach + 1, K - 1);
            float grad[4];
            unpack(gradOut, grad);
#pragma unroll
            for (int i = 0; i < 4; i++) {
                const float sum = filter.at(window, i);
                grad[i] *= siluSlope(sum, sigmoid(sum));
                if (own.value) {
                    gradBias[i] += grad[i];
#pragma unroll
                    for (int k = 0; k < K; k++) gradWeight[k][i] = fmaf(grad[i], window.x[k][i], gradWeight[k][i]);
                }
            }
#pragma unroll
            for (int k = 0; k < K; k++) {
                const bool seen = !cuts.value || K - 1 - k <= reach;
#pragma unroll
                for (int i = 0; i < 4; i++) {
                    const float earlier = k < K - 1 ? pending[k < K - 1 ? k + 1 : k][i] : 0.0f;
                    pending[k][i] = seen ? fmaf(filter.weight[k][i], grad[i], earlier) : earlier;
                }
                oldRow[k] = k < K - 1 ? oldRow[k < K - 1 ? k + 1 : k] : own.value ? row : -1;
            }
            if (inside && oldRow[0] >= 0) store4(gradX + (long long)(oldRow[0] & ~CUT) * gradXStride + channel, pending[0]);
        };

        Ahead<AHEAD> nextX, nextGrad;
        nextX.load(x, xStride, channel, rowsAhead.rows, 0);
        nextGrad.load(gradY, gradYStride, channel, rowsAhead.rows, 0);
#pragma unroll 1
        for (int t = 0; t < STRIP; t += AHEAD) {
            const Ahead<AHEAD> inputs = nextX, grads = nextGrad;
            const int rows = rowsAhead.rows;
            const int from = t % 32;
            if (from + AHEAD == 32) rowsAhead.advance(L, rowOf, documentStart);
            if (t + AHEAD < STRIP) {
                nextX.load(x, xStride, channel, rowsAhead.rows, (from + AHEAD) % 32);
                nextGrad.load(gradY, gradYStride, channel, rowsAhead.rows, (from + AHEAD) % 32);
            }
            // A cut reaches K-1 tokens on, as far as the group after its own.
            if (reach < K - 1 || cutAmong<AHEAD>(rows, from)) {
#pragma unroll
                for (int j = 0; j < AHEAD; j++) {
                    step(Known<true>(), Known<true>(), inputs.values[j], grads.values[j], __shfl_sync(FULL_WARP, rows, from + j));
                }
            } else {
#pragma unroll
                for (int j = 0; j < AHEAD; j++) {
                    step(Known<false>(), Known<true>(), inputs.values[j], grads.values[j], __shfl_sync(FULL_WARP, rows, from + j));
                }
            }
        }
        if constexpr (K > 1) {
            Ahead<K - 1> inputs, grads;
            inputs.load(x, xStride, channel, rowsAhead.rows, 0);
            grads.load(gradY, gradYStride, channel, rowsAhead.rows, 0);
#pragma unroll
            for (int j = 0; j < K - 1; j++) {
                step(Known<true>(), Known<false>(), inputs.values[j], grads.values[j], __shfl_sync(FULL_WARP, rowsAhead.rows, j));
            }
        }
    }

#pragma unroll
    for (int i = 0; i < 4; i++) {
#pragma unroll
        for (int k = 0; k < K; k++) sums[warp][k][4 * lane + i] = gradWeight[k][i];
        sums[warp][K][4 * lane + i] = gradBias[i];
    }
    __syncthreads();
    for (int i = threadIdx.x; i < (K + 1) * CHANNELS; i += THREADS) {
        const int e = blockIdx.x * CHANNELS + i % CHANNELS;
        if (e >= E) continue;
        float sum = 0.0f;
#pragma unroll
        for (int w = 0; w < WARPS; w++) sum += sums[w][i / CHANNELS][i % CHANNELS];
        partial[(((long long)blockIdx.z * gridDim.y + blockIdx.y) * (K + 1) + i / CHANNELS) * E + e] = sum;
    }
}

extern "C" __device__ int causalConv1dCarryBackward_launch[4] = {32, CHANNELS, 0, 0};

/**
 * The gradients of the inputs that a sequence takes over, and those of the ones that it carries on, once more with gradAfter. Blocks y < K-1 take the
 * carried inputs, the others the last K-1 tokens: a thread four channels of one input p, which tap K-1 - (l-p) of each token l reads until a document
 * starts.
 */
extern "C" __global__ void __launch_bounds__(32) causalConv1dCarryBackward(
    ACT* __restrict__ gradX, int gradXStride, ACT* __restrict__ gradBefore, int gradBeforeStride, const ACT* __restrict__ gradAfter,
    int gradAfterStride, const ACT* __restrict__ before, int beforeStride, const ACT* __restrict__ gradY, int gradYStride,
    const ACT* __restrict__ x, int xStride, const float* __restrict__ weight, const float* __restrict__ bias, const int* __restrict__ rowOf,
    const int* __restrict__ documentStart, int L, int E) {
    const int wanted = blockIdx.x * CHANNELS + 4 * threadIdx.x;
    const bool inside = wanted < E;
    const int channel = inside ? wanted : 0;
    const bool carried = blockIdx.y < K - 1;
    const int p = carried ? blockIdx.y - (K - 1) : L - 2 * (K - 1) + blockIdx.y;
    if (carried ? gradBefore == nullptr : p < 0 || gradAfter == nullptr) return;

    const Filter filter(weight, bias, channel);
    float sum[4] = {};
    bool reached = true;  // by the tokens that follow
#pragma unroll
    for (int k = K - 1; k >= 0; k--) {
        const int l = p + K - 1 - k;
        if (l < 0) continue;
        const int row = rowAt(l, L, rowOf, documentStart);
        if (row < 0) break;
        if (l > p && row & CUT) {
            reached = false;
            break;
        }
        Window window;
        fill(window, x, xStride, channel, l, L, rowOf, documentStart, before, beforeStride);
        window.push(*reinterpret_cast<const ACT4*>(x + (long long)(row & ~CUT) * xStride + channel), row & CUT);
        float grad[4];
        load4(grad, gradY + (long long)(row & ~CUT) * gradYStride + channel);
#pragma unroll
        for (int i = 0; i < 4; i++) {
            const float value = filter.at(window, i);
            sum[i] = fmaf(filter.weight[k][i], grad[i] * siluSlope(value, sigmoid(value)), sum[i]);
        }
    }
    const int on = p - (L - (K - 1));  // its place among those carried on
    if (gradAfter != nullptr && reached && on >= 0) {
        float more[4];
        load4(more, gradAfter + carriedAt(on, gradAfterStride, channel));
#pragma unroll
        for (int i = 0; i < 4; i++) sum[i] += more[i];
    }
    if (!inside) return;
    ACT* const grad = carried ? gradBefore + carriedAt(p + K - 1, gradBeforeStride, 0)
                              : gradX + (long long)(rowAt(p, L, rowOf, documentStart) & ~CUT) * gradXStride;
    store4(grad + channel, sum);
}

extern "C" __device__ int causalConv1dReduce_launch[4] = {THREADS, 0, 0, 0};

/** partial [partials, K+1, E] -> gradWeight [E, K] and gradBias [E], added to what they hold if `adds`. */
extern "C" __global__ void __launch_bounds__(THREADS) causalConv1dReduce(float* __restrict__ gradWeight, float* __restrict__ gradBias,
                                                                       const float* __restrict__ partial, int partials, int E,
                                                                       int adds) {
    letNextStart();
    const int i = blockIdx.x * THREADS + threadIdx.x;
    if (i >= (K + 1) * E) return;
    float sum = 0.0f;
#pragma unroll 8
    for (int p = 0; p < partials; p++) sum += partial[(long long)p * (K + 1) * E + i];
    const int e = i % E;
    const int k = i / E;
    float* const grad = k < K ? gradWeight + e * K + k : gradBias + e;
    *grad = adds ? *grad + sum : sum;
}
