package org.mixtureofmamba.core.backend.cpu;

import java.util.List;

import org.mixtureofmamba.core.backend.Carry;
import org.mixtureofmamba.core.backend.ScanGradients;
import org.mixtureofmamba.core.backend.ScanInputs;
import org.mixtureofmamba.core.backend.Workspace;
import org.mixtureofmamba.core.backend.Write;
import org.mixtureofmamba.core.modality.ModalityLayout;
import org.mixtureofmamba.core.modality.Slabs;
import org.mixtureofmamba.core.tensor.DType;
import org.mixtureofmamba.core.tensor.Tensor;

import static jdk.incubator.vector.FloatVector.broadcast;
import static jdk.incubator.vector.FloatVector.fromMemorySegment;
import static org.mixtureofmamba.core.backend.cpu.Native.ALL;
import static org.mixtureofmamba.core.backend.cpu.Native.LANES;
import static org.mixtureofmamba.core.backend.cpu.Native.ORDER;
import static org.mixtureofmamba.core.backend.cpu.Native.SPECIES;
import static org.mixtureofmamba.core.backend.cpu.Native.STEP;
import static org.mixtureofmamba.core.backend.cpu.Native.get;
import static org.mixtureofmamba.core.backend.cpu.Native.set;

/**
 * dt = softplus(dt + dtBias); h[l] = exp(dt·A) h[l-1] + (dt·x) B; y = (h·C + D·x) · SiLU(z), A = -exp(A_log) (Gu &amp;
 * Dao 2023, eq. 2, with the gate fused).
 *
 * <p>Parallel over (sequence b, group of channels g). An item walks its sequence in chunks: it copies a chunk's rows,
 * found through {@code rowOf}, into scratch where channels are padded to whole bundles, lets {@link ScanStep} run
 * bundle by bundle, and copies results back. Forward saves the state at each chunk's start; backward walks the chunks
 * from the last to the first and recomputes the states within each.
 *
 * <p>What several items share of gradients (B and C, parameters) each sums apart; the sums are then added in the order
 * of items.
 */
final class SelectiveScan {
    /** Tokens of a chunk: its states and decays for one bundle fit the first-level cache. */
    private static final int CHUNK = 32;

    /**
     * Channels of a group: a whole number of bundles for vectors of up to 1024 bits. Small where there would be few
     * items otherwise.
     */
    private static final int SMALL_GROUP = 64;

    private static final int LARGE_GROUP = 256;
    private static final int FEW_ITEMS = 8;

    private static final int BUNDLE = ScanStep.BUNDLE;
    private static final float LN_2 = (float) Math.log(2);

    private final WorkerPool pool;
    private final Workspace workspace;

    SelectiveScan(WorkerPool pool, Workspace workspace) {
        this.pool = pool;
        this.workspace = workspace;
    }

    /** Returns the states at the chunks' starts. */
    Tensor forward(ScanInputs inputs, ModalityLayout layout, Carry carry, Tensor yTensor) {
        var scan = new Operands(inputs, layout, carry.before().isPresent());
        var before = carry.before().map(scan::carried);
        var after = carry.after().map(scan::carried);
        var y = Rows.of(yTensor, scan.tokens, scan.channels);
        var saved = workspace.tensor(DType.FLOAT32, (long) scan.items() * scan.chunks, scan.states * scan.group);
        var savedRows = Rows.of(saved);
        var mark = workspace.mark();
        long rates = rates(scan);
        var scratch = Rows.of(workspace.tensor(DType.FLOAT32, pool.workers(), Scratch.forwardSize(scan)));
        pool.run(scan.items(), (item, worker) -> {
            var s = new Scratch(scratch.row(worker), scan);
            int group = item % scan.groups;
            int bundles = scan.bundles(group);
            s.clear(scan, group);
            before.ifPresent(states -> scan.load(states, item, s.h));
            long rate = rates + 4L * group * scan.states * scan.group;
            for (int chunk = 0; chunk < scan.chunks; chunk++) {
                Native.copy(s.h, savedRows.row(item * scan.chunks + chunk), scan.states * scan.group);
                int first = scan.firstToken(item, chunk);
                int count = scan.count(chunk);
                for (int i = 0; i < count; i++) {
                    s.stage(scan, group, i, scan.order.rowOf()[first + i]);
                    s.prepare(i, bundles);
                }
                for (int bundle = 0; bundle < bundles; bundle++) {
                    long states = 4L * bundle * scan.states * BUNDLE;
                    for (int i = 0; i < count; i++) {
                        if (scan.order.position()[first + i] == 0) {
                            Native.zero(s.h + states, (long) scan.states * BUNDLE);
                        }
                        long at = 4L * (i * scan.group + bundle * BUNDLE);
                        ScanStep.forward(
                                rate + states,
                                s.h + states,
                                s.dt + at,
                                s.dtX + at,
                                s.b,
                                s.c,
                                i * scan.states,
                                s.y + at,
                                scan.states);
                    }
                }
                for (int i = 0; i < count; i++) {
                    s.gate(i, bundles);
                    int row = scan.order.rowOf()[first + i];
                    Native.copy(s.y + 4L * i * scan.group, y.at(row, group * scan.group), scan.width(group));
                }
            }
            after.ifPresent(states -> scan.store(s.h, states, item));
        });
        workspace.release(mark);
        return saved;
    }

    void backward(
            Tensor gradYTensor,
            ScanInputs inputs,
            ModalityLayout layout,
            Carry carry,
            Tensor saved,
            ScanGradients gradients,
            Write write,
            Carry gradCarry) {
        var scan = new Operands(inputs, layout, carry.before().isPresent());
        var gradBefore = gradCarry.before().map(scan::carried);
        var gradAfter = gradCarry.after().map(scan::carried);
        var gradY = Rows.of(gradYTensor, scan.tokens, scan.channels);
        var gradX = Rows.of(gradients.x(), scan.tokens, scan.channels);
        var gradDt = Rows.of(gradients.dt(), scan.tokens, scan.channels);
        var gradZ = Rows.of(gradients.z(), scan.tokens, scan.channels);
        var savedRows = Rows.of(saved, scan.items() * scan.chunks, scan.states * scan.group);
        var mark = workspace.mark();
        long rates = rates(scan);
        var scratch = Rows.of(workspace.tensor(DType.FLOAT32, pool.workers(), Scratch.backwardSize(scan)));
        // What items share, apart: the gradients of B and C for each group, those of the parameters for each item.
        int bc = 2 * scan.states;
        var partialBc = Rows.of(workspace.tensor(DType.FLOAT32, (long) scan.groups * scan.tokens, bc));
        var partialRate = Rows.of(workspace.tensor(DType.FLOAT32, scan.items(), scan.states * scan.group));
        int vectors = 1 + scan.biases.size(); // D, then each bias
        var partialVectors = Rows.of(workspace.tensor(DType.FLOAT32, (long) scan.items() * vectors, scan.group));
        pool.run(scan.items(), (item, worker) -> {
            var s = new Scratch(scratch.row(worker), scan);
            int group = item % scan.groups;
            int bundles = scan.bundles(group);
            s.clear(scan, group);
            gradAfter.ifPresent(states -> scan.load(states, item, s.carry));
            Native.zero(partialRate.row(item), (long) scan.states * scan.group);
            Native.zero(partialVectors.row(item * vectors), (long) vectors * scan.group);
            long rate = rates + 4L * group * scan.states * scan.group;
            for (int chunk = scan.chunks - 1; chunk >= 0; chunk--) {
                int first = scan.firstToken(item, chunk);
                int count = scan.count(chunk);
                for (int i = 0; i < count; i++) {
                    int row = scan.order.rowOf()[first + i];
                    s.stage(scan, group, i, row);
                    Native.copy(gradY.at(row, group * scan.group), s.gradY + 4L * i * scan.group, scan.width(group));
                    s.prepare(i, bundles);
                    s.prepareBackward(i, bundles);
                }
                Native.zero(s.gradB, 2L * CHUNK * scan.states * LANES);
                for (int bundle = 0; bundle < bundles; bundle++) {
                    long states = 4L * bundle * scan.states * BUNDLE;
                    scan.chunkBackward(
                            s,
                            first,
                            count,
                            bundle,
                            rate + states,
                            savedRows.row(item * scan.chunks + chunk) + states,
                            partialRate.row(item) + states);
                }
                for (int i = 0; i < count; i++) {
                    int row = scan.order.rowOf()[first + i];
                    long sums = partialVectors.row(item * vectors);
                    s.finish(i, bundles, sums, partialVectors.row(item * vectors + 1 + scan.biasOf(row)));
                    int width = scan.width(group);
                    int column = group * scan.group;
                    Native.copy(s.gradDtX + 4L * i * scan.group, gradX.at(row, column), width);
                    Native.copy(s.gradDecay + 4L * i * scan.group, gradDt.at(row, column), width);
                    Native.copy(s.y + 4L * i * scan.group, gradZ.at(row, column), width);
                    long out = partialBc.row(group * scan.tokens + row);
                    for (int n = 0; n < scan.states; n++) {
                        long at = (long) (i * scan.states + n) * STEP;
                        set(out + 4L * n, Native.sum(fromMemorySegment(SPECIES, ALL, s.gradB + at, ORDER)));
                        set(
                                out + 4L * (scan.states + n),
                                Native.sum(fromMemorySegment(SPECIES, ALL, s.gradC + at, ORDER)));
                    }
                }
            }
            gradBefore.ifPresent(states -> scan.store(s.carry, states, item));
        });
        sumOverGroups(scan, partialBc, gradients);
        sumOverSequences(scan, rates, partialRate, partialVectors, gradients, write);
        workspace.release(mark);
    }

    private void sumOverGroups(Operands scan, Rows partial, ScanGradients gradients) {
        int n = scan.states;
        var gradB = Rows.of(gradients.matB(), scan.tokens, n);
        var gradC = Rows.of(gradients.matC(), scan.tokens, n);
        int rows = 256;
        pool.run(Math.ceilDiv(scan.tokens, rows), (item, worker) -> {
            int end = Math.min(scan.tokens, (item + 1) * rows);
            for (int row = item * rows; row < end; row++) {
                Native.copy(partial.at(row, 0), gradB.row(row), n);
                Native.copy(partial.at(row, n), gradC.row(row), n);
                for (int group = 1; group < scan.groups; group++) {
                    Native.add(partial.at(group * scan.tokens + row, 0), gradB.row(row), n);
                    Native.add(partial.at(group * scan.tokens + row, n), gradC.row(row), n);
                }
            }
        });
    }

    private void sumOverSequences(
            Operands scan, long rates, Rows rate, Rows vectors, ScanGradients gradients, Write write) {
        var gradLogA = Rows.of(gradients.logA(), scan.channels, scan.states);
        var gradVectors = new Rows[1 + scan.biases.size()];
        gradVectors[0] = Rows.flat(gradients.skipD(), scan.channels);
        for (int m = 0; m < scan.biases.size(); m++) {
            gradVectors[1 + m] = Rows.flat(gradients.dtBias().get(m), scan.channels);
        }
        pool.run(scan.groups, (group, worker) -> {
            for (int b = 1; b < scan.batch; b++) {
                int item = b * scan.groups + group;
                Native.add(rate.row(item), rate.row(group), scan.states * scan.group);
                Native.add(
                        vectors.row(item * gradVectors.length),
                        vectors.row(group * gradVectors.length),
                        gradVectors.length * scan.group);
            }
            int width = scan.width(group);
            for (int j = 0; j < width; j++) {
                for (int n = 0; n < scan.states; n++) {
                    // dA/dA_log = A = -rate · ln 2
                    long at = 4L * ((j / BUNDLE * scan.states + n) * BUNDLE + j % BUNDLE);
                    float a = -LN_2 * get(rates + 4L * group * scan.states * scan.group + at);
                    long to = gradLogA.at(group * scan.group + j, n);
                    float sum = a * get(rate.row(group) + at);
                    set(to, write == Write.ADD ? get(to) + sum : sum);
                }
            }
            for (int v = 0; v < gradVectors.length; v++) {
                long to = gradVectors[v].at(0, group * scan.group);
                Native.write(vectors.row(group * gradVectors.length + v), to, width, write);
            }
        });
    }

    /** exp(A_log) · log2(e) as bundles [groups, bundles, N, BUNDLE], 0 where a group is padded. */
    private long rates(Operands scan) {
        var rates = Rows.of(workspace.tensor(DType.FLOAT32, scan.groups, scan.states * scan.group));
        pool.run(scan.groups, (group, worker) -> {
            Native.zero(rates.row(group), (long) scan.states * scan.group);
            int width = scan.width(group);
            for (int j = 0; j < width; j++) {
                for (int n = 0; n < scan.states; n++) {
                    double rate = Math.exp(get(scan.logA.at(group * scan.group + j, n))) / Math.log(2);
                    set(rates.at(group, (j / BUNDLE * scan.states + n) * BUNDLE + j % BUNDLE), (float) rate);
                }
            }
        });
        return rates.address();
    }

    /** What both directions read, and how the work is cut. */
    private static final class Operands {
        final int tokens;
        final int batch;
        final int channels;
        final int states;
        final int chunks;
        /** Channels of a group. */
        final int group;

        final int groups;
        final SequenceOrder order;
        final Rows x;
        final Rows dt;
        final Rows b;
        final Rows c;
        final Rows z;
        final Rows logA;
        final Rows skipD;
        final List<Rows> biases;
        private final Slabs slabs;

        Operands(ScanInputs inputs, ModalityLayout layout, boolean carried) {
            tokens = layout.tokens();
            batch = layout.batch();
            channels = inputs.x().columns();
            states = inputs.matB().columns();
            chunks = Math.ceilDiv(layout.length(), CHUNK);
            int large = Math.min(LARGE_GROUP, Math.ceilDiv(channels, SMALL_GROUP) * SMALL_GROUP);
            group = batch * Math.ceilDiv(channels, large) < FEW_ITEMS ? SMALL_GROUP : large;
            groups = Math.ceilDiv(channels, group);
            order = SequenceOrder.of(layout, carried);
            x = Rows.of(inputs.x(), tokens, channels);
            dt = Rows.of(inputs.dt(), tokens, channels);
            z = Rows.of(inputs.z(), tokens, channels);
            b = Rows.of(inputs.matB(), tokens, states);
            c = Rows.of(inputs.matC(), tokens, states);
            logA = Rows.of(inputs.logA(), channels, states);
            skipD = Rows.flat(inputs.skipD(), channels);
            biases = inputs.dtBias().stream()
                    .map(bias -> Rows.flat(bias, channels))
                    .toList();
            slabs = layout.slabsFor(biases.size());
        }

        int items() {
            return batch * groups;
        }

        int firstToken(int item, int chunk) {
            return item / groups * order.length() + chunk * CHUNK;
        }

        int count(int chunk) {
            return Math.min(CHUNK, order.length() - chunk * CHUNK);
        }

        int width(int index) {
            return Math.min(group, channels - index * group);
        }

        int bundles(int index) {
            return Math.ceilDiv(width(index), BUNDLE);
        }

        /** Carried states [B, N, E] as rows. */
        Rows carried(Tensor tensor) {
            return Rows.of(tensor, batch * states, channels);
        }

        /** Carried states of an item's channels to bundles [bundles, N, BUNDLE]; where channels are padded, nothing. */
        void load(Rows carried, int item, long bundles) {
            forEachCarried(carried, item, (row, at, width) -> Native.copy(row, bundles + at, width));
        }

        /** The other way. */
        void store(long bundles, Rows carried, int item) {
            forEachCarried(carried, item, (row, at, width) -> Native.copy(bundles + at, row, width));
        }

        private void forEachCarried(Rows carried, int item, CarriedBundle visit) {
            int index = item % groups;
            for (int j = 0; j < width(index); j += BUNDLE) {
                for (int n = 0; n < states; n++) {
                    long row = carried.at(item / groups * states + n, index * group + j);
                    visit.at(row, 4L * (j * states + n * BUNDLE), Math.min(BUNDLE, width(index) - j));
                }
            }
        }

        int biasOf(int row) {
            return slabs.slabOf(row);
        }

        void chunkBackward(Scratch s, int first, int count, int bundle, long rate, long saved, long gradRate) {
            int size = states * BUNDLE;
            Native.copy(saved, s.history, size);
            for (int i = 0; i < count; i++) {
                long at = 4L * (i * group + bundle * BUNDLE);
                ScanStep.recompute(
                        order.position()[first + i] == 0,
                        rate,
                        s.history + 4L * i * size,
                        s.history + 4L * (i + 1) * size,
                        s.decay + 4L * i * size,
                        s.dt + at,
                        s.dtX + at,
                        s.b,
                        s.c,
                        i * states,
                        s.y + at,
                        states);
            }
            for (int i = count - 1; i >= 0; i--) {
                long at = 4L * (i * group + bundle * BUNDLE);
                ScanStep.backward(
                        rate,
                        s.history + 4L * i * size,
                        s.history + 4L * (i + 1) * size,
                        s.decay + 4L * i * size,
                        s.carry + 4L * bundle * size,
                        gradRate,
                        s.dt + at,
                        s.dtX + at,
                        s.gradScan + at,
                        s.b,
                        s.c,
                        i * states,
                        s.gradB + (long) i * states * STEP,
                        s.gradC + (long) i * states * STEP,
                        s.gradDtX + at,
                        s.gradDecay + at,
                        states);
            }
        }
    }

    /** One state of a bundle's channels: its address among carried states, its place among bundles, its channels. */
    @FunctionalInterface
    private interface CarriedBundle {
        void at(long row, long at, int width);
    }

    /** A worker's scratch: addresses of what it holds. Rows are [CHUNK, group] unless said. */
    private static final class Scratch {
        private static final int ROWS = 11;

        final int group;
        final long x;
        final long rawDt; // with its bias; then σ of it, the derivative of dt
        final long z;
        final long sigmoidZ;
        final long dt;
        final long dtX;
        final long y; // before the gate; backward leaves gradZ here
        final long skipD; // [group]
        final long h; // [group / BUNDLE, N, BUNDLE]
        // of backward alone
        final long gradY;
        final long gradScan; // gradY · SiLU(z)
        final long gradDtX; // backward leaves gradX here
        final long gradDecay; // backward leaves the gradient of dt before bias and softplus here
        final long carry; // [group / BUNDLE, N, BUNDLE], in the place of h
        final long history; // [CHUNK + 1, N, BUNDLE]
        final long decay; // [CHUNK, N, BUNDLE]
        final long gradB; // [CHUNK, N, LANES]
        final long gradC; // [CHUNK, N, LANES], right behind

        // Of the chunk's tokens, all N states: [CHUNK, N].
        final float[] b;
        final float[] c;

        Scratch(long address, Operands scan) {
            int states = scan.states;
            group = scan.group;
            b = new float[CHUNK * states];
            c = new float[CHUNK * states];
            long block = 4L * CHUNK * group;
            x = address;
            rawDt = x + block;
            z = rawDt + block;
            sigmoidZ = z + block;
            dt = sigmoidZ + block;
            dtX = dt + block;
            y = dtX + block;
            gradY = y + block;
            gradScan = gradY + block;
            gradDtX = gradScan + block;
            gradDecay = gradDtX + block;
            skipD = address + ROWS * block;
            h = skipD + 4L * group;
            carry = h;
            history = h + 4L * states * group;
            decay = history + 4L * (CHUNK + 1) * states * BUNDLE;
            gradB = decay + 4L * CHUNK * states * BUNDLE;
            gradC = gradB + 4L * CHUNK * states * LANES;
        }

        /** In floats, a multiple of what keeps workers' scratch on cache lines of their own. */
        static int forwardSize(Operands scan) {
            return (ROWS * CHUNK + 1 + scan.states) * scan.group;
        }

        static int backwardSize(Operands scan) {
            return forwardSize(scan) + scan.states * ((2 * CHUNK + 1) * BUNDLE + 2 * CHUNK * LANES);
        }

        /** For another item: no state, and zeros where channels are padded, which then add nothing to any sum. */
        void clear(Operands scan, int index) {
            Native.zero(h, (long) scan.states * group);
            if (scan.width(index) < group) {
                Native.zero(x, (ROWS * CHUNK + 1L) * group);
            }
            Native.copy(scan.skipD.at(0, index * group), skipD, scan.width(index));
        }

        /** Copies the inputs of one row to place i of the chunk. */
        void stage(Operands scan, int index, int i, int row) {
            int width = scan.width(index);
            int column = index * group;
            long at = 4L * i * group;
            Native.copy(scan.x.at(row, column), x + at, width);
            Native.copy(scan.z.at(row, column), z + at, width);
            Native.copy(scan.dt.at(row, column), rawDt + at, width);
            Native.copy(scan.b.row(row), b, i * scan.states, scan.states);
            Native.copy(scan.c.row(row), c, i * scan.states, scan.states);
            Native.add(scan.biases.get(scan.biasOf(row)).at(0, column), rawDt + at, width);
        }

        /** From the inputs: dt and its derivative, σ(z), dt·x, y = D·x. */
        void prepare(int i, int bundles) {
            int width = bundles * BUNDLE;
            long row = 4L * i * group;
            VectorMath.softplusAndSigmoids(rawDt + row, dt + row, width);
            VectorMath.sigmoids(z + row, sigmoidZ + row, width);
            for (int j = 0; j < width; j += LANES) {
                long at = row + 4L * j;
                var input = fromMemorySegment(SPECIES, ALL, x + at, ORDER);
                input.mul(fromMemorySegment(SPECIES, ALL, dt + at, ORDER)).intoMemorySegment(ALL, dtX + at, ORDER);
                input.mul(fromMemorySegment(SPECIES, ALL, skipD + 4L * j, ORDER))
                        .intoMemorySegment(ALL, y + at, ORDER);
            }
        }

        /** gradScan = gradY · z σ(z). */
        void prepareBackward(int i, int bundles) {
            for (int j = 0; j < bundles * BUNDLE; j += LANES) {
                long at = 4L * (i * group + j);
                fromMemorySegment(SPECIES, ALL, gradY + at, ORDER)
                        .mul(fromMemorySegment(SPECIES, ALL, z + at, ORDER))
                        .mul(fromMemorySegment(SPECIES, ALL, sigmoidZ + at, ORDER))
                        .intoMemorySegment(ALL, gradScan + at, ORDER);
            }
        }

        /** y = y · z σ(z). */
        void gate(int i, int bundles) {
            for (int j = 0; j < bundles * BUNDLE; j += LANES) {
                long at = 4L * (i * group + j);
                fromMemorySegment(SPECIES, ALL, y + at, ORDER)
                        .mul(fromMemorySegment(SPECIES, ALL, z + at, ORDER))
                        .mul(fromMemorySegment(SPECIES, ALL, sigmoidZ + at, ORDER))
                        .intoMemorySegment(ALL, y + at, ORDER);
            }
        }

        /**
         * What follows {@link ScanStep#backward}, for all channels of one token; gradients take the place of what they
         * no longer need.
         */
        void finish(int i, int bundles, long gradSkipD, long gradBias) {
            var one = broadcast(SPECIES, 1f);
            for (int j = 0; j < bundles * BUNDLE; j += LANES) {
                long column = 4L * j;
                long at = 4L * i * group + column;
                var input = fromMemorySegment(SPECIES, ALL, x + at, ORDER);
                var gradScanned = fromMemorySegment(SPECIES, ALL, gradScan + at, ORDER);
                var gradProduct = fromMemorySegment(SPECIES, ALL, gradDtX + at, ORDER);
                // d exp(dt·A) / d dt = A exp(dt·A), A = -rate · ln 2
                var gradStep = gradProduct
                        .mul(input)
                        .sub(fromMemorySegment(SPECIES, ALL, gradDecay + at, ORDER)
                                .mul(LN_2));
                var gradRaw = gradStep.mul(fromMemorySegment(SPECIES, ALL, rawDt + at, ORDER));
                gradRaw.intoMemorySegment(ALL, gradDecay + at, ORDER);
                gradRaw.add(fromMemorySegment(SPECIES, ALL, gradBias + column, ORDER))
                        .intoMemorySegment(ALL, gradBias + column, ORDER);
                gradProduct
                        .fma(
                                fromMemorySegment(SPECIES, ALL, dt + at, ORDER),
                                gradScanned.mul(fromMemorySegment(SPECIES, ALL, skipD + column, ORDER)))
                        .intoMemorySegment(ALL, gradDtX + at, ORDER);
                gradScanned
                        .fma(input, fromMemorySegment(SPECIES, ALL, gradSkipD + column, ORDER))
                        .intoMemorySegment(ALL, gradSkipD + column, ORDER);
                var sigmoid = fromMemorySegment(SPECIES, ALL, sigmoidZ + at, ORDER);
                var gradSilu = sigmoid.mul(one.sub(sigmoid).fma(fromMemorySegment(SPECIES, ALL, z + at, ORDER), one));
                fromMemorySegment(SPECIES, ALL, gradY + at, ORDER)
                        .mul(fromMemorySegment(SPECIES, ALL, y + at, ORDER))
                        .mul(gradSilu)
                        .intoMemorySegment(ALL, y + at, ORDER);
            }
        }
    }
}
