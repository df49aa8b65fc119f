"""Pictures of some size, seeded, by source: what could be taken for a seam of damage, and what damage is told of in.

Edges along rows of blocks, steps of one row, areas that differ by a constant: selections of text in a console, maps of
tiles, strips and collages, letterboxes, overlays, contours of what was compressed before. Needs numpy.
"""
import io
import pathlib

import numpy
from PIL import Image, ImageDraw, ImageFilter, ImageFont

FONTS = sorted(pathlib.Path("/usr/share/fonts").rglob("*.ttf"))
LETTERS = "etaoinshrdlucmfwypvbgkjqxz.,-_()[]{}=+0123456789"


def numbers(rng):
    return numpy.random.default_rng(rng.randrange(1 << 30))


def colour(rng):
    return tuple(rng.randbytes(3))


def image_of(pixels):
    return Image.fromarray(numpy.clip(pixels, 0, 255).astype("uint8"))


def font(rng, size):
    return ImageFont.truetype(str(rng.choice(FONTS)), size) if FONTS else ImageFont.load_default()


def words(rng, count):
    return " ".join("".join(rng.choice(LETTERS[:16]) for _ in range(rng.randint(1, 10))) for _ in range(count))


def photograph(rng, size, noise=None):
    """A photograph's spectrum, shapes with edges, and a sensor's noise."""
    random = numbers(rng)
    width, height = size
    frequency = numpy.hypot(numpy.fft.fftfreq(height)[:, None] * height, numpy.fft.rfftfreq(width)[None] * width)
    amplitude = 1 / numpy.maximum(frequency, 1) ** rng.uniform(1.0, 1.6)
    planes = []
    for _ in range(3):
        plane = numpy.fft.irfft2(amplitude * numpy.exp(2j * numpy.pi * random.random(amplitude.shape)), (height, width))
        planes.append(128 + rng.uniform(15, 60) * plane / plane.std())
    pixels = numpy.stack([0.75 * planes[0] + 0.25 * plane for plane in planes], -1)
    y, x = numpy.mgrid[:height, :width]
    for _ in range(rng.randint(0, 12)):
        radius = random.integers(5, max(6, width // 7))
        inside = (x - random.integers(width)) ** 2 + (y - random.integers(height)) ** 2 < radius ** 2
        pixels[inside] = 0.5 * pixels[inside] + 0.5 * random.integers(0, 256, 3)
    if rng.random() < 0.4:  # a horizon, not quite level
        below = y > height * rng.uniform(0.2, 0.8) + x * rng.uniform(-0.03, 0.03)
        pixels[below] = pixels[below] * rng.uniform(0.3, 1) + rng.uniform(-60, 60)
    noise = rng.choice([0, 1, 2, 4, 9]) if noise is None else noise
    return image_of(pixels + random.normal(0, noise, pixels.shape) if noise else pixels)


def grey(rng, size):
    return photograph(rng, size).convert("L").convert("RGB")


def drawing(rng, size):
    image = Image.new("RGB", size, colour(rng))
    draw = ImageDraw.Draw(image)
    for _ in range(rng.randint(5, 150)):
        x, y = rng.randrange(size[0]), rng.randrange(size[1])
        right, low = x + rng.randrange(5, 400), y + rng.randrange(5, 300)
        shape = rng.randrange(4)
        if shape == 0:
            draw.rectangle((x, y, right, low), fill=colour(rng))
        elif shape == 1:
            draw.ellipse((x, y, right, low), fill=colour(rng), outline="black")
        elif shape == 2:
            draw.line((x, y, right - 200, low - 150), fill=colour(rng), width=rng.randint(1, 12))
        else:
            draw.polygon([(x + rng.randrange(-200, 200), y + rng.randrange(-150, 150)) for _ in range(5)], fill=colour(rng), outline="black")
    return image


def comic(rng, size):
    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    y = 12
    while y < size[1] - 30:
        height, x = rng.randrange(60, 320), 12
        while x < size[0] - 30:
            width = rng.randrange(80, 500)
            panel = drawing(rng, size).crop((0, 0, max(1, min(width, size[0] - 12 - x)), max(1, min(height, size[1] - 12 - y))))
            image.paste(panel, (x, y))
            draw.rectangle((x, y, x + panel.width, y + panel.height), outline="black", width=3)
            x += width + 12
        y += height + 12
    return image


def screenshot(rng, size):
    """Lines of text, a bar, a side bar; now and then a selection, as wide as a word processor draws it."""
    back, fore = rng.choice([("#1e1e1e", "#d4d4d4"), ("#ffffff", "#202020")])
    image = Image.new("RGB", size, back)
    draw = ImageDraw.Draw(image)
    height = rng.choice([14, 16, 16, 16, 18, 20, 24])
    letters, bar, side = font(rng, height * 3 // 4), rng.choice([0, 24, 32, 40]), rng.choice([0, 0, 64, 80, 121])
    for y in range(bar, size[1], height):
        if rng.random() < 0.88:
            draw.text((side + rng.randrange(60), y), words(rng, rng.randint(1, 18)), fill=rng.choice([fore, fore, "#569cd6", "#ce9178"]), font=letters)
    if bar:
        draw.rectangle((0, 0, size[0], bar), fill=colour(rng))
    if side:
        draw.rectangle((0, bar, side, size[1]), fill=rng.choice(["#eeeeee", "#252526"]))
    if rng.random() < 0.5:
        first = rng.randrange(1, max(2, size[1] // height - 3))
        last = rng.randrange(first + 1, max(first + 2, size[1] // height))
        mask = Image.new("L", size, 0)
        marker = ImageDraw.Draw(mask)
        strength = rng.choice([60, 90, 128])
        top, low = bar + first * height, bar + last * height
        marker.rectangle((rng.randrange(side, size[0]), top, size[0], top + height - 1), fill=strength)
        marker.rectangle((side, top + height, size[0], low - 1), fill=strength)
        marker.rectangle((side, low, rng.randrange(side, size[0]), low + height - 1), fill=strength)
        image = Image.composite(Image.new("RGB", size, "#0060ff"), image, mask)
    return image


def console(rng, size):
    """Cells from the very corner, and a selection that begins within a line: a seam's shape, to the pixel."""
    wide, high = rng.choice([(8, 16), (8, 16), (8, 8), (16, 16), (16, 32)])
    columns, rows = size[0] // wide, size[1] // high
    back, fore = rng.choice([((0, 0, 0), (170, 170, 170)), ((255, 255, 255), (0, 0, 0)), ((30, 30, 30), (212, 212, 212)),
                             ((0, 43, 54), (131, 148, 150)), ((0, 0, 170), (255, 255, 255))])
    letters, ink = font(rng, high * 3 // 4), Image.new("L", size, 0)
    draw, dense = ImageDraw.Draw(ink), rng.uniform(0.2, 1)
    for row in range(rows):
        count = int(columns * min(1, rng.uniform(0, 1.4) * dense)) if rng.random() < 0.8 else columns
        for column in range(count):
            if rng.random() < 0.83:
                draw.text((column * wide, row * high), rng.choice(LETTERS), fill=255, font=letters)
    share = numpy.asarray(ink)[..., None] / 255
    plain = numpy.array(back) * (1 - share) + numpy.array(fore) * share
    begin = rng.randrange(columns, rows * columns * 3 // 4)
    selected = numpy.zeros(rows * columns, bool)
    selected[begin:None if rng.random() < 0.5 else rng.randrange(begin, rows * columns)] = True
    inside = numpy.zeros((size[1], size[0], 1), bool)
    inside[:rows * high, :columns * wide, 0] = numpy.kron(selected.reshape(rows, columns), numpy.ones((high, wide), bool))
    how, strength = rng.randrange(4), rng.uniform(0.1, 0.6)
    other = (255 - plain if how == 0 else numpy.array(fore) * (1 - share) + numpy.array(back) * share if how == 1 else
             plain * (1 - strength) + strength * numpy.array(colour(rng)) if how == 2 else
             numpy.array(colour(rng)) * (1 - share) + numpy.array(fore) * share)
    return image_of(numpy.where(inside, other, plain))


def tiles(rng, size):
    """A map: level ground of one tile's height a step, of flat, noisy, striped and textured tiles."""
    random, side = numbers(rng), rng.choice([8, 16, 16, 32])
    def tile():
        kind, base = rng.randrange(5), random.integers(0, 256, 3)
        strong = rng.choice([3, 10, 30])
        if kind == 0:
            return numpy.broadcast_to(base, (side, side, 3)).astype(float)
        if kind < 3:
            return base + random.normal(0, strong, (side, side, 1 if kind == 1 else 3))
        if kind == 3:
            return numpy.asarray(drawing(rng, (8 * side, 8 * side)).resize((side, side))).astype(float)
        return base + 20 * numpy.sin(numpy.mgrid[:side, :side][rng.randrange(2)] * rng.choice([0.2, 0.8, 1.6]))[..., None]
    high, wide = size[1] // side + 1, size[0] // side + 1
    level = numpy.zeros((high, wide), int)
    for number in range(1, rng.randint(2, 5)):
        ground = numpy.full(wide, rng.randrange(1, high))
        for _ in range(rng.choice([1, 1, 1, 2, 3, 12])):
            ground[rng.randrange(wide):] += rng.choice([-1, 1])
        level[numpy.arange(high)[:, None] >= ground] = number
    pixels = numpy.zeros((high * side, wide * side, 3))
    for number in range(level.max() + 1):
        where = numpy.kron(level == number, numpy.ones((side, side), bool))[..., None]
        pixels = numpy.where(where, numpy.tile(tile(), (high, wide, 1)), pixels)
    if rng.random() < 0.3:
        pixels = pixels + random.normal(0, rng.choice([2, 8, 25]), pixels.shape[:2] + (1,))
    return image_of(pixels[:size[1], :size[0]])


def checkers(rng, size):
    side = rng.choice([4, 8, 16, 32, 50, 64])
    y, x = numpy.mgrid[:size[1], :size[0]]
    return image_of(((x // side + y // side) % 2)[..., None] * (numpy.array(colour(rng)) - 0.0) + numpy.array(colour(rng)))


def gradient(rng, size):
    y, x = numpy.mgrid[:size[1], :size[0]]
    bands = []
    for _ in range(3):
        angle = rng.uniform(0, 6.3) if rng.random() < 0.7 else rng.randrange(4) * numpy.pi / 2
        band = x * numpy.cos(angle) + y * numpy.sin(angle)
        if rng.random() < 0.3:
            band = numpy.hypot(x - rng.randrange(size[0]), y - rng.randrange(size[1]))
        band = (band - band.min()) / max(1e-9, band.max() - band.min())
        bands.append(rng.randrange(256) * (1 - band) + rng.randrange(256) * band)
    pixels = numpy.stack(bands, -1)
    return image_of(pixels + numbers(rng).normal(0, 1, pixels.shape) if rng.random() < 0.3 else pixels)


def contours(rng, size):
    """A slope that is almost level, in few steps, and of blocks."""
    y, x = numpy.mgrid[:size[1], :size[0]].astype(float)
    side, step = rng.choice([1, 8, 16]), rng.choice([2, 4, 10, 25])
    level = y // side * side * rng.uniform(0.02, 1) + x // side * side * rng.uniform(-0.03, 0.03) + rng.uniform(0, 50)
    pixels = (level // step * step)[..., None] * numpy.array([rng.uniform(0.3, 1) for _ in range(3)]) + rng.randrange(80)
    if rng.random() < 0.3:
        pixels = pixels + numbers(rng).normal(0, rng.choice([1, 4]), pixels.shape)
    return image_of(pixels % 512)


def noise(rng, size):
    random = numbers(rng)
    if rng.random() < 0.3:
        return image_of(random.integers(0, 256, (size[1], size[0], 3)))
    shape = (size[1], size[0], rng.choice([1, 3, 3]))
    grain = random.normal(rng.randrange(60, 200), rng.choice([4, 15, 40]), shape)
    return image_of(numpy.broadcast_to(grain, (size[1], size[0], 3)))


def scan(rng, size):
    """Text on paper, askew, with the borders that a scanner leaves."""
    random = numbers(rng)
    image, letters = Image.new("L", size, rng.randint(225, 250)), font(rng, rng.choice([12, 15, 20, 28]))
    draw = ImageDraw.Draw(image)
    margin = rng.randrange(10, max(11, size[0] // 10))
    y, line = float(margin), rng.uniform(15, 40)
    while y < size[1] - margin:
        if rng.random() < 0.9:
            draw.text((margin, y), words(rng, 30)[:rng.randint(30, 150)], fill=rng.randint(10, 60), font=letters)
        y += line
    image = image.rotate(rng.uniform(-1.2, 1.2), fillcolor=rng.choice([0, 235]), resample=Image.Resampling.BICUBIC)
    pixels = numpy.asarray(image.filter(ImageFilter.GaussianBlur(0.6))) + random.normal(0, rng.uniform(1, 5), (size[1], size[0]))
    pixels = pixels * (1 - 0.1 * rng.random() * numpy.linspace(0, 1, size[0]))
    if rng.random() < 0.4:
        pixels[:, :rng.randrange(60)] = rng.randrange(20)
    if rng.random() < 0.4:
        pixels[-rng.randrange(1, 80):] = rng.randrange(20)
    return image_of(pixels[..., None] * numpy.array([1, rng.uniform(0.94, 1), rng.uniform(0.85, 1)]))


def any_photo(rng, size):
    return photograph(rng, size)


def collage(rng, size):
    image, gap = Image.new("RGB", size, rng.choice(["white", "black"])), rng.choice([0, 0, 8, 16])
    step, y = rng.choice([(8, 8), (16, 16), (64, 48), (96, 72)]), 0
    made = [rng.choice([any_photo, any_photo, gradient])(rng, (size[0] // 2, size[1] // 2)) for _ in range(4)]
    while y < size[1]:
        height, x = step[1] * rng.randint(1, max(1, 300 // step[1])), 0
        while x < size[0]:
            width = step[0] * rng.randint(1, max(1, 400 // step[0]))
            image.paste(rng.choice(made).resize((width, height)), (x, y))
            x += width + gap
        y += height + gap
    return image


def letterbox(rng, size):
    image, bar = Image.new("RGB", size, rng.choice(["black", "white"])), rng.randrange(4, size[1] // 4)
    image.paste(any_photo(rng, size).crop((0, bar, size[0], size[1] - bar)), (0, bar))
    if rng.random() < 0.5:
        ImageDraw.Draw(image).text((rng.randrange(size[0] // 2), size[1] - bar + 5), words(rng, 8), fill="yellow", font=font(rng, 24))
    return image


def overlay(rng, size):
    """Half transparent boxes, of which half follow the blocks."""
    mask = Image.new("L", size, 0)
    draw = ImageDraw.Draw(mask)
    for _ in range(rng.randint(1, 3)):
        x, y = ((16 * rng.randrange(side // 16) for side in size) if rng.random() < 0.5 else (rng.randrange(side) for side in size))
        end = size if rng.random() < 0.5 else (x + rng.randrange(size[0]), y + rng.randrange(size[1]))
        draw.rectangle((x, y, *end), fill=rng.randrange(30, 200))
    return Image.composite(Image.new("RGB", size, colour(rng)), any_photo(rng, size), mask)


def strips(rng, size):
    """A picture of strips that were exposed differently."""
    pixels, y = numpy.asarray(any_photo(rng, size)).astype(float), 0
    while y < size[1]:
        height = rng.choice([8, 16, 32, 64, 100, rng.randrange(8, 300)])
        pixels[y:y + height] += rng.uniform(-20, 20)
        y += height
    return image_of(pixels)


def compressed_before(rng, size):
    kind = rng.choice([gradient, any_photo, contours, scan, drawing])
    buffer = io.BytesIO()
    kind(rng, size).save(buffer, "JPEG", quality=rng.randint(3, 60), subsampling=rng.choice([0, 2]))
    with Image.open(buffer) as image:
        return image.convert("RGB")


KINDS = {"photograph": photograph, "grey photograph": grey, "drawing": drawing, "comic": comic, "screenshot": screenshot,
         "console": console, "tiles": tiles, "checkers": checkers, "gradient": gradient, "contours": contours, "noise": noise,
         "scan": scan, "collage": collage, "letterbox": letterbox, "overlay": overlay, "strips": strips,
         "compressed before": compressed_before}


def files_in(folder):
    """Pictures of a folder and its sub-folders, and what each source is called: its first folder."""
    found = {}
    for path in sorted(pathlib.Path(folder).rglob("*")):
        if path.is_file() and not path.is_symlink() and path.suffix.lower() in (".jpg", ".jpeg", ".png"):
            found.setdefault(path.relative_to(folder).parts[0], []).append(path)
    return found


def part_of(path, rng, size):
    """Of a picture file, a part at some scale."""
    with Image.open(path) as image:
        image = image.convert("RGB")
    least = max(size[0] / image.width, size[1] / image.height)
    scale = max(least, rng.uniform(least, max(1, least)))
    image = image.resize((max(size[0], round(image.width * scale)), max(size[1], round(image.height * scale))), Image.Resampling.LANCZOS)
    x, y = rng.randrange(image.width - size[0] + 1), rng.randrange(image.height - size[1] + 1)
    return image.crop((x, y, x + size[0], y + size[1]))


class Scenes:
    """Each picture is given out several times, to be encoded in different ways."""

    def __init__(self, times, folder=None):
        self.times, self.left, self.image = times, 0, None
        self.files = files_in(folder) if folder else {}
        self.kind, self.drawn, self.given = "", {}, {}

    def picture(self, rng):
        if self.left == 0:
            self.left = self.times
            width = rng.choice([rng.randint(200, 420)] * 16 + [rng.randint(420, 800)] * 3 + [1152])
            size = (width, 864 if width == 1152 else width * rng.randint(60, 100) // 100)
            self.kind = rng.choice([*KINDS, *self.files])
            if self.kind in self.files:
                try:
                    self.image = part_of(rng.choice(self.files[self.kind]), rng, size)
                except Exception:
                    self.kind = "photograph"
            if self.kind not in self.files:
                self.image = KINDS[self.kind](rng, size)
            self.drawn[self.kind] = self.drawn.get(self.kind, 0) + 1
        self.left -= 1
        self.given[self.kind] = self.given.get(self.kind, 0) + 1
        return self.image.convert("L") if rng.random() < 1 / 12 else self.image
