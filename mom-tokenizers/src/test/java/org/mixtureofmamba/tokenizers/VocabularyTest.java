package org.mixtureofmamba.tokenizers;

import org.junit.jupiter.api.Test;
import org.mixtureofmamba.core.UserException;
import org.mixtureofmamba.core.modality.Modality;
import org.mixtureofmamba.tokenizers.Vocabulary.Special;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class VocabularyTest {
    private final Vocabulary vocabulary = new Vocabulary(5, 3, 2);

    @Test
    void everyIdIsOneTokenOfOneModality() {
        assertThat(vocabulary.size()).isEqualTo(7 + 5 + 3 + 2);
        int id = 0;
        for (var special : Special.values()) {
            expect(id++, vocabulary.special(special), Modality.TEXT, special.ordinal(), true);
        }
        for (int i = 0; i < 5; i++) {
            expect(id++, vocabulary.text(i), Modality.TEXT, i, false);
        }
        for (int i = 0; i < 3; i++) {
            expect(id++, vocabulary.image(i), Modality.IMAGE, i, false);
        }
        for (int i = 0; i < 2; i++) {
            expect(id++, vocabulary.speech(i), Modality.SPEECH, i, false);
        }
        assertThat(id).isEqualTo(vocabulary.size());
    }

    private void expect(int id, int actual, Modality modality, int local, boolean special) {
        assertThat(actual).isEqualTo(id);
        assertThat(vocabulary.modalityOf(id)).isEqualTo(modality);
        assertThat(vocabulary.localId(id)).isEqualTo(local);
        assertThat(vocabulary.isSpecial(id)).isEqualTo(special);
    }

    @Test
    void idsOutsideTheirRangeAreRefused() {
        assertThatThrownBy(() -> vocabulary.text(5)).isInstanceOf(UserException.class);
        assertThatThrownBy(() -> vocabulary.image(-1)).isInstanceOf(UserException.class);
        assertThatThrownBy(() -> vocabulary.speech(2)).isInstanceOf(UserException.class);
        assertThatThrownBy(() -> vocabulary.localId(vocabulary.size())).isInstanceOf(UserException.class);
        assertThatThrownBy(() -> new Vocabulary(0, 1, 1)).isInstanceOf(UserException.class);
    }
}
