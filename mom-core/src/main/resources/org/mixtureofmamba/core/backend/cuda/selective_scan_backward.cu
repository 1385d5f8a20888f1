// selective_scan_backward.cu: the gradients of dt = softplus(dtRaw + b_dt[m]);  h[l] = exp(dt A) h[l-1] + (dt x) B;  y = (h C + D x) silu(z)
//                             (Gu & Dao 2023, eq. 2; derived in docs/selective-scan.md; legend, shapes and grids in selective_scan.cuh)
//
//     g = gradY silu(z);   gradH[l] = g C + exp(dt[l+1] A) gradH[l+1];   q = gradH exp(dt A) h[l-1]
//     gradB = sum over e of gradH dt x;   gradC = sum over e of g h;   gradX = dt sum over n of gradH B + D g
//     gradDt = x sum over n of gradH B + sum over n of q A;   gradA = sum over l of q dt;   gradALog = A gradA;   gradD = sum over l of g x
//
// Blocks go from the end of the segment to its start, a span at a time. Some of the warps have a channel a lane and four states a thread: forward
// through the span from the state that forward saved, decays and states in registers, and back. The others do what has nothing to do with n, one
// span ahead and one behind: softplus, gates, sums over n, all reading and writing. y before its gate is not computed again: forward's y
// and z tell it.
//
// gradX, gradDtRaw, gradZ, gradB, gradC are overwritten; gradALog, gradD, gradDtBias overwritten or, if `adds`, added to. Sums are float32 and run in
// a fixed order: no atomics. The sums of gradB, gradC over 4 channels are taken by the tensor cores (products rounded to tf32; two-term split in
// float32 mode), over the block's in shared memory, over blocks by selectiveScanReduceBC, in the type of activations.
//
// gradAfter enters the recurrence at the last token; gradBefore is overwritten with the gradient of the state before the first, zeros where that
// token is reset. Either may be null.
//
// Between kernels: partialBC [E/32, B L, 2N], tokens in sequence order; partialParameters [B S, N+1+M, E].

#include "barrier.cuh"
#include "selective_scan.cuh"

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

/** Threads of a block that sums over blocks. */
constexpr int THREADS = 256;
/** Tokens of a tile; forward has saved the state before each. */
constexpr int TILE = SPAN;
/** States of a thread, for one channel: H100, benchmarks/cuda-scan.md, "The next backward". */
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

// Where warps can trade registers, two blocks of 16 states fit on a multiprocessor and leave those of adamw_beside.cu free: H100,
// benchmarks/cuda-scan.md, "The next backward". The figures for 32 states are the most with which nothing spills; they are not measured.
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

static_assert(N * sizeof(ACT) >= 128 || sizeof(BackwardShared) <= SHARED_KB << 10, "more shared memory than this card gives a block");
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
    if (threadIdx.x % 32 == 0) arriveBarrier(sharedAddress(barrier));
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
                                               const float* gradAfter, int gradAfterStride, float* gradBefore, int gradBeforeStride,
                                               const float* aLog, const float* segmentGrad, const float* segmentDt, int E) {
    const unsigned warp = threadIdx.x / 32;
    const unsigned lane = threadIdx.x % 32;
    const int firstState = warp * STATES;
    const int channel = place.firstChannel + lane;
    float decay[STATES], carry[STATES], gradA[STATES];  // carry: gradient of the state before the token to the right
#pragma unroll
    for (int n = 0; n < STATES; n++) {
        decay[n] = -LOG2_E * exp2Fast(LOG2_E * aLog[(long long)channel * N + firstState + n]);
        carry[n] = gradAfter == nullptr ? 0.0f : gradAfter[carriedAt(place.batch, firstState + n, channel, gradAfterStride)];
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
        awaitBarrier(sharedAddress(&shared.valuesReady[done % 2]), done / 2 % 2);
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
    if (gradBefore != nullptr && blockIdx.y == 0) {
#pragma unroll
        for (int n = 0; n < STATES; n++) gradBefore[carriedAt(place.batch, firstState + n, channel, gradBeforeStride)] = carry[n];
    }
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
        const unsigned token = own() / QUADS, quad = own() % QUADS;
        if (shared.tokens[i].row[token] < 0) {
            // Beyond the end: a step of nothing, through which the gradient of the last state passes as it is.
            const float nothing[4] = {};
            storeFour(&shared.values[i].steps[token][slotOf(4 * quad)].x, nothing);
            storeFour(&shared.values[i].steps[token][slotOf(4 * quad + 2)].x, nothing);
        }
        arriveWarp(&shared.valuesReady[i]);
    }
#pragma unroll 1
    for (int done = 0; done <= last; done++) {
        const int buffer = done % 2;
        TileInputs& inputs = shared.inputs[(done + 2) % 3];
        copy(inputs, shared.tokens[(done + 2) % 4], last - done - 2);
        find(shared.tokens[(done + 3) % 4], last - done - 3);
        awaitBarrier(sharedAddress(&shared.sumsReady[buffer]), done / 2 % 2);
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
    const float* __restrict__ gradAfter, int gradAfterStride, float* __restrict__ gradBefore, int gradBeforeStride,
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
            initBarrier(sharedAddress(&shared.valuesReady[i]), ELEMENT_WARPS);
            initBarrier(sharedAddress(&shared.sumsReady[i]), STATE_WARPS);
        }
    }
    __syncthreads();
    if (threadIdx.x < 32 * STATE_WARPS) {
        TRADE_REGISTERS("inc", STATE_REGISTERS);
        backwardStates(shared, place, partialParameters, parameterRows, gradAfter, gradAfterStride, gradBefore, gradBeforeStride, aLog,
                       segmentGrad, segmentDt, E);
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

/** partialParameters [partials, N+1+M, E] -> gradALog [E, N], gradD [E], gradDtBias[m] [E], added to what they hold if `adds`. */
extern "C" __global__ void __launch_bounds__(THREADS) selectiveScanReduceParameters(float* __restrict__ gradALog, float* __restrict__ gradD,
                                                                                  const __grid_constant__ DtSlabs gradDtBias,
                                                                                  const float* __restrict__ partialParameters, int partials,
                                                                                  int E, int adds) {
    letNextStart();
    const int rows = N + 1 + gradDtBias.count;
    const long long i = (long long)blockIdx.x * THREADS + threadIdx.x;
    if (i >= (long long)rows * E) return;
    const int e = (int)(i % E);
    const int row = (int)(i / E);
    float sum = 0.0f;
    for (int p = 0; p < partials; p++) sum += partialParameters[((long long)p * rows + row) * E + e];
    float* const grad = row < N ? gradALog + (long long)e * N + row : row == N ? gradD + e : gradDtBias.bias[row - N - 1] + e;
    *grad = adds ? *grad + sum : sum;
}
