/** Layers, each parameters, forward and backward, written once against the Backend. */
package org.mixtureofmamba.core.nn;
