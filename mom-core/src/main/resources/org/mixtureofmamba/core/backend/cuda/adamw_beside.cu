// adamw_beside.cu: the step of adamw.cu over a part of the buffers, all of which decay, while the scan before it still runs; from sm_90 on.
//
// It only moves memory, and a scan only computes. It starts when every block of the scan has started (letNextStart there): a block of
// the scan that found its place taken would wait for all of this. Tiles come into shared memory by bulk copies, which wait in none of the scan's
// queues. One block of four warps fits beside the scan on each multiprocessor; where there is room for more, more will be, and so a block claims
// its next tile when it has done one.
//
// Beside the forward's scan the memory has room for 22 bytes a weight, not for 30: only the weights are written. Their moments are beside the
// backward's scan, three times as long, before the gradients are overwritten.
#include "adamw.cuh"
#include "warp_group.cuh"

constexpr int THREADS = 128;

/** A tile as it comes into shared memory. */
template <Part PART>
struct Stage {
    static constexpr int TILE = 1024;
    static constexpr int COUNT = 3; // two are not enough: a claim is read one round after it was written
    float firstMoments[TILE];
    float secondMoments[TILE];
    float grads[TILE];
    float weights[TILE];
};

/** Beside the backward's scan, which leaves less shared memory. */
template <>
struct Stage<MOMENTS> {
    static constexpr int TILE = 512;
    static constexpr int COUNT = 5;
    float firstMoments[TILE];
    float secondMoments[TILE];
    float grads[TILE];
};

extern __shared__ uint4 sharedMemory[];

template <Part PART>
__device__ __forceinline__ void run(float* weights, ACT* working, const float* grads, float* firstMoments, float* secondMoments,
                                    const double* squaredNorm, int size, double clipNorm, const Step& step, int* claims) {
    constexpr int TILE = Stage<PART>::TILE;
    constexpr int STAGES = Stage<PART>::COUNT;
    Stage<PART>* const stages = reinterpret_cast<Stage<PART>*>(sharedMemory);
    __shared__ unsigned long long arrived[STAGES];
    __shared__ int tileOf[STAGES];
    const float scale = clipping(*squaredNorm, clipNorm);
    const int tiles = isnan(scale) ? 0 : size / TILE;
    const bool leads = threadIdx.x == 0;
    int claim = 0;

    const auto fetch = [&](int tile, int at) {
        tileOf[at] = tile;
        if (tile >= tiles) return;
        const u32 barrier = sharedAddress(arrived + at);
        const Stage<PART>& stage = stages[at];
        const int first = tile * TILE;
        expectBytes(barrier, sizeof(stage));
        load(sharedAddress(stage.grads), grads + first, sizeof(stage.grads), barrier);
        load(sharedAddress(stage.firstMoments), firstMoments + first, sizeof(stage.firstMoments), barrier);
        load(sharedAddress(stage.secondMoments), secondMoments + first, sizeof(stage.secondMoments), barrier);
        if constexpr (PART != MOMENTS) load(sharedAddress(stage.weights), weights + first, sizeof(stage.weights), barrier);
    };
    const auto next = [&] { return atomicAdd(claims, 1); };

    if (leads) {
        for (int at = 0; at < STAGES; at++) initBarrier(sharedAddress(arrived + at), 1);
        publishBarriers();
        for (int at = 0; at < STAGES - 1; at++) fetch(next(), at);
        claim = next();
    }
    __syncthreads();
    u32 parity = 0;
    for (int at = 0; tileOf[at] < tiles;) {
        const int first = tileOf[at] * TILE;
        if (leads) {
            fetch(claim, at == 0 ? STAGES - 1 : at - 1); // which all have read
            claim = next();
        }
        const Stage<PART>& stage = stages[at];
        awaitBarrier(sharedAddress(arrived + at), parity);
#pragma unroll
        for (int vector = 0; vector < TILE / (4 * THREADS); vector++) {
            const int i = 4 * (vector * THREADS + threadIdx.x);
            float4 m = *reinterpret_cast<const float4*>(stage.firstMoments + i);
            float4 v = *reinterpret_cast<const float4*>(stage.secondMoments + i);
            float4 w = {};
            if constexpr (PART != MOMENTS) w = *reinterpret_cast<const float4*>(stage.weights + i);
            update(w, *reinterpret_cast<const float4*>(stage.grads + i), m, v, scale, [](int) { return true; }, step);
            if constexpr (PART != WEIGHTS) {
                *reinterpret_cast<float4*>(firstMoments + first + i) = m;
                *reinterpret_cast<float4*>(secondMoments + first + i) = v;
            }
            if constexpr (PART != MOMENTS) {
                *reinterpret_cast<float4*>(weights + first + i) = w;
                if (working) storeWorking(working + first + i, w);
            }
        }
        __syncthreads();
        if (++at == STAGES) {
            at = 0;
            parity ^= 1;
        }
    }
    awaitLast(); // what comes after this kernel comes after the scan too
}

extern "C" {

// units: elements of a tile, of which `size` is a multiple; any number of blocks. claims: zero before.
#define BESIDE(name, part)                                                                                                              \
    __device__ int name##_launch[4] = {THREADS, Stage<part>::TILE, Stage<part>::COUNT * sizeof(Stage<part>), 0};                        \
    __global__ void __maxnreg__(32)                                                                                                     \
        name(float* weights, ACT* working, const float* grads, float* firstMoments, float* secondMoments, const double* squaredNorm,    \
             int size, double clipNorm, const __grid_constant__ Step step, int* claims) {                                               \
        run<part>(weights, working, grads, firstMoments, secondMoments, squaredNorm, size, clipNorm, step, claims);                     \
    }

BESIDE(adamWBeside, WHOLE)
BESIDE(adamWWeightsBeside, WEIGHTS)
BESIDE(adamWMomentsBeside, MOMENTS)
}
