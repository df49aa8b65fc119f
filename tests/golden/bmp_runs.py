"""Golden pictures: run-length coded BMP, which Pillow does not write."""
import struct


def bmp_rle(width, height, indices, bits, palette, delta=False, top_down=False):
    """Run-length coded, with runs, literals and (if asked) a step over the middle."""
    def encode(row):
        out, x = b"", 0
        while x < len(row):
            run = 1
            while x + run < len(row) and run < 255 and row[x + run] == row[x]:
                run += 1
            if run >= 3 or len(row) - x < 3:
                value = row[x] * 17 if bits == 4 else row[x]
                out += bytes((run, value))
                x += run
                continue
            end = x + 3
            while end < len(row) and end - x < 254 and len(set(row[end - 2:end + 1])) > 1:
                end += 1
            some = row[x:end]
            if bits == 4:
                data = bytes((some[i] << 4 | (some[i + 1] if i + 1 < len(some) else 0))
                             for i in range(0, len(some), 2))
            else:
                data = bytes(some)
            out += bytes((0, len(some))) + data + b"\0" * (len(data) % 2)
            x = end
        return out

    order = range(height) if top_down else range(height - 1, -1, -1)
    data = b""
    for y in order:
        if delta and y == height // 2:
            data += b"\0\2\0\1"  # one row up, all of it index 0
            continue
        data += encode(indices[y]) + b"\0\0"
    data += b"\0\1"
    info = struct.pack("<IiiHHIIIIII", 40, width, -height if top_down else height, 1, bits,
                       2 if bits == 4 else 1, len(data), 2835, 2835, len(palette) // 4, 0)
    offset = 14 + len(info) + len(palette)
    return (struct.pack("<2sIHHI", b"BM", offset + len(data), 0, 0, offset) + info + palette +
            data)


def runs(bits, **options):
    top = (1 << bits) - 1
    indices = [[(x * 3 + y if (x // 9 + y // 5) % 2 else x // 9) & top for x in range(61)]
               for y in range(47)]
    palette = b"".join(bytes((i * 89 & 255, i * 55 & 255, 255 - i, 0)) for i in range(1 << bits))
    return bmp_rle(61, 47, indices, bits, palette, **options)


def pictures(_scene, _save):
    """file name -> a function that makes its bytes."""
    made = {}
    for bits in (4, 8):
        made[f"bmp-rle{bits}.bmp"] = lambda b=bits: runs(b)
        made[f"bmp-rle{bits}-delta.bmp"] = lambda b=bits: runs(b, delta=True)
        made[f"bmp-rle{bits}-top-down.bmp"] = lambda b=bits: runs(b, top_down=True)
    return made
