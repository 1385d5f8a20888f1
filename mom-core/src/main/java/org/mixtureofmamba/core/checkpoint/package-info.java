/** Safetensors and the official parameter names. */
package org.mixtureofmamba.core.checkpoint;
