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
import org.mixtureofmamba.core.backend.Carry;
import org.mixtureofmamba.core.backend.PlacedBatch;
import org.mixtureofmamba.core.backend.ScanGradients;
import org.mixtureofmamba.core.backend.ScanInputs;
import org.mixtureofmamba.core.backend.StepSchedule.Span;
import org.mixtureofmamba.core.backend.TrainedBuffers;
import org.mixtureofmamba.core.backend.Update;
import org.mixtureofmamba.core.backend.Workspace;
import org.mixtureofmamba.core.backend.Write;
import org.mixtureofmamba.core.backend.cuda.driver.CudaDevice;
import org.mixtureofmamba.core.backend.cuda.driver.CudaLibraries;
import org.mixtureofmamba.core.backend.cuda.driver.CudaStream;
import org.mixtureofmamba.core.backend.cuda.driver.PowerMeter;
import org.mixtureofmamba.core.backend.cuda.kernel.KernelCache;
import org.mixtureofmamba.core.backend.cuda.kernel.KernelCompiler;
import org.mixtureofmamba.core.backend.cuda.kernel.KernelSource;
import org.mixtureofmamba.core.backend.cuda.kernel.Kernels;
import org.mixtureofmamba.core.backend.cuda.memory.BatchRing;
import org.mixtureofmamba.core.backend.cuda.memory.Copies;
import org.mixtureofmamba.core.backend.cuda.memory.DeviceMemory;
import org.mixtureofmamba.core.backend.cuda.op.CrossEntropy;
import org.mixtureofmamba.core.backend.cuda.op.Embedding;
import org.mixtureofmamba.core.backend.cuda.op.GatedGather;
import org.mixtureofmamba.core.backend.cuda.op.GroupedProducts;
import org.mixtureofmamba.core.backend.cuda.op.MatrixProducts;
import org.mixtureofmamba.core.backend.cuda.op.Normalization;
import org.mixtureofmamba.core.backend.cuda.op.SequenceConvolution;
import org.mixtureofmamba.core.backend.cuda.op.SequenceScan;
import org.mixtureofmamba.core.backend.cuda.op.SlabProjection;
import org.mixtureofmamba.core.backend.cuda.op.WholeChannels;
import org.mixtureofmamba.core.backend.cuda.step.AdamWKernels;
import org.mixtureofmamba.core.backend.cuda.step.AdamWUpdates;
import org.mixtureofmamba.core.backend.cuda.step.GradientNorm;
import org.mixtureofmamba.core.backend.cuda.step.StepWork;
import org.mixtureofmamba.core.modality.ModalityLayout;
import org.mixtureofmamba.core.modality.Slabs;
import org.mixtureofmamba.core.modality.TokenBatch;
import org.mixtureofmamba.core.modality.TokenIds;
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
    private final GatedGather gatedGather;
    private final StepWork work = new StepWork();
    private final GradientNorm norm;
    private final AdamWKernels adamW;
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
            var cache = new KernelCache(KernelCache.usualFolder(System.getenv()), compiler);
            var kernels = opened(new Kernels(device, cache, precision, stream));
            var copies = new Copies(kernels, stream);
            this.memory = opened(new DeviceMemory(stream, copies));
            this.workspace = opened(new Workspace(memory));
            this.batches = opened(new BatchRing(stream, memory));
            this.products = opened(new MatrixProducts(stream, memory));
            var channels = new WholeChannels(workspace, memory, copies);
            this.embedding = new Embedding(kernels, memory, workspace);
            this.normalization = new Normalization(kernels, workspace);
            this.projection = new SlabProjection(products, groupedProducts(kernels));
            this.convolution = new SequenceConvolution(kernels, workspace, channels);
            this.scan = new SequenceScan(kernels, workspace, channels, work, device.multiprocessors());
            this.crossEntropy = new CrossEntropy(kernels, products, workspace);
            this.gatedGather = new GatedGather(kernels);
            this.norm = opened(new GradientNorm(kernels, memory, device.multiprocessors()));
            this.adamW = new AdamWKernels(kernels, device);
            this.power = opened(new PowerMeter(new CudaLibraries(System.getenv()), device.busId()));
        } catch (RuntimeException | Error e) {
            closeOpened();
            throw e;
        }
    }

    private Optional<GroupedProducts> groupedProducts(Kernels kernels) {
        boolean served = precision == Precision.BF16 && device.architecture().equals(KernelSource.GROUPED_ARCHITECTURE);
        return served
                ? Optional.of(opened(new GroupedProducts(kernels, memory, device.multiprocessors())))
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
    public PlacedBatch place(TokenBatch batch) {
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
    public void embeddingForward(TokenIds ids, Tensor table, Tensor out) {
        embedding.forward(ids, table, out);
    }

    @Override
    public void embeddingBackward(TokenIds ids, Tensor gradOut, Tensor gradTable) {
        embedding.backward(ids, gradOut, gradTable);
    }

    @Override
    public void rmsNormForward(Tensor x, Tensor weight, double epsilon, Tensor out, Tensor inverseRms) {
        normalization.forward(x, weight, epsilon, out, inverseRms);
    }

    @Override
    public void rmsNormBackward(
            Tensor gradOut, Tensor x, Tensor weight, Tensor inverseRms, Tensor gradX, Tensor gradWeight, Write write) {
        normalization.backward(gradOut, x, weight, inverseRms, gradX, gradWeight, write);
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
            List<Tensor> gradWeights,
            Write writeWeights) {
        projection.backward(gradOut, x, weights, slabs, gradX, writeX, gradWeights, writeWeights);
    }

    @Override
    public void causalConvForward(
            Tensor x, Tensor weight, Tensor bias, ModalityLayout layout, Carry carry, Tensor out) {
        convolution.forward(x, weight, bias, layout, carry, out);
    }

    @Override
    public void causalConvBackward(
            Tensor gradOut,
            Tensor x,
            Tensor weight,
            Tensor bias,
            ModalityLayout layout,
            Carry carry,
            Tensor gradX,
            Tensor gradWeight,
            Tensor gradBias,
            Write write,
            Carry gradCarry) {
        convolution.backward(gradOut, x, weight, bias, layout, carry, gradX, gradWeight, gradBias, write, gradCarry);
    }

    @Override
    public Tensor selectiveScanForward(ScanInputs inputs, ModalityLayout layout, Carry carry, Tensor y) {
        return scan.forward(inputs, layout, carry, y);
    }

    @Override
    public void selectiveScanBackward(
            Tensor gradY,
            ScanInputs inputs,
            ModalityLayout layout,
            Carry carry,
            Tensor y,
            Tensor states,
            ScanGradients gradients,
            Write write,
            Carry gradCarry) {
        scan.backward(gradY, inputs, layout, y, states, gradients, write, gradCarry);
    }

    @Override
    public void crossEntropyForward(Tensor x, Tensor head, TokenIds targets, Tensor targetModality, Tensor lossSums) {
        crossEntropy.forward(x, head, targets, targetModality, lossSums);
    }

    @Override
    public void crossEntropyForwardBackward(
            Tensor x,
            Tensor head,
            TokenIds targets,
            Tensor targetModality,
            double scale,
            Tensor lossSums,
            Tensor gradX,
            Tensor gradHead,
            Write write) {
        crossEntropy.forwardBackward(x, head, targets, targetModality, scale, lossSums, gradX, gradHead, write);
    }

    @Override
    public void gatedGatherForward(Tensor y, Tensor rows, Tensor gates, Tensor residual, Tensor out) {
        gatedGather.forward(y, rows, gates, residual, out);
    }

    @Override
    public void gatedGatherBackward(
            Tensor gradOut, Tensor y, Tensor rows, Tensor gates, Tensor gradY, Tensor gradGates) {
        gatedGather.backward(gradOut, y, rows, gates, gradY, gradGates);
    }

    @Override
    public void squaredNorm(Tensor values, Tensor out) {
        norm.of(values, out);
    }

    @Override
    public void adamW(AdamW settings, TrainedBuffers buffers) {
        adamW.whole(settings, buffers);
    }

    @Override
    public Update updates(TrainedBuffers buffers, List<Span> parts) {
        return adamW.runBeside()
                ? new AdamWUpdates(work, stream, memory, norm, adamW, buffers, parts)
                : immediateUpdates(buffers, memory);
    }

    @Override
    public void synchronize() {
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
