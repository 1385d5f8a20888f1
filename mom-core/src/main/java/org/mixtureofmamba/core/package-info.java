/**
 * Tensors, the backends and their kernels, layers, models and safetensors; knows nothing of files of data, runs or
 * reports.
 */
package org.mixtureofmamba.core;
