package org.mixtureofmamba.tokenizers;

import org.mixtureofmamba.core.UserException;

/**
 * What this module reads only where a project takes the library for it: text alone needs none of them. A call that
 * needs one that is missing names it.
 */
public enum OptionalLibrary {
    SVG("org.apache.xmlgraphics:batik-transcoder", "org.apache.batik.transcoder.Transcoder"),
    WEBP("com.twelvemonkeys.imageio:imageio-webp", "com.twelvemonkeys.imageio.plugins.webp.WebPImageReaderSpi"),
    /** JPEG of other colours than Java's own reader knows, as CMYK. */
    JPEG("com.twelvemonkeys.imageio:imageio-jpeg", "com.twelvemonkeys.imageio.plugins.jpeg.JPEGImageReaderSpi"),
    MP3("com.googlecode.soundlibs:jlayer", "javazoom.jl.decoder.Decoder"),
    VORBIS("com.googlecode.soundlibs:jorbis", "com.jcraft.jorbis.Info"),
    /** Speech units, which are made of spectra. */
    SPECTRA("com.github.wendykierp:JTransforms", "org.jtransforms.fft.FloatFFT_1D");

    private final String artifact;
    private final String type;

    OptionalLibrary(String artifact, String type) {
        this.artifact = artifact;
        this.type = type;
    }

    /** Group and artifact of the library. */
    public String artifact() {
        return artifact;
    }

    /** Whether it is on the class path. */
    public boolean present() {
        try {
            Class.forName(type, false, OptionalLibrary.class.getClassLoader());
            return true;
        } catch (ClassNotFoundException e) {
            return false;
        }
    }

    /**
     * Says what to add where the library is missing.
     *
     * @param what needs it, as {@code picture.svg is SVG}
     * @throws UserException if it is not on the class path
     */
    public void require(String what) {
        if (!present()) {
            throw new UserException("%s, which needs %s; add it to the class path".formatted(what, artifact));
        }
    }
}
