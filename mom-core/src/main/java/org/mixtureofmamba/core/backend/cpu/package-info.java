/**
 * Float32 for training on a CPU: vectorised kernels on a few threads, matrix products by OpenBLAS. One operation a
 * file, forward beside backward.
 */
package org.mixtureofmamba.core.backend.cpu;
