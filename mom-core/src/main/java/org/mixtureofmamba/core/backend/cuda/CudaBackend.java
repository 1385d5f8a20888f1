package org.mixtureofmamba.core.backend.cuda;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

import org.mixtureofmamba.core.backend.AdamW;
import org.mixtureofmamba.core.backend.Backend;
import org.mixtureofmamba.core.backend.BackendOptions;
import org.mixtureofmamba.core.backend.BackendOptions.Precision;
import org.mixtureofmamba.core.backend.ScanGradients;
import org.mixtureofmamba.core.backend.ScanInputs;
import org.mixtureofmamba.core.backend.Workspace;
import org.mixtureofmamba.core.backend.Write;
import org.mixtureofmamba.core.modality.ModalityLayout;
import org.mixtureofmamba.core.modality.Slabs;
import org.mixtureofmamba.core.modality.TokenBatch;
import org.mixtureofmamba.core.tensor.DType;
import org.mixtureofmamba.core.tensor.Tensor;

/**
 * The operations on one CUDA device: each is handed to the class that launches its kernels. All work is in the order of
 * one stream; batches under way beside it, and what is put off of the update, are waited for where they are used.
 */
final class CudaBackend implements Backend {
    private final Deque<AutoCloseable> opened = new ArrayDeque<>();
    private final Precision precision;
    private final CudaDevice device;
    private final CudaStream stream;
    private final DeviceMemory memory;
    private final Workspace workspace;
    private final BatchRing batches;
    private final KernelCompiler compiler = new KernelCompiler.Nvrtc();
    private final MatrixProducts products;
    private final Embedding embedding;
    private final Normalization normalization;
    private final SlabProjection projection;
    private final SequenceConvolution convolution;
    private final SequenceScan scan;
    private final CrossEntropy crossEntropy;
    private final DeferredUpdate update;
    private final SquaredNorm norm;
    private final Optimizer optimizer;
    private final PowerMeter power;

    /**
     * @throws org.mixtureofmamba.core.FailureException if the device cannot be used; what was opened until then is
     *     closed
     */
    static CudaBackend open(BackendOptions options) {
        return new CudaBackend(options);
    }

    private CudaBackend(BackendOptions options) {
        try {
            this.precision = options.precision();
            this.device = opened(new CudaDevice(options.device()));
            this.stream = opened(new CudaStream("the training step"));
            this.update = new DeferredUpdate(stream::synchronize);
            var gradients = new WrittenGradients();
            var zeros = new LazyZeros(stream, update, gradients);
            var cache = new KernelCache(KernelCache.usualFolder(System.getenv()), compiler);
            var kernels = opened(new Kernels(device, cache, precision, stream, zeros));
            var copies = new Copies(kernels, stream, zeros);
            this.memory = opened(new DeviceMemory(stream, copies, zeros));
            this.workspace = opened(new Workspace(memory));
            this.batches = opened(new BatchRing(stream, memory));
            this.products = opened(new MatrixProducts(stream, memory, zeros));
            var channels = new WholeChannels(workspace, memory, copies);
            this.embedding = new Embedding(kernels, memory, workspace, batches);
            this.normalization = new Normalization(kernels, workspace);
            this.projection = new SlabProjection(products, groupedProducts(kernels, zeros));
            this.convolution = new SequenceConvolution(kernels, workspace, channels);
            this.norm = new SquaredNorm(kernels, memory, zeros, gradients, device);
            this.scan = new SequenceScan(kernels, workspace, channels, zeros, norm, update, device.multiprocessors());
            this.crossEntropy = new CrossEntropy(kernels, products, workspace);
            this.optimizer = new Optimizer(kernels, memory, zeros, update, device);
            this.power = opened(new PowerMeter(new CudaLibraries(System.getenv()), device.busId()));
        } catch (RuntimeException | Error e) {
            closeOpened();
            throw e;
        }
    }

    private Optional<GroupedProducts> groupedProducts(Kernels kernels, LazyZeros zeros) {
        boolean served = precision == Precision.BF16 && device.architecture().equals(GroupedProducts.ARCHITECTURE);
        return served
                ? Optional.of(opened(new GroupedProducts(kernels, zeros, memory, device.multiprocessors())))
                : Optional.empty();
    }

    private <T extends AutoCloseable> T opened(T resource) {
        opened.push(resource);
        return resource;
    }

    @Override
    public String name() {
        return "cuda";
    }

    @Override
    public DType dtype() {
        return switch (precision) {
            case BF16 -> DType.BFLOAT16;
            case FLOAT32 -> DType.FLOAT32;
        };
    }

    @Override
    public DType accumulationType() {
        return DType.FLOAT32;
    }

    @Override
    public DeviceMemory memory() {
        return memory;
    }

    @Override
    public Workspace workspace() {
        return workspace;
    }

    CudaStream stream() {
        return stream;
    }

    @Override
    public TokenBatch place(TokenBatch batch) {
        return batches.place(batch);
    }

    @Override
    public OptionalDouble peakFlopsPerSecond() {
        return switch (precision) {
            case BF16 -> device.bf16FlopsPerSecond();
            case FLOAT32 -> OptionalDouble.empty();
        };
    }

    @Override
    public OptionalDouble energyJoules() {
        return power.joules();
    }

    @Override
    public Map<String, String> description() {
        return Map.of(
                "device", device.name(),
                "architecture", device.architecture(),
                "driver", device.driver(),
                "compiler", compiler.version(),
                "products", products.version());
    }

    @Override
    public void embeddingForward(Tensor ids, Tensor table, Tensor out) {
        batches.awaitArrival(ids);
        embedding.forward(ids, table, out);
    }

    @Override
    public void embeddingBackward(Tensor ids, Tensor gradOut, Tensor gradTable) {
        batches.awaitArrival(ids);
        embedding.backward(ids, gradOut, gradTable);
    }

    @Override
    public void rmsNormForward(Tensor x, Tensor weight, double epsilon, Tensor out, Tensor inverseRms) {
        normalization.forward(x, weight, epsilon, out, inverseRms);
    }

    @Override
    public void rmsNormBackward(
            Tensor gradOut, Tensor x, Tensor weight, Tensor inverseRms, Tensor gradX, Tensor gradWeight) {
        normalization.backward(gradOut, x, weight, inverseRms, gradX, gradWeight);
    }

    @Override
    public void linearForward(Tensor x, List<Tensor> weights, Slabs slabs, Tensor out) {
        projection.forward(x, weights, slabs, out);
    }

    @Override
    public void linearForwardAdd(Tensor x, List<Tensor> weights, Slabs slabs, Tensor residual, Tensor out) {
        projection.forwardAdd(x, weights, slabs, residual, out);
    }

    @Override
    public void linearBackward(
            Tensor gradOut,
            Tensor x,
            List<Tensor> weights,
            Slabs slabs,
            Tensor gradX,
            Write writeX,
            List<Tensor> gradWeights) {
        projection.backward(gradOut, x, weights, slabs, gradX, writeX, gradWeights);
    }

    @Override
    public void causalConvForward(Tensor x, Tensor weight, Tensor bias, ModalityLayout layout, Tensor out) {
        batches.awaitArrival(layout.rowOf());
        convolution.forward(x, weight, bias, layout, out);
    }

    @Override
    public void causalConvBackward(
            Tensor gradOut,
            Tensor x,
            Tensor weight,
            Tensor bias,
            ModalityLayout layout,
            Tensor gradX,
            Tensor gradWeight,
            Tensor gradBias) {
        batches.awaitArrival(layout.rowOf());
        convolution.backward(gradOut, x, weight, bias, layout, gradX, gradWeight, gradBias);
    }

    @Override
    public Tensor selectiveScanForward(ScanInputs inputs, ModalityLayout layout, Tensor y) {
        batches.awaitArrival(layout.rowOf());
        return scan.forward(inputs, layout, y);
    }

    @Override
    public void selectiveScanBackward(
            Tensor gradY, ScanInputs inputs, ModalityLayout layout, Tensor y, Tensor states, ScanGradients gradients) {
        batches.awaitArrival(layout.rowOf());
        scan.backward(gradY, inputs, layout, y, states, gradients);
    }

    @Override
    public void crossEntropyForward(Tensor x, Tensor head, Tensor targets, Tensor targetModality, Tensor lossSums) {
        batches.awaitArrival(targets);
        crossEntropy.forward(x, head, targets, targetModality, lossSums);
    }

    @Override
    public void crossEntropyForwardBackward(
            Tensor x,
            Tensor head,
            Tensor targets,
            Tensor targetModality,
            double scale,
            Tensor lossSums,
            Tensor gradX,
            Tensor gradHead) {
        batches.awaitArrival(targets);
        crossEntropy.forwardBackward(x, head, targets, targetModality, scale, lossSums, gradX, gradHead);
    }

    @Override
    public void squaredNorm(Tensor values, Tensor out) {
        norm.of(values, out);
    }

    @Override
    public void adamW(
            AdamW settings,
            Tensor master,
            Tensor working,
            Tensor grad,
            Tensor firstMoment,
            Tensor secondMoment,
            Tensor gradSquaredNorm) {
        optimizer.step(settings, master, working, grad, firstMoment, secondMoment, gradSquaredNorm);
    }

    /** Puts off nothing more of the last {@link #adamW}. */
    void finishUpdate() {
        update.finish();
    }

    @Override
    public void synchronize() {
        finishUpdate();
        stream.synchronize();
    }

    @Override
    public void close() {
        closeOpened();
    }

    private void closeOpened() {
        while (!opened.isEmpty()) {
            try {
                opened.pop().close();
            } catch (Exception e) {
                // A lost device refuses every call: what holds memory of the host must be let go all the same.
                System.getLogger(CudaBackend.class.getName()).log(System.Logger.Level.DEBUG, "while closing", e);
            }
        }
    }
}
