// selective_scan_forward.cu: dt = softplus(dtRaw + b_dt[m]);  h[l] = exp(dt A) h[l-1] + (dt x) B;  y = (h C + D x) silu(z)
//                            (Gu & Dao 2023, eq. 2; legend, shapes and grids in selective_scan.cuh)
//
// A block walks the tiles of its segment. A thread takes one state n of one span at a time: it computes exp(dt A) of its span once, keeps it in
// registers, runs its span from zero, combines the 8 spans by a scan over lanes (whose decays come from sums of dt), and runs its span again
// from the true state. So there is one exponential for each (token, channel, state), and the sum over n of the output stays in one thread.
//
// Saves for backward spanState, and y itself: y before its gate is y / silu(z), for which z is kept away from 0. y and spanState are overwritten,
// and so is the state after the last token, `after`, where it is wanted. State and sums are float32. The first token starts from `before`, or
// from zeros where there is none or the token is reset.

#include "selective_scan_tile.cuh"

/** Decays over the last 1, 2 and 4 spans, own span last, where so many spans exist in the tile. */
struct SpanDecays {
    float one, two, four;

    __device__ __forceinline__ explicit SpanDecays(float own) {
        one = own;
        two = one * __shfl_up_sync(FULL_WARP, one, CHANNEL_LANES);
        four = two * __shfl_up_sync(FULL_WARP, two, 2 * CHANNEL_LANES);
    }
};

/** state += decay * state of the span `LANES` / 4 earlier, if there is one. */
template <int LANES>
__device__ __forceinline__ void addEarlier(float& state, float decay) {
    asm volatile(
        "{\n\t.reg .pred inside;\n\t.reg .f32 earlier;\n\t"
        "shfl.sync.up.b32 earlier|inside, %0, %2, 0, 0xffffffff;\n\t"
        "@inside fma.rn.f32 %0, %1, earlier, %0;\n\t}"
        : "+f"(state)
        : "f"(decay), "n"(LANES));
}

/** What each span adds, run from zero (the first from the tile's state) -> the state at each span's end. */
__device__ __forceinline__ float scanSpans(float state, const SpanDecays& decays) {
    addEarlier<CHANNEL_LANES>(state, decays.one);
    addEarlier<2 * CHANNEL_LANES>(state, decays.two);
    addEarlier<4 * CHANNEL_LANES>(state, decays.four);
    return state;
}

/** Elements from one span's states to the next's in shared memory: 16 bytes more than they take, so that spans fall into different banks. */
constexpr int SAVED_PITCH = N * CHANNELS + ACT_PER_16B;
/** Registers a thread with which two blocks leave those of adamw_beside.cu free: H100, benchmarks/cuda-step.md, "The optimizer's pass beside". */
constexpr int LEAVING_ROOM = 120;

struct alignas(16) ForwardShared {
    ACT x[Tile::SIZE];
    ACT dt[Tile::SIZE];
    ACT z[2][Tile::SIZE];  // z in, y out
    ACT raw[Tile::TOKENS * 2 * N];
    float states[2 * N * Tile::PITCH];
    float decay[N * CHANNELS];
    float state[N * CHANNELS];  // at the tile's start
    ACT saved[TIME_LANES * SAVED_PITCH];  // at the start of each span
    float bias[MAX_MODALITIES * CHANNELS];
    float skip[CHANNELS];
    Tokens tokens[3];  // of the tile before, this and next
    Arriving arriving;
};

static_assert(N * sizeof(ACT) >= 128 || sizeof(ForwardShared) <= SHARED_KB << 10, "more shared memory than this card gives a block");

extern "C" __device__ int selectiveScanForward_launch[4] = {THREADS, CHANNELS, sizeof(ForwardShared), Tile::TOKENS};
extern "C" __device__ int selectiveScanForward_span = SPAN;
extern "C" __device__ int selectiveScanSegmentMultiple = Tile::TOKENS;

extern "C" __global__ void __maxnreg__(LEAVING_ROOM) selectiveScanForward(
    ACT* __restrict__ y, int yStride, ACT* __restrict__ spanState,
    const float* __restrict__ before, int beforeStride, float* __restrict__ after, int afterStride,
    const ACT* __restrict__ x, int xStride, const ACT* __restrict__ dtRaw, int dtStride, const ACT* __restrict__ z, int zStride,
    const ACT* __restrict__ matB, const ACT* __restrict__ matC, int bcStride,
    const float* __restrict__ aLog, const float* __restrict__ skipD, const __grid_constant__ DtSlabs slabs,
    const int* __restrict__ rowOf, const int* __restrict__ documentStart,
    const float* __restrict__ segmentState, const float* __restrict__ segmentDt, int L, int E, int segmentLength) {
    letNextStart();
    ForwardShared& shared = *reinterpret_cast<ForwardShared*>(sharedMemory);

    const Place place = placeOf(blockIdx.y, L, segmentLength, Tile::TOKENS);
    const StateRows states(matB, matC, bcStride);
    const int lane = threadIdx.x % 32;
    const int span = lane / CHANNEL_LANES;
    const int channel = threadIdx.x / 32 * CHANNEL_LANES + lane % CHANNEL_LANES;
    const int first = Tile::at(span * SPAN, channel);

    const auto load = [&](const Tokens& tokens, ACT* gate) {
        forPieces(tokens, place.firstChannel, [&](int row, int at, int e) {
            copyPiece(shared.x + at, {x, xStride}, row, e);
            copyPiece(shared.dt + at, {dtRaw, dtStride}, row, e);
            copyPiece(gate + at, {z, zStride}, row, e);
        });
        loadStates(shared.raw, states, tokens);
    };

    loadBias(shared.bias, slabs, place.firstChannel);
    loadDecay(shared.decay, aLog, place.firstChannel);
    if (threadIdx.x < CHANNELS) shared.skip[threadIdx.x] = skipD[place.firstChannel + threadIdx.x];
    loadTokens(shared.arriving, place, 0, L, rowOf, documentStart);
    waitForCopies();
    putTokens(shared.tokens[0], shared.arriving, place, 0, documentStart, slabs);
    __syncthreads();
    load(shared.tokens[0], shared.z[0]);
    loadTokens(shared.arriving, place, 1, L, rowOf, documentStart);
    // What a sequence that starts anew is given may be anything, so it is not left to its decay.
    const bool takesOver = before != nullptr && (documentStart == nullptr || documentStart[(long long)place.batch * L] == 0);
    for (int i = threadIdx.x; i < N * CHANNELS; i += THREADS) {
        const int e = place.firstChannel + i % CHANNELS;
        float state = takesOver ? before[carriedAt(place.batch, i / CHANNELS, e, beforeStride)] : 0.0f;
        for (int s = 0; s < (int)blockIdx.y; s++) {
            const long long at = (long long)place.batch * gridDim.y + s;
            state = fmaf(exp2Fast(shared.decay[i] * segmentDt[at * E + e]), state, segmentState[(at * N + i / CHANNELS) * E + e]);
        }
        shared.state[i] = state;
    }

    // Writes what a tile's threads left in shared memory. Put off until the next tile's first barrier, so as not to need one of its own.
    const auto storeTile = [&](int tile) {
        const ACT* const gate = shared.z[tile & 1];
        forPieces(shared.tokens[tile % 3], place.firstChannel, [&](int row, int at, int e) { storePiece(y, yStride, gate + at, row, e); });
        if (spanState != nullptr) {
            constexpr int PIECES = N * CHANNELS / ACT_PER_16B;  // of a span
            const int spans = (L + SPAN - 1) / SPAN;
            const int firstSpan = (place.begin + tile * Tile::TOKENS) / SPAN;
            for (int i = thread(); i < TIME_LANES * PIECES; i += THREADS) {
                const int n = i % PIECES / (CHANNELS / ACT_PER_16B);
                const int piece = i % (CHANNELS / ACT_PER_16B) * ACT_PER_16B;
                if (firstSpan + i / PIECES >= spans) break;
                const long long at = ((long long)sequence() * spans + firstSpan + i / PIECES) * N + n;
                *reinterpret_cast<uint4*>(spanState + at * E + place.firstChannel + piece) =
                    *reinterpret_cast<const uint4*>(shared.saved + i / PIECES * SAVED_PITCH + n * CHANNELS + piece);
            }
        }
    };

    for (int tile = 0; tile < place.tiles; tile++) {
        const int current = tile & 1;
        const Tokens& tokens = shared.tokens[tile % 3];
        Tokens& next = shared.tokens[(tile + 1) % 3];
        ACT* const gate = shared.z[current];
        waitForCopies();
        __syncthreads();

        if (tile > 0) storeTile(tile - 1);
        putTokens(next, shared.arriving, place, tile + 1, documentStart, slabs);
        spreadStates(shared.states, shared.raw);
        float dt[SPAN], dtx[SPAN], out[SPAN];
        const SpanInfo info(tokens.info + span * SPAN);
        loadSteps(dt, shared.dt + first, shared.bias + channel, info);
        const float skip = shared.skip[channel];
#pragma unroll
        for (int k = 0; k < SPAN; k++) {
            const float input = toFloat(shared.x[first + k * CHANNELS]);
            dtx[k] = dt[k] * input;
            out[k] = skip * input;
        }
        resetSteps(dt, info);
        // Tokens beyond the end must leave the state as it is.
        if (tokens.row[Tile::TOKENS - 1] < 0) {
#pragma unroll
            for (int k = 0; k < SPAN; k++) {
                if (tokens.row[span * SPAN + k] < 0) dt[k] = 0.0f;
            }
        }
        float total = 0.0f;
#pragma unroll
        for (int k = 0; k < SPAN; k++) total += dt[k];
        __syncthreads();
        if (tile + 1 < place.tiles) {
            load(next, shared.z[current ^ 1]);
            loadTokens(shared.arriving, place, tile + 2, L, rowOf, documentStart);
        }

        // While a state's span runs a second time, the next state's decays are computed in their place and its span runs a first time:
        // two chains at once, and exponentials spread evenly.
        const float* spanStates = shared.states + span * (SPAN + 4);
        int at = channel;
        float a[SPAN], add[SPAN];
        float atTileStart = shared.state[at];
        float local = span == 0 ? atTileStart : 0.0f;
        float decay = shared.decay[at];
        SpanDecays decays(exp2Fast(total * decay));
        loadSpan<SPAN>(add, spanStates);
#pragma unroll
        for (int k = 0; k < SPAN; k++) {
            a[k] = exp2Fast(dt[k] * decay);
            add[k] *= dtx[k];
            local = fmaf(a[k], local, add[k]);
        }
        const auto enterSpan = [&] {
            const float end = scanSpans(local, decays);
            const float earlier = __shfl_up_sync(FULL_WARP, end, CHANNEL_LANES);
            if (span == TIME_LANES - 1) shared.state[at] = end;
            const float start = span == 0 ? atTileStart : earlier;
            store(shared.saved + span * SAVED_PITCH + at, start);
            return start;
        };
#pragma unroll 1
        for (int n = 0; n < N - 1; n++) {
            float h = enterSpan();
            at += CHANNELS;
            atTileStart = shared.state[at];
            decay = shared.decay[at];
            local = span == 0 ? atTileStart : 0.0f;
            decays = SpanDecays(exp2Fast(total * decay));
#pragma unroll
            for (int k = 0; k < SPAN; k += 4) {
                float c[4], b[4];
                loadSpan<4>(c, spanStates + N * Tile::PITCH + k);
                loadSpan<4>(b, spanStates + Tile::PITCH + k);
#pragma unroll
                for (int j = 0; j < 4; j++) {
                    h = fmaf(a[k + j], h, add[k + j]);
                    out[k + j] = fmaf(h, c[j], out[k + j]);
                    a[k + j] = exp2Fast(dt[k + j] * decay);
                    add[k + j] = dtx[k + j] * b[j];
                    local = fmaf(a[k + j], local, add[k + j]);
                }
            }
            spanStates += Tile::PITCH;
        }
        float h = enterSpan();
        float c[SPAN];
        loadSpan<SPAN>(c, spanStates + N * Tile::PITCH);
#pragma unroll
        for (int k = 0; k < SPAN; k++) {
            h = fmaf(a[k], h, add[k]);
            out[k] = fmaf(h, c[k], out[k]);
        }

#pragma unroll
        for (int k = 0; k < SPAN; k++) {
            ACT* const slot = gate + first + k * CHANNELS;
            store(slot, out[k] * silu(gateOf(toFloat(*slot))));
        }
    }
    __syncthreads();
    storeTile(place.tiles - 1);
    if (after != nullptr && blockIdx.y == gridDim.y - 1) {
        for (int i = thread(); i < N * CHANNELS; i += THREADS) {
            after[carriedAt(sequence(), i / CHANNELS, place.firstChannel + i % CHANNELS, afterStride)] = shared.state[i];
        }
    }
}
