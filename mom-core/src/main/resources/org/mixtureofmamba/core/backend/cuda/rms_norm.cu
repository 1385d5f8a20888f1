// rms_norm.cu: out = x r w,  r = 1 / sqrt(mean(x^2) + epsilon)                                               (Zhang & Sennrich 2019)
//
// x, out, gradOut, gradX [T, D] in ACT; w, gradW [D] and r [T] float32; arithmetic float32. Forward keeps r.
// Backward, with xhat = x r:  gradX += r (gradOut w - xhat mean(gradOut w xhat));  gradW += sum over t of gradOut xhat.
// gradX and gradW accumulate. gradW: each block sums its rows, a second kernel the blocks, both in a fixed order.
// A warp holds a whole row in registers, MOM_VECTORS accesses of 16 bytes a lane: rows of 32 * MOM_VECTORS accesses exactly. The versions
// with the suffix Any take rows of any width and alignment, and read them twice.
#include "common.cuh"

#ifndef MOM_VECTORS
#define MOM_VECTORS 4
#endif

constexpr int THREADS = 256;
constexpr int WARPS = THREADS / 32;
constexpr int ROWS = 64;  // of a block in backward

constexpr int V = ACT_PER_16B;
constexpr int VECTORS = MOM_VECTORS;
constexpr int COLUMNS = 32 * VECTORS * V;

/** What a lane holds of a row: vector i is at column (32 i + lane) V. */
struct Row {
    uint4 vectors[VECTORS];

    __device__ __forceinline__ void load(const ACT* row, int lane) {
#pragma unroll
        for (int i = 0; i < VECTORS; i++) vectors[i] = reinterpret_cast<const uint4*>(row)[32 * i + lane];
    }
};

extern "C" {

// units: rows a block
__device__ int rmsNormForward_launch[4] = {THREADS, WARPS, 0, 0};
__global__ void __launch_bounds__(THREADS) rmsNormForward(ACT* out, int outStride, float* inverseRms, const ACT* x, int xStride,
                                                          const float* weight, float epsilon, int rows, int columns) {
    letNextStart();
    const int row = blockIdx.x * WARPS + threadIdx.x / 32;
    if (row >= rows) return;
    const int lane = threadIdx.x % 32;
    Row xRow;
    xRow.load(x + (long)row * xStride, lane);
    float squares = 0, values[V];
#pragma unroll
    for (int i = 0; i < VECTORS; i++) {
        unpack(xRow.vectors[i], values);
#pragma unroll
        for (int j = 0; j < V; j++) squares += values[j] * values[j];
    }
    const float r = 1.0f / sqrtf(sumOfWarp(squares) / COLUMNS + epsilon);
    uint4* target = reinterpret_cast<uint4*>(out + (long)row * outStride);
#pragma unroll
    for (int i = 0; i < VECTORS; i++) {
        unpack(xRow.vectors[i], values);
#pragma unroll
        for (int j = 0; j < V; j++) values[j] *= r * weight[(32 * i + lane) * V + j];
        target[32 * i + lane] = pack(values);
    }
    if (lane == 0) inverseRms[row] = r;
}

__device__ int rmsNormForwardAny_launch[4] = {THREADS, WARPS, 0, 0};
__global__ void __launch_bounds__(THREADS) rmsNormForwardAny(ACT* out, int outStride, float* inverseRms, const ACT* x, int xStride,
                                                             const float* weight, float epsilon, int rows, int columns) {
    letNextStart();
    const int row = blockIdx.x * WARPS + threadIdx.x / 32;
    if (row >= rows) return;
    const int lane = threadIdx.x % 32;
    x += (long)row * xStride;
    out += (long)row * outStride;
    float squares = 0;
    for (int d = lane; d < columns; d += 32) squares += toFloat(x[d]) * toFloat(x[d]);
    const float r = 1.0f / sqrtf(sumOfWarp(squares) / columns + epsilon);
    for (int d = lane; d < columns; d += 32) store(out + d, toFloat(x[d]) * (r * weight[d]));
    if (lane == 0) inverseRms[row] = r;
}

// units: rows a block; partial [blocks, D]. A warp takes every eighth row and keeps its lanes' columns of gradW.
__device__ int rmsNormBackward_launch[4] = {THREADS, ROWS, 0, 0};
__global__ void __launch_bounds__(THREADS, VECTORS <= 2 ? 3 : VECTORS <= 4 ? 2 : 1)
    rmsNormBackward(ACT* gradX, int gradXStride, float* partial, const ACT* gradOut, int gradOutStride, const ACT* x, int xStride,
                    const float* weight, const float* inverseRms, int rows, int columns) {
    __shared__ float ofWarp[WARPS][32 * V];
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    float sums[VECTORS][V] = {};
    for (int row = blockIdx.x * ROWS + warp; row < min((blockIdx.x + 1) * ROWS, rows); row += WARPS) {
        Row gRow, xRow, old;
        gRow.load(gradOut + (long)row * gradOutStride, lane);
        xRow.load(x + (long)row * xStride, lane);
        uint4* target = reinterpret_cast<uint4*>(gradX + (long)row * gradXStride);
        old.load(gradX + (long)row * gradXStride, lane);
        const float r = inverseRms[row];
        float product = 0, g[V], v[V], o[V];
#pragma unroll
        for (int i = 0; i < VECTORS; i++) {
            unpack(gRow.vectors[i], g);
            unpack(xRow.vectors[i], v);
#pragma unroll
            for (int j = 0; j < V; j++) product += g[j] * weight[(32 * i + lane) * V + j] * v[j];
        }
        const float mean = sumOfWarp(product) * r / COLUMNS;
#pragma unroll
        for (int i = 0; i < VECTORS; i++) {
            unpack(gRow.vectors[i], g);
            unpack(xRow.vectors[i], v);
            unpack(old.vectors[i], o);
#pragma unroll
            for (int j = 0; j < V; j++) {
                const float xhat = v[j] * r;
                sums[i][j] += g[j] * xhat;
                o[j] += r * (g[j] * weight[(32 * i + lane) * V + j] - xhat * mean);
            }
            target[32 * i + lane] = pack(o);
        }
    }
    for (int i = 0; i < VECTORS; i++) {
#pragma unroll
        for (int j = 0; j < V; j++) ofWarp[warp][lane * V + j] = sums[i][j];
        __syncthreads();
        for (int d = threadIdx.x; d < 32 * V; d += THREADS) {
            float sum = 0;
            for (int each = 0; each < WARPS; each++) sum += ofWarp[each][d];
            partial[(long)blockIdx.x * COLUMNS + i * 32 * V + d] = sum;
        }
        __syncthreads();
    }
}

// A warp finds mean(gradOut w xhat) of a row, then the threads spread over columns.
__device__ int rmsNormBackwardAny_launch[4] = {THREADS, ROWS, 0, 0};
__global__ void __launch_bounds__(THREADS)
    rmsNormBackwardAny(ACT* gradX, int gradXStride, float* partial, const ACT* gradOut, int gradOutStride, const ACT* x, int xStride,
                       const float* weight, const float* inverseRms, int rows, int columns) {
    __shared__ float meanOfRow[ROWS];
    const int firstRow = blockIdx.x * ROWS;
    const int last = min(ROWS, rows - firstRow);
    const int lane = threadIdx.x % 32;
    for (int row = threadIdx.x / 32; row < last; row += WARPS) {
        const ACT* gradRow = gradOut + (long)(firstRow + row) * gradOutStride;
        const ACT* xRow = x + (long)(firstRow + row) * xStride;
        float product = 0;
        for (int d = lane; d < columns; d += 32) product += toFloat(gradRow[d]) * weight[d] * toFloat(xRow[d]);
        product = sumOfWarp(product);
        if (lane == 0) meanOfRow[row] = product * inverseRms[firstRow + row] / columns;
    }
    __syncthreads();
    for (int d = threadIdx.x; d < columns; d += THREADS) {
        float sum = 0;
        for (int row = 0; row < last; row++) {
            const long t = firstRow + row;
            const float r = inverseRms[t], g = toFloat(gradOut[t * gradOutStride + d]);
            const float xhat = toFloat(x[t * xStride + d]) * r;
            ACT* target = gradX + t * gradXStride + d;
            sum += g * xhat;
            store(target, toFloat(*target) + r * (g * weight[d] - xhat * meanOfRow[row]));
        }
        partial[(long)blockIdx.x * columns + d] = sum;
    }
}

// units: columns a block. Each of the 32 warps' lanes takes a column, the warps take the partial sums in turn, then the warps are added up.
__device__ int rmsNormReduce_launch[4] = {1024, 32, 0, 0};
__global__ void __launch_bounds__(1024) rmsNormReduce(float* gradWeight, const float* partial, int partials, int columns, int adds) {
    letNextStart();
    __shared__ float ofWarp[32][33];
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    const int d = blockIdx.x * 32 + lane;
    float sum = 0;
    if (d < columns) {
        for (int each = warp; each < partials; each += 32) sum += partial[(long)each * columns + d];
    }
    ofWarp[warp][lane] = sum;
    __syncthreads();
    if (warp == 0 && d < columns) {
        sum = 0;
        for (int each = 0; each < 32; each++) sum += ofWarp[each][lane];
        gradWeight[d] = adds ? gradWeight[d] + sum : sum;
    }
}
}
