#!/usr/bin/python3
"""bisenet-face in fp32 on the CPU against the same network in PyTorch, taken in turns.

    compare_speed.py BUILD_FOLDER [--threads 1] [--batch 4] [--turns 5]

BUILD_FOLDER/bin/millrace-model-check must be built. Both do the whole of it: normalise, network,
upsampling, argmax. Each turn runs one after the other, so that what else the machine does falls on
both. Images/s are wall time, best of three rounds; on a machine with other work, the CPU seconds an
image are the steadier figure. Ratios are speed, C++ over PyTorch.
"""
import argparse
import pathlib
import re
import statistics
import subprocess
import tempfile
import time

import torch

import bisenet_reference


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--turns", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    model = bisenet_reference.random_model(1)
    pictures = torch.randint(0, 256, (options.batch, 512, 512, 3), dtype=torch.uint8)

    def segment():
        wall, cpu = time.perf_counter(), time.process_time()
        model(bisenet_reference.normalised(pictures)).argmax(1).byte()
        return (options.batch / (time.perf_counter() - wall),
                (time.process_time() - cpu) / options.batch)

    with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
        weights = f"{folder}/weights.pth"
        torch.save(model.state_dict(), weights)
        command = [options.build / "bin" / "millrace-model-check", weights, "--device", "cpu",
                   "--threads", str(options.threads), "--batch", str(options.batch),
                   "--rounds", "3"]
        segment()
        speed, effort = [], []
        for _ in range(options.turns):
            rounds = [segment() for _ in range(3)]
            theirs, their_cpu = max(r[0] for r in rounds), min(r[1] for r in rounds)
            printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            ours = float(re.search(r"([0-9.]+) images/s", printed)[1])
            our_cpu = float(re.search(r"([0-9.]+) CPU seconds", printed)[1])
            speed.append((ours, theirs))
            effort.append((our_cpu, their_cpu))
            print(f"images/s: C++ {ours:.2f}, PyTorch {theirs:.2f}, ratio {ours / theirs:.3f}; "
                  f"CPU seconds an image: {our_cpu:.3f}, {their_cpu:.3f}, "
                  f"ratio {their_cpu / our_cpu:.3f}")
    print(f"PyTorch {torch.__version__}, {options.threads} threads, batches of {options.batch}: "
          f"best {max(s[0] for s in speed):.2f} and {max(s[1] for s in speed):.2f} images/s, "
          f"least {min(e[0] for e in effort):.3f} and {min(e[1] for e in effort):.3f} CPU seconds "
          f"an image; median ratios {statistics.median(a / b for a, b in speed):.3f} (wall), "
          f"{statistics.median(b / a for a, b in effort):.3f} (CPU)")


main()
