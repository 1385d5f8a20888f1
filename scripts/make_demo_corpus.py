"""Packs the raw packages that make-demo-corpus.sh fetched into images.tar.gz, speech.tar.gz and text.txt.gz.

Called by make-demo-corpus.sh; standard library only. Entries are sorted and carry no times or owners, so that the same
packages and the same pngquant, flac and oggenc give the same bytes.
"""

import array
import gzip
import io
import json
import math
import re
import subprocess
import sys
import tarfile
import tempfile
import wave
from pathlib import Path

TEXT_BYTES = 5_000_000
DOCUMENT_BYTES = 1_000
SPEECH_BITS = 10  # of 16: quantisation noise 46 dB under these recordings' level, better than telephone mu-law
SECONDS = 30  # of the longest clip in Spanish and French: what would make the file larger than it need be


def add(tar, name, data):
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    entry.mode = 0o644
    tar.addfile(entry, io.BytesIO(data))


def write_gzip(path, data):
    with open(path, "wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as packed:
        packed.write(data)


def images(raw, out):
    """NAME.png and NAME.json: caption, and the group that keeps skin-tone variants of one drawing together."""
    emoji = json.loads((raw / "openmoji/package/data/openmoji.json").read_text("utf-8"))
    buffer = io.BytesIO()
    count = 0
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for entry in sorted(emoji, key=lambda e: e["hexcode"]):
            code = entry["hexcode"]
            picture = raw / "png" / f"{code}.png"
            if not picture.exists():
                continue
            tags = [t.strip() for t in f"{entry['tags']},{entry['openmoji_tags']}".split(",")]
            tags = list(dict.fromkeys(t for t in tags if t and t != entry["annotation"]))
            caption = entry["annotation"] + (": " + ", ".join(tags) if tags else "")
            about = {"caption": caption, "group": entry["skintone_base_hexcode"] or code}
            add(tar, f"{code}.json", json.dumps(about, ensure_ascii=False).encode("utf-8"))
            add(tar, f"{code}.png", picture.read_bytes())
            count += 1
    write_gzip(out / "images.tar.gz", buffer.getvalue())
    print(f"{count} images")


def flac(wav):
    with wave.open(str(wav)) as source:
        rate = source.getframerate()
        samples = array.array("h", source.readframes(source.getnframes()))
    step = 1 << (16 - SPEECH_BITS)
    coarse = array.array("h", (min((s + step // 2) // step * step, 32768 - step) for s in samples))
    with tempfile.TemporaryDirectory() as scratch:
        packed = Path(scratch) / "clip.flac"
        subprocess.run(
            ["flac", "-s", "-8", "-e", "-p", "--no-padding", "--no-seektable", "--force-raw-format", "--endian=little",
             "--sign=signed", "--channels=1", "--bps=16", f"--sample-rate={rate}", "-o", str(packed), "-"],
            input=coarse.tobytes(), check=True)
        return packed.read_bytes()


def vorbis(wav):
    """About 9 kbit/s, a quarter of FLAC at 10 bits; the setup header, the same in all clips, packs away with gzip."""
    return subprocess.run(["oggenc", "-Q", "-q", "-1", "--serial", "0", "-o", "-", str(wav)], check=True,
                          capture_output=True).stdout


def clips(raw, language, folder, suffix, pack, longest, tar):
    """NAME.flac or NAME.ogg, and NAME.json: transcript, and a group that keeps clips of one wording together.

    The English clips keep the names, and the transcripts in files of their own, from which the shipped tokenizers came.
    """
    sounds = raw / f"asterisk-core-sounds-{language}-wav/usr/share/asterisk/sounds" / folder
    documents = raw / f"asterisk-core-sounds-{language}/usr/share/doc/asterisk-core-sounds-{language}"
    listing = documents / f"core-sounds-{language}.txt.gz"
    names, seconds = set(), 0.0
    for line in sorted(gzip.open(listing, "rt", encoding="utf-8").read().splitlines()):
        key, colon, transcript = line.partition(":")
        transcript = re.sub(r"\s+", " ", re.sub(r"\[[^]]*\]|<[^>]*>", " ", transcript)).strip()
        wav = sounds / f"{key.strip()}.wav"
        if line.startswith((";", "silence/")) or not colon or not re.search(r"\w", transcript) or not wav.exists():
            continue
        name = ("" if language == "en" else f"{language}_") + key.strip().replace("/", "_")
        with wave.open(str(wav)) as source:
            duration = source.getnframes() / source.getframerate()
        if name in names or duration > longest:
            continue
        about = {"group": " ".join(re.findall(r"\w+", transcript.lower()))}
        if language == "en":
            add(tar, f"{name}.txt", transcript.encode("utf-8"))
        else:
            about["text"] = transcript
        add(tar, f"{name}.json", json.dumps(about, ensure_ascii=False).encode("utf-8"))
        add(tar, f"{name}{suffix}", pack(wav))
        names.add(name)
        seconds += duration
    print(f"{len(names)} clips of {language}, {seconds:.0f} s")


def speech(raw, out):
    """Telephone prompts of two speakers in three languages; the English ones come first, in better quality."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        clips(raw, "en", "en_US_f_Allison", ".flac", flac, math.inf, tar)
        clips(raw, "es", "es_MX_f_Allison", ".ogg", vorbis, SECONDS, tar)
        clips(raw, "fr", "fr_CA_f_June", ".ogg", vorbis, SECONDS, tar)
    write_gzip(out / "speech.tar.gz", buffer.getvalue())


PARTS = {"n": "noun", "v": "verb", "adj": "adjective", "adv": "adverb"}


def entries(dictionary):
    """One line per word sense, each sense once: 'word, noun: gloss; "example" (also: synonyms)'."""
    seen = set()
    head, part, sense = "", "", []

    def line():
        text = re.sub(r"\s+", " ", " ".join(sense)).replace("`", "'").replace("{", "").replace("}", "")
        text = re.sub(r"\s*\[ant: [^]]*\]", "", text)
        synonyms = re.search(r"\s*\[syn: ([^]]*)\]", text)
        gloss = re.sub(r"\s*\[syn: [^]]*\]", "", text).strip()
        others = [s for s in (synonyms[1].split(", ") if synonyms else []) if s.lower() != head.lower()]
        if not gloss or gloss in seen:
            return None
        seen.add(gloss)
        return f"{head}, {PARTS[part]}: {gloss}" + (f" (also: {', '.join(others)})" if others else "")

    for raw_line in dictionary.splitlines() + ["end"]:
        start = re.match(r"    (?:(n|v|adj|adv) )?(?:(\d+): |: )(.*)", raw_line) if raw_line.startswith("    ") else None
        if start is None and raw_line.startswith("     "):
            sense.append(raw_line)
            continue
        start = start or re.match(r"\s+(?:(n|v|adj|adv) ?)?(\d*): (.*)", raw_line)
        if sense and (text := line()):
            yield text
        if start:
            part, sense = start[1] or part, [start[3]]
        else:
            head, sense = raw_line.strip(), []


def text(raw, out):
    """Pages of about a kilobyte, one blank line between them, spread evenly over the alphabet."""
    dictionary = gzip.open(raw / "dict-wn/usr/share/dictd/wn.dict.dz", "rt", encoding="utf-8").read()
    dictionary = dictionary[dictionary.index("\n1\n    adj 1:") + 1:]
    pages, page = [], []
    for sense in entries(dictionary):
        page.append(sense)
        if sum(len(s.encode("utf-8")) + 1 for s in page) >= DOCUMENT_BYTES:
            pages.append("\n".join(page))
            page = []
    total = sum(len(p.encode("utf-8")) + 2 for p in pages)
    keep = min(1.0, TEXT_BYTES / total)
    chosen = [p for i, p in enumerate(pages) if int((i + 1) * keep) > int(i * keep)]
    write_gzip(out / "text.txt.gz", ("\n\n".join(chosen) + "\n").encode("utf-8"))
    print(f"{len(chosen)} of {len(pages)} pages, {sum(len(p) for p in chosen)} of {total} characters")


if __name__ == "__main__":
    source, target = Path(sys.argv[1]), Path(sys.argv[2])
    images(source, target)
    speech(source, target)
    text(source, target)
