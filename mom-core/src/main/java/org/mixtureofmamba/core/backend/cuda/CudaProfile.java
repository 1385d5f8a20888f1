package org.mixtureofmamba.core.backend.cuda;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

import org.mixtureofmamba.core.backend.Backend;
import org.mixtureofmamba.core.backend.BackendOptions;
import org.mixtureofmamba.core.backend.Observed;
import org.mixtureofmamba.core.backend.Observed.Call;
import org.mixtureofmamba.core.backend.cuda.driver.CudaEvent;

/**
 * The cuda backend with an event on either side of each operation: how long the card spent on it, beside the fewest
 * bytes it must move. Costs a few microseconds an operation.
 */
public final class CudaProfile implements AutoCloseable {
    private final CudaBackend backend;
    private final Backend observed;
    private final List<Measured> measured = new ArrayList<>();

    private record Measured(String operation, long bytes, CudaEvent start, CudaEvent end) {}

    /**
     * The calls of one operation since {@link #reset}.
     *
     * @param milliseconds of the card, all calls together
     * @param bytes it must move at least, all calls together
     */
    public record Line(String operation, int calls, double milliseconds, long bytes) {
        private Line plus(Line other) {
            return new Line(operation, calls + other.calls, milliseconds + other.milliseconds, bytes + other.bytes);
        }
    }

    /** As {@link CudaBackendProvider#open}. */
    public CudaProfile(BackendOptions options) {
        this.backend = (CudaBackend) new CudaBackendProvider().open(options);
        this.observed = Observed.of(backend, this::measure);
    }

    /** The backend that is watched. */
    public Backend backend() {
        return observed;
    }

    private Object measure(Call call, Supplier<Object> run) {
        var start = new CudaEvent(CudaEvent.Timing.TIMED);
        var end = new CudaEvent(CudaEvent.Timing.TIMED);
        start.record(backend.stream());
        var result = run.get();
        end.record(backend.stream());
        measured.add(new Measured(call.operation(), call.bytes(), start, end));
        return result;
    }

    /** Forgets what was measured. */
    public void reset() {
        measured.forEach(one -> {
            one.start.close();
            one.end.close();
        });
        measured.clear();
    }

    /** What was measured since the last reset, in order of first use; waits for the card. */
    public List<Line> lines() {
        backend.synchronize();
        Map<String, Line> lines = new LinkedHashMap<>();
        for (var one : measured) {
            var line = new Line(one.operation, 1, one.end.millisecondsSince(one.start), one.bytes);
            lines.merge(one.operation, line, Line::plus);
        }
        return List.copyOf(lines.values());
    }

    @Override
    public void close() {
        reset();
        backend.close();
    }
}
