"""Our verdicts beside Pillow's, over a corpus of damaged files (corpus.py).

    /usr/bin/python3 tests/inspect/corpus_test.py [--write FILE] [--keep FOLDER] [TEST...]

--write: the table of what was found, as Markdown. --keep: where the corpus is to stay.
"""
import collections
import concurrent.futures
import hashlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
import warnings

import PIL
from PIL import Image, ImageFile, ImageSequence

import corpus

BIN = pathlib.Path(os.environ.get("MILLRACE_BIN_DIR", pathlib.Path(__file__).parents[2] / "build/release/bin"))
LOST = {"truncated", "corrupt", "bad-crc", "not-an-image", "empty"}
NO_VERDICT = {"ok", "too-large", "unsupported-format"}
# PNGs that Pillow refuses for what is beside their pixels: said at strict alone (docs/check.md).
BESIDE = {"bad-metadata"}

# A sign of damage, of which all pixels are there.
FOUND = LOST | {"suspicious"}

# lenient: a digest as `pixels`, of a file that loads only with LOAD_TRUNCATED_IMAGES.
Pillow = collections.namedtuple("Pillow", "opens loads frames pixels text lenient", defaults=(None,))


def digest_of(image):
    return hashlib.sha256(repr(image.size).encode() + image.convert("RGBA").tobytes()).hexdigest()


def leniently(path):
    ImageFile.LOAD_TRUNCATED_IMAGES = True
    try:
        with Image.open(path) as image:
            return digest_of(image)
    except Exception:
        return None


def ask_pillow(path):
    """What Pillow makes of a file: opens, loads (the first frame), decodes all frames, a digest of their pixels."""
    warnings.simplefilter("ignore")
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    try:
        image = Image.open(path)
    except Exception as error:
        return Pillow(False, False, False, None, repr(error))
    with image:
        try:
            image.load()
        except Exception as error:
            return Pillow(True, False, False, None, repr(error), leniently(path))
        digest = hashlib.sha256()
        try:
            for frame in ImageSequence.Iterator(image):
                digest.update(repr(frame.size).encode() + frame.convert("RGBA").tobytes())
        except Exception as error:
            return Pillow(True, True, False, None, repr(error))
        return Pillow(True, True, True, digest.hexdigest(), "")


def ask_us(level, paths):
    names = "\n".join(str(path) for path in paths)
    done = subprocess.run([BIN / "inspect_tool", level], input=names, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


class Corpus(unittest.TestCase):
    keep = None
    write = None

    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        cls.folder = pathlib.Path(cls.keep or cls.temporary.name)
        cls.samples = corpus.write_corpus(cls.folder)
        paths = [cls.folder / sample.name for sample in cls.samples]
        # libtiff writes what it thinks of damage to stderr.
        with concurrent.futures.ProcessPoolExecutor(2, initializer=os.close, initargs=(2,)) as pool:
            cls.pillow = list(pool.map(ask_pillow, paths, chunksize=32))
        cls.ours = {level: ask_us(level, paths) for level in ("open", "decode", "strict", "full")}
        cls.pixels = {sample.name: pillow.pixels for sample, pillow in zip(cls.samples, cls.pillow)}

    @classmethod
    def tearDownClass(cls):
        if cls.write:
            pathlib.Path(cls.write).write_text(cls.table())
        cls.temporary.cleanup()

    def each(self, level):
        for sample, pillow, verdict in zip(self.samples, self.pillow, self.ours[level]):
            yield sample, pillow, verdict

    def changed(self, sample, pillow):
        """Whether the damage shows: some frame has other pixels than it was written with, or none."""
        return pillow.pixels is None or pillow.pixels != self.pixels[sample.original]

    def none_of(self, wrong, what):
        shown = "\n".join(wrong[:40])
        self.assertFalse(wrong, f"{len(wrong)} files {what}:\n{shown}")

    def test_the_corpus_is_large_and_its_sound_files_are_sound(self):
        self.assertGreaterEqual(len(self.samples), 3000)
        self.none_of([f"{s.name}: {p.text}" for s, p, _ in self.each("decode") if s.damage == "sound" and not p.frames],
                     "that should be sound Pillow refuses")

    def test_a_sound_file_is_never_called_broken(self):
        for level in ("open", "decode"):
            self.none_of([f"{s.name}: {v['code']}: {v['detail']}" for s, _, v in self.each(level)
                          if s.damage in ("sound", "extension") and v["code"] != "ok"], f"at {level} are sound")
        self.none_of([f"{s.name}: {v['code']}: {v['detail']}" for s, _, v in self.each("strict")
                      if s.damage == "sound" and v["code"] != "ok"], "at strict are sound")
        self.none_of([f"{s.name}: {v['code']}" for s, _, v in self.each("strict")
                      if s.damage == "extension" and v["code"] != "extension-mismatch"], "have another's extension")

    def beside(self):
        """Names of what strict alone finds something wrong with, beside the pixels."""
        return {s.name for s, _, v in self.each("strict") if v["code"] in BESIDE}

    def test_all_that_pillow_does_not_load_is_told_of(self):
        beside = self.beside()
        self.none_of([f"{s.name}: {p.text}" for s, p, v in self.each("decode")
                      if not p.loads and v["code"] == "ok" and not (s.format == "png" and s.name in beside)],
                     "Pillow does not load and we call ok")

    def test_all_that_is_cut_where_pillow_does_not_load_it_is_proven(self):
        # Of a file without an end nothing has to be guessed. A cut behind the pixels' data has lost none of it.
        beside = self.beside()
        self.none_of([f"{s.name}: {p.text}, {v['code']}: {v['detail']}" for s, p, v in self.each("decode")
                      if not p.loads and s.damage in ("cut", "header", "empty") and v["code"] not in LOST | {"suspicious"}
                      and s.name not in beside],
                     "are cut, Pillow does not load them, and we do not call them broken")

    def test_a_jpeg_that_pillow_does_not_load_is_broken_or_has_all_its_pixels(self):
        # Its caps on a picture's size are no verdict, as ours are none. A JPEG that lacks nothing but its end mark it
        # takes or refuses by how many bits its decoder has in hand there: all pixels are there.
        self.none_of([f"{s.name}: {p.text}, {v['code']}: {v['detail']}" for s, p, v in self.each("decode")
                      if s.format == "jpeg" and not p.loads and v["code"] not in LOST
                      and not (v["code"] == "suspicious" and p.lenient == self.pixels[s.original])
                      and v["code"] != "unsupported-format"
                      and not (v["code"] == "too-large" and "DecompressionBomb" in p.text)],
                     "Pillow does not load and we do not call broken")

    def test_all_that_pillow_does_not_open_is_found_at_open(self):
        beside = self.beside()
        decode = {s.name: v["code"] for s, _, v in self.each("decode")}
        self.none_of([f"{s.name}: {p.text}" for s, p, v in self.each("open") if not p.opens and v["code"] == "ok"
                      and s.name not in beside and not (s.format == "png" and decode[s.name] == "suspicious")],
                     "Pillow does not open and we call ok")

    def test_what_is_found_beyond_pillow_has_lost_pixels(self):
        self.none_of([f"{s.name}: {v['code']}: {v['detail']}" for s, p, v in self.each("decode")
                      if v["code"] in LOST and p.loads and not self.changed(s, p)],
                     "have all their pixels")

    def test_open_refuses_no_more_than_pillow(self):
        self.none_of([f"{s.name}: {v['code']}: {v['detail']}" for s, p, v in self.each("open")
                      if p.opens and v["code"] in LOST], "Pillow opens")

    def test_the_shortcut_finds_what_a_full_decode_finds(self):
        full = self.ours["full"]
        self.none_of([f"{s.name}: {f['code']}: {f['detail']}" for (s, p, v), f in zip(self.each("decode"), full)
                      if s.format in ("jpeg", "png", "webp") and v["code"] == "ok" and f["code"] != "ok"
                      and self.changed(s, p)],
                     "a full decode finds broken and the shortcut does not")

    def test_strict_finds_all_that_decode_finds(self):
        self.none_of([f"{s.name}: {v['code']}" for (s, _, v), strict in zip(self.each("decode"), self.ours["strict"])
                      if v["code"] != "ok" and strict["code"] != v["code"]], "have another verdict at strict")

    @classmethod
    def table(cls):
        rows = collections.OrderedDict()
        for sample, pillow, verdict, strict in zip(cls.samples, cls.pillow, cls.ours["decode"], cls.ours["strict"]):
            row = rows.setdefault(sample.format, collections.Counter())
            row["files"] += 1
            if sample.damage in ("cut", "header", "flip"):
                kind = "flip" if sample.damage == "flip" else "cut"
                row[kind] += 1
                row[kind + " pillow"] += not pillow.loads
                # too-large and unsupported-format are no verdict: nothing was found.
                row[kind + " decode"] += verdict["code"] in FOUND
                row[kind + " strict"] += strict["code"] not in NO_VERDICT
                shows = pillow.pixels is None or pillow.pixels != cls.pixels[sample.original]
                row[kind + " shows"] += shows
        lines = [f"Pillow {PIL.__version__}; {len(cls.samples)} files", "",
                 "| format | files | cut: Pillow's `load` | `decode` | flips that change pixels | flips found: Pillow's "
                 "`load` | `decode` | `strict` |", "|---|---|---|---|---|---|---|---|"]
        for kind, row in rows.items():
            def share(name, of):
                return f"{100 * row[name] / max(row[of], 1):.0f} %"
            lines.append(f"| {kind} | {row['files']} | {share('cut pillow', 'cut')} | {share('cut decode', 'cut')} | "
                         f"{share('flip shows', 'flip')} | {share('flip pillow', 'flip')} | "
                         f"{share('flip decode', 'flip')} | {share('flip strict', 'flip')} |")
        return "\n".join(lines) + "\n"


if __name__ == "__main__":
    for option in ("--write", "--keep"):
        if option in sys.argv:
            at = sys.argv.index(option)
            setattr(Corpus, option[2:], sys.argv[at + 1])
            del sys.argv[at:at + 2]
    unittest.main(verbosity=2)
