// selective_scan_tile.cuh: tiles of selectiveScanForward and the *Segments kernels in shared memory. A tile is 8 spans; in a warp, 4 lanes are
// channels and 8 lanes are consecutive spans, so that time is parallel within a warp. Why: benchmarks/cuda-scan.md, "Why this structure".
#pragma once

#include "selective_scan.cuh"

constexpr int WARPS = 8;
constexpr int THREADS = 32 * WARPS;
constexpr int CHANNEL_LANES = 4;
constexpr int TIME_LANES = 8;

/**
 * Shared-memory layouts of a tile. Rows are grouped by lane with 16 bytes between the groups, so that the 8 spans of a
 * warp fall into different banks.
 */
struct Tile {
    static constexpr int TOKENS = SPAN * TIME_LANES;
    static constexpr int SIZE = TOKENS * CHANNELS + TIME_LANES * ACT_PER_16B;
    static constexpr int PITCH = TIME_LANES * (SPAN + 4);            // of matB, matC as float [N][token]

    static __device__ __forceinline__ int at(int token, int channel) {
        return token * CHANNELS + token / SPAN * ACT_PER_16B + channel;
    }
    static __device__ __forceinline__ int column(int token) { return token + token / SPAN * 4; }
};

/** Rows and modalities of a tile's tokens; row -1 lies beyond the segment. */
struct alignas(16) Tokens {
    int row[Tile::TOKENS];
    unsigned char info[Tile::TOKENS];  // 2 * modality + (1 if the state is reset before the token)
};

/** Where rowOf and documentStart of the tile after the next arrive; each thread copies and reads its own. */
struct Arriving {
    int row[Tile::TOKENS];
    int start[Tile::TOKENS];
};

/** Whether a thread's token of the tile exists; the token in its sequence. */
__device__ __forceinline__ bool ownToken(const Place& place, int tile, int t, int& l) {
    l = place.begin + tile * Tile::TOKENS + t;
    return t < Tile::TOKENS && l >= place.begin && l < place.end;
}

__device__ __forceinline__ void loadTokens(Arriving& arriving, const Place& place, int tile, int L, const int* rowOf,
                                           const int* documentStart) {
    const int t = thread();
    int l;
    if (ownToken(place, tile, t, l)) {
        const long long at = (long long)place.batch * L + l;
        copyAsync4(arriving.row + t, rowOf + at);
        if (documentStart != nullptr) copyAsync4(arriving.start + t, documentStart + at);
    }
}

__device__ __forceinline__ void putTokens(Tokens& tokens, const Arriving& arriving, const Place& place, int tile,
                                          const int* documentStart, const DtSlabs& slabs) {
    const int t = thread();
    int l;
    if (ownToken(place, tile, t, l)) {
        const int row = arriving.row[t];
        int modality = 0;
        while (modality + 1 < slabs.count && row >= slabs.start[modality + 1]) modality++;
        tokens.row[t] = row;
        tokens.info[t] = (unsigned char)(2 * modality + (documentStart != nullptr && arriving.start[t] != 0 ? 1 : 0));
    } else if (t < Tile::TOKENS) {
        tokens.row[t] = -1;
        tokens.info[t] = 0;
    }
}

/** Calls piece(row, at, channel) for the thread's 16-byte pieces of a tile: its row, its place in shared memory, its first channel. */
template <typename Piece>
__device__ __forceinline__ void forPieces(const Tokens& tokens, int firstChannel, const Piece& piece) {
    constexpr int PIECES = CHANNELS / ACT_PER_16B;
    constexpr int ROUNDS = Tile::TOKENS * PIECES / THREADS;
    const int t = thread();
    const int channel = t % PIECES * ACT_PER_16B;
#pragma unroll
    for (int i = 0; i < ROUNDS; i++) {
        const int token = t / PIECES + i * (THREADS / PIECES);
        piece(tokens.row[token], Tile::at(token, channel), firstChannel + channel);
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
__device__ __forceinline__ void loadStates(ACT* raw, const StateRows& states, const Tokens& tokens) {
    if (states.aligned) {
        constexpr int PIECES = 2 * N / ACT_PER_16B;
        const int t = thread();
        const int n = t % PIECES * ACT_PER_16B;
        const ACT* const data = n < N ? states.matB + n : states.matC + n - N;
#pragma unroll
        for (int i = 0; i < (Tile::TOKENS * PIECES + THREADS - 1) / THREADS; i++) {
            const int token = t / PIECES + i * (THREADS / PIECES);
            if (Tile::TOKENS * PIECES % THREADS != 0 && token >= Tile::TOKENS) break;
            const int row = tokens.row[token];
            copyAsync16(raw + token * 2 * N + n, data + (long long)max(row, 0) * states.stride, row >= 0);
        }
    } else {
        for (int i = thread(); i < Tile::TOKENS * 2 * N; i += THREADS) {
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
__device__ __forceinline__ void spreadStates(float* states, const ACT* raw) {
    const int t = thread();
    const int token = t % Tile::TOKENS;
    constexpr int STEP = THREADS / Tile::TOKENS * ACT_PER_16B;
    const int first = t / Tile::TOKENS * ACT_PER_16B;
#pragma unroll
    for (int i = 0; i < (2 * N + STEP - 1) / STEP; i++) {
        if (2 * N % STEP != 0 && first + i * STEP >= 2 * N) break;
        float values[ACT_PER_16B];
        unpack(*reinterpret_cast<const uint4*>(raw + token * 2 * N + first + i * STEP), values);
#pragma unroll
        for (int j = 0; j < ACT_PER_16B; j++) {
            states[(first + i * STEP + j) * Tile::PITCH + Tile::column(token)] = values[j];
        }
    }
}

/** A log2(e), so that exp(dt A) = 2^(dt decay): [n][channel]. */
__device__ __forceinline__ void loadDecay(float* decay, const float* aLog, int firstChannel) {
    for (int i = threadIdx.x; i < CHANNELS * N; i += THREADS) {
        decay[i % N * CHANNELS + i / N] = -LOG2_E * exp2Fast(LOG2_E * aLog[(long long)firstChannel * N + i]);
    }
}

/** What is particular about the tokens of a span, which is rare: resets, and modalities that change within it. */
struct SpanInfo {
    unsigned info[SPAN / 4];
    int modality;  // of the first token
    bool mixed;
    bool resets;

    __device__ __forceinline__ explicit SpanInfo(const unsigned char* tokens) {
        unsigned seen = 0, changed = 0;
#pragma unroll
        for (int i = 0; i < SPAN / 4; i++) {
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
__device__ __forceinline__ void loadSteps(float (&dt)[SPAN], const ACT* dtRaw, const float* bias, const SpanInfo& info) {
    const float usual = bias[info.modality * CHANNELS];
#pragma unroll
    for (int k = 0; k < SPAN; k++) dt[k] = toFloat(dtRaw[k * CHANNELS]) + usual;
    if (info.mixed) {
#pragma unroll
        for (int k = 0; k < SPAN; k++) dt[k] = toFloat(dtRaw[k * CHANNELS]) + bias[info.modalityOf(k) * CHANNELS];
    }
#pragma unroll
    for (int k = 0; k < SPAN; k++) dt[k] = softplus(dt[k]);
}

/** The steps that decay the state: where it is reset, so long a one that nothing is left. */
__device__ __forceinline__ void resetSteps(float (&dt)[SPAN], const SpanInfo& info) {
    if (info.resets) {
#pragma unroll
        for (int k = 0; k < SPAN; k++) dt[k] = info.resetBefore(k) ? RESET_STEP : dt[k];
    }
}
