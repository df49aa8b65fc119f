#!/usr/bin/env python3
"""Makes the variants in examples/ from examples/portrait.png (needs python3-pil).

The results are committed; run this again only to change them. See examples/README.md.
"""

from pathlib import Path

from PIL import Image

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"


def main() -> None:
    # Without the file's colour profile and comments, so that the variants stay small.
    portrait = Image.open(EXAMPLES / "portrait.png").convert("RGB")
    portrait.info.clear()

    formats = EXAMPLES / "formats"
    formats.mkdir(exist_ok=True)
    portrait.save(formats / "baseline.jpg", quality=85)
    portrait.save(formats / "progressive.jpg", quality=85, progressive=True)
    portrait.convert("L").save(formats / "grey.jpg", quality=85)
    portrait.save(formats / "lossy.webp", quality=80)
    portrait.quantize(64).save(formats / "palette.png", optimize=True)

    sizes = EXAMPLES / "sizes"
    sizes.mkdir(exist_ok=True)
    portrait.resize((511, 513), Image.LANCZOS).save(sizes / "511x513.jpg", quality=85)
    portrait.crop((96, 0, 384, 360)).save(sizes / "288x360.png", optimize=True)

    (EXAMPLES / "broken.jpg").write_bytes(
        b"This file has a picture's name and no picture in it. The other files do not mind.\n"
    )


if __name__ == "__main__":
    main()
