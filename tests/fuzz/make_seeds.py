#!/usr/bin/python3
"""Makes the seeds of the fuzz targets' corpora; what fuzzing found lies beside them.

    tests/fuzz/make_seeds.py [FOLDER]          default: the corpora beside this file

Needs what scripts/install-deps.sh installs for the tests. Seeds are small: a mutation of a small
file is likelier to hit what matters, and is tried more often.
"""
import collections
import io
import pathlib
import random
import struct
import sys

import msgpack
import torch
from PIL import Image

LEASES = [[3, 4], [2**63, 1]]
LINK = {"epoch": 2**64 - 1, "inc": 7}
PART = {"name": "image", "dtype": "uint8", "shape": [2, 1, 3]}
META = msgpack.packb({"bytes": 12, "mode": b"RGB", "ratio": 0.5, "ok": True})


def wire():
    """One of each message of common/wire/PROTOCOL.md, framed as wire_fuzz.cc reads it."""
    lease = {"job": 3, "delivery": 4}
    messages = {
        "feed-job": [dict(LINK, t="job",
                          runs=[{"id": 1, "input": b"/in", "output": b"/out", "options": META}],
                          jobs=[dict(lease, run=1, key=b"caf\xe9.jpg", cursor=b"", meta=META,
                                     attempt=1, alone=True, parts=[PART])]), b"abcdef"],
        "feed-revoke": [dict(LINK, t="revoke", leases=LEASES)],
        "feed-confirm": [dict(LINK, t="confirm", accepted=LEASES, stale=[])],
        "feed-drain": [dict(LINK, t="drain")],
        "feed-beat": [dict(LINK, t="beat")],
        "report-credit": [dict(LINK, t="credit", slots=16)],
        "report-claim": [dict(LINK, t="claim", leases=LEASES)],
        "report-done-item": [
            dict(LINK, t="done",
                 results=[dict(lease, meta=META,
                               parts=[PART, dict(PART, dtype="float32", shape=[])],
                               warnings=["truncated"], record_name="areas", record=b"{}",
                               outputs=[{"path": b"a.jpg", "bytes": 9, "mtime_ns": 8}])]),
            b"abcdef", b"\0\0\x80\x3f"],
        "report-done-scan": [
            dict(LINK, t="done",
                 results=[dict(lease, cursor=b"b", found=[
                     {"key": b"a.jpg", "meta": META},
                     {"key": b"b.jpg", "fail": {"code": "empty", "text": b"is empty"}},
                     {"key": b"c.txt", "skip": "not-an-image"}])])],
        "report-done-scan-end": [dict(LINK, t="done", results=[dict(lease, cursor=None, found=[],
                                                                    exhaustive=True)])],
        "report-fail": [dict(LINK, t="fail", results=[dict(lease, code="corrupt", text=b"bad",
                                                           retryable=True)])],
        "report-skip": [dict(LINK, t="skip", results=[dict(lease, reason="not-an-image")])],
        "report-return": [dict(LINK, t="return", leases=LEASES)],
        "report-beat": [dict(LINK, t="beat", progress=3, busy_ns=4, foreign_jobs=5,
                             claimed=LEASES)],
        "request-hello": [dict(t="hello", id=9, version=1, stage="scan", replica=2,
                               boot=b"\xfe" * 16, attempt=3, pid=44, host="node-1", software="x 1",
                               recipe=b"\xab" * 8)],
        "request-exit": [dict(t="exit", id=9, stage="scan", replica=1, pid=44, host="h", status=0,
                              signal=11, stderr=b"boom", expected=True)],
        "request-submit": [dict(t="submit", id=9, input=b"/in", output=b"/out", options=META,
                                stop_at_failures=5, stop_at_share=0.25, fresh=True,
                                verify_outputs=True, prune=True)],
        "request-retry": [dict(t="retry", id=9, output=b"/out", stage="scan", code="empty")],
        "request-pause": [dict(t="pause", id=9, run=4)],
        "request-resume": [dict(t="resume", id=9, run=4)],
        "request-backup": [dict(t="backup", id=9, path=b"/copy")],
        "request-status": [dict(t="status", id=9, run=4)],
        "request-wait": [dict(t="wait", id=9, run=4)],
        "request-cancel": [dict(t="cancel", id=9, run=4, reason=b"why")],
        "request-failures": [dict(t="failures", id=9, run=4, offset=12)],
        "request-shutdown": [dict(t="shutdown", id=9)],
        "reply-welcome": [dict(LINK, t="welcome", id=9, feed="7720", reports="7711", lease_ms=30000,
                               beat_ms=1000, max_payload=1 << 26)],
        "reply-error": [dict(t="error", id=9, code="usage", text=b"no")],
        "reply-ok": [dict(t="ok", id=9)],
        "reply-submitted": [dict(t="submitted", id=9, run=3)],
        "reply-status": [
            dict(t="status", id=9, trouble=b"the disk is full",
                 runs=[dict(run=1, input=b"/in", output=b"/out", state="active", scanned=5, ok=1,
                            failed=2, skipped=1, resumed=1, scan_complete=True, elapsed_s=1.5,
                            reason=b"", report=b"{}")],
                 stages=[dict(name="scan", workers=1, waiting=2, active=3, bytes=4, busy=0.5)])],
        "reply-failures": [dict(t="failures", id=9, lines=[b"{}", "{}"], more=True)],
        "meta": [{"bytes": 12, "mode": b"RGB", "ratio": 0.5, "ok": True, "below": -1}],
    }
    for name, (head, *parts) in messages.items():
        frames = [msgpack.packb(head), *parts]
        yield name, b"".join(struct.pack("<H", len(frame)) + frame for frame in frames)


def saved(what, **options):
    file = io.BytesIO()
    torch.save(what, file, **options)
    return file.getvalue()


def unpickler():
    """Files of torch.save; tests/stages/inference/unpickler/make_pickles.py has the larger ones."""
    torch.manual_seed(3)
    legacy = {"_use_new_zipfile_serialization": False}
    base = torch.arange(6, dtype=torch.int16).reshape(2, 3)
    views = {"transposed": base.t(), "row": base[1], "expanded": base[:1, :1].expand(2, 3),
             "empty": base[:0], "scalar": torch.tensor(5)}
    module = torch.nn.BatchNorm1d(2).state_dict()  # an OrderedDict with _metadata
    wrapped = {"epoch": 7, "loss": 0.25, "best": None,
               "state_dict": collections.OrderedDict(("module." + k, v) for k, v in module.items())}
    parameter = {"w": torch.nn.Parameter(torch.ones(2))}
    types = {name: torch.ones(1).to(getattr(torch, name)) for name in
             "float64 float32 float16 bfloat16 int64 int32 int16 int8 uint8 bool".split()}
    yield "zip-one.pth", saved({"w": torch.ones(2)})
    yield "zip-protocol4.pth", saved({"w": torch.ones(2)}, pickle_protocol=4)
    for name, what in [("views", views), ("module", module), ("checkpoint", wrapped),
                       ("parameter", parameter), ("types", types), ("no-tensors", {"epoch": 7}),
                       ("list", [1, (2**70, "x")])]:
        yield f"legacy-{name}.pth", saved(what, **legacy)
    yield "zip-views.pth", saved(views)
    # Python 2 pickles an OrderedDict with its items; PyTorch before 0.4 says where a view lies.
    magic, protocol, system, _ = legacy_parts()
    old = (b"\x80\x02ccollections\nOrderedDict\n](](X\x01\0\0\0w"
           b"ctorch._utils\n_rebuild_tensor\n((X\x07\0\0\0storagectorch\nFloatStorage\n"
           b"X\x01\0\0\x000X\x03\0\0\0cpuK\x02(X\x01\0\0\x001K\x01K\x01ttQ"
           b"K\x00K\x01\x85K\x01\x85tRee\x85R.")
    yield ("legacy-python2.pth", magic + protocol + system + old + b"\x80\x02](X\x01\0\0\x000e." +
           struct.pack("<qff", 2, 1.0, 2.0))


def legacy_parts():
    """The four pickles at the start of a legacy file."""
    import pickle
    file = io.BytesIO(saved({"w": torch.ones(1)}, _use_new_zipfile_serialization=False))
    parts = []
    for _ in range(3):
        start = file.tell()
        pickle.load(file)
        parts.append(file.getvalue()[start:file.tell()])
    return (*parts, file.getvalue()[file.tell():])


def image():
    """Tiny pictures of each decoder and mode."""
    rgb = Image.merge("RGB", [Image.linear_gradient("L").rotate(90 * i).resize((17, 12))
                              for i in range(3)])
    rgba = rgb.copy()
    rgba.putalpha(Image.linear_gradient("L").resize(rgb.size))
    exif = Image.Exif()
    exif[0x0112] = 6

    def of(picture, format, **options):
        file = io.BytesIO()
        picture.save(file, format, **options)
        return file.getvalue()

    yield "baseline.jpg", of(rgb, "JPEG", exif=exif)
    yield "grey.jpg", of(rgb.convert("L"), "JPEG")
    yield "cmyk.jpg", of(rgb.convert("CMYK"), "JPEG")
    yield "progressive.jpg", of(rgb, "JPEG", progressive=True, quality=90)
    yield "tall.jpg", of(rgb.resize((4, 200)), "JPEG")
    yield "cut.jpg", of(rgb, "JPEG")[:-80]
    for mode in ["1", "L", "LA", "P", "I;16"]:
        picture = rgb.convert("I").convert("I;16") if mode == "I;16" else rgb.convert(mode)
        yield f"{mode.lower().replace(';', '-')}.png", of(picture, "PNG")
    yield "rgb.png", of(rgb, "PNG", exif=exif)
    yield "rgba.png", of(rgba, "PNG")
    yield "palette-2-bits.png", of(rgb.quantize(4), "PNG", bits=2, transparency=0)
    yield "cut.png", of(rgb, "PNG")[:-40]
    yield "lossy.webp", of(rgb, "WEBP", exif=exif)
    yield "lossy-alpha.webp", of(rgba, "WEBP")
    yield "lossless.webp", of(rgb, "WEBP", lossless=True)
    yield "lossless-alpha.webp", of(rgba, "WEBP", lossless=True)
    yield "animated.webp", of(rgba, "WEBP", save_all=True, append_images=[rgba.rotate(180)])
    for mode in ["1", "L", "P", "RGB"]:
        yield f"{mode.lower()}.bmp", of(rgb.convert(mode), "BMP")
    yield "rgba.bmp", of(rgba, "BMP")
    pixels = struct.pack("<4H", 0xF800, 0x7E0, 0x1F, 0xFFFF)
    header = struct.pack("<IiiHHIIiiII", 40, 2, -2, 1, 16, 3, 8, 0, 0, 0, 0)
    masks = struct.pack("<3I", 0xF800, 0x7E0, 0x1F)
    yield "565-top-down.bmp", struct.pack("<2sIII", b"BM", 74, 0, 66) + header + masks + pixels
    header = struct.pack("<IiiHHIIiiII", 40, 4, 2, 1, 8, 1, 12, 0, 0, 2, 0)
    runs = b"\x04\x00\x00\x00\x02\x01\x02\x00\x00\x01"
    yield ("rle8.bmp", struct.pack("<2sIII", b"BM", 74, 0, 62) + header +
           b"\0\0\0\0\xff\xff\xff\0" + runs)
    for mode, suffix in [("L", "pgm"), ("RGB", "ppm")]:
        yield f"binary.{suffix}", of(rgb.convert(mode).resize((5, 3)), "PPM")
    yield "text.pgm", b"P2 # a comment\n3 2\n255\n0 1 2\n3 4 255\n"
    yield "palette.gif", of(rgb.convert("P"), "GIF")


def jpeg():
    """Scans of every kind, tiny."""
    rng = random.Random(1)
    picture = Image.frombytes("RGB", (40, 24), bytes(rng.randrange(256) for _ in range(40 * 24 * 3))).resize((56, 40))

    def of(how, mode="RGB", size=(56, 40)):
        buffer = io.BytesIO()
        picture.convert(mode).resize(size).save(buffer, "JPEG", **how)
        return buffer.getvalue()

    for name, how in (("420", {}), ("444", {"subsampling": 0}), ("422", {"subsampling": 1}),
                      ("optimized", {"optimize": True}), ("restart", {"restart_marker_blocks": 2})):
        for progressive in (False, True):
            yield f"{name}{'-progressive' if progressive else ''}.jpg", of(dict(how, progressive=progressive, quality=40))
    yield "grey.jpg", of({"quality": 95}, "L", (24, 24))
    yield "grey-progressive.jpg", of({"quality": 95, "progressive": True}, "L", (24, 24))
    yield "cmyk.jpg", of({"quality": 30}, "CMYK", (24, 24))
    yield "cmyk-progressive.jpg", of({"quality": 30, "progressive": True}, "CMYK", (24, 24))
    yield "cut.jpg", of({})[:-30]
    yield "cut-progressive.jpg", of({"progressive": True})[:-30]


def main():
    default = pathlib.Path(__file__).parent / "corpora"
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else default
    for corpus in (wire, unpickler, image, jpeg):
        (folder / corpus.__name__).mkdir(parents=True, exist_ok=True)
        for name, data in corpus():
            (folder / corpus.__name__ / name).write_bytes(data)


main()
