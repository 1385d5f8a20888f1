package org.mixtureofmamba.tokenizers;

import java.nio.charset.StandardCharsets;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.mixtureofmamba.core.modality.Modality;

import static org.assertj.core.api.Assertions.assertThat;

class MediaTypeTest {
    @ParameterizedTest
    @CsvSource({
        "a.png,PNG",
        "a.b.JPG,JPEG",
        "x/y.jpeg,JPEG",
        "webp,WEBP",
        "a.gif,GIF",
        "a.bmp,BMP",
        "a.svg,SVG",
        "a.flac,FLAC",
        "a.WAV,WAV",
        "a.ogg,OGG",
        "a.oga,OGG",
        "a.mp3,MP3"
    })
    void aNamesEndingTellsTheType(String name, MediaType type) {
        assertThat(MediaType.ofName(name)).contains(type);
    }

    @Test
    void otherNamesTellNothing() {
        assertThat(MediaType.ofName("a.txt")).isEmpty();
        assertThat(MediaType.ofName("a.png.txt")).isEmpty();
        assertThat(MediaType.ofName("")).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "\u00ff\u00d8\u00ff|JPEG",
                "RIFF....WEBP|WEBP",
                "RIFF....WAVE|WAV",
                "GIF89a|GIF",
                "BM..|BMP",
                "<?xml?><svg>|SVG",
                "fLaC|FLAC",
                "OggS|OGG",
                "ID3|MP3",
                "\u00ff\u00fb.|MP3"
            },
            ignoreLeadingAndTrailingWhitespace = false)
    void theFirstBytesTellTheType(String start, MediaType type) {
        assertThat(MediaType.ofBytes(start.getBytes(StandardCharsets.ISO_8859_1)))
                .contains(type);
    }

    @Test
    void theBytesOfPngHoldItsLineEnds() {
        assertThat(MediaType.ofBytes("\u0089PNG\r\n\u001a\n..".getBytes(StandardCharsets.ISO_8859_1)))
                .contains(MediaType.PNG);
    }

    @Test
    void otherBytesTellNothing() {
        assertThat(MediaType.ofBytes(new byte[0])).isEmpty();
        assertThat(MediaType.ofBytes("no media".getBytes(StandardCharsets.ISO_8859_1)))
                .isEmpty();
    }

    @Test
    void everyTypeHasEndingsOfItsOwn() {
        assertThat(MediaType.endings(Modality.TEXT)).isEmpty();
        assertThat(MediaType.endings(Modality.IMAGE)).doesNotContainAnyElementsOf(MediaType.endings(Modality.SPEECH));
        for (var modality : new Modality[] {Modality.IMAGE, Modality.SPEECH}) {
            assertThat(MediaType.endings(modality))
                    .allMatch(ending -> MediaType.ofName("a." + ending)
                            .map(MediaType::modality)
                            .filter(modality::equals)
                            .isPresent());
        }
    }
}
