// selective_scan.cuh: what the kernels of the selective scan share: how their work is cut, and the names of its parts.
//
//     dt = softplus(dtRaw + b_dt[m]);  h[l] = exp(dt A) h[l-1] + (dt x) B;  y = (h C + D x) silu(z);  A = -exp(A_log)
//     (Gu & Dao 2023, eq. 2, with zero-order hold for A, Euler for B; the gate fused)
//
// B batch, L sequence, E inner channels, N states, M modalities, S segments of the sequence.
// Activations are rows of E channels in modality order, token (b, l) in row rowOf[b, l]; each has its own row stride, in elements, and rows
// begin on 16 bytes. E is a multiple of 32. matB, matC [T, N] are columns of a wider buffer, of any alignment. State and sums are float32.
// The state is reset before each token with documentStart[b, l] != 0; documentStart may be null: no resets. What a sequence carries from the
// one before it and into the next is its state, float32 [B, N, E] with a row stride; a null pointer says that there is none, or that nobody asks.
//
// A block owns 32 channels of one segment of one sequence. Forward saves for backward the state at the start of each span of SPAN tokens:
// spanState [B, ceil(L / SPAN), N, E], in the type of activations. segmentLength is a multiple of SPAN * 8 and S = ceil(L / segmentLength).
// More segments than one give parallelism to long sequences of few batches; what segments add to one another is found before, by the
// kernels of selective_scan_segments.cu: segmentState, segmentGrad [B, S, N, E], segmentDt [B, S, E], float32.
//
// Every kernel NAME has NAME_launch[4] = {threads per block, channels per block, dynamic shared bytes, tokens per tile}.
//
//   kernel                           file          grid                       when
//   selectiveScanForwardSegments     segments      (E/32, S-1, B)             first, if S > 1
//   selectiveScanForward             forward       (E/32, S, B)
//   selectiveScanBackwardSegments    segments      (E/32, S-1, B)             first, if S > 1
//   selectiveScanBackward            backward      (E/32, S, B)               writes partialBC, partialParameters
//   selectiveScanReduceBC            backward      (ceil(B L 2N / 4 / 256))
//   selectiveScanReduceParameters    backward      (ceil(E (N+1+M) / 256))
#pragma once

#include "common.cuh"

#ifndef MOM_N
#define MOM_N 16
#endif

constexpr int N = MOM_N;
constexpr int CHANNELS = 32;
constexpr int MAX_MODALITIES = 8;

// KB of shared memory that a block can have (CUDA C++ Programming Guide, table "Technical Specifications per Compute Capability").
#if defined(__CUDA_ARCH__) && (__CUDA_ARCH__ == 860 || __CUDA_ARCH__ == 890 || __CUDA_ARCH__ >= 1200)
constexpr int SHARED_KB = 99;
#elif defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 900
constexpr int SHARED_KB = 163;
#else
constexpr int SHARED_KB = 227;
#endif

/**
 * Tokens of a span, a lane's in forward and a tile's in backward. 16 on an H100 (benchmarks/cuda-scan.md, versions 2b and 4k8); 8 where a tile of
 * 16 would not fit. Of 32 states in float32, 8 need 116 KB too: the launcher refuses them on cards with 99.
 */
constexpr int SPAN = N * (int)sizeof(ACT) >= (SHARED_KB < 163 ? 64 : SHARED_KB < 227 ? 128 : 256) ? 8 : 16;

/** Step size of a token before which the state is reset: exp(RESET_STEP A) = 0. Finite, so that sums of it stay numbers. */
constexpr float RESET_STEP = 1e30f;
/**
 * What z is at the least, apart from its sign: so y silu(z) still tells backward what y was. Far below what z ever is; its reciprocal is finite
 * (benchmarks/cuda-scan.md, "The next backward").
 */
constexpr float SMALLEST_GATE = 0x1p-100f;

/** Rows start[m] .. start[m+1] are of modality m and use bias[m] [E]; no two are the same; of a shared bias count is 1. */
struct DtSlabs {
    float* bias[MAX_MODALITIES];
    int start[MAX_MODALITIES + 1];
    int count;
};

extern __shared__ uint4 sharedMemory[];

/** Where the block stands: its channels, its tokens of sequence b. */
struct Place {
    int firstChannel;
    int batch;
    int begin;  // first token of the segment
    int end;    // one past its last
    int tiles;
};

/** Activations [T, E] with their row stride. */
struct Rows {
    const ACT* data;
    int stride;
};

/** Where a sequence's carried state n of channel e lies, of [B, N, E] with its row stride. */
__device__ __forceinline__ long long carriedAt(int batch, int n, int e, int stride) {
    return ((long long)batch * N + n) * stride + e;
}

/** matB and matC [T, N] with their row stride. */
struct StateRows {
    const ACT* matB;
    const ACT* matC;
    int stride;
    bool aligned;  // rows begin on 16 bytes

    __device__ StateRows(const ACT* matB, const ACT* matC, int stride) : matB(matB), matC(matC), stride(stride) {
        const unsigned long long bits =
            (unsigned long long)matB | (unsigned long long)matC | (unsigned long long)stride * sizeof(ACT);
        aligned = bits % 16 == 0;
    }
};

/** blockIdx.z, read anew as thread() is. */
__device__ __forceinline__ int sequence() {
    int x;
    asm volatile("mov.u32 %0, %%ctaid.z;" : "=r"(x));
    return x;
}

/** K consecutive floats of shared memory, one, two or a multiple of four. */
template <int K>
__device__ __forceinline__ void loadSpan(float (&values)[K], const float* shared) {
    if constexpr (K == 1) {
        values[0] = *shared;
    } else if constexpr (K == 2) {
        const float2 two = *reinterpret_cast<const float2*>(shared);
        values[0] = two.x;
        values[1] = two.y;
    } else {
#pragma unroll
        for (int k = 0; k < K; k += 4) {
            const float4 four = *reinterpret_cast<const float4*>(shared + k);
            values[k] = four.x;
            values[k + 1] = four.y;
            values[k + 2] = four.z;
            values[k + 3] = four.w;
        }
    }
}

/** The step sizes' biases of the block's channels, [m][channel]. */
__device__ __forceinline__ void loadBias(float* bias, const DtSlabs& slabs, int firstChannel) {
#pragma unroll
    for (int m = 0; m < MAX_MODALITIES; m++) {
        if (m < slabs.count && threadIdx.x < CHANNELS) {
            bias[m * CHANNELS + threadIdx.x] = slabs.bias[m][firstChannel + threadIdx.x];
        }
    }
}

__device__ __forceinline__ float gateOf(float z) { return fabsf(z) < SMALLEST_GATE ? SMALLEST_GATE : z; }

__device__ __forceinline__ Place placeOf(int segment, int L, int segmentLength, int tokensPerTile) {
    Place place;
    place.firstChannel = blockIdx.x * CHANNELS;
    place.batch = blockIdx.z;
    place.begin = segment * segmentLength;
    place.end = min(L, place.begin + segmentLength);
    place.tiles = (place.end - place.begin + tokensPerTile - 1) / tokensPerTile;
    return place;
}
