// rms_norm.cu: out = x r w,  r = 1 / sqrt(mean(x^2) + epsilon)                                               (Zhang & Sennrich 2019)
//
// x, out, gradOut, gradX [T, D] in ACT; w, gradW [D] and r [T] float32; arithmetic float32. Forward keeps r.
// Backward, with xhat = x r:  gradX += r (gradOut w - xhat mean(gradOut w xhat));  gradW += sum over t of gradOut xhat.
// gradX and gradW accumulate. gradW: each block sums its rows, a second kernel the blocks, both in a fixed order.
// Two versions of each, for rows that 16-byte accesses fit and for any: the suffix Any.
#include "common.cuh"

constexpr int THREADS = 256;
constexpr int WARPS = THREADS / 32;
constexpr int ROWS = 32;  // of a block in backward

template <int V>
__device__ __forceinline__ void load(const ACT* address, float (&values)[V]) {
    if constexpr (V == 1) {
        values[0] = toFloat(*address);
    } else {
        unpack(*reinterpret_cast<const uint4*>(address), values);
    }
}

template <int V>
__device__ __forceinline__ void save(ACT* address, const float (&values)[V]) {
    if constexpr (V == 1) {
        store(address, values[0]);
    } else {
        *reinterpret_cast<uint4*>(address) = pack(values);
    }
}

/** The sum over a warp, in every lane. */
__device__ __forceinline__ float sumOfWarp(float value) {
    for (int distance = 16; distance > 0; distance /= 2) value += __shfl_xor_sync(FULL_WARP, value, distance);
    return value;
}

/** A warp a row. */
template <int V>
__device__ __forceinline__ void forward(ACT* out, int outStride, float* inverseRms, const ACT* x, int xStride, const float* weight,
                                        float epsilon, int rows, int columns) {
    const int row = blockIdx.x * WARPS + threadIdx.x / 32;
    if (row >= rows) return;
    const int lane = threadIdx.x % 32;
    x += (long)row * xStride;
    out += (long)row * outStride;
    float squares = 0;
    float values[V];
    for (int d = lane * V; d < columns; d += 32 * V) {
        load<V>(x + d, values);
#pragma unroll
        for (int i = 0; i < V; i++) squares += values[i] * values[i];
    }
    const float r = 1.0f / sqrtf(sumOfWarp(squares) / columns + epsilon);
    for (int d = lane * V; d < columns; d += 32 * V) {
        load<V>(x + d, values);
#pragma unroll
        for (int i = 0; i < V; i++) values[i] *= r * weight[d + i];
        save<V>(out + d, values);
    }
    if (lane == 0) inverseRms[row] = r;
}

/**
 * First a warp a row finds mean(gradOut w xhat), then the threads spread over columns, in as many groups of rows as there are threads to
 * spare, write gradX and sum gradW.
 */
template <int V>
__device__ __forceinline__ void backward(ACT* gradX, int gradXStride, float* partial, const ACT* gradOut, int gradOutStride, const ACT* x,
                                         int xStride, const float* weight, const float* inverseRms, int rows, int columns) {
    __shared__ float rOfRow[ROWS], meanOfRow[ROWS];
    __shared__ float ofGroup[THREADS * V];
    const int firstRow = blockIdx.x * ROWS;
    const int lane = threadIdx.x % 32;
    float g[V], v[V], old[V];
    for (int row = threadIdx.x / 32; row < ROWS && firstRow + row < rows; row += WARPS) {
        const ACT* gradRow = gradOut + (long)(firstRow + row) * gradOutStride;
        const ACT* xRow = x + (long)(firstRow + row) * xStride;
        const float r = inverseRms[firstRow + row];
        float sum = 0;
        for (int d = lane * V; d < columns; d += 32 * V) {
            load<V>(gradRow + d, g);
            load<V>(xRow + d, v);
#pragma unroll
            for (int i = 0; i < V; i++) sum += g[i] * weight[d + i] * v[i];
        }
        sum = sumOfWarp(sum);
        if (lane == 0) {
            rOfRow[row] = r;
            meanOfRow[row] = sum * r / columns;
        }
    }
    __syncthreads();
    const int vectors = columns / V;
    const int groups = vectors < THREADS ? THREADS / vectors : 1;
    const int group = threadIdx.x / (vectors < THREADS ? vectors : THREADS);
    const int last = min(ROWS, rows - firstRow);
    // Where a row has more vectors than there are threads, a thread takes several, one after the other; groups is 1 then.
    for (int vector = groups > 1 ? threadIdx.x % vectors : threadIdx.x; vector < vectors; vector += THREADS) {
        const int d = vector * V;
        float w[V], sum[V];
#pragma unroll
        for (int i = 0; i < V; i++) {
            w[i] = weight[d + i];
            sum[i] = 0;
        }
        if (group < groups) {
            for (int row = group; row < last; row += groups) {
                ACT* target = gradX + (long)(firstRow + row) * gradXStride + d;
                load<V>(gradOut + (long)(firstRow + row) * gradOutStride + d, g);
                load<V>(x + (long)(firstRow + row) * xStride + d, v);
                load<V>(target, old);
                const float r = rOfRow[row], mean = meanOfRow[row];
#pragma unroll
                for (int i = 0; i < V; i++) {
                    const float xhat = v[i] * r;
                    sum[i] += g[i] * xhat;
                    old[i] += r * (g[i] * w[i] - xhat * mean);
                }
                save<V>(target, old);
            }
        }
        if (groups == 1) {
#pragma unroll
            for (int i = 0; i < V; i++) partial[(long)blockIdx.x * columns + d + i] = sum[i];
        } else if (group < groups) {
#pragma unroll
            for (int i = 0; i < V; i++) ofGroup[group * columns + d + i] = sum[i];
        }
    }
    if (groups > 1) {
        __syncthreads();
        for (int d = threadIdx.x; d < columns; d += THREADS) {
            float sum = 0;
            for (int each = 0; each < groups; each++) sum += ofGroup[each * columns + d];
            partial[(long)blockIdx.x * columns + d] = sum;
        }
    }
}

extern "C" {

// units: rows a block
__device__ int rmsNormForward_launch[4] = {THREADS, WARPS, 0, 0};
__global__ void __launch_bounds__(THREADS) rmsNormForward(ACT* out, int outStride, float* inverseRms, const ACT* x, int xStride,
                                                          const float* weight, float epsilon, int rows, int columns) {
    forward<ACT_PER_16B>(out, outStride, inverseRms, x, xStride, weight, epsilon, rows, columns);
}

__device__ int rmsNormForwardAny_launch[4] = {THREADS, WARPS, 0, 0};
__global__ void __launch_bounds__(THREADS) rmsNormForwardAny(ACT* out, int outStride, float* inverseRms, const ACT* x, int xStride,
                                                             const float* weight, float epsilon, int rows, int columns) {
    forward<1>(out, outStride, inverseRms, x, xStride, weight, epsilon, rows, columns);
}

// units: rows a block; partial [blocks, D]
__device__ int rmsNormBackward_launch[4] = {THREADS, ROWS, 0, 0};
__global__ void __launch_bounds__(THREADS)
    rmsNormBackward(ACT* gradX, int gradXStride, float* partial, const ACT* gradOut, int gradOutStride, const ACT* x, int xStride,
                    const float* weight, const float* inverseRms, int rows, int columns) {
    backward<ACT_PER_16B>(gradX, gradXStride, partial, gradOut, gradOutStride, x, xStride, weight, inverseRms, rows, columns);
}

__device__ int rmsNormBackwardAny_launch[4] = {THREADS, ROWS, 0, 0};
__global__ void __launch_bounds__(THREADS)
    rmsNormBackwardAny(ACT* gradX, int gradXStride, float* partial, const ACT* gradOut, int gradOutStride, const ACT* x, int xStride,
                       const float* weight, const float* inverseRms, int rows, int columns) {
    backward<1>(gradX, gradXStride, partial, gradOut, gradOutStride, x, xStride, weight, inverseRms, rows, columns);
}

// units: columns a block. Each of the 32 warps' lanes takes a column, the warps take the partial sums in turn, then the warps are added up.
__device__ int rmsNormReduce_launch[4] = {1024, 32, 0, 0};
__global__ void __launch_bounds__(1024) rmsNormReduce(float* gradWeight, const float* partial, int partials, int columns) {
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
        gradWeight[d] += sum;
    }
}
}
