package org.mixtureofmamba.data.prepare;

import java.util.ArrayList;
import java.util.List;

import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.data.document.DocumentBatch;
import org.mixtureofmamba.data.document.DocumentTokenizer;
import org.mixtureofmamba.data.source.Sample;

/**
 * What came of some samples, in their order.
 *
 * @param documents as they go into a shard
 * @param skipped samples that gave none, and why
 */
record Tokenised(List<TokenisedDocument> documents, List<Sample.Rejected> skipped) {
    /**
     * A document as it goes into a shard.
     *
     * @param tokens ids of the unified vocabulary, control tokens and all
     * @param latents of its images, where they are not discrete, one after another
     */
    record TokenisedDocument(String id, boolean heldOut, int[] tokens, float[] latents) {}

    /** Makes the documents of some samples; a pure function of them. */
    static Tokenised of(List<Sample> samples, DocumentTokenizer tokenizer) {
        var batch = new DocumentBatch(tokenizer);
        var rejected = new ArrayList<Sample.Rejected>();
        for (var sample : samples) {
            try {
                batch.add(sample);
            } catch (UserException e) {
                rejected.add(new Sample.Rejected(sample.id(), e.getMessage()));
            }
        }
        var made = batch.finish().stream()
                .map(document -> new TokenisedDocument(
                        document.id(),
                        document.heldOut(),
                        tokenizer.interleaver().tokens(document),
                        document.latents()))
                .toList();
        return new Tokenised(made, rejected);
    }
}
