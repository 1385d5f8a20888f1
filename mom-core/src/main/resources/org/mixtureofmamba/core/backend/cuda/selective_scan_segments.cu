// selective_scan_segments.cu: what a segment of a sequence adds to the scan's state at its end, and in backward to the state's gradient before its
// start (Gu & Dao 2023, eq. 2, its recurrence unrolled over the segment's tokens; legend, shapes and grids in selective_scan.cuh):
//
//     forward     segmentState[n] = sum over t of 2^(decay dt(t+1 .. end)) dt(t) x(t) B(t)              decay = A log2(e)
//     backward    segmentGrad[n]  = sum over t of 2^(decay dt(begin .. t)) gradY(t) silu(z(t)) C(t)
//     both        segmentDt       = the sum of the segment's dt, by which what comes from beyond it decays
//
// The scan then starts each segment from those before it (backward: after it) and from what the sequence carries. Tiles are taken from the side
// where nothing has decayed, until the decay has left nothing, so that the sum is short for long segments: segmentDt then lacks the rest, too
// late to matter. A token before which the state is reset counts as a step that leaves nothing. All outputs are overwritten; sums are float32.

#include "selective_scan_tile.cuh"

/** log2 of the decay under which the past is taken for gone: half a rounding of float32, squared. */
constexpr float GONE = -48.0f;

/** Of a value of each span of a channel. */
__device__ __forceinline__ float sumOverSpans(float value) {
#pragma unroll
    for (int d = CHANNEL_LANES; d < 32; d *= 2) value += __shfl_xor_sync(FULL_WARP, value, d);
    return value;
}

struct alignas(16) SegmentShared {
    ACT input[Tile::SIZE];  // x, or gradY
    ACT dt[Tile::SIZE];
    ACT z[Tile::SIZE];
    ACT raw[Tile::TOKENS * 2 * N];
    float states[2 * N * Tile::PITCH];
    float decay[N * CHANNELS];
    float sums[N * THREADS];
    float bias[MAX_MODALITIES * CHANNELS];
    Tokens tokens;
    Arriving arriving;
};

/** Sums one segment: of forward any but the last, of backward any but the first. */
template <bool BACKWARD>
__device__ __forceinline__ void sumSegment(float* sums, float* segmentDt, const Rows& inputRows, const Rows& dtRows, const Rows& zRows,
                                           const StateRows& states, const float* aLog, const DtSlabs& slabs, const int* rowOf,
                                           const int* documentStart, int L, int E, int segmentLength) {
    SegmentShared& shared = *reinterpret_cast<SegmentShared*>(sharedMemory);

    const int segment = blockIdx.y + (BACKWARD ? 1 : 0);
    const Place place = placeOf(segment, L, segmentLength, Tile::TOKENS);
    const int lane = threadIdx.x % 32;
    const int span = lane / CHANNEL_LANES;
    const int channel = threadIdx.x / 32 * CHANNEL_LANES + lane % CHANNEL_LANES;
    const int first = Tile::at(span * SPAN, channel);

    loadBias(shared.bias, slabs, place.firstChannel);
    loadDecay(shared.decay, aLog, place.firstChannel);
    for (int n = 0; n < N; n++) shared.sums[n * THREADS + threadIdx.x] = 0.0f;
    __syncthreads();
    float slowest = shared.decay[channel];
    for (int n = 1; n < N; n++) slowest = fmaxf(slowest, shared.decay[n * CHANNELS + channel]);

    float passed = 0.0f;  // the dt of the tiles already taken
    for (int i = 0; i < place.tiles; i++) {
        const int tile = BACKWARD ? i : place.tiles - 1 - i;
        if (!__syncthreads_or(slowest * passed > GONE)) break;
        loadTokens(shared.arriving, place, tile, L, rowOf, documentStart);
        waitForCopies();
        putTokens(shared.tokens, shared.arriving, place, tile, documentStart, slabs);
        __syncthreads();
        forPieces(shared.tokens, place.firstChannel, [&](int row, int at, int e) {
            copyPiece(shared.input + at, inputRows, row, e);
            copyPiece(shared.dt + at, dtRows, row, e);
            if (BACKWARD) copyPiece(shared.z + at, zRows, row, e);
        });
        loadStates(shared.raw, states, shared.tokens);
        waitForCopies();
        __syncthreads();
        spreadStates(shared.states, shared.raw);

        float dt[SPAN], reach[SPAN], weight[SPAN];  // reach: dt between the token and the segment's edge; weight: what multiplies B or C
        const SpanInfo info(shared.tokens.info + span * SPAN);
        loadSteps(dt, shared.dt + first, shared.bias + channel, info);
#pragma unroll
        for (int k = 0; k < SPAN; k++) {
            const float input = toFloat(shared.input[first + k * CHANNELS]);
            weight[k] = input * (BACKWARD ? silu(toFloat(shared.z[first + k * CHANNELS])) : dt[k]);
            if (shared.tokens.row[span * SPAN + k] < 0) dt[k] = 0.0f;
        }
        resetSteps(dt, info);
        float total = 0.0f;
#pragma unroll
        for (int j = 0; j < SPAN; j++) {
            const int k = BACKWARD ? j : SPAN - 1 - j;
            reach[k] = BACKWARD ? total + dt[k] : total;
            total += dt[k];
        }
        // Spans nearer the edge, exclusive, and the whole tile.
        float sum = total;
#pragma unroll
        for (int d = 1; d < TIME_LANES; d *= 2) {
            const float other = BACKWARD ? __shfl_up_sync(FULL_WARP, sum, d * CHANNEL_LANES)
                                         : __shfl_down_sync(FULL_WARP, sum, d * CHANNEL_LANES);
            if (BACKWARD ? span >= d : span + d < TIME_LANES) sum += other;
        }
        float nearer = BACKWARD ? __shfl_up_sync(FULL_WARP, sum, CHANNEL_LANES) : __shfl_down_sync(FULL_WARP, sum, CHANNEL_LANES);
        nearer = passed + ((BACKWARD ? span == 0 : span == TIME_LANES - 1) ? 0.0f : nearer);
#pragma unroll
        for (int k = 0; k < SPAN; k++) reach[k] += nearer;
        __syncthreads();

#pragma unroll 1
        for (int n = 0; n < N; n++) {
            const float decay = shared.decay[n * CHANNELS + channel];
            if (__all_sync(FULL_WARP, decay * passed < GONE)) continue;
            float factor[SPAN];
            loadSpan<SPAN>(factor, shared.states + ((BACKWARD ? N : 0) + n) * Tile::PITCH + span * (SPAN + 4));
            float added = 0.0f;
#pragma unroll
            for (int k = 0; k < SPAN; k++) added = fmaf(exp2Fast(reach[k] * decay), weight[k] * factor[k], added);
            shared.sums[n * THREADS + threadIdx.x] += added;
        }
        passed += __shfl_sync(FULL_WARP, sum, (BACKWARD ? TIME_LANES - 1 : 0) * CHANNEL_LANES + lane % CHANNEL_LANES);
    }

    const long long at = (long long)place.batch * (gridDim.y + 1) + segment;
    const int e = place.firstChannel + channel;
    for (int n = 0; n < N; n++) {
        const float sum = sumOverSpans(shared.sums[n * THREADS + threadIdx.x]);
        if (span == 0) sums[(at * N + n) * E + e] = sum;
    }
    if (span == 0) segmentDt[at * E + e] = passed;
}

extern "C" __device__ int selectiveScanForwardSegments_launch[4] = {THREADS, CHANNELS, sizeof(SegmentShared), Tile::TOKENS};

extern "C" __global__ void __launch_bounds__(THREADS, 2) selectiveScanForwardSegments(
    float* __restrict__ segmentState, float* __restrict__ segmentDt,
    const ACT* __restrict__ x, int xStride, const ACT* __restrict__ dtRaw, int dtStride,
    const ACT* __restrict__ matB, const ACT* __restrict__ matC, int bcStride, const float* __restrict__ aLog, const __grid_constant__ DtSlabs slabs,
    const int* __restrict__ rowOf, const int* __restrict__ documentStart, int L, int E, int segmentLength) {
    sumSegment<false>(segmentState, segmentDt, {x, xStride}, {dtRaw, dtStride}, {nullptr, 0}, StateRows(matB, matC, bcStride), aLog, slabs,
                      rowOf, documentStart, L, E, segmentLength);
}

extern "C" __device__ int selectiveScanBackwardSegments_launch[4] = {THREADS, CHANNELS, sizeof(SegmentShared), Tile::TOKENS};

extern "C" __global__ void __launch_bounds__(THREADS, 2) selectiveScanBackwardSegments(
    float* __restrict__ segmentGrad, float* __restrict__ segmentDt,
    const ACT* __restrict__ gradY, int gradYStride, const ACT* __restrict__ dtRaw, int dtStride, const ACT* __restrict__ z, int zStride,
    const ACT* __restrict__ matB, const ACT* __restrict__ matC, int bcStride, const float* __restrict__ aLog, const __grid_constant__ DtSlabs slabs,
    const int* __restrict__ rowOf, const int* __restrict__ documentStart, int L, int E, int segmentLength) {
    sumSegment<true>(segmentGrad, segmentDt, {gradY, gradYStride}, {dtRaw, dtStride}, {z, zStride}, StateRows(matB, matC, bcStride), aLog,
                     slabs, rowOf, documentStart, L, E, segmentLength);
}
