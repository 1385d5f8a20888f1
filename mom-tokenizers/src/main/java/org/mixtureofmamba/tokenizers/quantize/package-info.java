/**
 * Vector quantisation: codebooks, the k-means that learns them, and the file that tokenizers keep their parameters in.
 */
package org.mixtureofmamba.tokenizers.quantize;
