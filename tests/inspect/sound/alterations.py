"""What becomes of JPEGs after they were encoded, all of it sound: altered(data, random) -> (name, bytes)."""
import io
import struct
import warnings

from PIL import Image

STANDARD_TABLES = None


def segment(marker, data):
    return bytes((0xFF, marker)) + struct.pack(">H", len(data) + 2) + data


def segments(data):
    """(begin, end, marker) of each segment before the first scan."""
    at = 2
    while data[at + 1] != 0xDA:
        end = at + 2 + struct.unpack(">H", data[at + 2:at + 4])[0]
        yield at, end, data[at + 1]
        at = end


def loads(data, frames):
    try:
        with warnings.catch_warnings(), Image.open(io.BytesIO(data)) as image:
            warnings.simplefilter("error")
            for frame in range(frames):
                image.seek(frame)
                image.load()
        return True
    except Exception:
        return False


def pixels(data):
    with Image.open(io.BytesIO(data)) as image:
        return image.tobytes()


def zero_padding(data, rng):
    """Other encoders pad the last byte of their data with zeros; of how many bits, the pixels tell.

    With the standard tables alone: there a block's end is 1010 or 00, which no further bit belongs to.
    """
    if not data.endswith(b"\xff\xd9") or data[-3] in (0, 0xFF) or b"\xff\xc0" not in data or not has_standard_tables(data):
        return data
    try:
        right = pixels(data)
        best = data
        for bits in range(1, 8):
            if not data[-3] >> (bits - 1) & 1:
                break
            tried = data[:-3] + bytes((data[-3] & (0xFF << bits) & 0xFF,)) + data[-2:]
            if pixels(tried) != right:
                break
            best = tried
        return best
    except OSError:
        return data


def thumbnail(data, rng):
    small = io.BytesIO()
    Image.new("RGB", (24, 16), tuple(rng.randbytes(3))).save(small, "JPEG")
    small = small.getvalue()
    # Two directories: the second is the thumbnail's.
    first = struct.pack("<HHHIII", 1, 0x0112, 3, 1, rng.randint(1, 8), 26)
    second = struct.pack("<H", 3) + struct.pack("<HHII", 0x0103, 3, 1, 6) + struct.pack("<HHII", 0x0201, 4, 1, 68) + \
        struct.pack("<HHII", 0x0202, 4, 1, len(small)) + bytes(4)
    return data[:2] + segment(0xE1, b"Exif\0\0II*\0\x08\0\0\0" + first + second + small) + data[2:]


def several(data, rng):
    """A multi-picture file, by Pillow."""
    frames = [Image.open(io.BytesIO(data)).convert("RGB") for _ in range(rng.randint(2, 3))]
    buffer = io.BytesIO()
    frames[0].save(buffer, "MPO", save_all=True, append_images=frames[1:], quality=rng.randint(1, 100))
    # Some versions of Pillow write such files over their own tables, and cannot read them either.
    return buffer.getvalue() if loads(buffer.getvalue(), len(frames)) else data


def lost_others(data, rng):
    """A multi-picture file of which a program kept the first picture and the index."""
    whole = several(data, rng)
    first = whole.find(b"\xff\xd9\xff\xd8\xff")
    return whole[:first + 2] if first > 0 and whole is not data else whole


def motion(data, rng):
    return data + b"\0\0\0\x18ftypmp42\0\0\0\0isommp42" + rng.randbytes(rng.randint(0, 300))


def fillers(data, rng):
    """Any number of FFs may precede a marker."""
    out = data[:2]
    places = list(segments(data))
    for begin, end, _ in places:
        out += b"\xff" * rng.randint(0, 3) + data[begin:end]
    rest = data[places[-1][1]:]
    return out + (rest[:-2] + b"\xff" * rng.randint(0, 3) + rest[-2:] if rest.endswith(b"\xff\xd9") else rest)


def camera_padding(data, rng):
    """Some cameras fill up with zeros before the end mark, others behind it."""
    zeros = bytes(rng.randint(1, 600))
    return data[:-2] + zeros + data[-2:] if rng.random() < 0.5 and data.endswith(b"\xff\xd9") else data + zeros


def standard_tables():
    global STANDARD_TABLES
    if STANDARD_TABLES is None:
        buffer = io.BytesIO()
        Image.new("RGB", (8, 8)).save(buffer, "JPEG")
        made = buffer.getvalue()
        STANDARD_TABLES = b"".join(made[begin + 4:end] for begin, end, marker in segments(made) if marker == 0xC4)
    return STANDARD_TABLES


def has_standard_tables(data):
    return b"".join(data[begin + 4:end] for begin, end, marker in segments(data) if marker == 0xC4) == standard_tables()


def without_tables(data, rng):
    """A frame of Motion JPEG, which leaves out the standard Huffman tables."""
    if not has_standard_tables(data):
        return data
    out = data[:2]
    for begin, end, marker in segments(data):
        out += b"" if marker == 0xC4 else data[begin:end]
        last = end
    return out + data[last:]


def metadata(data, rng):
    """Comments, profiles and segments of applications, in between."""
    out = data[:2]
    for begin, end, _ in segments(data):
        if rng.random() < 0.4:
            out += segment(rng.choice([0xFE, 0xE2, 0xE5, 0xEB, 0xED]), rng.randbytes(rng.randint(0, 200)))
        out += data[begin:end]
        last = end
    return out + data[last:]


def altered(data, rng):
    how = rng.choice([zero_padding, thumbnail, several, lost_others, motion, fillers, camera_padding, without_tables, metadata])
    return how.__name__, how(data, rng)
