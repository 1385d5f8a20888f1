// selective_scan.cu: dt = softplus(dtRaw + b_dt[m]);  h[l] = exp(dt A) h[l-1] + (dt x) B;  y = (h C + D x) silu(z)
//                    (Gu & Dao 2023, eq. 2, with zero-order hold for A, Euler for B; gate fused);  A = -exp(A_log)
//
// B batch, L sequence, E inner channels, N states, M modalities, S segments of the sequence, C chunks of CHUNK tokens.
// Activations are rows of E channels in modality order, token (b, l) in row rowOf[b, l]; each has its own row stride, in elements, and rows
// begin on 16 bytes. E is a multiple of 32. matB, matC [T, N] are columns of a wider buffer, of any alignment. State and sums are float32.
//
// A block owns 32 channels of one segment of one sequence and walks its tiles. In a warp, 4 lanes are channels and 8 lanes are consecutive
// spans of time, TOKENS_PER_LANE each; a thread takes one state n at a time. It computes exp(dt A) of its span once, keeps it in registers,
// runs its span from zero, combines the 8 spans by a scan over lanes (whose decays come from sums of dt), and runs its span again from the
// true state. So there is one exponential for each (token, channel, state), time is parallel within a warp, and the sums over n of the
// output (and of dt, x in backward) stay in one thread.
//
// More segments than one give parallelism to long sequences of few batches. The *Segments kernels find what a segment adds to the state at
// its end (forward) or to the gradient before its start (backward), as a plain sum over its tokens that stops where the decay has left
// nothing (2^-48), so that it is short for long segments.
//
// Forward saves, for backward, the state at each chunk's start: chunkState float32 [B, C, N, E]. Backward recomputes inside a chunk.
// gradX, gradDtRaw, gradZ, gradB, gradC overwrite; gradALog, gradD, gradDtBias accumulate. All sums run in a fixed order: no atomics. The
// sums of gradB, gradC over the 4 channels of a warp are taken by the tensor cores (products rounded to tf32; two-term split in float32
// mode), over warps in shared memory, over blocks by selectiveScanReduceBC.
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
#ifndef MOM_BACKWARD_TOKENS
#if MOM_N > 16 || defined(__CUDA_ARCH__) && (__CUDA_ARCH__ < 900 || __CUDA_ARCH__ >= 1100)
#define MOM_BACKWARD_TOKENS 8  // many states, or shared memory of 99 KB a block
#else
#define MOM_BACKWARD_TOKENS 16  // of 227 KB
#endif
#endif
constexpr int BACKWARD_TOKENS = MOM_BACKWARD_TOKENS;
constexpr int CHUNK = BACKWARD_TOKENS * TIME_LANES;

/** Step size of a token before which the state is reset: exp(RESET_STEP A) = 0. Finite, so that sums of it stay numbers. */
constexpr float RESET_STEP = 1e30f;
/** log2 of the decay under which the past is taken for gone. */
constexpr float GONE = -48.0f;

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

/** state += decay * state of the span `LANES` / 4 later, if there is one. */
template <int LANES>
__device__ __forceinline__ void addLater(float& state, float decay) {
    asm volatile(
        "{\n\t.reg .pred inside;\n\t.reg .f32 later;\n\t"
        "shfl.sync.down.b32 later|inside, %0, %2, 31, 0xffffffff;\n\t"
        "@inside fma.rn.f32 %0, %1, later, %0;\n\t}"
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

/** The same for the state, and from the last span to the first for its gradient. */
__device__ __forceinline__ void scanSpansBoth(float& state, float& carry, const SpanDecays& decays) {
    const float two = __shfl_down_sync(FULL_WARP, decays.two, CHANNEL_LANES);
    const float four = __shfl_down_sync(FULL_WARP, decays.four, 3 * CHANNEL_LANES);
    addEarlier<CHANNEL_LANES>(state, decays.one);
    addLater<CHANNEL_LANES>(carry, decays.one);
    addEarlier<2 * CHANNEL_LANES>(state, decays.two);
    addLater<2 * CHANNEL_LANES>(carry, two);
    addEarlier<4 * CHANNEL_LANES>(state, decays.four);
    addLater<4 * CHANNEL_LANES>(carry, four);
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

constexpr int SAVED = Tile<FORWARD_TOKENS>::TOKENS / CHUNK;
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
    float saved[SAVED * N * CHANNELS];  // at the start of the tile's chunks
    float bias[MAX_MODALITIES * CHANNELS];
    float skip[CHANNELS];
    Tokens<FORWARD_TOKENS> tokens[3];  // of the tile before, this and next
    Arriving<FORWARD_TOKENS> arriving;
};

extern "C" __device__ int selectiveScanForward_launch[4] = {THREADS, CHANNELS, sizeof(ForwardShared), Tile<FORWARD_TOKENS>::TOKENS};
extern "C" __device__ int selectiveScanForward_chunk = CHUNK;
extern "C" __device__ int selectiveScanSegmentMultiple = Tile<FORWARD_TOKENS>::TOKENS;

extern "C" __global__ void __maxnreg__(LEAVING_ROOM) selectiveScanForward(
    ACT* __restrict__ y, int yStride, float* __restrict__ chunkState,
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
        if (chunkState != nullptr) {
            const int chunks = (L + CHUNK - 1) / CHUNK;
            const int t = thread();
            const int firstChunk = (place.begin + tile * T::TOKENS) / CHUNK;
#pragma unroll
            for (int i = 0; i < SAVED * N * CHANNELS / THREADS; i++) {
                const int chunk = firstChunk + i / (N * CHANNELS / THREADS);
                if (chunk < chunks) {
                    const long long at = ((long long)place.batch * chunks + chunk) * N + i % (N * CHANNELS / THREADS) * WARPS + t / CHANNELS;
                    chunkState[at * E + place.firstChannel + t % CHANNELS] = shared.saved[i * THREADS + t];
                }
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
            if (span % (CHUNK / K) == 0) shared.saved[span / (CHUNK / K) * (N * CHANNELS) + at] = start;
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
            store(slot, out[k] * silu(toFloat(*slot)));
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

/** Tiles of inputs in shared memory, so that one is copied while the other is worked on. */
constexpr int BACKWARD_STAGES = sizeof(ACT) == 2 && BACKWARD_TOKENS == 16 ? 2 : 1;

/** States between two reductions of gradB, gradC over the warps. */
constexpr int GROUP = 2;
/** Eights of a span's tokens. */
constexpr int EIGHTS = BACKWARD_TOKENS / 8;
/** Registers a thread with which the one block of the backward leaves those of adamw_beside.cu free, where that costs nothing. */
#if defined(MOM_BF16) && MOM_N == 16
constexpr int BACKWARD_REGISTERS = 240;
#else
constexpr int BACKWARD_REGISTERS = 255;
#endif

struct alignas(16) BackwardInputs {
    ACT x[Tile<BACKWARD_TOKENS>::SIZE];      // x in, gradX out
    ACT dt[Tile<BACKWARD_TOKENS>::SIZE];     // dtRaw in, gradDtRaw out
    ACT z[Tile<BACKWARD_TOKENS>::SIZE];      // z in, gradZ out
    ACT gradY[Tile<BACKWARD_TOKENS>::SIZE];
    float state[N * CHANNELS];               // at the chunk's start
};

struct alignas(16) BackwardShared {
    using T = Tile<BACKWARD_TOKENS>;
    BackwardInputs inputs[BACKWARD_STAGES];
    ACT raw[T::TOKENS * 2 * N];
    float states[2 * N * T::PITCH];
    float decay[N * CHANNELS];
    float carry[N * CHANNELS];                        // gradient of the state before the tile to the right
    float4 products[3][WARPS][GROUP][EIGHTS][32];     // gradB, gradC summed over a warp's channels, three groups in turn
    float gradBC[T::TOKENS * (2 * N + 1)];            // summed over the block's channels
    float gradA[N * THREADS];                         // of each thread
    float gradBias[MAX_MODALITIES * CHANNELS];
    float bias[MAX_MODALITIES * CHANNELS];
    float skip[CHANNELS];
    Tokens<BACKWARD_TOKENS> tokens[3];  // of the tile after, this and the one before
    Arriving<BACKWARD_TOKENS> arriving;
    unsigned long long groupDone;
};

static_assert(sizeof(BackwardShared) <= 227 << 10, "more shared memory than any card gives a block");

extern "C" __device__ int selectiveScanBackward_launch[4] = {THREADS, CHANNELS, sizeof(BackwardShared), Tile<BACKWARD_TOKENS>::TOKENS};

/** sums[column] of a row += the four k (or k+4) of that row: D += A B with A the products and B of ones and zeros. */
__device__ __forceinline__ void addRows(float4& sums, unsigned a0, unsigned a1, unsigned a2, unsigned a3, unsigned b0, unsigned b1) {
    asm("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(sums.x), "+f"(sums.y), "+f"(sums.z), "+f"(sums.w)
        : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "r"(b0), "r"(b1));
}

/**
 * Sums of b[k], c[k] over the 4 channel lanes of each span, for 8 tokens k. Lane (span, j) gets {b[2j], b[2j+1], c[2j], c[2j+1]}. In the tensor core's terms:
 * row = span (b) or 8 + span (c), k = channel lane, two tokens side by side; the j-th product puts its sums into columns 2j and 2j+1.
 */
template <int K>
__device__ __forceinline__ float4 sumOverChannels(const float (&b)[K], const float (&c)[K], int eight, int span) {
    float4 sums = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
#pragma unroll
    for (int j = 0; j < 4; j++) {
        const unsigned even = span == 2 * j ? 0x3f800000u : 0u;
        const unsigned odd = span == 2 * j + 1 ? 0x3f800000u : 0u;
        const int k = 8 * eight + 2 * j;
        const float values[4] = {b[k], c[k], b[k + 1], c[k + 1]};
        unsigned bits[4];
#pragma unroll
        for (int i = 0; i < 4; i++) bits[i] = __float_as_uint(values[i]);
#if defined(MOM_FLOAT32)
        unsigned rest[4];
#pragma unroll
        for (int i = 0; i < 4; i++) {
            bits[i] &= 0xffffe000u;
            rest[i] = __float_as_uint(values[i] - __uint_as_float(bits[i]));
        }
        addRows(sums, rest[0], rest[1], rest[2], rest[3], even, odd);
#endif
        addRows(sums, bits[0], bits[1], bits[2], bits[3], even, odd);
    }
    return sums;
}

/** Sums shared.products of a group of states over the warps, into their columns of shared.gradBC. */
struct WarpSums {
    static constexpr int SUMS = GROUP * EIGHTS * 128;  // tokens x {B, C} x states
    static constexpr int EACH = SUMS / THREADS;        // adjacent sums of a thread, 1 or 2: tokens 2j, 2j+1 of B or C
    static constexpr int ROW = 2 * N + 1;
    const float* from;
    float* to;

    __device__ __forceinline__ explicit WarpSums(BackwardShared& shared) {
        const int t = threadIdx.x * EACH;
        const int token = t / 16 % TIME_LANES * BACKWARD_TOKENS + t / 128 % EIGHTS * 8 + t / 4 % 4 * 2 + t % 2;
        from = reinterpret_cast<const float*>(shared.products) + t;
        to = shared.gradBC + token * ROW + t / 2 % 2 * N + t / 128 / EIGHTS;
    }

    __device__ __forceinline__ void add(int group, int buffer) const {
        float sums[EACH] = {};
#pragma unroll
        for (int w = 0; w < WARPS; w++) {
            float more[EACH];
            loadSpan(more, from + (buffer * WARPS + w) * SUMS);
#pragma unroll
            for (int i = 0; i < EACH; i++) sums[i] += more[i];
        }
#pragma unroll
        for (int i = 0; i < EACH; i++) to[i * ROW + group * GROUP] = sums[i];
    }
};

extern "C" __global__ void __maxnreg__(BACKWARD_REGISTERS) selectiveScanBackward(
    ACT* __restrict__ gradX, int gradXStride, ACT* __restrict__ gradDtRaw, int gradDtStride, ACT* __restrict__ gradZ, int gradZStride,
    ACT* __restrict__ partialBC, float* __restrict__ partialParameters,
    const ACT* __restrict__ gradY, int gradYStride, const float* __restrict__ chunkState,
    const ACT* __restrict__ x, int xStride, const ACT* __restrict__ dtRaw, int dtStride, const ACT* __restrict__ z, int zStride,
    const ACT* __restrict__ matB, const ACT* __restrict__ matC, int bcStride,
    const float* __restrict__ aLog, const float* __restrict__ skipD, const __grid_constant__ DtSlabs slabs,
    const int* __restrict__ rowOf, const int* __restrict__ documentStart,
    const float* __restrict__ segmentGrad, const float* __restrict__ segmentDt, int L, int E, int segmentLength) {
    letNextStart();
    constexpr int K = BACKWARD_TOKENS;
    using T = Tile<K>;
    BackwardShared& shared = *reinterpret_cast<BackwardShared*>(sharedMemory);

    const Place place = placeOf(blockIdx.y, L, segmentLength, T::TOKENS);
    const int chunks = (L + CHUNK - 1) / CHUNK;
    const StateRows states(matB, matC, bcStride);
    const int warp = threadIdx.x / 32;
    const int lane = threadIdx.x % 32;
    const int span = lane / CHANNEL_LANES;
    const int channel = warp * CHANNEL_LANES + lane % CHANNEL_LANES;
    const int first = T::at(span * K, channel);

    const auto load = [&](BackwardInputs& inputs, const Tokens<K>& tokens, int tile) {
        forPieces<K>(tokens, place.firstChannel, [&](int row, int at, int e) {
            copyPiece(inputs.x + at, {x, xStride}, row, e);
            copyPiece(inputs.dt + at, {dtRaw, dtStride}, row, e);
            copyPiece(inputs.z + at, {z, zStride}, row, e);
            copyPiece(inputs.gradY + at, {gradY, gradYStride}, row, e);
        });
        loadStates<K>(shared.raw, states, tokens);
        const int t = thread();
        if (t < N * CHANNELS / 4) {
            const long long chunk = (long long)sequence() * chunks + place.begin / CHUNK + tile;
            const int n = t / (CHANNELS / 4);
            copyAsync16(inputs.state + 4 * t, chunkState + (chunk * N + n) * E + place.firstChannel + t % (CHANNELS / 4) * 4, true);
        }
    };

    const int last = place.tiles - 1;
    loadBias(shared.bias, slabs, place.firstChannel);
    loadDecay(shared.decay, aLog, place.firstChannel);
    if (threadIdx.x < CHANNELS) shared.skip[threadIdx.x] = skipD[place.firstChannel + threadIdx.x];
    if (threadIdx.x == 0) initBarrier(&shared.groupDone, WARPS);
    loadTokens<K>(shared.arriving, place, last, L, rowOf, documentStart);
    waitForCopies();
    putTokens<K>(shared.tokens[last % 3], shared.arriving, place, last, documentStart, slabs);
    for (int n = 0; n < N; n++) shared.gradA[n * THREADS + threadIdx.x] = 0.0f;
    if (threadIdx.x < CHANNELS) {
        for (int m = 0; m < slabs.count; m++) shared.gradBias[m * CHANNELS + threadIdx.x] = 0.0f;
    }
    __syncthreads();
    load(shared.inputs[last % BACKWARD_STAGES], shared.tokens[last % 3], last);
    loadTokens<K>(shared.arriving, place, last - 1, L, rowOf, documentStart);
    for (int i = threadIdx.x; i < N * CHANNELS; i += THREADS) {
        const int e = place.firstChannel + i % CHANNELS;
        float carry = 0.0f;
        for (int s = gridDim.y - 1; s > (int)blockIdx.y; s--) {
            const long long at = (long long)place.batch * gridDim.y + s;
            carry = fmaf(exp2Fast(shared.decay[i] * segmentDt[at * E + e]), carry, segmentGrad[(at * N + i / CHANNELS) * E + e]);
        }
        shared.carry[i] = carry;
    }

    // Writes what a tile's threads left in shared memory.
    const auto storeTile = [&](int tile) {
        const BackwardInputs& inputs = shared.inputs[tile % BACKWARD_STAGES];
        forPieces<K>(shared.tokens[tile % 3], place.firstChannel, [&](int row, int slot, int e) {
            storePiece(gradX, gradXStride, inputs.x + slot, row, e);
            storePiece(gradDtRaw, gradDtStride, inputs.dt + slot, row, e);
            storePiece(gradZ, gradZStride, inputs.z + slot, row, e);
        });
        const int begin = place.begin + tile * T::TOKENS;
        const int tokensHere = min(T::TOKENS, place.end - begin);
        const int t = thread();
        ACT* const partial = partialBC + (((long long)blockIdx.x * gridDim.z + sequence()) * L + begin) * (2 * N) + 4 * t;
#pragma unroll
        for (int i = 0; i < T::TOKENS * 2 * N / 4 / THREADS; i++) {
            const int token = t / (2 * N / 4) + i * (THREADS / (2 * N / 4));
            const float* const sums = shared.gradBC + token * (2 * N + 1) + t % (2 * N / 4) * 4;
            const float four[4] = {sums[0], sums[1], sums[2], sums[3]};
            if (token < tokensHere) store4(partial + i * 4 * THREADS, four);
        }
    };

    const WarpSums warpSums(shared);
    float gradSkip = 0.0f;
    for (int tile = last; tile >= 0; tile--) {
        BackwardInputs& inputs = shared.inputs[tile % BACKWARD_STAGES];
        const Tokens<K>& tokens = shared.tokens[tile % 3];
        Tokens<K>& next = shared.tokens[(tile + 2) % 3];  // of tile - 1
        waitForCopies();
        __syncthreads();

        if (BACKWARD_STAGES == 2 && tile < last) storeTile(tile + 1);
        putTokens<K>(next, shared.arriving, place, tile - 1, documentStart, slabs);
        spreadStates<K>(shared.states, shared.raw);
        float dt[K], dtx[K], gradOut[K];             // gradOut: of h C + D x
        float out[K], gradDt[K], gradDtx[K];         // gradDt / log2(e): through exp(dt A) alone
        {
            const SpanInfo<K> info(tokens.info + span * K);
            loadSteps(dt, inputs.dt + first, shared.bias + channel, info);
            const float skip = shared.skip[channel];
#pragma unroll
            for (int k = 0; k < K; k++) {
                const float input = toFloat(inputs.x[first + k * CHANNELS]);
                dtx[k] = dt[k] * input;
                out[k] = skip * input;
                gradOut[k] = toFloat(inputs.gradY[first + k * CHANNELS]) * silu(toFloat(inputs.z[first + k * CHANNELS]));
                gradDt[k] = 0.0f;
                gradDtx[k] = 0.0f;
            }
            resetSteps(dt, info);
        }
        float total = 0.0f;
#pragma unroll
        for (int k = 0; k < K; k++) total += dt[k];
        __syncthreads();
        if (BACKWARD_STAGES == 2 && tile > 0) {
            load(shared.inputs[(tile - 1) % BACKWARD_STAGES], next, tile - 1);
            loadTokens<K>(shared.arriving, place, tile - 2, L, rowOf, documentStart);
        }

        // Of the next state, everything up to its scans over the spans is done while the present one is run backward: what waits there (on
        // exponentials, chains, shuffles) has the products of here to hide behind.
        const float* spanStates = shared.states + span * (K + 4);
        float* gradASums = shared.gradA + threadIdx.x;
        int at = channel;
        float a[K], h[K], gradOfH[K];  // decay; dt x B, then the state; what the output gives to its gradient
        float decay, atSpanStart, atSpanEnd;
        const auto enterSpan = [&] {
            decay = shared.decay[at];
            const float atTileStart = inputs.state[at];
            const float atTileEnd = shared.carry[at];
            SpanDecays decays(exp2Fast(total * decay));
            loadSpan<K>(h, spanStates);
            loadSpan<K>(gradOfH, spanStates + N * T::PITCH);
            // The span runs from zero both ways, forward for h and back for its gradient.
            float state = span == 0 ? atTileStart : 0.0f;
#pragma unroll
            for (int k = 0; k < K; k++) {
                a[k] = exp2Fast(dt[k] * decay);
                h[k] *= dtx[k];
                gradOfH[k] *= gradOut[k];
                state = fmaf(a[k], state, h[k]);
            }
            float gradH = gradOfH[K - 1] + (span == TIME_LANES - 1 ? atTileEnd : 0.0f);
#pragma unroll
            for (int k = K - 2; k >= 0; k--) gradH = fmaf(a[k + 1], gradH, gradOfH[k]);
            float carry = a[0] * gradH;
            scanSpansBoth(state, carry, decays);
            const float before = __shfl_up_sync(FULL_WARP, state, CHANNEL_LANES);
            const float after = __shfl_down_sync(FULL_WARP, carry, CHANNEL_LANES);
            atSpanStart = span == 0 ? atTileStart : before;
            atSpanEnd = span == TIME_LANES - 1 ? atTileEnd : after;
            return carry;
        };
        float carry = enterSpan();
        int buffer = 0;  // of shared.products
#pragma unroll 1
        for (int group = 0; group < N / GROUP; group++) {
#pragma unroll 1
            for (int j = 0; j < GROUP; j++) {
                if (span == 0) shared.carry[at] = carry;
                float b[K], c[K];
                loadSpan<K>(c, spanStates + N * T::PITCH);
                loadSpan<K>(b, spanStates);
                float state = atSpanStart;
#pragma unroll
                for (int k = 0; k < K; k++) {
                    state = fmaf(a[k], state, h[k]);
                    h[k] = state;
                    out[k] = fmaf(state, c[k], out[k]);
                }
                float gradH = gradOfH[K - 1] + atSpanEnd;
                float gradA = 0.0f;
#pragma unroll
                for (int k = K - 1; k >= 0; k--) {
                    gradDtx[k] = fmaf(gradH, b[k], gradDtx[k]);
                    b[k] = gradH * dtx[k];     // of B
                    c[k] = gradOut[k] * h[k];  // of C
                    const float gradExponent = a[k] * gradH * (k > 0 ? h[k > 0 ? k - 1 : 0] : atSpanStart);
                    gradDt[k] = fmaf(gradExponent, decay, gradDt[k]);
                    gradA = fmaf(gradExponent, dt[k], gradA);
                    if (k > 0) gradH = fmaf(a[k], gradH, gradOfH[k > 0 ? k - 1 : 0]);
                }
                const bool more = group * GROUP + j < N - 1;
                at += more ? CHANNELS : 0;
                spanStates += more ? T::PITCH : 0;
                carry = enterSpan();  // after the last state once more, in vain
                gradASums[0] += gradA;
                gradASums += THREADS;
#pragma unroll
                for (int i = 0; i < EIGHTS; i++) shared.products[buffer][warp][j][i][lane] = sumOverChannels(b, c, i, span);
            }
            // The group before this is summed now that the other warps have had time to finish it.
            if (group > 0) {
                awaitBarrier(&shared.groupDone, (group - 1) & 1);
                warpSums.add(group - 1, buffer == 0 ? 2 : buffer - 1);
            }
            __syncwarp();
            if (lane == 0) arriveBarrier(&shared.groupDone);
            if (group < N / GROUP - 1) buffer = buffer == 2 ? 0 : buffer + 1;
        }

        {
            const SpanInfo<K> info(tokens.info + span * K);
            if (info.resets) loadSteps(dt, inputs.dt + first, shared.bias + channel, info);
            const float skip = shared.skip[channel];
            float gradBias = 0.0f;
#pragma unroll
            for (int k = 0; k < K; k++) {
                const int slot = first + k * CHANNELS;
                const float input = toFloat(inputs.x[slot]);
                const float gate = toFloat(inputs.z[slot]);
                const float gradRaw = fmaf(gradDtx[k], input, LN_2 * gradDt[k]) * softplusSlope(dt[k]);
                store(inputs.z + slot, toFloat(inputs.gradY[slot]) * out[k] * siluSlope(gate, sigmoid(gate)));
                store(inputs.x + slot, fmaf(gradDtx[k], dt[k], skip * gradOut[k]));
                store(inputs.dt + slot, gradRaw);
                gradSkip = fmaf(gradOut[k], input, gradSkip);
                gradDt[k] = gradRaw;
                gradBias += gradRaw;
            }
            for (int m = 0; m < slabs.count; m++) {
                float sum = info.modality == m ? gradBias : 0.0f;
                if (info.mixed) {
                    sum = 0.0f;
#pragma unroll
                    for (int k = 0; k < K; k++) sum += info.modalityOf(k) == m ? gradDt[k] : 0.0f;
                }
                sum = sumOverSpans(sum);
                if (span == 0) shared.gradBias[m * CHANNELS + channel] += sum;
            }
        }
        awaitBarrier(&shared.groupDone, (N / GROUP - 1) & 1);
        warpSums.add(N / GROUP - 1, buffer);
        if (BACKWARD_STAGES == 1) {
            __syncthreads();
            storeTile(tile);
            if (tile > 0) {
                __syncthreads();
                load(shared.inputs[0], next, tile - 1);
                loadTokens<K>(shared.arriving, place, tile - 2, L, rowOf, documentStart);
            }
        }
    }
    if (BACKWARD_STAGES == 2) {
        __syncthreads();
        storeTile(0);
    }

    const int e = place.firstChannel + channel;
    float* const partial = partialParameters + (long long)(place.batch * gridDim.y + blockIdx.y) * (N + 1 + slabs.count) * E + e;
    for (int n = 0; n < N; n++) {
        const float sum = sumOverSpans(shared.gradA[n * THREADS + threadIdx.x] * (LN_2 * shared.decay[n * CHANNELS + channel]));
        if (span == 0) partial[(long long)n * E] = sum;
    }
    gradSkip = sumOverSpans(gradSkip);
    if (span == 0) {
        partial[(long long)N * E] = gradSkip;
        for (int m = 0; m < slabs.count; m++) partial[(long long)(N + 1 + m) * E] = shared.gradBias[m * CHANNELS + channel];
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
