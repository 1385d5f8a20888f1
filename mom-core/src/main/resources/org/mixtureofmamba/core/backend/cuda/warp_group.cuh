// warp_group.cuh: what sm_90 has for products of tiles: copies of tiles by the tensor memory accelerator, which barriers count, and products of a
// warp group (128 threads). Addresses of shared memory are 32 bits, as the instructions take them. PTX ISA 8.0, "cp.async.bulk.tensor", "wgmma".
#pragma once

#include "barrier.cuh"

/** Where a matrix lies and how it is cut into tiles; made by the host (cuTensorMapEncodeTiled). */
struct alignas(64) TensorMap {
    unsigned char opaque[128];
};

/** Copies the tile whose first element is (row y, column x) into shared memory; the barrier counts its bytes. What lies outside reads as zero. */
__device__ __forceinline__ void load(u32 to, const TensorMap* map, int x, int y, u32 barrier) {
    asm volatile(
        "cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%0], [%1, {%2, %3}], [%4];" ::"r"(to),
        "l"(map), "r"(x), "r"(y), "r"(barrier)
        : "memory");
}

/** The same into both blocks of a pair, at the same place, counted by each block's own barrier. */
__device__ __forceinline__ void loadIntoBoth(u32 to, const TensorMap* map, int x, int y, u32 barrier) {
    asm volatile(
        "cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes.multicast::cluster [%0], [%1, {%2, %3}], [%4], %5;" ::"r"(
            to),
        "l"(map), "r"(x), "r"(y), "r"(barrier), "h"((unsigned short)3)
        : "memory");
}

/** Copies adjacent bytes, a multiple of 16, into shared memory; the barrier counts them. */
__device__ __forceinline__ void load(u32 to, const void* from, u32 bytes, u32 barrier) {
    asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];" ::"r"(to), "l"(from), "r"(bytes),
                 "r"(barrier)
                 : "memory");
}

/** Copies a tile from shared memory; what lies outside the matrix is left out. */
__device__ __forceinline__ void store(const TensorMap* map, int x, int y, u32 from) {
    asm volatile("cp.async.bulk.tensor.2d.global.shared::cta.tile.bulk_group [%0, {%1, %2}], [%3];" ::"l"(map), "r"(x), "r"(y), "r"(from)
                 : "memory");
}

/** Adds a tile of float32 to the matrix. */
__device__ __forceinline__ void storeAdding(const TensorMap* map, int x, int y, u32 from) {
    asm volatile("cp.reduce.async.bulk.tensor.2d.global.shared::cta.add.tile.bulk_group [%0, {%1, %2}], [%3];" ::"l"(map), "r"(x), "r"(y),
                 "r"(from)
                 : "memory");
}

/** Ends a group of stores. */
__device__ __forceinline__ void endStores() {
    asm volatile("cp.async.bulk.commit_group;" ::: "memory");
}

/** Waits until all but the last PENDING groups of stores have read shared memory. */
template <int PENDING>
__device__ __forceinline__ void awaitStoresRead() {
    asm volatile("cp.async.bulk.wait_group.read %0;" ::"n"(PENDING) : "memory");
}

/** Waits for all threads of a warp group. */
__device__ __forceinline__ void syncGroup(int group) {
    asm volatile("bar.sync %0, 128;" ::"r"(group + 1) : "memory");
}

/** Waits for all threads of both blocks. */
__device__ __forceinline__ void syncPair() {
    asm volatile("barrier.cluster.arrive.release.aligned;\nbarrier.cluster.wait.acquire.aligned;" ::: "memory");
}

/** Waits until all stores are over. */
__device__ __forceinline__ void awaitStores() {
    asm volatile("cp.async.bulk.wait_group 0;" ::: "memory");
}

/** Lets copies see what this thread has written to shared memory. */
__device__ __forceinline__ void publishToCopies() {
    asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
}

__device__ __forceinline__ int rankInPair() {
    u32 rank;
    asm("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
    return static_cast<int>(rank);
}

/** Gives up registers of a warp group beyond COUNT a thread. */
template <int COUNT>
__device__ __forceinline__ void keepRegisters() {
    asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(COUNT));
}

/** Takes registers that other warp groups gave up. */
template <int COUNT>
__device__ __forceinline__ void takeRegisters() {
    asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(COUNT));
}

/** Writes two neighbours to shared memory as bf16, or adds them to what is there. */
__device__ __forceinline__ void writeBf16(u32 address, float low, float high, bool adds) {
    if (adds) {
        u32 there;
        asm volatile("ld.shared.b32 %0, [%1];" : "=r"(there) : "r"(address));
        low += __uint_as_float(there << 16);
        high += __uint_as_float(there & 0xffff0000u);
    }
    u32 both;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(both) : "f"(high), "f"(low));
    asm volatile("st.shared.b32 [%0], %1;" ::"r"(address), "r"(both) : "memory");
}

__device__ __forceinline__ void writeFloat32(u32 address, float low, float high) {
    asm volatile("st.shared.v2.f32 [%0], {%1, %2};" ::"r"(address), "f"(low), "f"(high) : "memory");
}

/** Before the products of a step: what was written to their registers is seen by them. */
__device__ __forceinline__ void beginProducts() {
    asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
}

__device__ __forceinline__ void endProducts() {
    asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
}

/** Waits until the products of all but the last PENDING steps are over. */
template <int PENDING>
__device__ __forceinline__ void awaitProducts() {
    asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(PENDING) : "memory");
}

#define ACCUMULATORS_8(i) \
    "+f"(acc[i]), "+f"(acc[i + 1]), "+f"(acc[i + 2]), "+f"(acc[i + 3]), "+f"(acc[i + 4]), "+f"(acc[i + 5]), "+f"(acc[i + 6]), \
        "+f"(acc[i + 7])

/**
 * acc [64, COLUMNS] = a [64, 16] * b [16, COLUMNS] + (add ? acc : 0), bf16 in, float32 out. Thread t has of each 8 columns the rows t / 32 * 16 +
 * t % 32 / 4 and 8 further, columns t % 4 * 2 and the next. a and b are descriptors of tiles in shared memory.
 */
template <int COLUMNS>
struct WarpGroupProduct;

template <>
struct WarpGroupProduct<64> {
    template <int TRANSPOSE_A, int TRANSPOSE_B>
    static __device__ __forceinline__ void multiply(float (&acc)[32], unsigned long long a, unsigned long long b, int add) {
        asm volatile(
            "{\n.reg .pred p;\nsetp.ne.b32 p, %34, 0;\n"
            "wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 {"
            "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "
            "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31"
            "}, %32, %33, p, 1, 1, %35, %36;\n}\n"
            : ACCUMULATORS_8(0), ACCUMULATORS_8(8), ACCUMULATORS_8(16), ACCUMULATORS_8(24)
            : "l"(a), "l"(b), "r"(add), "n"(TRANSPOSE_A), "n"(TRANSPOSE_B));
    }
};

template <>
struct WarpGroupProduct<96> {
    template <int TRANSPOSE_A, int TRANSPOSE_B>
    static __device__ __forceinline__ void multiply(float (&acc)[48], unsigned long long a, unsigned long long b, int add) {
        asm volatile(
            "{\n.reg .pred p;\nsetp.ne.b32 p, %50, 0;\n"
            "wgmma.mma_async.sync.aligned.m64n96k16.f32.bf16.bf16 {"
            "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "
            "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, "
            "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47"
            "}, %48, %49, p, 1, 1, %51, %52;\n}\n"
            : ACCUMULATORS_8(0), ACCUMULATORS_8(8), ACCUMULATORS_8(16), ACCUMULATORS_8(24),
              ACCUMULATORS_8(32), ACCUMULATORS_8(40)
            : "l"(a), "l"(b), "r"(add), "n"(TRANSPOSE_A), "n"(TRANSPOSE_B));
    }
};

template <>
struct WarpGroupProduct<128> {
    template <int TRANSPOSE_A, int TRANSPOSE_B>
    static __device__ __forceinline__ void multiply(float (&acc)[64], unsigned long long a, unsigned long long b, int add) {
        asm volatile(
            "{\n.reg .pred p;\nsetp.ne.b32 p, %66, 0;\n"
            "wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16 {"
            "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "
            "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, "
            "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, "
            "%48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63"
            "}, %64, %65, p, 1, 1, %67, %68;\n}\n"
            : ACCUMULATORS_8(0), ACCUMULATORS_8(8), ACCUMULATORS_8(16), ACCUMULATORS_8(24),
              ACCUMULATORS_8(32), ACCUMULATORS_8(40), ACCUMULATORS_8(48), ACCUMULATORS_8(56)
            : "l"(a), "l"(b), "r"(add), "n"(TRANSPOSE_A), "n"(TRANSPOSE_B));
    }
};

template <>
struct WarpGroupProduct<256> {
    template <int TRANSPOSE_A, int TRANSPOSE_B>
    static __device__ __forceinline__ void multiply(float (&acc)[128], unsigned long long a, unsigned long long b, int add) {
        asm volatile(
            "{\n.reg .pred p;\nsetp.ne.b32 p, %130, 0;\n"
            "wgmma.mma_async.sync.aligned.m64n256k16.f32.bf16.bf16 {"
            "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "
            "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, "
            "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, "
            "%48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63, "
            "%64, %65, %66, %67, %68, %69, %70, %71, %72, %73, %74, %75, %76, %77, %78, %79, "
            "%80, %81, %82, %83, %84, %85, %86, %87, %88, %89, %90, %91, %92, %93, %94, %95, "
            "%96, %97, %98, %99, %100, %101, %102, %103, %104, %105, %106, %107, %108, %109, %110, %111, "
            "%112, %113, %114, %115, %116, %117, %118, %119, %120, %121, %122, %123, %124, %125, %126, %127"
            "}, %128, %129, p, 1, 1, %131, %132;\n}\n"
            : ACCUMULATORS_8(0), ACCUMULATORS_8(8), ACCUMULATORS_8(16), ACCUMULATORS_8(24),
              ACCUMULATORS_8(32), ACCUMULATORS_8(40), ACCUMULATORS_8(48), ACCUMULATORS_8(56),
              ACCUMULATORS_8(64), ACCUMULATORS_8(72), ACCUMULATORS_8(80), ACCUMULATORS_8(88),
              ACCUMULATORS_8(96), ACCUMULATORS_8(104), ACCUMULATORS_8(112), ACCUMULATORS_8(120)
            : "l"(a), "l"(b), "r"(add), "n"(TRANSPOSE_A), "n"(TRANSPOSE_B));
    }
};
