package org.mixtureofmamba.data.prepare;

import java.util.ArrayList;
import java.util.List;

import org.mixtureofmamba.core.UserException;
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
        var made = new ArrayList<TokenisedDocument>();
        var rejected = new ArrayList<Sample.Rejected>();
        for (var sample : samples) {
            try {
                for (var document : tokenizer.documents(sample)) {
                    made.add(new TokenisedDocument(
                            document.id(), document.heldOut(), tokenizer.interleaver().tokens(document), document.latents()));
                }
            } catch (UserException e) {
                rejected.add(new Sample.Rejected(sample.id(), e.getMessage()));
            }
        }
        return new Tokenised(made, rejected);
    }
}
