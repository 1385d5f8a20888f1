// barrier.cuh: barriers in shared memory at which arriving and waiting are two steps, for work to be done between them. A phase is over when as many
// threads have arrived as the barrier was made for and, from sm_90 on, when the bytes that a thread said to expect are there. Phases count from 0
// and are awaited by their parity. A barrier is 8 bytes, known by its 32-bit address in shared memory. PTX ISA 8.0, "mbarrier".
#pragma once

typedef unsigned int u32;
typedef unsigned long long u64;

__device__ __forceinline__ u32 sharedAddress(const void* pointer) {
    return static_cast<u32>(__cvta_generic_to_shared(pointer));
}

/** Makes a barrier whose phases end with so many arrivals: one thread, before all threads meet. */
__device__ __forceinline__ void initBarrier(u32 barrier, int arrivals) {
    asm volatile("mbarrier.init.shared.b64 [%0], %1;" ::"r"(barrier), "r"(arrivals) : "memory");
}

__device__ __forceinline__ void arriveBarrier(u32 barrier) {
    asm volatile("{\n.reg .b64 state;\nmbarrier.arrive.shared.b64 state, [%0];\n}\n" ::"r"(barrier) : "memory");
}

#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
#define WAIT "mbarrier.try_wait.parity.shared::cta.b64"
#else
#define WAIT "mbarrier.test_wait.parity.shared.b64"
#endif

/** Waits for the end of the phase of this parity. */
__device__ __forceinline__ void awaitBarrier(u32 barrier, u32 parity) {
    asm volatile(
        "{\n.reg .pred done;\n"
        "again:\n" WAIT " done, [%0], %1;\n"
        "@done bra over;\n"
        "bra again;\n"
        "over:\n}\n" ::"r"(barrier),
        "r"(parity)
        : "memory");
}

#undef WAIT

// --- from sm_90 on ---------------------------------------------------------------------------------------------------------------------

/** Arrives, and makes the phase wait for so many bytes. */
__device__ __forceinline__ void expectBytes(u32 barrier, u32 bytes) {
    asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(barrier), "r"(bytes) : "memory");
}

/**
 * Arrives at the barrier of the same place in a block of the pair. Orders nothing at the scope of the pair: what was read of the tile was
 * read by products that are over, and a fence here costs more than the copy of a tile.
 */
__device__ __forceinline__ void arriveAt(u32 barrier, u32 block) {
    asm volatile(
        "{\n.reg .b32 remote;\n"
        "mapa.shared::cluster.u32 remote, %0, %1;\n"
        "mbarrier.arrive.shared::cluster.b64 _, [remote];\n}\n" ::"r"(barrier),
        "r"(block)
        : "memory");
}

/** Lets both blocks of a pair, and copies, see the barriers that this thread has made. */
__device__ __forceinline__ void publishBarriers() {
    asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
}
