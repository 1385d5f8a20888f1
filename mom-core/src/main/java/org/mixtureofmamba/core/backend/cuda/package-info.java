/**
 * bf16 training on one CUDA device: driver, memory, kernels compiled at first use, matrix products of cuBLASLt, and the
 * operations of {@link org.mixtureofmamba.core.backend.Backend} upon them. The kernels are {@code .cu} resources of
 * this package, one operation a file. Nothing here touches a CUDA library before a backend is opened or asked about.
 */
package org.mixtureofmamba.core.backend.cuda;
