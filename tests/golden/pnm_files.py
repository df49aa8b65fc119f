"""Golden pictures: PBM, PGM and PPM, whose largest sample may be any number."""
import struct


def samples(count, top):
    """Rows of numbers up to `top`, each of which occurs where top is small."""
    width, height = 37, 23
    return width, height, [[(x * 7 + y * width * 3 + x * y) % (top + 1) for x in range(width * count)]
                           for y in range(height)]


def packed(kind, top, beyond=0):
    """`beyond`: added to every sample; those above `top` are taken for it."""
    width, height, rows = samples(3 if kind == "P6" else 1, top)
    form = "B" if top < 256 else "H"
    limit = 255 if top < 256 else 65535
    data = b"".join(struct.pack(f">{len(row)}{form}", *(min(v + beyond, limit) for v in row))
                    for row in rows)
    return b"%s\n%d %d\n%d\n" % (kind.encode(), width, height, top) + data


def plain(kind, top, end=b"\n", comment=b""):
    width, height, rows = samples(3 if kind == "P3" else 1, top)
    lines = [" ".join(map(str, row)).encode() for row in rows]
    return (b"%s # of numbers\n%d %d\n%d\n" % (kind.encode(), width, height, top) +
            (b"\n" + comment).join(lines) + end)


def bits(plain_text, spaces=False, end=b"\n"):
    width, height, rows = samples(1, 1)
    head = b"%s\n%d %d\n" % (b"P1" if plain_text else b"P4", width, height)
    lines = ["".join(map(str, row)) for row in rows]
    if plain_text:
        return head + "\n".join(" ".join(line) if spaces else line for line in lines).encode() + end
    lines = [line + "0" * (-len(line) % 8) for line in lines]
    return head + b"".join(bytes(int(line[i:i + 8], 2) for i in range(0, len(line), 8))
                           for line in lines)


def pictures(_scene, _save):
    """file name -> a function that makes its bytes."""
    made = {}
    for top in (1, 100, 254, 255, 256, 1023, 4095, 65534, 65535):
        made[f"pnm-grey-{top}.pgm"] = lambda t=top: packed("P5", t)
        made[f"pnm-colour-{top}.ppm"] = lambda t=top: packed("P6", t)
    for top in (5, 255, 1000, 65535):
        made[f"pnm-plain-grey-{top}.pgm"] = lambda t=top: plain("P2", t)
        made[f"pnm-plain-colour-{top}.ppm"] = lambda t=top: plain("P3", t)
    made["pnm-beyond-100.pgm"] = lambda: packed("P5", 100, beyond=60)
    made["pnm-beyond-1023.ppm"] = lambda: packed("P6", 1023, beyond=500)
    made["pnm-no-newline.pgm"] = lambda: plain("P2", 255, end=b"")
    made["pnm-no-newline.ppm"] = lambda: plain("P3", 1000, end=b"")
    made["pnm-comments.pgm"] = lambda: plain("P2", 255, comment=b"# a remark\n")
    # A comment takes the end of its line along: what is before and behind it is one number.
    made["pnm-comment-in-number.pgm"] = lambda: b"P2\n2 2\n255\n1 2#x\n5 30 4\n"
    made["pnm-header-comment-in-number.pgm"] = lambda: b"P5 #\n1#x\n2 2\n255\n" + bytes(range(24))
    made["pnm-bilevel.pbm"] = lambda: bits(False)
    made["pnm-plain-bilevel.pbm"] = lambda: bits(True)
    made["pnm-plain-bilevel-spaces.pbm"] = lambda: bits(True, spaces=True, end=b"")
    made["cut-60.pgm"] = lambda: cut(packed("P5", 255), 60)
    made["cut-60.ppm"] = lambda: cut(packed("P6", 255), 60)
    made["cut-60-16.pgm"] = lambda: cut(packed("P5", 65535), 60)
    made["cut-60.pbm"] = lambda: cut(bits(False), 60)
    return made


def cut(data, share):
    return data[:len(data) * share // 100]
