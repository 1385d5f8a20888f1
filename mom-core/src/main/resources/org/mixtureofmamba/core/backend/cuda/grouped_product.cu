// grouped_product.cu: the products of a projection for the slabs of all modalities in one launch, for sm_90. bf16, summed in float32.
//
//     d = a * b (+ c)        for each slab: a [rows, inner], b [inner, columns]
//
// Tiles of d are 128 rows by COLUMNS, inner steps 64. Blocks come in pairs that work on tiles of rows one below the other and so share the tile
// of b: each loads half of it into both. Of a block's three warp groups one thread of the first moves tiles of a and b through a ring in shared
// memory; the others compute 64 rows each. Pairs take tiles in turn, slab after slab, so that small slabs fill what large ones leave.
//
// The gradient of a weight has few tiles and a long inner dimension, the slab's rows. It is cut into chunks, each with a float32 d of its own,
// one below the other; sumChunks adds them up. Every sum has one order: the same bits in every run.
#include "common.cuh"
#include "warp_group.cuh"

constexpr int ROWS = 128;
constexpr int ROWS_OF_GROUP = 64;
constexpr int INNER = 64;
constexpr int INNER_OF_PRODUCT = 16;
constexpr int MOST_SLABS = 4;
constexpr int GROUP = 128;
constexpr int THREADS = 3 * GROUP;
// Of a row of a tile in shared memory, 64 bf16 or 32 float32. Tiles are swizzled over 8 such rows.
constexpr int ROW_BYTES = 128;
constexpr int SWIZZLE_BYTES = 8 * ROW_BYTES;
constexpr int SHARED_BYTES = 227 << 10;
constexpr int BARRIER_BYTES = 8;

/** One slab's product. The maps end where the slab ends. */
struct Slab {
    TensorMap a;
    TensorMap b;
    TensorMap c;
    TensorMap d;
    int pairs;  // of tiles, down the rows
    int across; // tiles
    int steps;  // of INNER
    int chunk;  // steps of a chunk
    int chunks;
    int rowsOfChunk; // in d
    int adds;        // whether float32 results are added to what d holds
    int unused[9];
};

struct Slabs {
    Slab slab[MOST_SLABS];
    int count;
    int unused[15];
};

/** Which of a factor's dimensions is contiguous in memory: the inner one, or rows of a and columns of b. */
enum Contiguous { INNER_FIRST, OUTER_FIRST };

enum Result { BF16, FLOAT32 };

/** A tile in shared memory as products take it. */
template <Contiguous FIRST>
struct Operand {
    static constexpr u64 NEXT_64_OUTER = FIRST == OUTER_FIRST ? INNER * ROW_BYTES : 16;
    static constexpr u64 SWIZZLE_128 = 1;
    static constexpr u64 FIXED = (NEXT_64_OUTER >> 4) << 16 | u64(SWIZZLE_BYTES >> 4) << 32 | SWIZZLE_128 << 62;
    static constexpr u64 NEXT_PRODUCT = (FIRST == OUTER_FIRST ? INNER_OF_PRODUCT * ROW_BYTES : INNER_OF_PRODUCT * 2) >> 4;

    static __device__ __forceinline__ u64 at(u32 address) { return FIXED | (address & 0x3ffff) >> 4; }
};

/** A place in a ring of LENGTH, and the parity of the round. */
template <int LENGTH>
struct Place {
    int at = 0;
    u32 parity = 0;

    __device__ __forceinline__ void next() {
        if (++at == LENGTH) {
            at = 0;
            parity ^= 1;
        }
    }
};

template <int COLUMNS, Contiguous FIRST_OF_A, Contiguous FIRST_OF_B, Result RESULT, bool ADDS>
struct GroupedProduct {
    // A tile of d leaves, and one of c comes, in pieces of 64 rows by 128 bytes, through a ring of buffers for each warp group.
    static constexpr int PIECE_COLUMNS = ROW_BYTES / (RESULT == BF16 ? 2 : 4);
    static constexpr int PIECES = (COLUMNS + PIECE_COLUMNS - 1) / PIECE_COLUMNS;
    static constexpr int BUFFERS = ADDS ? PIECES + 1 : 2;
    static constexpr int BUFFER_BYTES = ROWS_OF_GROUP * ROW_BYTES;
    static constexpr int ALL_BUFFERS_BYTES = 2 * BUFFERS * BUFFER_BYTES;
    static constexpr int A_BYTES = ROWS * ROW_BYTES;
    static constexpr int B_BYTES = COLUMNS * ROW_BYTES;
    static constexpr int STAGE_BYTES = A_BYTES + B_BYTES;
    static constexpr int STAGES_THAT_FIT = (SHARED_BYTES - SWIZZLE_BYTES - 256 - ALL_BUFFERS_BYTES) / STAGE_BYTES;
    static constexpr int STAGES = STAGES_THAT_FIT < 8 ? STAGES_THAT_FIT : 8;

    const Slabs& slabs;
    int rank;    // of the block in its pair
    u32 stages;  // STAGES of a's tile and b's
    u32 buffers; // BUFFERS for each of two warp groups
    u32 full;    // barriers of the stages: all bytes are there
    u32 empty;   // barriers of the stages: no warp group of the pair reads it
    u32 added;   // barriers of the buffers: a piece of c is there

    struct Tile {
        const Slab* slab;
        int row;
        int column;
        int firstStep;
        int steps;
        int rowOfD;
    };

    __device__ __forceinline__ bool find(int index, Tile& tile) const {
        for (int i = 0; i < slabs.count; i++) {
            const Slab& slab = slabs.slab[i];
            const int tiles = slab.pairs * slab.across;
            if (index < tiles * slab.chunks) {
                const int chunk = index / tiles;
                index %= tiles;
                tile.slab = &slab;
                tile.row = (index / slab.across * 2 + rank) * ROWS;
                tile.column = index % slab.across * COLUMNS;
                tile.firstStep = chunk * slab.chunk;
                tile.steps = min(slab.chunk, slab.steps - tile.firstStep);
                tile.rowOfD = tile.row + chunk * slab.rowsOfChunk;
                return true;
            }
            index -= tiles * slab.chunks;
        }
        return false;
    }

    /** Keeps the stages full: one thread. */
    __device__ __forceinline__ void move() const {
        Place<STAGES> stage;
        Tile tile;
        for (int index = blockIdx.x / 2; find(index, tile); index += gridDim.x / 2) {
            const Slab& slab = *tile.slab;
            for (int step = tile.firstStep; step < tile.firstStep + tile.steps; step++) {
                const u32 barrier = full + stage.at * BARRIER_BYTES;
                awaitBarrier(empty + stage.at * BARRIER_BYTES, stage.parity ^ 1);
                expectBytes(barrier, STAGE_BYTES);
                const int inner = step * INNER;
                const u32 a = stages + stage.at * STAGE_BYTES;
                if (FIRST_OF_A == INNER_FIRST) {
                    load(a, &slab.a, inner, tile.row, barrier);
                } else {
                    load(a, &slab.a, tile.row, inner, barrier);
                    load(a + A_BYTES / 2, &slab.a, tile.row + ROWS_OF_GROUP, inner, barrier);
                }
                const u32 b = a + A_BYTES;
                if (FIRST_OF_B == INNER_FIRST) {
                    const int half = rank * (COLUMNS / 2);
                    loadIntoBoth(b + half * ROW_BYTES, &slab.b, inner, tile.column + half, barrier);
                } else {
                    const int half = rank * (INNER / 2);
                    for (int column = 0; column < COLUMNS; column += 64) {
                        loadIntoBoth(b + (column + half) * ROW_BYTES, &slab.b, tile.column + column, inner + half, barrier);
                    }
                }
                stage.next();
            }
        }
    }

    /** Computes 64 rows of each tile: one warp group. */
    __device__ __forceinline__ void compute(int group) const {
        const bool leads = threadIdx.x % GROUP == 0;
        const u32 buffersHere = buffers + group * BUFFERS * BUFFER_BYTES;
        const u32 addedHere = added + group * BUFFERS * BARRIER_BYTES;
        Place<STAGES> stage;
        Place<BUFFERS> buffer;
        Tile tile;
        int index = blockIdx.x / 2;
        bool found = find(index, tile);
        if (ADDS && leads && found) {
            for (int piece = 0; piece < PIECES; piece++) fetch(tile, group, piece, buffersHere, addedHere, piece);
        }
        while (found) {
            float acc[COLUMNS / 2];
            int before = 0;
            for (int step = 0; step < tile.steps; step++) {
                awaitBarrier(full + stage.at * BARRIER_BYTES, stage.parity);
                const u32 tiles = stages + stage.at * STAGE_BYTES;
                const u64 a = Operand<FIRST_OF_A>::at(tiles + group * (A_BYTES / 2));
                const u64 b = Operand<FIRST_OF_B>::at(tiles + A_BYTES);
                beginProducts();
#pragma unroll
                for (int k = 0; k < INNER / INNER_OF_PRODUCT; k++) {
                    WarpGroupProduct<COLUMNS>::template multiply<FIRST_OF_A, FIRST_OF_B>(
                        acc, a + k * Operand<FIRST_OF_A>::NEXT_PRODUCT, b + k * Operand<FIRST_OF_B>::NEXT_PRODUCT, step + k > 0);
                }
                endProducts();
                awaitProducts<1>();
                if (step > 0) release(before);
                before = stage.at;
                stage.next();
            }
            awaitProducts<0>();
            release(before);

            Tile next;
            index += gridDim.x / 2;
            found = find(index, next);
            leave(acc, tile, next, found, group, leads, buffersHere, addedHere, buffer);
            tile = next;
        }
        if (leads) awaitStores();
    }

    /** Says to both blocks that this warp group reads a stage no longer: their tiles of b come from both. */
    __device__ __forceinline__ void release(int stage) const {
        if (threadIdx.x % GROUP < 2) arriveAt(empty + stage * BARRIER_BYTES, threadIdx.x % GROUP);
    }

    /** Brings a piece of c. */
    __device__ __forceinline__ void fetch(const Tile& tile, int group, int piece, u32 buffersHere, u32 addedHere, int buffer) const {
        const u32 barrier = addedHere + buffer * BARRIER_BYTES;
        expectBytes(barrier, BUFFER_BYTES);
        load(buffersHere + buffer * BUFFER_BYTES, &tile.slab->c, tile.column + piece * PIECE_COLUMNS, tile.row + group * ROWS_OF_GROUP, barrier);
    }

    /** Writes 64 rows of a tile by way of the buffers; meanwhile those of the next tile's c come. */
    __device__ __forceinline__ void leave(
        const float (&acc)[COLUMNS / 2], const Tile& tile, const Tile& next, bool hasNext, int group, bool leads, u32 buffersHere,
        u32 addedHere, Place<BUFFERS>& buffer) const {
        const int lane = threadIdx.x % 32;
        const int rowOfLane = threadIdx.x % GROUP / 32 * 16 + lane / 4;
#pragma unroll
        for (int piece = 0; piece < PIECES; piece++) {
            const u32 place = buffersHere + buffer.at * BUFFER_BYTES;
            if (ADDS) {
                awaitBarrier(addedHere + buffer.at * BARRIER_BYTES, buffer.parity);
            } else {
                if (leads) awaitStoresRead<BUFFERS - 1>();
                syncGroup(group);
            }
#pragma unroll
            for (int half = 0; half < 2; half++) {
                const int row = rowOfLane + half * 8;
                const u32 line = place + row * ROW_BYTES;
#pragma unroll
                for (int eight = 0; eight < PIECE_COLUMNS / 8; eight++) {
                    const int ofTile = piece * (PIECE_COLUMNS / 8) + eight;
                    if (ofTile < COLUMNS / 8) {
                        const float low = acc[ofTile * 4 + half * 2];
                        const float high = acc[ofTile * 4 + half * 2 + 1];
                        if (RESULT == BF16) {
                            writeBf16(line + ((eight ^ row % 8) << 4) + lane % 4 * 4, low, high, ADDS);
                        } else {
                            writeFloat32(line + ((eight * 2 + lane % 4 / 2 ^ row % 8) << 4) + lane % 2 * 8, low, high);
                        }
                    }
                }
            }
            publishToCopies();
            syncGroup(group);
            if (leads) {
                const int column = tile.column + piece * PIECE_COLUMNS;
                const int row = tile.rowOfD + group * ROWS_OF_GROUP;
                if (RESULT == FLOAT32 && tile.slab->adds) {
                    storeAdding(&tile.slab->d, column, row, place);
                } else {
                    store(&tile.slab->d, column, row, place);
                }
                endStores();
                if (ADDS && hasNext) {
                    awaitStoresRead<1>(); // of all but this piece: the buffer before this one is free
                    fetch(next, group, piece, buffersHere, addedHere, buffer.at == 0 ? BUFFERS - 1 : buffer.at - 1);
                }
            }
            buffer.next();
        }
    }

    static __device__ __forceinline__ void run(const Slabs& slabs) {
        letNextStart();
        extern __shared__ unsigned char memory[];
        const u32 stages = (sharedAddress(memory) + SWIZZLE_BYTES - 1) / SWIZZLE_BYTES * SWIZZLE_BYTES;
        const u32 buffers = stages + STAGES * STAGE_BYTES;
        const u32 full = buffers + ALL_BUFFERS_BYTES;
        const u32 empty = full + STAGES * BARRIER_BYTES;
        const u32 added = empty + STAGES * BARRIER_BYTES;
        const GroupedProduct work = {slabs, rankInPair(), stages, buffers, full, empty, added};
        if (threadIdx.x == 0) {
            for (int stage = 0; stage < STAGES; stage++) {
                initBarrier(full + stage * BARRIER_BYTES, 1);
                initBarrier(empty + stage * BARRIER_BYTES, 4); // two warp groups of two blocks
            }
            for (int buffer = 0; buffer < 2 * BUFFERS; buffer++) initBarrier(added + buffer * BARRIER_BYTES, 1);
            publishBarriers();
        }
        syncPair();
        awaitLast();
        const int group = threadIdx.x / GROUP;
        if (group == 0) {
            keepRegisters<40>();
            if (threadIdx.x == 0) work.move();
        } else {
            takeRegisters<232>();
            work.compute(group - 1);
        }
        syncPair(); // a block that has ended must not be written to
    }
};

extern "C" {

// units: columns of a tile
#define GROUPED(name, columns, firstOfA, firstOfB, result, adds) \
    __device__ int name##_launch[4] = {THREADS, columns, SHARED_BYTES, 0}; \
    __global__ void __cluster_dims__(2, 1, 1) __launch_bounds__(THREADS, 1) name(const __grid_constant__ Slabs slabs) { \
        GroupedProduct<columns, firstOfA, firstOfB, result, adds>::run(slabs); \
    }

// x * W^T: x [rows, inner], W [columns, inner]
GROUPED(groupedForward64, 64, INNER_FIRST, INNER_FIRST, BF16, false)
GROUPED(groupedForward96, 96, INNER_FIRST, INNER_FIRST, BF16, false)
GROUPED(groupedForward128, 128, INNER_FIRST, INNER_FIRST, BF16, false)
GROUPED(groupedForward256, 256, INNER_FIRST, INNER_FIRST, BF16, false)
GROUPED(groupedForwardAdd256, 256, INNER_FIRST, INNER_FIRST, BF16, true)

// g * W: g [rows, inner], W [inner, columns]
GROUPED(groupedGradX64, 64, INNER_FIRST, OUTER_FIRST, BF16, false)
GROUPED(groupedGradX128, 128, INNER_FIRST, OUTER_FIRST, BF16, false)
GROUPED(groupedGradX256, 256, INNER_FIRST, OUTER_FIRST, BF16, false)
GROUPED(groupedGradXAdd256, 256, INNER_FIRST, OUTER_FIRST, BF16, true)

// g^T * x, or x^T * g: g [inner, rows], x [inner, columns]
GROUPED(groupedGradW64, 64, OUTER_FIRST, OUTER_FIRST, FLOAT32, false)
GROUPED(groupedGradW128, 128, OUTER_FIRST, OUTER_FIRST, FLOAT32, false)
GROUPED(groupedGradW256, 256, OUTER_FIRST, OUTER_FIRST, FLOAT32, false)
}

constexpr int SQUARE = 32;
constexpr int LINES = 8;

/** What is summed for a slab: parts [chunks, rowsOfChunk, columns], of which the first `rows` rows of each count. */
struct Sum {
    float* out; // [rows, columns], or [columns, rows] where it is transposed
    const float* parts;
    int rows;
    int columns;
    int rowsOfChunk;
    int chunks;
    int adds; // to what out holds
    int transposed;
};

struct Sums {
    Sum slab[MOST_SLABS];
};

extern "C" {

// units: rows, and columns, of a block; the grid's z is the slab
__device__ int sumChunks_launch[4] = {SQUARE * LINES, SQUARE, 0, 0};
__global__ void __launch_bounds__(SQUARE * LINES) sumChunks(const __grid_constant__ Sums sums) {
    letNextStart();
    awaitLast();
    const Sum& slab = sums.slab[blockIdx.z];
    __shared__ float square[SQUARE][SQUARE + 1];
    const int x = threadIdx.x % SQUARE;
    const int y = threadIdx.x / SQUARE;
    const int firstRow = blockIdx.y * SQUARE;
    const int firstColumn = blockIdx.x * SQUARE;
    const long chunk = (long)slab.rowsOfChunk * slab.columns;
    for (int line = y; line < SQUARE; line += LINES) {
        const int row = firstRow + line;
        const int column = firstColumn + x;
        float sum = 0;
        if (row < slab.rows && column < slab.columns) {
            const float* part = slab.parts + (long)row * slab.columns + column;
#pragma unroll 8
            for (int i = 0; i < slab.chunks; i++) sum += part[i * chunk];
        }
        square[line][x] = sum;
    }
    __syncthreads();
    for (int line = y; line < SQUARE; line += LINES) {
        const int row = firstRow + (slab.transposed ? x : line);
        const int column = firstColumn + (slab.transposed ? line : x);
        if (row < slab.rows && column < slab.columns) {
            float* out = slab.out + (slab.transposed ? (long)column * slab.rows + row : (long)row * slab.columns + column);
            const float sum = slab.transposed ? square[x][line] : square[line][x];
            *out = slab.adds ? *out + sum : sum;
        }
    }
}
}
