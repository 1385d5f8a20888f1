// embedding.cu: out[t] = table[ids[t]];  gradTable[id] += sum over t with ids[t] = id of gradOut[t]
//
// table, out, gradOut in ACT, gradTable [V, D] float32. Backward follows an order of the tokens by id, cut into pieces of few tokens so that
// a frequent id is many blocks' work: a piece that holds all of an id's tokens is added to the table at once, the others are kept as partial
// sums and joined in order. No atomics: the same tokens give the same bits. One block a token, a piece, an id.
#include "common.cuh"

constexpr int THREADS = 64;

extern "C" {

__device__ int embeddingForward_launch[4] = {THREADS, 1, 0, 0};
__global__ void __launch_bounds__(THREADS) embeddingForward(ACT* out, int outStride, const ACT* table, int tableStride, const int* ids, int columns) {
    const ACT* from = table + (long)ids[blockIdx.x] * tableStride;
    ACT* to = out + (long)blockIdx.x * outStride;
    for (int d = threadIdx.x; d < columns; d += THREADS) to[d] = from[d];
}

// order [T]: tokens by id; pieceStart [pieces + 1] into it; pieceId [pieces]; piecePartial [pieces]: the piece's row of `partial`, or -1
__device__ int embeddingBackwardPieces_launch[4] = {THREADS, 1, 0, 0};
__global__ void __launch_bounds__(THREADS)
    embeddingBackwardPieces(float* gradTable, float* partial, const ACT* gradOut, int gradOutStride, const int* order, const int* pieceStart,
                            const int* pieceId, const int* piecePartial, int columns) {
    const int begin = pieceStart[blockIdx.x], end = pieceStart[blockIdx.x + 1];
    const int row = piecePartial[blockIdx.x];
    float* table = gradTable + (long)pieceId[blockIdx.x] * columns;
    for (int d = threadIdx.x; d < columns; d += THREADS) {
        float sum = 0;
#pragma unroll 4
        for (int i = begin; i < end; i++) sum += toFloat(gradOut[(long)order[i] * gradOutStride + d]);
        if (row < 0) {
            table[d] += sum;
        } else {
            partial[(long)row * columns + d] = sum;
        }
    }
}

// joinStart [ids + 1]: rows of `partial`; joinId [ids]
__device__ int embeddingBackwardJoin_launch[4] = {THREADS, 1, 0, 0};
__global__ void __launch_bounds__(THREADS)
    embeddingBackwardJoin(float* gradTable, const float* partial, const int* joinStart, const int* joinId, int columns) {
    const int begin = joinStart[blockIdx.x], end = joinStart[blockIdx.x + 1];
    float* table = gradTable + (long)joinId[blockIdx.x] * columns;
    for (int d = threadIdx.x; d < columns; d += THREADS) {
        float sum = 0;
        for (int i = begin; i < end; i++) sum += partial[(long)i * columns + d];
        table[d] += sum;
    }
}
}
