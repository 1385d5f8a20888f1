"""Unpacks one package that fetch-corpus.sh fetched into a folder of plain files: pages of text, or media with a .txt beside each.

Called by fetch-corpus.sh as NAME RAW OUT; standard library only. The same package gives the same files.
"""

import gzip
import html.parser
import json
import re
import shutil
import sys
from pathlib import Path

from make_demo_corpus import DOCUMENT_BYTES, entries

MANUALS = {"sqlite-doc": "sqlite3-doc", "postgres-doc": "postgresql-doc-*", "node-doc": "nodejs-doc"}
GPL_NOTICE = "GPL: not for anything that is published with this project, trained weights included.\n"


def write_pages(path, paragraphs):
    """Pages of about a kilobyte with one blank line between them."""
    pages, page, size = [], [], 0
    for paragraph in paragraphs:
        page.append(paragraph)
        size += len(paragraph.encode("utf-8")) + 1
        if size >= DOCUMENT_BYTES:
            pages.append("\n".join(page))
            page, size = [], 0
    if page:
        pages.append("\n".join(page))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n\n".join(pages) + "\n", "utf-8")
    print(f"{path}: {len(pages)} pages, {path.stat().st_size} bytes")


def dictionary(raw, package, name):
    path = raw / f"{package}/usr/share/dictd/{name}.dict.dz"
    return gzip.open(path, "rt", encoding="utf-8", errors="replace").read()


def wordnet(raw, out):
    text = dictionary(raw, "dict-wn", "wn")
    write_pages(out / "wordnet.txt", entries(text[text.index("\n1\n    adj 1:") + 1:]))


def plain_dictionary(raw, out, name):
    text = dictionary(raw, f"dict-{name}", name)
    paragraphs = (re.sub(r"[ \t]+\n", "\n", p).strip("\n") for p in re.split(r"\n\s*\n", text))
    write_pages(out / f"{name}.txt", (p for p in paragraphs if p.strip() and not p.lstrip().startswith("00-database")))


def python_doc(raw, out):
    count = 0
    for package in sorted(raw.glob("python3.*-doc")):
        root = next(package.glob("usr/share/doc/python3.*/html/_sources"))
        for file in sorted(root.rglob("*.txt")):
            target = out / "python-doc" / file.relative_to(root)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)
            count += 1
    print(f"{out / 'python-doc'}: {count} files")


class Paragraphs(html.parser.HTMLParser):
    """The text of a page of HTML, a block element a paragraph."""

    BLOCKS = {"p", "div", "li", "tr", "h1", "h2", "h3", "h4", "h5", "pre", "dt", "dd", "table", "ul", "ol", "td", "title"}
    HIDDEN = {"script", "style", "nav"}

    def __init__(self):
        super().__init__()
        self.done, self.open, self.hidden, self.pre = [], [], 0, 0

    def handle_starttag(self, tag, attributes):
        self.hidden += tag in self.HIDDEN
        if tag in self.BLOCKS:
            self.close_paragraph()
        self.pre += tag == "pre"

    def handle_endtag(self, tag):
        self.hidden -= tag in self.HIDDEN
        if tag in self.BLOCKS:
            self.close_paragraph()
        self.pre -= tag == "pre"

    def handle_data(self, data):
        if self.hidden <= 0:
            self.open.append(data)

    def close_paragraph(self):
        text = "".join(self.open)
        text = re.sub(r"\n\s*\n", "\n", text).strip("\n") if self.pre > 0 else re.sub(r"\s+", " ", text).strip()
        if len(text) > 1:
            self.done.append(text)
        self.open = []


def manual(raw, out, name, package):
    def paragraphs():
        for directory in sorted(raw.glob(package)):
            for file in sorted((directory / "usr/share/doc").rglob("*.html")):
                parser = Paragraphs()
                parser.feed(file.read_text("utf-8", errors="replace"))
                parser.close_paragraph()
                yield from parser.done

    # navigation and boilerplate come again on every page
    write_pages(out / f"{name}.txt", dict.fromkeys(paragraphs()))


def put(target, source, text):
    """A media file and its text."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    target.with_suffix(".txt").write_text(text + "\n", "utf-8")


def emoji(raw, out):
    package = raw / "emoji/package"
    count = 0
    for entry in json.loads((package / "emoji.json").read_text("utf-8")):
        for variant in [entry, *entry.get("skin_variations", {}).values()]:
            picture = package / "img/google/64" / variant["image"]
            if picture.exists():
                caption = f"{entry['name'].lower()}: {entry['subcategory'].replace('-', ' ')}, {entry['category'].lower()}"
                put(out / "emoji" / variant["image"], picture, caption)
                count += 1
    print(f"{out / 'emoji'}: {count} pictures")


def asterisk(raw, out, language):
    package = f"asterisk-core-sounds-{language}"
    sounds = next((raw / f"{package}-wav/usr/share/asterisk/sounds").glob(f"{language}_*"))
    listing = gzip.open(raw / f"{package}/usr/share/doc/{package}/core-sounds-{language}.txt.gz", "rt", encoding="utf-8").read()
    count = 0
    for line in listing.splitlines():
        key, colon, transcript = line.partition(":")
        transcript = re.sub(r"\s+", " ", re.sub(r"\[[^]]*\]|<[^>]*>", " ", transcript)).strip()
        clip = sounds / f"{key.strip()}.wav"
        if line.startswith((";", "silence/")) or not colon or not re.search(r"\w", transcript) or not clip.exists():
            continue
        put(out / "speech" / language / (key.strip().replace("/", "_") + ".wav"), clip, transcript)
        count += 1
    print(f"{out / 'speech' / language}: {count} clips")


def stamps(raw, out):
    root = raw / "tuxpaint-stamps-default/usr/share/tuxpaint/stamps"
    pictures = clips = 0
    for about in sorted(root.rglob("*.txt")):
        lines = about.read_text("utf-8", errors="replace").splitlines()
        texts = {"": lines[0].strip() if lines else ""}
        for line in lines[1:]:
            language, equals, text = line.partition(".utf8=")
            if equals:
                texts[language] = text.strip()
        for picture in (about.with_suffix(".png"), about.with_suffix(".svg")):
            if picture.exists() and texts[""]:
                put(out / "stamps" / picture.relative_to(root), picture, texts[""])
                pictures += 1
                break
        for language, text in texts.items():
            clip = about.with_name(about.stem + "_desc" + (f"_{language}" if language else "") + ".ogg")
            if clip.exists() and text:
                put(out / "stamps" / clip.relative_to(root), clip, text)
                clips += 1
    print(f"{out / 'stamps'}: {pictures} pictures, {clips} clips")


def fillets(raw, out, language):
    sounds = raw / f"fillets-ng-data-{language}/usr/share/games/fillets-ng/sound"
    scripts = raw / "fillets-ng-data/usr/share/games/fillets-ng/script"
    count = 0
    for script in sorted(scripts.glob(f"*/dialogs_{language}.lua")):
        text = script.read_text("utf-8", errors="replace")
        for key, line in re.findall(r'dialogId\("([^"]+)".*?\)\s*dialogStr\("((?:[^"\\]|\\.)*)"\)', text, re.S):
            clip = sounds / script.parent.name / language / f"{key}.ogg"
            if clip.exists() and line:
                put(out / f"fillets-{language}" / script.parent.name / f"{key}.ogg", clip, line.replace('\\"', '"'))
                count += 1
    print(f"{out / ('fillets-' + language)}: {count} clips")


def main(name, raw, out):
    if name in ("gcide", "stamps") or name.startswith("fillets-"):
        out = out / "gpl"
        out.mkdir(parents=True, exist_ok=True)
        (out / "NOT-FOR-PUBLISHED-ARTIFACTS").write_text(GPL_NOTICE)
    kind, _, language = name.partition("-")
    if name == "python-doc":
        python_doc(raw, out)
    elif name in MANUALS:
        manual(raw, out, name, MANUALS[name])
    elif kind == "asterisk":
        asterisk(raw, out, language)
    elif kind == "fillets":
        fillets(raw, out, language)
    elif name in ("jargon", "devil", "gcide"):
        plain_dictionary(raw, out, name)
    else:
        {"wordnet": wordnet, "emoji": emoji, "stamps": stamps}[name](raw, out)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
