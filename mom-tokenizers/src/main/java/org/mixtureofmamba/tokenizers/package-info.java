/** Text BPE, image and speech tokenizers and the unified vocabulary; knows nothing of training. */
package org.mixtureofmamba.tokenizers;
