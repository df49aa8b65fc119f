"""Small pictures of many kinds, seeded."""
from PIL import Image, ImageDraw, ImageFilter

KINDS = ("photo", "drawing", "text", "noise", "gradient", "bilevel", "flat")


def photo(rng, size):
    """Noise of several scales, the coarse ones stronger."""
    image = Image.new("RGB", size)
    for scale in (16, 7, 3, 1):
        small = (max(1, size[0] // scale), max(1, size[1] // scale))
        layer = Image.frombytes("RGB", small, rng.randbytes(3 * small[0] * small[1])).resize(size, Image.Resampling.BICUBIC)
        image = Image.blend(image, layer, 0.25 + 0.02 * scale)
    return image


def drawing(rng, size):
    image = Image.new("RGB", size, tuple(rng.randbytes(3)))
    draw = ImageDraw.Draw(image)
    for _ in range(10):
        x, y = rng.randrange(size[0]), rng.randrange(size[1])
        shape = rng.choice([draw.rectangle, draw.ellipse])
        shape((x, y, x + rng.randrange(60), y + rng.randrange(40)), fill=tuple(rng.randbytes(3)))
    return image


def text(rng, size):
    """A screenshot's: dark letters on white, lines from edge to edge."""
    image = Image.new("RGB", size, rng.choice(["white", "#eee", "#102030"]))
    draw = ImageDraw.Draw(image)
    for y in range(0, size[1], 11):
        draw.text((rng.randrange(-5, 5), y), "".join(chr(rng.randrange(33, 126)) for _ in range(20)),
                  fill=rng.choice(["black", "#0044cc", "#ccc"]))
    draw.line((0, size[1] // 2, size[0], size[1] // 2), fill=tuple(rng.randbytes(3)), width=rng.randint(1, 8))
    return image


def noise(rng, size):
    return Image.frombytes("RGB", size, rng.randbytes(3 * size[0] * size[1]))


def gradient(rng, size):
    bands = [Image.linear_gradient("L").rotate(rng.randrange(4) * 90).resize(size) for _ in range(3)]
    return Image.merge("RGB", bands)


def bilevel(rng, size):
    """Black and white: coefficients as large as they come."""
    return noise(rng, size).filter(ImageFilter.BoxBlur(rng.randint(0, 3))).convert("L").point(lambda v: 255 * (v > 127)).convert("RGB")


def flat(rng, size):
    return Image.new("RGB", size, rng.choice(["black", "white", tuple(rng.randbytes(3))]))


def picture(rng):
    """RGB, or L for one in six."""
    size = (rng.randint(1, 80), rng.randint(1, 64))
    if rng.random() < 0.02:
        size = (size[0] * 6, size[1] * 6)
    image = globals()[rng.choice(KINDS)](rng, size)
    return image.convert("L") if rng.random() < 1 / 6 else image
