"""Golden pictures: GIF, whose first frame counts."""
import struct


def gif(width, height, frames, colors=None, background=0, tail=b";", version=b"89a"):
    """`frames`: (left, top, width, height, indices in the file's order, options) each."""
    def table(entries):
        size = max(1, (len(entries) // 3 - 1).bit_length())
        return size - 1, entries.ljust(3 << size, b"\0")

    out = b"GIF" + version + struct.pack("<HH", width, height)
    if colors is None:
        out += bytes((0, background, 0))
    else:
        bits, entries = table(colors)
        out += bytes((0x80 | 0x70 | bits, background, 0)) + entries
    for left, top, w, h, indices, options in frames:
        if "transparent" in options:
            out += b"!\xf9\4\1\0\0" + bytes((options["transparent"], 0))
        flags, own = (0x40 if options.get("interlaced") else 0), b""
        if "colors" in options:
            bits, own = table(options["colors"])
            flags |= 0x80 | bits
        code_bits = options.get("code_bits", 8)
        out += b"," + struct.pack("<HHHHB", left, top, w, h, flags) + own + bytes((code_bits,))
        packed = lzw(indices, code_bits, options.get("clear_every", 0))
        for i in range(0, len(packed), 255):
            out += bytes((len(packed[i:i + 255]),)) + packed[i:i + 255]
        out += b"\0"
    return out + tail


def lzw(indices, code_bits, clear_every=0):
    clear = 1 << code_bits
    codes, table, width, bits = [], {}, code_bits + 1, []

    def put(code):
        bits.append(format(code, f"0{width}b")[::-1])

    def fresh():
        return {(i,): i for i in range(clear)}, clear + 2, code_bits + 1

    put(clear)
    table, free, width = fresh()
    text = ()
    for n, index in enumerate(indices):
        if text + (index,) in table:
            text += (index,)
            continue
        put(table[text])
        if free < 4096:
            table[text + (index,)] = free
            if free == 1 << width and width < 12:
                width += 1
            free += 1
        if clear_every and n % clear_every == clear_every - 1:
            put(clear)
            table, free, width = fresh()
        text = (index,)
    if text:
        put(table[text])
        if free == 1 << width and width < 12:
            width += 1
    put(clear + 1)
    joined = "".join(bits)
    joined += "0" * (-len(joined) % 8)
    return bytes(int(joined[i:i + 8][::-1], 2) for i in range(0, len(joined), 8))


COLORS = bytes(i * 89 + 13 & 255 for i in range(768))
OTHERS = bytes(i * 31 + 7 & 255 for i in range(48))
GREYS = bytes(i // 3 for i in range(768))


def indices(width, height, colors):
    return [(x // 7 + y // 5 * 3 + (x * y // 11) % 5) % colors for y in range(height)
            for x in range(width)]


def interlaced(width, height, colors):
    plain = indices(width, height, colors)
    order = [y for start, step in ((0, 8), (4, 8), (2, 4), (1, 2))
             for y in range(start, height, step)]
    return [v for y in order for v in plain[y * width:(y + 1) * width]]


def pictures(scene, save):
    """file name -> a function that makes its bytes."""
    made = {}

    def one(name, width=61, height=47, colors=COLORS, screen=None, at=(0, 0), count=256,
            arrange=indices, **options):
        assert name not in made, name
        frame = (*at, width, height, arrange(width, height, count), options)
        made[f"gif-{name}.gif"] = lambda: gif(*(screen or (width, height)), [frame], colors)

    one("plain")
    one("grey", colors=GREYS)
    one("no-colours", colors=None)
    one("short-palette", colors=COLORS[:60])
    one("own-palette", colors=COLORS)
    one("own-colours", colors=None, **{"code_bits": 4, "count": 16})
    made["gif-local-palette.gif"] = lambda: gif(
        61, 47, [(0, 0, 61, 47, indices(61, 47, 16), {"colors": OTHERS, "code_bits": 4})], COLORS)
    one("transparent", transparent=5)
    one("transparent-grey", transparent=5, colors=GREYS)
    one("within-screen", screen=(90, 80), at=(11, 17))
    one("within-screen-transparent", screen=(90, 80), at=(11, 17), transparent=200)
    one("beyond-screen", screen=(40, 30), at=(11, 17))
    one("beyond-screen-transparent", screen=(40, 30), at=(11, 17), transparent=9)
    one("interlaced", arrange=interlaced, interlaced=True)
    for height in (1, 2, 3, 5, 8, 9):
        one(f"interlaced-{height}", height=height, arrange=interlaced, interlaced=True)
    one("clears", clear_every=100)
    one("long", width=301, height=211)
    one("two-colours", colors=COLORS[:6], count=2, code_bits=2)
    one("1x1", width=1, height=1)
    made["gif-scene.gif"] = lambda: save(scene(150, 110), "GIF")
    made["gif-animated.gif"] = lambda: save(
        scene(80, 60), "GIF", save_all=True, append_images=[scene(80, 60, 9), scene(80, 60, 10)],
        duration=100, loop=0)
    made["gif-no-trailer.gif"] = lambda: save(scene(80, 60), "GIF")[:-1]
    made["gif-comment.gif"] = lambda: save(scene(80, 60), "GIF", comment=b"by hand " * 60)
    for share in (40, 75, 98):
        made[f"cut-{share}.gif"] = lambda s=share: cut(save(scene(150, 110), "GIF"), s)
        made[f"cut-{share}-interlaced.gif"] = lambda s=share: cut(
            save(scene(150, 110), "GIF", interlace=1), s)
    made["cut-50-transparent.gif"] = lambda: cut(
        gif(61, 47, [(0, 0, 61, 47, indices(61, 47, 256), {"transparent": 9})], COLORS), 60)
    return made


def cut(data, share):
    return data[:len(data) * share // 100]
