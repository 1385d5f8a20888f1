package org.mixtureofmamba.data.loader;

import org.mixtureofmamba.core.modality.TokenBatch;

/**
 * A batch with the latents of its images.
 *
 * @param latents [image rows of the batch, C] in the order of the image slab; empty where images are discrete
 */
public record LatentBatch(TokenBatch tokens, float[] latents) {}
