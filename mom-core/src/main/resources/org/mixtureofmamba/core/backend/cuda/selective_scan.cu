// selective_scan.cu: dt = softplus(dtRaw + b_dt[m]);  h[l] = exp(dt A) h[l-1] + (dt x) B;  y = (h C + D x) silu(z)
//                    (Gu & Dao 2023, eq. 2, with zero-order hold for A, Euler for B; gate fused);  A = -exp(A_log)
//
// B batch, L sequence, E inner channels, N states, M modalities, S segments of the sequence.
// Activations are rows of E channels in modality order, token (b, l) in row rowOf[b, l]; each has its own row stride, in elements, and rows
// begin on 16 bytes. E is a multiple of 32. matB, matC [T, N] are columns of a wider buffer, of any alignment. State and sums are float32.
//
// Forward: a block owns 32 channels of one segment of one sequence and walks its tiles. In a warp, 4 lanes are channels and 8 lanes are consecutive
// spans of 16 tokens; a thread takes one state n at a time. It computes exp(dt A) of its span once, keeps it in registers, runs its span from
// zero, combines the 8 spans by a scan over lanes (whose decays come from sums of dt), and runs its span again from the true state. So there
// is one exponential for each (token, channel, state), time is parallel within a warp, and the sum over n of the output stays in one thread.
// It saves, for backward, the state at each span's start: spanState [B, ceil(L / 16), N, E].
//
// Backward: the same blocks, from the end of the segment to its start, a span at a time. Half of the warps have a channel a lane and four states a
// thread: forward through the span from the saved state, decays and states in registers, and back. The other half do what has nothing to do with n,
// one span ahead and one behind: softplus, gates, sums over n, all reading and writing. y before its gate is not computed again: forward's y
// and z tell it, for which z is kept away from 0.
//
// More segments than one give parallelism to long sequences of few batches. The *Segments kernels find what a segment adds to the state at
// its end (forward) or to the gradient before its start (backward), as a plain sum over its tokens that stops where the decay has left
// nothing (2^-48), so that it is short for long segments.
//
// gradX, gradDtRaw, gradZ, gradB, gradC overwrite; gradALog, gradD, gradDtBias accumulate. All sums run in a fixed order: no atomics. The
// sums of gradB, gradC over 4 channels are taken by the tensor cores (products rounded to tf32; two-term split in float32 mode), over the
// block's in shared memory, over blocks by selectiveScanReduceBC.
//
// Every kernel NAME has NAME_launch[4] = {threads per block, channels per block, dynamic shared bytes, tokens per tile}.
//
//   kernel                           grid                       when
//   selectiveScanForwardSegments     (E/32, S-1, B)             first, if S > 1
//   selectiveScanForward             (E/32, S, B)
//   selectiveScanBackwardSegments    (E/32, S-1, B)             first, if S > 1
//   selectiveScanBackward            (E/32, S, B)               writes partialBC [E/32, B L, 2N], partialParameters [B S, N+1+M, E]
//   selectiveScanReduceBC            (ceil(B L 2N / 4 / 256))
//   selectiveScanReduceParameters    (ceil(E (N+1+M) / 256))
//
// segmentLength is a multiple of 128 and S = ceil(L / segmentLength). Workspace: segmentState, segmentGrad [B, S, N, E], segmentDt [B, S, E].
// documentStart may be null: no resets but at l = 0.

#include "common.cuh"

#ifndef MOM_N
#define MOM_N 16
#endif

constexpr int N = MOM_N;
constexpr int CHANNELS = 32;
constexpr int WARPS = 8;
constexpr int THREADS = 32 * WARPS;
constexpr int CHANNEL_LANES = 4;
constexpr int TIME_LANES = 8;
constexpr int MAX_MODALITIES = 8;
constexpr int FORWARD_TOKENS = 16;  // a lane
/** Step size of a token before which the state is reset: exp(RESET_STEP A) = 0. Finite, so that sums of it stay numbers. */
constexpr float RESET_STEP = 1e30f;
/** log2 of the decay under which the past is taken for gone. */
constexpr float GONE = -48.0f;
/** What z is at the least, apart from its sign: so y silu(z) still tells backward what y was. */
constexpr float SMALLEST_GATE = 0x1p-100f;

/** Rows start[m] .. start[m+1] are of modality m and use bias[m] [E]; a shared bias stands count times or count is 1. */
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

/** An input of [T, E] with its row stride. */
struct Rows {
    const ACT* data;
    int stride;
};

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

/**
 * Shared-memory layouts of a tile of K tokens a lane. Rows are grouped by lane with 16 bytes between the groups, so that the 8 spans of a
 * warp fall into different banks.
 */
template <int K>
struct Tile {
    static constexpr int TOKENS = K * TIME_LANES;
    static constexpr int SIZE = TOKENS * CHANNELS + TIME_LANES * ACT_PER_16B;
    static constexpr int PITCH = TIME_LANES * (K + 4);            // of matB, matC as float [N][token]

    static __device__ __forceinline__ int at(int token, int channel) {
        return token * CHANNELS + token / K * ACT_PER_16B + channel;
    }
    static __device__ __forceinline__ int column(int token) { return token + token / K * 4; }
};

/** Rows and modalities of a tile's tokens; row -1 lies beyond the segment. */
template <int K>
struct alignas(16) Tokens {
    int row[Tile<K>::TOKENS];
    unsigned char info[Tile<K>::TOKENS];  // 2 * modality + (1 if the state is reset before the token)
};

/**
 * threadIdx.x, read anew. Addresses of loads and stores that follow from it are then computed where they are used, once a tile, and do not
 * hold registers through the loop over states.
 */
__device__ __forceinline__ int thread() {
    int x;
    asm volatile("mov.u32 %0, %%tid.x;" : "=r"(x));
    return x;
}

/** blockIdx.z, read anew in the same way. */
__device__ __forceinline__ int sequence() {
    int x;
    asm volatile("mov.u32 %0, %%ctaid.z;" : "=r"(x));
    return x;
}

/** Where rowOf and documentStart of the tile after the next arrive; each thread copies and reads its own. */
template <int K>
struct Arriving {
    int row[Tile<K>::TOKENS];
    int start[Tile<K>::TOKENS];
};

/** Whether a thread's token of the tile exists; the token in its sequence. */
template <int K>
__device__ __forceinline__ bool ownToken(const Place& place, int tile, int t, int& l) {
    l = place.begin + tile * Tile<K>::TOKENS + t;
    return t < Tile<K>::TOKENS && l >= place.begin && l < place.end;
}

template <int K>
__device__ __forceinline__ void loadTokens(Arriving<K>& arriving, const Place& place, int tile, int L, const int* rowOf,
                                           const int* documentStart) {
    const int t = thread();
    int l;
    if (ownToken<K>(place, tile, t, l)) {
        const long long at = (long long)place.batch * L + l;
        copyAsync4(arriving.row + t, rowOf + at);
        if (documentStart != nullptr) copyAsync4(arriving.start + t, documentStart + at);
    }
}

template <int K>
__device__ __forceinline__ void putTokens(Tokens<K>& tokens, const Arriving<K>& arriving, const Place& place, int tile,
                                          const int* documentStart, const DtSlabs& slabs) {
    const int t = thread();
    int l;
    if (ownToken<K>(place, tile, t, l)) {
        const int row = arriving.row[t];
        int modality = 0;
        while (modality + 1 < slabs.count && row >= slabs.start[modality + 1]) modality++;
        tokens.row[t] = row;
        tokens.info[t] = (unsigned char)(2 * modality + (documentStart != nullptr && arriving.start[t] != 0 ? 1 : 0));
    } else if (t < Tile<K>::TOKENS) {
        tokens.row[t] = -1;
        tokens.info[t] = 0;
    }
}

/** Calls piece(row, at, channel) for the thread's 16-byte pieces of a tile: its row, its place in shared memory, its first channel. */
template <int K, typename Piece>
__device__ __forceinline__ void forPieces(const Tokens<K>& tokens, int firstChannel, const Piece& piece) {
    constexpr int PIECES = CHANNELS / ACT_PER_16B;
    constexpr int ROUNDS = Tile<K>::TOKENS * PIECES / THREADS;
    const int t = thread();
    const int channel = t % PIECES * ACT_PER_16B;
#pragma unroll
    for (int i = 0; i < ROUNDS; i++) {
        const int token = t / PIECES + i * (THREADS / PIECES);
        piece(tokens.row[token], Tile<K>::at(token, channel), firstChannel + channel);
    }
}

__device__ __forceinline__ void copyPiece(ACT* shared, const Rows& rows, int row, int channel) {
    copyAsync16(shared, rows.data + (long long)max(row, 0) * rows.stride + channel, row >= 0);
}

__device__ __forceinline__ void storePiece(ACT* rows, int stride, const ACT* shared, int row, int channel) {
    if (row >= 0) {
        *reinterpret_cast<uint4*>(rows + (long long)row * stride + channel) = *reinterpret_cast<const uint4*>(shared);
    }
}

/** Copies matB and matC of the tile's tokens as they are: raw [token][2N]. */
template <int K>
__device__ __forceinline__ void loadStates(ACT* raw, const StateRows& states, const Tokens<K>& tokens) {
    if (states.aligned) {
        constexpr int PIECES = 2 * N / ACT_PER_16B;
        const int t = thread();
        const int n = t % PIECES * ACT_PER_16B;
        const ACT* const data = n < N ? states.matB + n : states.matC + n - N;
#pragma unroll
        for (int i = 0; i < (Tile<K>::TOKENS * PIECES + THREADS - 1) / THREADS; i++) {
            const int token = t / PIECES + i * (THREADS / PIECES);
            if (Tile<K>::TOKENS * PIECES % THREADS != 0 && token >= Tile<K>::TOKENS) break;
            const int row = tokens.row[token];
            copyAsync16(raw + token * 2 * N + n, data + (long long)max(row, 0) * states.stride, row >= 0);
        }
    } else {
        for (int i = thread(); i < Tile<K>::TOKENS * 2 * N; i += THREADS) {
            const int n = i % (2 * N);
            const int row = tokens.row[i / (2 * N)];
            ACT value = {};
            if (row >= 0) {
                value = (n < N ? states.matB + n : states.matC + n - N)[(long long)row * states.stride];
            }
            raw[i] = value;
        }
    }
}

/** raw [token][2N] -> float [N][token] twice, matB then matC. */
template <int K>
__device__ __forceinline__ void spreadStates(float* states, const ACT* raw) {
    const int t = thread();
    const int token = t % Tile<K>::TOKENS;
    constexpr int STEP = THREADS / Tile<K>::TOKENS * ACT_PER_16B;
    const int first = t / Tile<K>::TOKENS * ACT_PER_16B;
#pragma unroll
    for (int i = 0; i < (2 * N + STEP - 1) / STEP; i++) {
        if (2 * N % STEP != 0 && first + i * STEP >= 2 * N) break;
        float values[ACT_PER_16B];
        unpack(*reinterpret_cast<const uint4*>(raw + token * 2 * N + first + i * STEP), values);
#pragma unroll
        for (int j = 0; j < ACT_PER_16B; j++) {
            states[(first + i * STEP + j) * Tile<K>::PITCH + Tile<K>::column(token)] = values[j];
        }
    }
}

/** Four consecutive floats to shared memory. */
__device__ __forceinline__ void storeFour(float* shared, const float (&values)[4]) {
    *reinterpret_cast<float4*>(shared) = make_float4(values[0], values[1], values[2], values[3]);
}

/** The same, loaded at once even where two of them are enough: one access each has more bank conflicts. */
__device__ __forceinline__ float4 loadWhole(const float* shared) {
    float4 four;
    asm volatile("ld.shared.v4.f32 {%0, %1, %2, %3}, [%4];"
                 : "=f"(four.x), "=f"(four.y), "=f"(four.z), "=f"(four.w)
                 : "r"((unsigned)__cvta_generic_to_shared(shared))
                 : "memory");
    return four;
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

/** A log2(e), so that exp(dt A) = 2^(dt decay): [n][channel]. */
__device__ __forceinline__ void loadDecay(float* decay, const float* aLog, int firstChannel) {
    for (int i = threadIdx.x; i < CHANNELS * N; i += THREADS) {
        decay[i % N * CHANNELS + i / N] = -LOG2_E * exp2Fast(LOG2_E * aLog[(long long)firstChannel * N + i]);
    }
}

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

/** Of a value of each span of a channel. */
__device__ __forceinline__ float sumOverSpans(float value) {
#pragma unroll
    for (int d = CHANNEL_LANES; d < 32; d *= 2) value += __shfl_xor_sync(FULL_WARP, value, d);
    return value;
}

/** What is particular about the tokens of a span, which is rare: resets, and modalities that change within it. */
template <int K>
struct SpanInfo {
    unsigned info[K / 4];
    int modality;  // of the first token
    bool mixed;
    bool resets;

    __device__ __forceinline__ explicit SpanInfo(const unsigned char* tokens) {
        unsigned seen = 0, changed = 0;
#pragma unroll
        for (int i = 0; i < K / 4; i++) {
            info[i] = reinterpret_cast<const unsigned*>(tokens)[i];
            seen |= info[i];
            changed |= info[i] ^ __byte_perm(info[0], 0, 0);
        }
        modality = (info[0] & 0xff) >> 1;
        mixed = changed & 0xfefefefeu;
        resets = seen & 0x01010101u;
    }

    __device__ __forceinline__ bool resetBefore(int k) const { return info[k / 4] >> k % 4 * 8 & 1; }
    __device__ __forceinline__ int modalityOf(int k) const { return info[k / 4] >> (k % 4 * 8 + 1) & 0x7f; }
};

/** dt = softplus(dtRaw + b_dt[m]) of a span; dtRaw lies CHANNELS apart. */
template <int K>
__device__ __forceinline__ void loadSteps(float (&dt)[K], const ACT* dtRaw, const float* bias, const SpanInfo<K>& info) {
    const float usual = bias[info.modality * CHANNELS];
#pragma unroll
    for (int k = 0; k < K; k++) dt[k] = toFloat(dtRaw[k * CHANNELS]) + usual;
    if (info.mixed) {
#pragma unroll
        for (int k = 0; k < K; k++) dt[k] = toFloat(dtRaw[k * CHANNELS]) + bias[info.modalityOf(k) * CHANNELS];
    }
#pragma unroll
    for (int k = 0; k < K; k++) dt[k] = softplus(dt[k]);
}

__device__ __forceinline__ float gateOf(float z) { return fabsf(z) < SMALLEST_GATE ? SMALLEST_GATE : z; }

/** The steps that decay the state: where it is reset, so long a one that nothing is left. */
template <int K>
__device__ __forceinline__ void resetSteps(float (&dt)[K], const SpanInfo<K>& info) {
    if (info.resets) {
#pragma unroll
        for (int k = 0; k < K; k++) dt[k] = info.resetBefore(k) ? RESET_STEP : dt[k];
    }
}

__device__ __forceinline__ Place placeOf(int segment, int L, int segmentLength, int tokensPerTile) {
    Place place;
    place.firstChannel = blockIdx.x * CHANNELS;
    place.batch = blockIdx.z;
    place.begin = segment * segmentLength;
    place.end = min(L, place.begin + segmentLength);
    place.tiles = (place.end - place.begin + tokensPerTile - 1) / tokensPerTile;
    return place;
}

// --- forward ---------------------------------------------------------------------------------------------------------------------------

/** Elements from one span's states to the next's in shared memory: 16 bytes more than they take, so that spans fall into different banks. */
constexpr int SAVED_PITCH = N * CHANNELS + ACT_PER_16B;
/** Registers a thread with which two blocks leave those of adamw_beside.cu free. */
constexpr int LEAVING_ROOM = 120;

struct alignas(16) ForwardShared {
    using T = Tile<FORWARD_TOKENS>;
    ACT x[T::SIZE];
    ACT dt[T::SIZE];
    ACT z[2][T::SIZE];  // z in, y out
    ACT raw[T::TOKENS * 2 * N];
    float states[2 * N * T::PITCH];
    float decay[N * CHANNELS];
    float state[N * CHANNELS];  // at the tile's start
    ACT saved[TIME_LANES * SAVED_PITCH];  // at the start of each span
    float bias[MAX_MODALITIES * CHANNELS];
    float skip[CHANNELS];
    Tokens<FORWARD_TOKENS> tokens[3];  // of the tile before, this and next
    Arriving<FORWARD_TOKENS> arriving;
};

extern "C" __device__ int selectiveScanForward_launch[4] = {THREADS, CHANNELS, sizeof(ForwardShared), Tile<FORWARD_TOKENS>::TOKENS};
extern "C" __device__ int selectiveScanForward_span = FORWARD_TOKENS;
extern "C" __device__ int selectiveScanSegmentMultiple = Tile<FORWARD_TOKENS>::TOKENS;

extern "C" __global__ void __maxnreg__(LEAVING_ROOM) selectiveScanForward(
    ACT* __restrict__ y, int yStride, ACT* __restrict__ spanState,
    const ACT* __restrict__ x, int xStride, const ACT* __restrict__ dtRaw, int dtStride, const ACT* __restrict__ z, int zStride,
    const ACT* __restrict__ matB, const ACT* __restrict__ matC, int bcStride,
    const float* __restrict__ aLog, const float* __restrict__ skipD, const __grid_constant__ DtSlabs slabs,
    const int* __restrict__ rowOf, const int* __restrict__ documentStart,
    const float* __restrict__ segmentState, const float* __restrict__ segmentDt, int L, int E, int segmentLength) {
    letNextStart();
    constexpr int K = FORWARD_TOKENS;
    using T = Tile<K>;
    ForwardShared& shared = *reinterpret_cast<ForwardShared*>(sharedMemory);

    const Place place = placeOf(blockIdx.y, L, segmentLength, T::TOKENS);
    const StateRows states(matB, matC, bcStride);
    const int lane = threadIdx.x % 32;
    const int span = lane / CHANNEL_LANES;
    const int channel = threadIdx.x / 32 * CHANNEL_LANES + lane % CHANNEL_LANES;
    const int first = T::at(span * K, channel);

    const auto load = [&](const Tokens<K>& tokens, ACT* gate) {
        forPieces<K>(tokens, place.firstChannel, [&](int row, int at, int e) {
            copyPiece(shared.x + at, {x, xStride}, row, e);
            copyPiece(shared.dt + at, {dtRaw, dtStride}, row, e);
            copyPiece(gate + at, {z, zStride}, row, e);
        });
        loadStates<K>(shared.raw, states, tokens);
    };

    loadBias(shared.bias, slabs, place.firstChannel);
    loadDecay(shared.decay, aLog, place.firstChannel);
    if (threadIdx.x < CHANNELS) shared.skip[threadIdx.x] = skipD[place.firstChannel + threadIdx.x];
    loadTokens<K>(shared.arriving, place, 0, L, rowOf, documentStart);
    waitForCopies();
    putTokens<K>(shared.tokens[0], shared.arriving, place, 0, documentStart, slabs);
    __syncthreads();
    load(shared.tokens[0], shared.z[0]);
    loadTokens<K>(shared.arriving, place, 1, L, rowOf, documentStart);
    for (int i = threadIdx.x; i < N * CHANNELS; i += THREADS) {
        const int e = place.firstChannel + i % CHANNELS;
        float state = 0.0f;
        for (int s = 0; s < (int)blockIdx.y; s++) {
            const long long at = (long long)place.batch * gridDim.y + s;
            state = fmaf(exp2Fast(shared.decay[i] * segmentDt[at * E + e]), state, segmentState[(at * N + i / CHANNELS) * E + e]);
        }
        shared.state[i] = state;
    }

    // Writes what a tile's threads left in shared memory. Put off until the next tile's first barrier, so as not to need one of its own.
    const auto storeTile = [&](int tile) {
        const ACT* const gate = shared.z[tile & 1];
        forPieces<K>(shared.tokens[tile % 3], place.firstChannel,
                     [&](int row, int at, int e) { storePiece(y, yStride, gate + at, row, e); });
        if (spanState != nullptr) {
            constexpr int PIECES = N * CHANNELS / ACT_PER_16B;  // of a span
            const int spans = (L + K - 1) / K;
            const int firstSpan = (place.begin + tile * T::TOKENS) / K;
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
        const Tokens<K>& tokens = shared.tokens[tile % 3];
        Tokens<K>& next = shared.tokens[(tile + 1) % 3];
        ACT* const gate = shared.z[current];
        waitForCopies();
        __syncthreads();

        if (tile > 0) storeTile(tile - 1);
        putTokens<K>(next, shared.arriving, place, tile + 1, documentStart, slabs);
        spreadStates<K>(shared.states, shared.raw);
        float dt[K], dtx[K], out[K];
        const SpanInfo<K> info(tokens.info + span * K);
        loadSteps(dt, shared.dt + first, shared.bias + channel, info);
        const float skip = shared.skip[channel];
#pragma unroll
        for (int k = 0; k < K; k++) {
            const float input = toFloat(shared.x[first + k * CHANNELS]);
            dtx[k] = dt[k] * input;
            out[k] = skip * input;
        }
        resetSteps(dt, info);
        float total = 0.0f;
#pragma unroll
        for (int k = 0; k < K; k++) total += dt[k];
        __syncthreads();
        if (tile + 1 < place.tiles) {
            load(next, shared.z[current ^ 1]);
            loadTokens<K>(shared.arriving, place, tile + 2, L, rowOf, documentStart);
        }

        // While a state's span runs a second time, the next state's decays are computed in their place and its span runs a first time:
        // two chains at once, and exponentials spread evenly.
        const float* spanStates = shared.states + span * (K + 4);
        int at = channel;
        float a[K], add[K];
        float atTileStart = shared.state[at];
        float local = span == 0 ? atTileStart : 0.0f;
        float decay = shared.decay[at];
        SpanDecays decays(exp2Fast(total * decay));
        loadSpan<K>(add, spanStates);
#pragma unroll
        for (int k = 0; k < K; k++) {
            a[k] = exp2Fast(dt[k] * decay);
            add[k] *= dtx[k];
            local = fmaf(a[k], local, add[k]);
        }
        const auto enterSpan = [&] {
            const float end = scanSpans(local, decays);
            const float before = __shfl_up_sync(FULL_WARP, end, CHANNEL_LANES);
            if (span == TIME_LANES - 1) shared.state[at] = end;
            const float start = span == 0 ? atTileStart : before;
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
            for (int k = 0; k < K; k += 4) {
                float c[4], b[4];
                loadSpan<4>(c, spanStates + N * T::PITCH + k);
                loadSpan<4>(b, spanStates + T::PITCH + k);
#pragma unroll
                for (int j = 0; j < 4; j++) {
                    h = fmaf(a[k + j], h, add[k + j]);
                    out[k + j] = fmaf(h, c[j], out[k + j]);
                    a[k + j] = exp2Fast(dt[k + j] * decay);
                    add[k + j] = dtx[k + j] * b[j];
                    local = fmaf(a[k + j], local, add[k + j]);
                }
            }
            spanStates += T::PITCH;
        }
        float h = enterSpan();
        float c[K];
        loadSpan<K>(c, spanStates + N * T::PITCH);
#pragma unroll
        for (int k = 0; k < K; k++) {
            h = fmaf(a[k], h, add[k]);
            out[k] = fmaf(h, c[k], out[k]);
        }

#pragma unroll
        for (int k = 0; k < K; k++) {
            ACT* const slot = gate + first + k * CHANNELS;
            store(slot, out[k] * silu(gateOf(toFloat(*slot))));
        }
    }
    __syncthreads();
    storeTile(place.tiles - 1);
}

// --- what a segment adds to the state at its end, or to the gradient before its start ---------------------------------------------------

struct alignas(16) SegmentShared {
    using T = Tile<FORWARD_TOKENS>;
    ACT input[T::SIZE];  // x, or gradY
    ACT dt[T::SIZE];
    ACT z[T::SIZE];
    ACT raw[T::TOKENS * 2 * N];
    float states[2 * N * T::PITCH];
    float decay[N * CHANNELS];
    float sums[N * THREADS];
    float bias[MAX_MODALITIES * CHANNELS];
    Tokens<FORWARD_TOKENS> tokens;
    Arriving<FORWARD_TOKENS> arriving;
};

/**
 * Forward:  sum over t of 2^(decay dt(t+1 .. end)) dt(t) x(t) B(t).
 * Backward: sum over t of 2^(decay dt(begin .. t)) gradY(t) silu(z(t)) C(t).
 * Tiles are taken from the side where nothing has decayed, until the decay has left nothing.
 */
template <bool BACKWARD>
__device__ __forceinline__ void sumSegment(float* sums, float* segmentDt, const Rows& inputRows, const Rows& dtRows, const Rows& zRows,
                                           const StateRows& states, const float* aLog, const DtSlabs& slabs, const int* rowOf,
                                           const int* documentStart, int L, int E, int segmentLength) {
    constexpr int K = FORWARD_TOKENS;
    using T = Tile<K>;
    SegmentShared& shared = *reinterpret_cast<SegmentShared*>(sharedMemory);

    const int segment = blockIdx.y + (BACKWARD ? 1 : 0);
    const Place place = placeOf(segment, L, segmentLength, T::TOKENS);
    const int lane = threadIdx.x % 32;
    const int span = lane / CHANNEL_LANES;
    const int channel = threadIdx.x / 32 * CHANNEL_LANES + lane % CHANNEL_LANES;
    const int first = T::at(span * K, channel);

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
        loadTokens<K>(shared.arriving, place, tile, L, rowOf, documentStart);
        waitForCopies();
        putTokens<K>(shared.tokens, shared.arriving, place, tile, documentStart, slabs);
        __syncthreads();
        forPieces<K>(shared.tokens, place.firstChannel, [&](int row, int at, int e) {
            copyPiece(shared.input + at, inputRows, row, e);
            copyPiece(shared.dt + at, dtRows, row, e);
            if (BACKWARD) copyPiece(shared.z + at, zRows, row, e);
        });
        loadStates<K>(shared.raw, states, shared.tokens);
        waitForCopies();
        __syncthreads();
        spreadStates<K>(shared.states, shared.raw);

        float dt[K], reach[K], weight[K];  // reach: dt between the token and the segment's edge; weight: what multiplies B or C
        const SpanInfo<K> info(shared.tokens.info + span * K);
        loadSteps(dt, shared.dt + first, shared.bias + channel, info);
#pragma unroll
        for (int k = 0; k < K; k++) {
            const float input = toFloat(shared.input[first + k * CHANNELS]);
            weight[k] = input * (BACKWARD ? silu(toFloat(shared.z[first + k * CHANNELS])) : dt[k]);
            if (shared.tokens.row[span * K + k] < 0) dt[k] = 0.0f;
        }
        resetSteps(dt, info);
        float total = 0.0f;
#pragma unroll
        for (int j = 0; j < K; j++) {
            const int k = BACKWARD ? j : K - 1 - j;
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
        for (int k = 0; k < K; k++) reach[k] += nearer;
        __syncthreads();

#pragma unroll 1
        for (int n = 0; n < N; n++) {
            const float decay = shared.decay[n * CHANNELS + channel];
            if (__all_sync(FULL_WARP, decay * passed < GONE)) continue;
            float factor[K];
            loadSpan<K>(factor, shared.states + ((BACKWARD ? N : 0) + n) * T::PITCH + span * (K + 4));
            float added = 0.0f;
#pragma unroll
            for (int k = 0; k < K; k++) added = fmaf(exp2Fast(reach[k] * decay), weight[k] * factor[k], added);
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

extern "C" __device__ int selectiveScanForwardSegments_launch[4] = {THREADS, CHANNELS, sizeof(SegmentShared), Tile<FORWARD_TOKENS>::TOKENS};

extern "C" __global__ void __launch_bounds__(THREADS, 2) selectiveScanForwardSegments(
    float* __restrict__ segmentState, float* __restrict__ segmentDt,
    const ACT* __restrict__ x, int xStride, const ACT* __restrict__ dtRaw, int dtStride,
    const ACT* __restrict__ matB, const ACT* __restrict__ matC, int bcStride, const float* __restrict__ aLog, const __grid_constant__ DtSlabs slabs,
    const int* __restrict__ rowOf, const int* __restrict__ documentStart, int L, int E, int segmentLength) {
    sumSegment<false>(segmentState, segmentDt, {x, xStride}, {dtRaw, dtStride}, {nullptr, 0}, StateRows(matB, matC, bcStride), aLog, slabs,
                      rowOf, documentStart, L, E, segmentLength);
}

extern "C" __device__ int selectiveScanBackwardSegments_launch[4] = {THREADS, CHANNELS, sizeof(SegmentShared), Tile<FORWARD_TOKENS>::TOKENS};

extern "C" __global__ void __launch_bounds__(THREADS, 2) selectiveScanBackwardSegments(
    float* __restrict__ segmentGrad, float* __restrict__ segmentDt,
    const ACT* __restrict__ gradY, int gradYStride, const ACT* __restrict__ dtRaw, int dtStride, const ACT* __restrict__ z, int zStride,
    const ACT* __restrict__ matB, const ACT* __restrict__ matC, int bcStride, const float* __restrict__ aLog, const __grid_constant__ DtSlabs slabs,
    const int* __restrict__ rowOf, const int* __restrict__ documentStart, int L, int E, int segmentLength) {
    sumSegment<true>(segmentGrad, segmentDt, {gradY, gradYStride}, {dtRaw, dtStride}, {z, zStride}, StateRows(matB, matC, bcStride), aLog,
                     slabs, rowOf, documentStart, L, E, segmentLength);
}

// --- backward --------------------------------------------------------------------------------------------------------------------------

/** Tokens of a tile; forward has saved the state before each. */
constexpr int TILE = FORWARD_TOKENS;
/** States of a thread, for one channel. */
constexpr int STATES = 4;
constexpr int STATE_WARPS = N / STATES;
/** Four channels of a token are an element thread's work. */
constexpr int QUADS = CHANNELS / 4;
constexpr int ELEMENT_THREADS = TILE * QUADS;
constexpr int ELEMENT_WARPS = ELEMENT_THREADS / 32;
/** Of its token an element thread also has so many quads of B and C. */
constexpr int STATE_QUADS = 2 * N / 4;
constexpr int STATE_ROUNDS = (STATE_QUADS + QUADS - 1) / QUADS;
constexpr int BACKWARD_THREADS = 32 * STATE_WARPS + ELEMENT_THREADS;

// Where warps can trade registers, two blocks of 16 states fit on a multiprocessor and leave those of adamw_beside.cu free.
#if (defined(__CUDA_ARCH_FEAT_SM90_ALL) || defined(__CUDA_ARCH_FEAT_SM100_ALL)) && defined(MOM_BF16) && MOM_N >= 16
#define TRADE_REGISTERS(direction, count) asm volatile("setmaxnreg." direction ".sync.aligned.u32 %0;" ::"n"(count))
constexpr int BACKWARD_REGISTERS = N == 16 ? 120 : 168;
constexpr int STATE_REGISTERS = N == 16 ? 184 : 216;
constexpr int ELEMENT_REGISTERS = N == 16 ? 56 : 72;
#else
#define TRADE_REGISTERS(direction, count)
constexpr int BACKWARD_REGISTERS = 65536 / BACKWARD_THREADS > 255 ? 255 : 65536 / BACKWARD_THREADS / 8 * 8;
#endif

/** Of a tile's tokens; the first of eight element threads writes. */
struct TileTokens {
    int row[TILE];    // below 0 where there is no token
    int reset[TILE];  // not 0 where the state is reset before the token
    int modality[TILE];
};

/** Of a tile, as it lies in memory: each element thread's own, but for the states. */
struct alignas(16) TileInputs {
    ACT4 x[ELEMENT_THREADS];
    ACT4 dt[ELEMENT_THREADS];
    ACT4 z[ELEMENT_THREADS];
    ACT4 y[ELEMENT_THREADS];
    ACT4 gradY[ELEMENT_THREADS];
    ACT4 bc[TILE][STATE_ROUNDS * QUADS];
    ACT state[N][CHANNELS];  // before the tile
};

/** Of a tile, what element threads make of its inputs. */
struct alignas(16) TileValues {
    float2 steps[TILE][CHANNELS];  // dt as it decays the state; dt x; where slotOf says
    float gradOut[TILE][CHANNELS]; // of h C + D x
    float states[TILE][2 * N];     // matB, matC
    float gate[TILE][CHANNELS];    // sigmoid(z)
};

struct alignas(16) BackwardShared {
    TileInputs inputs[3];  // of the tile that is done, the one before it and the one before that
    TileValues values[2];
    TileTokens tokens[4];
    float2 sums[2][STATE_WARPS][TILE][CHANNELS];      // over a thread's states: gradDt / ln 2, gradDtx; channels where slotOf says
    float products[STATE_WARPS][2][2][8 * 16 + 16];   // gradB, gradC of pairs of tokens, summed over four channels; two groups in turn
    float gradBC[2][TILE][2 * N + 4];                 // summed over the block's channels
    float gradBias[ELEMENT_WARPS][MAX_MODALITIES][CHANNELS];
    float gradSkip[ELEMENT_WARPS][CHANNELS];
    float4 gradSkipOf[ELEMENT_THREADS];  // of a thread; gradBias: over tokens of one modality until another comes
    float4 gradBiasOf[ELEMENT_THREADS];
    float bias[MAX_MODALITIES * CHANNELS];
    float skip[CHANNELS];
    unsigned long long valuesReady[2];
    unsigned long long sumsReady[2];
};

static_assert(sizeof(BackwardShared) <= 227 << 10, "more shared memory than any card gives a block");
static_assert(N > 16 || sizeof(ACT) > 2 || sizeof(BackwardShared) <= 97 << 10, "two blocks leave no room for that of adamw_beside.cu");

extern "C" __device__ int selectiveScanBackward_launch[4] = {BACKWARD_THREADS, CHANNELS, sizeof(BackwardShared), TILE};

/**
 * Where a channel's pair of floats lies in a row of them: so that lanes with a channel each fall into different banks, and lanes with four each, that
 * take the first two and then the last two at once.
 */
__device__ __forceinline__ unsigned slotOf(unsigned channel) {
    const unsigned half = channel % 4 / 2;
    return 16 * half + (channel / 4 * 2 + 8 * half) % 16 + channel % 2;
}

/** Arrives for the whole warp, after what its lanes have read and written. */
__device__ __forceinline__ void arriveWarp(unsigned long long* barrier) {
    __syncwarp();
    if (threadIdx.x % 32 == 0) arriveBarrier(barrier);
}

/** sums[column] of a row += the four k (or k+4) of that row: D += A B with A the products and B of ones and zeros. */
__device__ __forceinline__ void addRows(float4& sums, unsigned a0, unsigned a1, unsigned a2, unsigned a3, unsigned b0, unsigned b1) {
    asm("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(sums.x), "+f"(sums.y), "+f"(sums.z), "+f"(sums.w)
        : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "r"(b0), "r"(b1));
}

/**
 * Adds the sums of b[0 .. 3], c[0 .. 3] over each four lanes. Those of the lanes 4 g .. 4 g + 3 end in these: lane 4 g + i has in sums
 * {b[2 i], b[2 i + 1], c[2 i], c[2 i + 1]} of the first of a pair of tokens, lane 4 g + 2 + i those of the second. In the tensor core's terms: row = g (b) or
 * 8 + g (c), k = lane in the four, two values side by side; the j-th product puts its sums into columns 2 j and 2 j + 1.
 */
__device__ __forceinline__ void addOverChannels(float4& sums, const float (&b)[STATES], const float (&c)[STATES], bool second, int group) {
#pragma unroll
    for (int i = 0; i < 2; i++) {
        const int j = second ? 2 + i : i;
        const unsigned even = group == 2 * j ? 0x3f800000u : 0u;
        const unsigned odd = group == 2 * j + 1 ? 0x3f800000u : 0u;
        const float values[4] = {b[2 * i], c[2 * i], b[2 * i + 1], c[2 * i + 1]};
        unsigned bits[4];
#pragma unroll
        for (int v = 0; v < 4; v++) bits[v] = __float_as_uint(values[v]);
#if defined(MOM_FLOAT32)
        unsigned rest[4];
#pragma unroll
        for (int v = 0; v < 4; v++) {
            bits[v] &= 0xffffe000u;
            rest[v] = __float_as_uint(values[v] - __uint_as_float(bits[v]));
        }
        addRows(sums, rest[0], rest[1], rest[2], rest[3], even, odd);
#endif
        addRows(sums, bits[0], bits[1], bits[2], bits[3], even, odd);
    }
}

/** What a state's thread needs of a token. */
struct StateToken {
    float2 steps;
    float gradOut;
    float b[STATES], c[STATES];

    __device__ __forceinline__ StateToken(const TileValues& values, int k, int lane, int firstState) {
        steps = values.steps[k][slotOf(lane)];
        gradOut = values.gradOut[k][lane];
        loadSpan(b, &values.states[k][firstState]);
        loadSpan(c, &values.states[k][N + firstState]);
    }
};

/** The warps of states: lane = channel. */
__device__ __forceinline__ void backwardStates(BackwardShared& shared, const Place& place, float* partialParameters, int rows,
                                               const float* aLog, const float* segmentGrad, const float* segmentDt, int E) {
    const unsigned warp = threadIdx.x / 32;
    const unsigned lane = threadIdx.x % 32;
    const int firstState = warp * STATES;
    const int channel = place.firstChannel + lane;
    float decay[STATES], carry[STATES], gradA[STATES];  // carry: gradient of the state before the token to the right
#pragma unroll
    for (int n = 0; n < STATES; n++) {
        decay[n] = -LOG2_E * exp2Fast(LOG2_E * aLog[(long long)channel * N + firstState + n]);
        carry[n] = 0.0f;
        gradA[n] = 0.0f;
        for (int s = gridDim.y - 1; s > (int)blockIdx.y; s--) {
            const long long at = (long long)place.batch * gridDim.y + s;
            carry[n] = fmaf(exp2Fast(decay[n] * segmentDt[at * E + channel]), carry[n], segmentGrad[(at * N + firstState + n) * E + channel]);
        }
    }
    // Sums what four tokens from k on have left in shared.products over the groups of channels.
    const float* const groups = &shared.products[warp][0][lane / 16][lane % 16];
    float* const gradBC = &shared.gradBC[0][2 * (lane / 16) + 1 - lane % 16 / 8][lane % 4 / 2 * N + firstState + lane / 4 % 2 * 2 + lane % 2];
    const auto sumGroups = [&](int buffer, int k) {
        float sum = 0.0f;
#pragma unroll
        for (int g = 0; g < 8; g++) sum += groups[k / 4 % 2 * 2 * (8 * 16 + 16) + 16 * g];
        gradBC[(buffer * TILE + k) * (2 * N + 4)] = sum;
    };

#pragma unroll 1
    for (int done = 0; done < place.tiles; done++) {
        const int buffer = done % 2;
        const TileValues& values = shared.values[buffer];
        float2* const sums = &shared.sums[buffer][warp][0][slotOf(lane)];
        awaitBarrier(&shared.valuesReady[done % 2], done / 2 % 2);
        float a[TILE][STATES], h[TILE + 1][STATES];  // decay; state before token k
#pragma unroll
        for (int n = 0; n < STATES; n++) h[0][n] = toFloat(shared.inputs[done % 3].state[firstState + n][lane]);
#pragma unroll
        for (int k = 0; k < TILE; k++) {
            const float2 steps = values.steps[k][slotOf(lane)];
            float b[STATES];
            loadSpan(b, &values.states[k][firstState]);
#pragma unroll
            for (int n = 0; n < STATES; n++) {
                a[k][n] = exp2Fast(steps.x * decay[n]);
                h[k + 1][n] = fmaf(a[k][n], h[k][n], steps.y * b[n]);
            }
        }

        StateToken token(values, TILE - 1, lane, firstState);
        float4 products;
        const unsigned group = (unsigned)thread() % 32 / 4;  // read anew: its comparisons are not worth registers through the tile forward
#pragma unroll
        for (int k = TILE - 1; k >= 0; k--) {
            // The token before is loaded before this one's results are stored, once registers have fallen free.
            const bool early = k < TILE - 2;
            StateToken before = token;
            if (early && k > 0) before = StateToken(values, k - 1, lane, firstState);
            float gradDt = 0.0f, gradDtx = 0.0f;
            float gradB[STATES], gradC[STATES];
#pragma unroll
            for (int n = 0; n < STATES; n++) {
                const float gradH = fmaf(token.c[n], token.gradOut, carry[n]);
                gradDtx = fmaf(gradH, token.b[n], gradDtx);
                gradC[n] = token.gradOut * h[k + 1][n];
                gradB[n] = gradH * token.steps.y;
                carry[n] = a[k][n] * gradH;
                const float gradExponent = carry[n] * h[k][n];
                gradDt = fmaf(gradExponent, decay[n], gradDt);
                gradA[n] = fmaf(gradExponent, token.steps.x, gradA[n]);
            }
            const bool second = k % 2 == 0;
            if (!second) products = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
            addOverChannels(products, gradB, gradC, second, group);
            sums[k * CHANNELS] = make_float2(gradDt, gradDtx);
            if (second) *reinterpret_cast<float4*>(&shared.products[warp][k / 4 % 2][k / 2 % 2][4 * lane]) = products;
            if (k % 4 == 3 && k < TILE - 1) sumGroups(buffer, k + 1);
            if (k % 4 == 0) __syncwarp();
            token = early ? before : StateToken(values, k - 1, lane, firstState);
        }
        sumGroups(buffer, 0);
        arriveWarp(&shared.sumsReady[buffer]);
    }

    float* const partial = partialParameters + (long long)(place.batch * gridDim.y + blockIdx.y) * rows * E + channel;
#pragma unroll
    for (int n = 0; n < STATES; n++) partial[(long long)(firstState + n) * E] = gradA[n] * (LN_2 * decay[n]);
}

/** Rows of activations that the element threads write. */
struct GradientRows {
    ACT* data;
    int stride;

    __device__ __forceinline__ void put(int row, int e, const float (&values)[4]) const {
        store4(data + (unsigned)(row * stride + e), values);
    }
};

/** Copies four adjacent values of a row. */
__device__ __forceinline__ void copyQuad(ACT4* shared, const Rows& rows, int row, int column) {
    copyAsync(shared, reinterpret_cast<const ACT4*>(rows.data + (unsigned)(row * rows.stride + column)));
}

/** The same of matB and matC side by side. */
__device__ __forceinline__ void copyQuad(ACT4* shared, const StateRows& states, int row, int column) {
    const ACT* const data = (column < N ? states.matB : states.matC - N) + (unsigned)(row * states.stride) + column;
    if (states.aligned) {
        copyAsync(shared, reinterpret_cast<const ACT4*>(data));
    } else {
#pragma unroll
        for (int i = 0; i < 4; i++) reinterpret_cast<ACT*>(shared)[i] = data[i];
    }
}

/** The other warps: a thread has four channels of one token. */
__device__ __forceinline__ void backwardElements(BackwardShared& shared, const Place& place, const GradientRows& gradX,
                                                 const GradientRows& gradDtRaw, const GradientRows& gradZ, ACT* partialBC,
                                                 const Rows& gradY, const ACT* spanState, const Rows& x, const Rows& dtRaw, const Rows& z, const Rows& y,
                                                 const StateRows& states, const DtSlabs& slabs, const int* rowOf, const int* documentStart, int L, int E) {
    // Read anew where it is used, see thread().
    const auto own = [] { return (unsigned)thread() - 32 * STATE_WARPS; };

    // Where there is no token, what is copied is another's; its gradY is taken as 0.
    const auto copy = [&](TileInputs& inputs, const TileTokens& tokens, int tile) {
        if (tile < 0) return;
        const unsigned t = own(), token = t / QUADS, quad = t % QUADS, e = place.firstChannel + 4 * quad;
        const int some = max(tokens.row[token], 0);
        copyQuad(inputs.x + t, x, some, e);
        copyQuad(inputs.dt + t, dtRaw, some, e);
        copyQuad(inputs.z + t, z, some, e);
        copyQuad(inputs.y + t, y, some, e);
        copyQuad(inputs.gradY + t, gradY, some, e);
#pragma unroll
        for (int r = 0; r < STATE_ROUNDS; r++) copyQuad(&inputs.bc[token][quad + r * QUADS], states, some, (quad + r * QUADS) % STATE_QUADS * 4);
        const long long at = (long long)place.batch * ((L + TILE - 1) / TILE) + place.begin / TILE + tile;
#pragma unroll
        for (int r = 0; r < (N + TILE - 1) / TILE; r++) {
            const int n = token + r * TILE;
            if (n >= N) break;
            copyAsync(reinterpret_cast<ACT4*>(&inputs.state[n][4 * quad]), reinterpret_cast<const ACT4*>(spanState + (at * N + n) * E + e));
        }
    };
    const auto find = [&](TileTokens& tokens, int tile) {
        if (own() % QUADS != 0) return;
        const unsigned token = own() / QUADS;
        const int l = place.begin + tile * TILE + token;
        if (tile >= 0 && l < place.end) {
            const long long at = (long long)sequence() * L + l;
            copyAsync4(tokens.row + token, rowOf + at);
            if (documentStart != nullptr) copyAsync4(tokens.reset + token, documentStart + at);
        } else {
            tokens.row[token] = -1;
        }
    };
    const auto resetBefore = [&](const TileTokens& tokens, int token) { return documentStart != nullptr && tokens.reset[token] != 0; };
    const auto loadSteps = [&](float (&dt)[4], const TileInputs& inputs, int modality) {
        float bias[4];
        unpack(inputs.dt[own()], dt);
        loadSpan(bias, shared.bias + modality * CHANNELS + 4 * (own() % QUADS));
#pragma unroll
        for (int i = 0; i < 4; i++) dt[i] = softplus(dt[i] + bias[i]);
    };
    const auto prepare = [&](TileValues& values, const TileInputs& inputs, TileTokens& tokens) {
        waitForCopies();
        const unsigned t = own(), token = t / QUADS, quad = t % QUADS;
        const int row = tokens.row[token];
        int modality = 0;
        while (modality + 1 < slabs.count && row >= slabs.start[modality + 1]) modality++;
        tokens.modality[token] = modality;
        const bool reset = resetBefore(tokens, token);
        float in[4], gate[4], grad[4], dt[4];
        unpack(inputs.x[t], in);
        loadSteps(dt, inputs, modality);
#pragma unroll
        for (int i = 0; i < 4; i += 2) {
            const float pair[4] = {reset ? RESET_STEP : dt[i], dt[i] * in[i], reset ? RESET_STEP : dt[i + 1], dt[i + 1] * in[i + 1]};
            storeFour(&values.steps[token][slotOf(4 * quad + i)].x, pair);
        }
        unpack(inputs.z[t], gate);
        unpack(inputs.gradY[t], grad);
#pragma unroll
        for (int i = 0; i < 4; i++) {
            const float gateSigmoid = sigmoid(gate[i]);
            grad[i] = row < 0 ? 0.0f : grad[i] * (gate[i] * gateSigmoid);
            gate[i] = gateSigmoid;
        }
        storeFour(&values.gradOut[token][4 * quad], grad);
        storeFour(&values.gate[token][4 * quad], gate);
#pragma unroll
        for (int r = 0; r < STATE_ROUNDS; r++) {
            if (quad + r * QUADS >= STATE_QUADS) break;
            float bc[4];
            unpack(inputs.bc[token][quad + r * QUADS], bc);
            storeFour(&values.states[token][(quad + r * QUADS) * 4], bc);
        }
    };

    shared.gradSkipOf[own()] = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
    shared.gradBiasOf[own()] = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
    const auto sumOverTokens = [&](float value) {
        value += __shfl_xor_sync(FULL_WARP, value, QUADS);
        return value + __shfl_xor_sync(FULL_WARP, value, 2 * QUADS);
    };
    int modality = 0;
    const auto putBias = [&] {
        const unsigned t = own();
        float gradBias[4];
        loadSpan(gradBias, &shared.gradBiasOf[t].x);
#pragma unroll 1
        for (int m = 0; m < slabs.count; m++) {
            if (!__any_sync(FULL_WARP, modality == m)) continue;
#pragma unroll
            for (int i = 0; i < 4; i++) {
                const float sum = sumOverTokens(modality == m ? gradBias[i] : 0.0f);
                if (t % 32 < QUADS) shared.gradBias[t / 32][m][4 * (t % QUADS) + i] += sum;
            }
        }
        shared.gradBiasOf[t] = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
    };
    const auto finish = [&](int buffer, const TileInputs& inputs, const TileTokens& tokens, int tile) {
        const TileValues& values = shared.values[buffer];
        const unsigned t = own(), token = t / QUADS, quad = t % QUADS, e = place.firstChannel + 4 * quad;
        const int itsModality = tokens.modality[token];
        if (__any_sync(FULL_WARP, itsModality != modality)) putBias();
        modality = itsModality;
        const int row = tokens.row[token];
        if (row < 0) return;
        float dt[4], gradDt[4] = {}, gradDtx[4] = {};
#pragma unroll
        for (int i = 0; i < 4; i += 2) {
            const float4 pair = loadWhole(&values.steps[token][slotOf(4 * quad + i)].x);
            dt[i] = pair.x;
            dt[i + 1] = pair.z;
        }
        if (resetBefore(tokens, token)) loadSteps(dt, inputs, modality);
#pragma unroll
        for (int w = 0; w < STATE_WARPS; w++) {
#pragma unroll
            for (int i = 0; i < 4; i += 2) {
                float pair[4];
                loadSpan(pair, &shared.sums[buffer][w][token][slotOf(4 * quad + i)].x);
                gradDt[i] += pair[0];
                gradDtx[i] += pair[1];
                gradDt[i + 1] += pair[2];
                gradDtx[i + 1] += pair[3];
            }
        }
        float in[4], skip[4], gradOut[4], sum[4];
        unpack(inputs.x[t], in);
        loadSpan(skip, shared.skip + 4 * quad);
        loadSpan(gradOut, &values.gradOut[token][4 * quad]);
        loadSpan(sum, &shared.gradSkipOf[t].x);
#pragma unroll
        for (int i = 0; i < 4; i++) sum[i] = fmaf(gradOut[i], in[i], sum[i]);
        storeFour(&shared.gradSkipOf[t].x, sum);
        loadSpan(sum, &shared.gradBiasOf[t].x);
#pragma unroll
        for (int i = 0; i < 4; i++) {
            gradDt[i] = fmaf(gradDtx[i], in[i], LN_2 * gradDt[i]) * softplusSlope(dt[i]);
            gradDtx[i] = fmaf(gradDtx[i], dt[i], skip[i] * gradOut[i]);
            sum[i] += gradDt[i];
        }
        storeFour(&shared.gradBiasOf[t].x, sum);
        gradX.put(row, e, gradDtx);
        gradDtRaw.put(row, e, gradDt);
        // y silu(z) is known; times the slope of silu and over silu is y times the slope.
        float out[4], grad[4], gateSigmoid[4];
        unpack(inputs.y[t], out);
        unpack(inputs.gradY[t], grad);
        loadSpan(gateSigmoid, &values.gate[token][4 * quad]);
        float gate[4];
        unpack(inputs.z[t], gate);
#pragma unroll
        for (int i = 0; i < 4; i++) out[i] *= grad[i] * (reciprocalFast(gateOf(gate[i])) + (1.0f - gateSigmoid[i]));
        gradZ.put(row, e, out);
        const long long at = ((long long)blockIdx.x * gridDim.z + sequence()) * L + place.begin + tile * TILE + token;
#pragma unroll
        for (int r = 0; r < STATE_ROUNDS; r++) {
            const int column = (quad + r * QUADS) * 4;
            if (column >= 2 * N) break;
            float four[4];
            loadSpan(four, &shared.gradBC[buffer][token][column]);
            store4(partialBC + at * (2 * N) + column, four);
        }
    };

    const int last = place.tiles - 1;
    for (int i = 0; i < 3; i++) find(shared.tokens[i], last - i);
    waitForCopies();
    __syncwarp();
    for (int i = 0; i < 2; i++) copy(shared.inputs[i], shared.tokens[i], last - i);
    for (int i = 0; i < 2; i++) {
        prepare(shared.values[i], shared.inputs[i], shared.tokens[i]);
        arriveWarp(&shared.valuesReady[i]);
    }
#pragma unroll 1
    for (int done = 0; done <= last; done++) {
        const int buffer = done % 2;
        TileInputs& inputs = shared.inputs[(done + 2) % 3];
        copy(inputs, shared.tokens[(done + 2) % 4], last - done - 2);
        find(shared.tokens[(done + 3) % 4], last - done - 3);
        awaitBarrier(&shared.sumsReady[buffer], done / 2 % 2);
        finish(buffer, shared.inputs[done % 3], shared.tokens[done % 4], last - done);
        prepare(shared.values[buffer], inputs, shared.tokens[(done + 2) % 4]);
        arriveWarp(&shared.valuesReady[buffer]);
    }
    putBias();
#pragma unroll
    for (int i = 0; i < 4; i++) {
        const unsigned t = own();
        const float sum = sumOverTokens((&shared.gradSkipOf[t].x)[i]);
        if (t % 32 < QUADS) shared.gradSkip[t / 32][4 * (t % QUADS) + i] = sum;
    }
}

extern "C" __global__ void __maxnreg__(BACKWARD_REGISTERS) selectiveScanBackward(
    ACT* __restrict__ gradX, int gradXStride, ACT* __restrict__ gradDtRaw, int gradDtStride, ACT* __restrict__ gradZ, int gradZStride,
    ACT* __restrict__ partialBC, float* __restrict__ partialParameters,
    const ACT* __restrict__ gradY, int gradYStride, const ACT* __restrict__ y, int yStride, const ACT* __restrict__ spanState,
    const ACT* __restrict__ x, int xStride, const ACT* __restrict__ dtRaw, int dtStride, const ACT* __restrict__ z, int zStride,
    const ACT* __restrict__ matB, const ACT* __restrict__ matC, int bcStride,
    const float* __restrict__ aLog, const float* __restrict__ skipD, const __grid_constant__ DtSlabs slabs,
    const int* __restrict__ rowOf, const int* __restrict__ documentStart,
    const float* __restrict__ segmentGrad, const float* __restrict__ segmentDt, int L, int E, int segmentLength) {
    letNextStart();
    BackwardShared& shared = *reinterpret_cast<BackwardShared*>(sharedMemory);
    const Place place = placeOf(blockIdx.y, L, segmentLength, TILE);
    const int parameterRows = N + 1 + slabs.count;
    for (int i = threadIdx.x; i < ELEMENT_WARPS * MAX_MODALITIES * CHANNELS; i += BACKWARD_THREADS) {
        (&shared.gradBias[0][0][0])[i] = 0.0f;
    }
    loadBias(shared.bias, slabs, place.firstChannel);
    if (threadIdx.x < CHANNELS) shared.skip[threadIdx.x] = skipD[place.firstChannel + threadIdx.x];
    if (threadIdx.x == 0) {
        for (int i = 0; i < 2; i++) {
            initBarrier(&shared.valuesReady[i], ELEMENT_WARPS);
            initBarrier(&shared.sumsReady[i], STATE_WARPS);
        }
    }
    __syncthreads();
    if (threadIdx.x < 32 * STATE_WARPS) {
        TRADE_REGISTERS("inc", STATE_REGISTERS);
        backwardStates(shared, place, partialParameters, parameterRows, aLog, segmentGrad, segmentDt, E);
    } else {
        TRADE_REGISTERS("dec", ELEMENT_REGISTERS);
        backwardElements(shared, place, {gradX, gradXStride}, {gradDtRaw, gradDtStride}, {gradZ, gradZStride}, partialBC, {gradY, gradYStride},
                         spanState, {x, xStride}, {dtRaw, dtStride}, {z, zStride}, {y, yStride}, StateRows(matB, matC, bcStride), slabs, rowOf, documentStart,
                         L, E);
    }
    __syncthreads();
    const int channel = threadIdx.x % 32;
    for (int row = threadIdx.x / 32; row <= slabs.count; row += BACKWARD_THREADS / 32) {
        float sum = 0.0f;
        for (int w = 0; w < ELEMENT_WARPS; w++) sum += row == 0 ? shared.gradSkip[w][channel] : shared.gradBias[w][row - 1][channel];
        partialParameters[((long long)(place.batch * gridDim.y + blockIdx.y) * parameterRows + N + row) * E + place.firstChannel + channel] = sum;
    }
}

// --- sums over blocks ------------------------------------------------------------------------------------------------------------------

extern "C" __device__ int selectiveScanReduceBC_launch[4] = {THREADS, 0, 0, 0};

/** partialBC [groups, tokens, 2N], tokens in sequence order -> gradB, gradC [T, N] in rows. Four columns a thread. */
extern "C" __global__ void __launch_bounds__(THREADS) selectiveScanReduceBC(ACT* __restrict__ gradB, ACT* __restrict__ gradC, int stride,
                                                                          const ACT* __restrict__ partialBC, int groups,
                                                                          const int* __restrict__ rowOf, int tokens) {
    letNextStart();
    constexpr int QUADS = 2 * N / 4;
    const long long i = (long long)blockIdx.x * THREADS + threadIdx.x;
    const long long quads = (long long)tokens * QUADS;
    if (i >= quads) return;
    const ACT4* partial = reinterpret_cast<const ACT4*>(partialBC) + i;
    float sum[4] = {};
#pragma unroll 8
    for (int g = 0; g < groups; g++) {
        float more[4];
        unpack(partial[g * quads], more);
#pragma unroll
        for (int j = 0; j < 4; j++) sum[j] += more[j];
    }
    const int n = (int)(i % QUADS) * 4;
    ACT* const out = (n < N ? gradB + n : gradC + n - N) + (long long)rowOf[i / QUADS] * stride;
#pragma unroll
    for (int j = 0; j < 4; j++) store(out + j, sum[j]);
}

extern "C" __device__ int selectiveScanReduceParameters_launch[4] = {THREADS, 0, 0, 0};

/** partialParameters [partials, N+1+M, E] -> added to gradALog [E, N], gradD [E], gradDtBias[m] [E]. */
extern "C" __global__ void __launch_bounds__(THREADS) selectiveScanReduceParameters(float* __restrict__ gradALog, float* __restrict__ gradD,
                                                                                  const __grid_constant__ DtSlabs gradDtBias,
                                                                                  const float* __restrict__ partialParameters, int partials,
                                                                                  int E) {
    letNextStart();
    const int rows = N + 1 + gradDtBias.count;
    const long long i = (long long)blockIdx.x * THREADS + threadIdx.x;
    if (i >= (long long)(N + 2) * E) return;
    const int e = (int)(i % E);
    const int row = (int)(i / E);
    const auto total = [&](int of) {
        float sum = 0.0f;
        for (int p = 0; p < partials; p++) sum += partialParameters[((long long)p * rows + of) * E + e];
        return sum;
    };
    if (row < N) {
        gradALog[(long long)e * N + row] += total(row);
    } else if (row == N) {
        gradD[e] += total(N);
    } else {
        // One thread for all modalities: they may share one bias.
#pragma unroll
        for (int m = 0; m < MAX_MODALITIES; m++) {
            if (m < gradDtBias.count) gradDtBias.bias[m][e] += total(N + 1 + m);
        }
    }
}
