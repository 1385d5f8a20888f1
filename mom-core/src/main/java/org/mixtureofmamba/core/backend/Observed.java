package org.mixtureofmamba.core.backend;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

import org.mixtureofmamba.core.modality.TokenIds;
import org.mixtureofmamba.core.tensor.Tensor;

/** A backend whose operations, those of its memory included, are each watched: timed, counted or written down. */
public final class Observed {
    private Observed() {}

    /**
     * One call of an operation.
     *
     * @param operation its name, as {@code linearForward}
     * @param arguments as the operation takes them
     */
    public record Call(String operation, List<Object> arguments) {
        /** What the operation must move at the least: each tensor among its arguments read or written once. */
        public long bytes() {
            return arguments.stream().mapToLong(Call::bytes).sum();
        }

        private static long bytes(Object argument) {
            return switch (argument) {
                case Tensor tensor -> tensor.size() * tensor.dtype().byteSize();
                case TokenIds ids -> bytes(ids.values());
                case List<?> list -> list.stream().mapToLong(Call::bytes).sum();
                case Optional<?> optional -> optional.map(Call::bytes).orElse(0L);
                case Carry carry -> bytes(carry.before()) + bytes(carry.after());
                case ScanInputs in ->
                    bytes(List.of(in.x(), in.dt(), in.dtBias(), in.logA(), in.matB(), in.matC(), in.skipD(), in.z()));
                case ScanGradients of ->
                    bytes(List.of(of.x(), of.dt(), of.dtBias(), of.logA(), of.matB(), of.matC(), of.skipD(), of.z()));
                default -> 0;
            };
        }
    }

    /** What happens around each call. */
    @FunctionalInterface
    public interface Observer {
        /**
         * @param run the call itself, which must be run once
         * @return what it returned
         */
        Object around(Call call, Supplier<Object> run);
    }

    /** The backend, watched from now on. Closing it closes the backend. */
    public static Backend of(Backend backend, Observer observer) {
        var memory = proxy(Memory.class, backend.memory(), observer, Optional.empty());
        return proxy(Backend.class, backend, observer, Optional.of(memory));
    }

    private static <T> T proxy(Class<T> type, T target, Observer observer, Optional<Memory> memory) {
        var proxy = Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, (self, method, arguments) -> {
            if (method.getName().equals("memory") && memory.isPresent()) {
                return memory.get();
            }
            var all = arguments == null ? List.of() : Arrays.asList(arguments);
            Supplier<Object> run = () -> {
                try {
                    return method.invoke(target, arguments);
                } catch (InvocationTargetException e) {
                    throw rethrown(e.getCause());
                } catch (IllegalAccessException e) {
                    throw new IllegalStateException(e);
                }
            };
            boolean isOperation = method.getReturnType() == void.class && arguments != null
                    || method.getName().equals("selectiveScanForward");
            return isOperation ? observer.around(new Call(method.getName(), all), run) : run.get();
        });
        return type.cast(proxy);
    }

    private static RuntimeException rethrown(Throwable cause) {
        return switch (cause) {
            case RuntimeException e -> e;
            case Error e -> throw e;
            default -> new IllegalStateException(cause);
        };
    }
}
