"""What people use today: a multiprocessing pool around Pillow and PyTorch, for comparison.

The strongest simple form: each process does a picture from file to file by itself, so nothing waits
in a queue and nothing is copied between processes.

    python_pool.py WEIGHTS INPUT OUTPUT [--processes N] [--threads N]
"""
import argparse
import multiprocessing
import os
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "stages/inference/model"))

KEPT = [1, 2, 3, 10, 12, 13]
state = {}


def start(weights, threads):
    import torch
    from bisenet_reference import BiSeNet
    torch.set_num_threads(threads)
    model = BiSeNet()
    model.load_state_dict(torch.load(weights))
    state["model"] = model.eval()


def one(job):
    import numpy
    import torch
    from PIL import Image
    from bisenet_reference import normalised
    source, target = job
    picture = Image.open(source).resize((512, 512), Image.BILINEAR).convert("RGB")
    pixels = numpy.asarray(picture)
    with torch.no_grad():
        labels = state["model"](normalised(torch.from_numpy(pixels.copy())[None])).argmax(1)[0].numpy()
    masked = pixels * numpy.isin(labels, KEPT)[..., None]
    target.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(masked.astype("uint8")).save(target)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights")
    parser.add_argument("input", type=pathlib.Path)
    parser.add_argument("output", type=pathlib.Path)
    parser.add_argument("--processes", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    jobs = [(path, arguments.output / path.relative_to(arguments.input))
            for path in sorted(arguments.input.rglob("*")) if path.is_file()]
    begun = time.monotonic()
    with multiprocessing.Pool(arguments.processes, start,
                              (arguments.weights, arguments.threads)) as pool:
        for _ in pool.imap_unordered(one, jobs):
            pass
    elapsed = time.monotonic() - begun
    print(f"{len(jobs)} images in {elapsed:.1f} s, start-up included: {len(jobs) / elapsed:.2f}/s")


if __name__ == "__main__":
    main()
