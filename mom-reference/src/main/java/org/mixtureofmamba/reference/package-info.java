/**
 * The judge of the other backends: every operation in its simplest form, in float64, on ND4J. One operation a file, its
 * forward beside its backward. Tensors live in host memory and are copied to ND4J arrays and back at each operation;
 * only ND4J's public arrays are used, so the same code runs on any ND4J backend. Nothing here is written for speed.
 */
package org.mixtureofmamba.reference;
