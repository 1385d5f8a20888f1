// selective_scan_plain.cu: the selective scan as its equations say it, for readers, and for the tests to hold the fast kernels against.
//
//     dt[l] = softplus(dtRaw[l] + b_dt[m(l)])          a[l] = exp(dt[l] A);   A = -exp(A_log)
//     h[l] = a[l] h[l-1] + (dt[l] x[l]) B[l]           h[l-1] is 0 where the state is reset before l
//     y[l] = (sum over n of h[l] C[l] + D x[l]) silu(z[l])
//                                                      (Gu & Dao 2023, eq. 2, with zero-order hold for A, Euler for B; the gate fused)
//
// Legend and inputs as in selective_scan.cuh; E may be any number. All that is computed is float32, and everything is overwritten. A thread has one
// channel e of one sequence b and goes through tokens and states. Forward saves for backward every state, h [B, L, N, E]. Gradients that are sums over
// what several threads have are left to the caller to add up: of B and C [B, L, N, E], of parameters [B, N, E], [B, E] and [B, M, E].
//
//   kernel                       grid
//   selectiveScanPlainForward    (ceil(E / 32), B)
//   selectiveScanPlainBackward   (ceil(E / 32), B)

#include "selective_scan.cuh"

constexpr int THREADS = 32;

/** What a channel is given. */
struct Channel {
    const Rows &x, &dtRaw, &z;
    const ACT *matB, *matC;
    int bcStride;
    const DtSlabs& slabs;
    const int *rowOf, *documentStart;
    int b, e, L;

    /** What it is given of a token. */
    struct Token {
        int modality;
        bool reset;
        float x, v, dt, z, gate;  // v: before softplus; gate: sigmoid(z)
        const ACT *b, *c;
    };

    __device__ Token token(int l) const {
        const long long row = rowOf[(long long)b * L + l];
        Token token;
        token.modality = 0;
        while (token.modality + 1 < slabs.count && row >= slabs.start[token.modality + 1]) token.modality++;
        token.reset = documentStart[(long long)b * L + l] != 0;
        token.x = toFloat(x.data[row * x.stride + e]);
        token.v = toFloat(dtRaw.data[row * dtRaw.stride + e]) + slabs.bias[token.modality][e];
        token.dt = fmaxf(token.v, 0.0f) + log1pf(expf(-fabsf(token.v)));
        token.z = toFloat(z.data[row * z.stride + e]);
        token.gate = 1.0f / (1.0f + expf(-token.z));
        token.b = matB + row * bcStride;
        token.c = matC + row * bcStride;
        return token;
    }
};

extern "C" {

__device__ int selectiveScanPlainForward_launch[4] = {THREADS, THREADS, 0, 0};

/** y [T, E] without gaps. */
__global__ void selectiveScanPlainForward(float* y, float* h, const float* before, float* after, const ACT* x, int xStride, const ACT* dtRaw,
                                          int dtStride, const ACT* z, int zStride, const ACT* matB, const ACT* matC, int bcStride,
                                          const float* aLog, const float* skipD, const __grid_constant__ DtSlabs slabs, const int* rowOf,
                                          const int* documentStart, int L, int E) {
    const int b = blockIdx.y, e = blockIdx.x * THREADS + threadIdx.x;
    if (e >= E) return;
    const Rows xRows = {x, xStride}, dtRows = {dtRaw, dtStride}, zRows = {z, zStride};
    const Channel channel = {xRows, dtRows, zRows, matB, matC, bcStride, slabs, rowOf, documentStart, b, e, L};
    float state[N];
    for (int n = 0; n < N; n++) state[n] = before == nullptr ? 0.0f : before[carriedAt(b, n, e, E)];
    for (int l = 0; l < L; l++) {
        const auto token = channel.token(l);
        float out = skipD[e] * token.x;
        for (int n = 0; n < N; n++) {
            const float a = expf(-token.dt * expf(aLog[(long long)e * N + n]));
            const float last = token.reset ? 0.0f : state[n];
            state[n] = a * last + token.dt * token.x * toFloat(token.b[n]);
            out += state[n] * toFloat(token.c[n]);
            h[(((long long)b * L + l) * N + n) * E + e] = state[n];
        }
        y[(long long)rowOf[(long long)b * L + l] * E + e] = out * token.z * token.gate;
    }
    if (after == nullptr) return;
    for (int n = 0; n < N; n++) after[carriedAt(b, n, e, E)] = state[n];
}

__device__ int selectiveScanPlainBackward_launch[4] = {THREADS, THREADS, 0, 0};

/** gradX, gradDt, gradZ [T, E] without gaps; gradH: of the state, lambda in docs/selective-scan.md. */
__global__ void selectiveScanPlainBackward(float* gradX, float* gradDt, float* gradZ, float* gradB, float* gradC, float* gradALog, float* gradD,
                                           float* gradDtBias, const float* gradAfter, float* gradBefore, const ACT* gradY, int gradYStride,
                                           const float* h, const float* before, const ACT* x, int xStride, const ACT* dtRaw, int dtStride,
                                           const ACT* z, int zStride, const ACT* matB, const ACT* matC, int bcStride, const float* aLog,
                                           const float* skipD, const __grid_constant__ DtSlabs slabs, const int* rowOf,
                                           const int* documentStart, int L, int E) {
    const int b = blockIdx.y, e = blockIdx.x * THREADS + threadIdx.x;
    if (e >= E) return;
    const Rows xRows = {x, xStride}, dtRows = {dtRaw, dtStride}, zRows = {z, zStride};
    const Channel channel = {xRows, dtRows, zRows, matB, matC, bcStride, slabs, rowOf, documentStart, b, e, L};
    float carry[N];  // the gradient of the state before the token that comes next: a[l+1] gradH[l+1]
    float ofALog[N], ofBias[MAX_MODALITIES], ofD = 0.0f;
    for (int m = 0; m < MAX_MODALITIES; m++) ofBias[m] = 0.0f;
    for (int n = 0; n < N; n++) {
        carry[n] = gradAfter == nullptr ? 0.0f : gradAfter[carriedAt(b, n, e, E)];
        ofALog[n] = 0.0f;
    }
    for (int l = L - 1; l >= 0; l--) {
        const auto token = channel.token(l);
        const long long row = rowOf[(long long)b * L + l];
        const float grad = toFloat(gradY[row * gradYStride + e]);
        const float gradOut = grad * token.z * token.gate;
        float out = skipD[e] * token.x, gradStep = 0.0f, gradInput = 0.0f;  // of dt by its decay; of dt x
        for (int n = 0; n < N; n++) {
            const long long at = (((long long)b * L + l) * N + n) * E + e;
            const float A = -expf(aLog[(long long)e * N + n]);
            const float a = expf(token.dt * A);
            const float last = token.reset ? 0.0f : l > 0 ? h[at - (long long)N * E] : before == nullptr ? 0.0f : before[carriedAt(b, n, e, E)];
            const float gradH = gradOut * toFloat(token.c[n]) + carry[n];
            const float q = gradH * last * a;  // of the exponent dt A
            out += h[at] * toFloat(token.c[n]);
            gradInput += gradH * toFloat(token.b[n]);
            gradStep += q * A;
            ofALog[n] += q * token.dt * A;
            gradB[at] = gradH * token.dt * token.x;
            gradC[at] = gradOut * h[at];
            carry[n] = token.reset ? 0.0f : a * gradH;
        }
        const float ofV = (gradStep + gradInput * token.x) / (1.0f + expf(-token.v));
        gradX[row * E + e] = gradInput * token.dt + gradOut * skipD[e];
        gradDt[row * E + e] = ofV;
        gradZ[row * E + e] = grad * out * token.gate * (1.0f + token.z * (1.0f - token.gate));
        ofBias[token.modality] += ofV;
        ofD += gradOut * token.x;
    }
    for (int n = 0; n < N; n++) gradALog[carriedAt(b, n, e, E)] = ofALog[n];
    gradD[(long long)b * E + e] = ofD;
    for (int m = 0; m < slabs.count; m++) gradDtBias[((long long)b * slabs.count + m) * E + e] = ofBias[m];
    if (gradBefore == nullptr) return;
    for (int n = 0; n < N; n++) gradBefore[carriedAt(b, n, e, E)] = carry[n];
}
}
