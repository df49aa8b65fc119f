#!/usr/bin/python3
"""Writes examples/portrait.png as raw RGB bytes, 512 x 512 x 3:  make_portrait.py FILE"""
import pathlib
import sys

import PIL.Image

portrait = pathlib.Path(__file__).resolve().parents[4] / "examples" / "portrait.png"
image = PIL.Image.open(portrait).convert("RGB").resize((512, 512), PIL.Image.BILINEAR)
target = pathlib.Path(sys.argv[1])
target.parent.mkdir(parents=True, exist_ok=True)
target.write_bytes(image.tobytes())
