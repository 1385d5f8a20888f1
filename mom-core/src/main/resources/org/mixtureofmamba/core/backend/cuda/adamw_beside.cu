// adamw_beside.cu: the step of adamw.cu over a part of the buffers, all of which decay, while the kernel before it still runs; from sm_90 on.
//
// It only moves memory, and a scan only computes. It starts when every block of the scan has started (launch_dependents there): a block of
// the scan that found its place taken would wait for all of this. Tiles come into shared memory and leave it by bulk copies, which wait in
// none of the scan's queues. One block of four warps fits beside the scan on each multiprocessor; where there is room for more, more will be,
// and so a block claims its next tile when it has done one.
#include "adamw.cuh"
#include "warp_group.cuh"

constexpr int THREADS = 128;
constexpr int VECTORS = 2; // of 4 elements, a thread and tile
constexpr int TILE = 4 * VECTORS * THREADS;
constexpr int STAGES = 3; // two are not enough: a claim is read one round after it was written

/** A tile on its way through shared memory. */
struct Stage {
    float weights[TILE];
    float firstMoments[TILE];
    float secondMoments[TILE];
    float grads[TILE];
    ACT working[TILE];
};

extern __shared__ uint4 sharedMemory[];

extern "C" {

// units: elements of a tile, of which `size` is a multiple; any number of blocks. claims: zero before.
__device__ int adamWBeside_launch[4] = {THREADS, TILE, STAGES * sizeof(Stage), 0};
__global__ void __maxnreg__(32)
    adamWBeside(float* weights, ACT* working, const float* grads, float* firstMoments, float* secondMoments, const double* squaredNorm,
                int size, double clipNorm, Step step, int* claims) {
    Stage* const stages = reinterpret_cast<Stage*>(sharedMemory);
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
        const Stage& stage = stages[at];
        const int first = tile * TILE;
        expect(barrier, 4 * sizeof(stage.weights));
        load(sharedAddress(stage.weights), weights + first, sizeof(stage.weights), barrier);
        load(sharedAddress(stage.grads), grads + first, sizeof(stage.grads), barrier);
        load(sharedAddress(stage.firstMoments), firstMoments + first, sizeof(stage.firstMoments), barrier);
        load(sharedAddress(stage.secondMoments), secondMoments + first, sizeof(stage.secondMoments), barrier);
    };
    const auto leave = [&](int tile, const Stage& stage) {
        const int first = tile * TILE;
        store(weights + first, sharedAddress(stage.weights), sizeof(stage.weights));
        store(firstMoments + first, sharedAddress(stage.firstMoments), sizeof(stage.firstMoments));
        store(secondMoments + first, sharedAddress(stage.secondMoments), sizeof(stage.secondMoments));
        if (working) store(working + first, sharedAddress(stage.working), sizeof(stage.working));
        endStores();
    };
    const auto next = [&] { return atomicAdd(claims, 1); };

    if (leads) {
        for (int at = 0; at < STAGES; at++) initialise(sharedAddress(arrived + at), 1);
        publishBarriers();
        for (int at = 0; at < STAGES - 1; at++) fetch(next(), at);
        claim = next();
    }
    __syncthreads();
    u32 parity = 0;
    for (int at = 0; tileOf[at] < tiles;) {
        const int tile = tileOf[at];
        Stage& stage = stages[at];
        await(sharedAddress(arrived + at), parity);
#pragma unroll
        for (int vector = 0; vector < VECTORS; vector++) {
            const int i = 4 * (vector * THREADS + threadIdx.x);
            float4& w = *reinterpret_cast<float4*>(stage.weights + i);
            float4& m = *reinterpret_cast<float4*>(stage.firstMoments + i);
            float4& v = *reinterpret_cast<float4*>(stage.secondMoments + i);
            update(w, *reinterpret_cast<const float4*>(stage.grads + i), m, v, scale, [](int) { return true; }, step);
            storeWorking(stage.working + i, w);
        }
        publishToCopies();
        __syncthreads();
        if (leads) {
            leave(tile, stage);
            awaitStoresRead<1>(); // the stage before this one is free
            fetch(claim, at == 0 ? STAGES - 1 : at - 1);
            claim = next();
        }
        if (++at == STAGES) {
            at = 0;
            parity ^= 1;
        }
    }
    if (leads) awaitStores();
    asm volatile("griddepcontrol.wait;" ::: "memory"); // what comes after this kernel comes after the scan too
}
}
