package org.mixtureofmamba.data.source;

import java.util.List;

import org.mixtureofmamba.core.modality.Modality;
import org.mixtureofmamba.data.Setting;
import org.mixtureofmamba.data.document.Augmentation;
import org.mixtureofmamba.data.document.HeldOutSplit;

/**
 * The corpus that ships with the project: dictionary pages, captioned drawings, transcribed telephone prompts. Whose
 * work it is and under which licences stands in {@code demo/ATTRIBUTION.md} beside it;
 * {@code scripts/make-demo-corpus.sh} made it.
 */
public final class DemoCorpus {
    /**
     * Mirror images and three speeds, so that the demo's steps end before any document comes a second time; a clip is
     * then heard 1.5 times on average, each time at another speed.
     */
    public static final Augmentation AUGMENTATION = new Augmentation(true, List.of(0.9, 1.0, 1.1));

    /**
     * At least 10,000 held-out tokens of each modality: few of the texts, many of the clips. A clip's speeds and other
     * clips of its words, a drawing's mirror image and its skin tones are on its side.
     */
    public static final HeldOutSplit SPLIT = new HeldOutSplit(0.01, 0.05, 0.12);

    private static final String FOLDER = "/org/mixtureofmamba/data/demo/";
    private static final String IMAGES = "images.tar.gz";

    private DemoCorpus() {}

    /** Whether this build has it: a bundle for GPU machines has the tokens that were made of it instead. */
    public static boolean isPresent() {
        return DemoCorpus.class.getResource(FOLDER + IMAGES) != null;
    }

    /** The sources of a setting: {@code text}, {@code images} and, where the setting has it, {@code speech}. */
    public static List<Source> sources(Setting setting) {
        return setting.has(Modality.SPEECH) ? List.of(text(), images(), speech()) : List.of(text(), images());
    }

    /** 4,685 pages of WordNet glosses, about a kilobyte each. */
    public static Source text() {
        return new TextPagesSource("text", List.of(resource("text.txt.gz")));
    }

    /** 4,495 OpenMoji drawings, 64 pixels square, captioned. */
    public static Source images() {
        return new WebDatasetSource("images", List.of(resource(IMAGES)));
    }

    /** 1,534 clips of two speakers in English, Spanish and French, 72 minutes at 8 kHz, with transcripts. */
    public static Source speech() {
        return new WebDatasetSource("speech", List.of(resource("speech.tar.gz")));
    }

    private static Bytes resource(String name) {
        return Bytes.ofResource(DemoCorpus.class, FOLDER + name);
    }
}
