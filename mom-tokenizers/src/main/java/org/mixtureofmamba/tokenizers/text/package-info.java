/** Byte-level byte-pair encoding: trainer, encoder, decoder, and the {@code tokenizer.json} of Hugging Face. */
package org.mixtureofmamba.tokenizers.text;
