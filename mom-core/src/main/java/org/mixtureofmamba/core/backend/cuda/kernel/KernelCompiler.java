package org.mixtureofmamba.core.backend.cuda.kernel;

import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

import org.bytedeco.cuda.global.nvrtc;
import org.bytedeco.cuda.nvrtc._nvrtcProgram;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.PointerPointer;
import org.bytedeco.javacpp.SizeTPointer;
import org.mixtureofmamba.core.FailureException;
import org.mixtureofmamba.core.backend.cuda.driver.CudaErrors;

/** Turns CUDA C++ into machine code for one architecture. */
public interface KernelCompiler {
    /** Changes whenever the same source could become other machine code. */
    String version();

    /**
     * @param name of the file, for messages
     * @param headers by the name under which sources include them
     * @return a cubin
     * @throws FailureException with the compiler's first message if the source does not compile
     */
    byte[] compile(String name, String source, Map<String, String> headers, List<String> options);

    /** The compiler of the CUDA toolkit as a library. */
    final class Nvrtc implements KernelCompiler {
        @Override
        public String version() {
            var major = new int[1];
            var minor = new int[1];
            CudaErrors.checkCompiler(nvrtc.nvrtcVersion(major, minor), "nvrtcVersion", "the compiler's version");
            return "nvrtc " + major[0] + "." + minor[0];
        }

        @Override
        public byte[] compile(String name, String source, Map<String, String> headers, List<String> options) {
            var headerNames = headers.keySet().toArray(String[]::new);
            var headerTexts = headers.values().toArray(String[]::new);
            // Functions without annotation, lambdas among them, are the device's: there is no host here.
            var allOptions = Stream.concat(options.stream(), Stream.of("--device-as-default-execution-space"));
            try (var program = new _nvrtcProgram();
                    var sourceText = new BytePointer(source);
                    var sourceName = new BytePointer(name);
                    var texts = new PointerPointer<BytePointer>(headerTexts);
                    var names = new PointerPointer<BytePointer>(headerNames);
                    var flags = new PointerPointer<BytePointer>(allOptions.toArray(String[]::new))) {
                CudaErrors.checkCompiler(
                        nvrtc.nvrtcCreateProgram(program, sourceText, sourceName, headers.size(), texts, names),
                        "nvrtcCreateProgram",
                        name);
                try {
                    int status = nvrtc.nvrtcCompileProgram(program, options.size() + 1, flags);
                    if (status == nvrtc.NVRTC_ERROR_COMPILATION || status == nvrtc.NVRTC_ERROR_INVALID_OPTION) {
                        throw new FailureException(
                                "%s does not compile with %s: %s; a changed kernel must be mended, a released one reported"
                                        .formatted(name, version(), firstError(program)));
                    }
                    CudaErrors.checkCompiler(status, "nvrtcCompileProgram", name);
                    return machineCode(program, name);
                } finally {
                    nvrtc.nvrtcDestroyProgram(program);
                }
            }
        }

        private static byte[] machineCode(_nvrtcProgram program, String name) {
            try (var size = new SizeTPointer(1)) {
                CudaErrors.checkCompiler(nvrtc.nvrtcGetCUBINSize(program, size), "nvrtcGetCUBINSize", name);
                var code = new byte[Math.toIntExact(size.get())];
                CudaErrors.checkCompiler(nvrtc.nvrtcGetCUBIN(program, code), "nvrtcGetCUBIN", name);
                return code;
            }
        }

        private static String firstError(_nvrtcProgram program) {
            try (var size = new SizeTPointer(1)) {
                nvrtc.nvrtcGetProgramLogSize(program, size);
                var log = new byte[Math.toIntExact(size.get())];
                nvrtc.nvrtcGetProgramLog(program, log);
                return new String(log, java.nio.charset.StandardCharsets.UTF_8)
                        .lines()
                        .filter(line -> line.contains("error"))
                        .findFirst()
                        .orElse("no message");
            }
        }
    }
}
