/** Sound: files in and out, log-mel spectra, tokenizers that turn speech into units, and Griffin-Lim back to sound. */
package org.mixtureofmamba.tokenizers.speech;
