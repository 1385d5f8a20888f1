/** Images: files in and out, bringing them to one size, and tokenizers that turn them into codes. */
package org.mixtureofmamba.tokenizers.image;
