#!/usr/bin/python3
"""Writes random BiSeNet weights, and what PyTorch makes of them, for the tests beside it.

    make_references.py FOLDER

bisenet_zip.pth, bisenet_legacy.pth  the same weights in both formats of torch.save
bisenet_script.pt, tuple_script.pt   the same network traced; the second with its head twice
pictures.bin                         N x 512 x 512 x 3 uint8
labels.bin, margins.bin              N x 512 x 512: uint8 argmax, float32 top-two margin of logits
small_*.pth                          the names and shapes of a state dict, right and wrong
upsample_*                           logits of some sizes and their classes, see upsample_test.cc
"""
import collections
import pathlib
import sys

import numpy
import PIL.Image
import torch
from torch.nn import functional as F

import bisenet_reference

EXAMPLES = pathlib.Path(__file__).resolve().parents[4] / "examples"
SEED = 11


def pictures():
    """A photo, its mirrored dark half, blurred noise and bars: uint8, N x 512 x 512 x 3."""
    photo = PIL.Image.open(EXAMPLES / "portrait.png").convert("RGB").resize((512, 512))
    photo = torch.from_numpy(numpy.array(photo))
    torch.manual_seed(SEED)
    noise = F.interpolate(torch.rand(1, 3, 24, 24), (512, 512), mode="bicubic",
                          align_corners=False)[0].permute(1, 2, 0)
    y, x = torch.meshgrid(torch.arange(512), torch.arange(512), indexing="ij")
    bars = torch.stack([(x * 3) % 256, (y // 32 % 2) * 255, (x + y) % 256], dim=2)
    return torch.stack([photo, photo.flip(1) // 3, (noise.clamp(0, 1) * 255).byte(), bars.byte()])


def balance(model, inputs):
    """Takes from the classifier what answers the mean feature, so that no class wins everywhere."""
    features = []
    handle = model.conv_out.conv.register_forward_hook(lambda _m, _i, out: features.append(out))
    model(inputs)
    handle.remove()
    mean = features[0].mean(dim=(0, 2, 3))
    weight = model.conv_out.conv_out.weight.data[:, :, 0, 0]
    weight -= torch.outer(weight @ mean, mean) / (mean @ mean)


class Tuple(torch.nn.Module):
    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, x):
        logits = self.inner(x)
        return logits, -logits


def top_two(logits):
    best = logits.topk(2, dim=1).values
    return logits.argmax(1).byte().numpy(), (best[:, 0] - best[:, 1]).numpy()


def write_references(folder):
    model = bisenet_reference.random_model(SEED)
    images = pictures()
    inputs = bisenet_reference.normalised(images)
    balance(model, inputs[:1])
    labels, margins = top_two(model(inputs))
    for picture in labels:
        assert len(numpy.unique(picture)) >= 5, "too few classes to compare masks"
    images.numpy().tofile(folder / "pictures.bin")
    labels.tofile(folder / "labels.bin")
    margins.astype("float32").tofile(folder / "margins.bin")
    torch.save(model.state_dict(), folder / "bisenet_zip.pth")
    torch.save(model.state_dict(), folder / "bisenet_legacy.pth",
               _use_new_zipfile_serialization=False)
    torch.jit.trace(model, inputs[:1]).save(str(folder / "bisenet_script.pt"))
    model.full_size = False
    torch.jit.trace(Tuple(model), inputs[:1]).save(str(folder / "tuple_script.pt"))


def write_small(folder):
    """Every tensor is one number spread to its shape: files of kilobytes."""
    def small(state):
        return collections.OrderedDict(
            (name, torch.ones((), dtype=tensor.dtype).expand(tensor.shape))
            for name, tensor in state.items())

    whole = small(bisenet_reference.BiSeNet().state_dict())
    torch.save(whole, folder / "small_whole.pth")
    doubles = bisenet_reference.BiSeNet().double()
    torch.save(small(doubles.state_dict()), folder / "small_double.pth")
    torch.save({name: tensor for name, tensor in whole.items() if "num_batches" not in name},
               folder / "small_no_counters.pth")
    torch.save({name: tensor for name, tensor in whole.items() if name != "ffm.conv1.weight"},
               folder / "small_missing.pth")
    torch.save({**whole, "cp.extra.weight": torch.zeros(2)}, folder / "small_unexpected.pth")
    torch.save({**whole, "cp.resnet.bn1.bias": torch.ones(64, dtype=torch.int64)},
               folder / "small_integers.pth")
    torch.save(small(bisenet_reference.BiSeNet(classes=11).state_dict()),
               folder / "small_eleven_classes.pth")
    torch.save(small(torch.nn.Linear(3, 4).state_dict()), folder / "small_other_network.pth")


def write_upsampling(folder):
    torch.manual_seed(SEED)
    with open(folder / "upsample_cases.txt", "w") as cases:
        for case, (classes, height, width, out_height, out_width) in enumerate(
                [(19, 64, 64, 512, 512), (19, 5, 7, 33, 41), (2, 8, 8, 8, 8), (3, 9, 4, 3, 2),
                 (256, 1, 1, 5, 4), (4, 6, 6, 1, 1), (1, 3, 3, 6, 6)]):
            logits = torch.randn(1, classes, height, width)
            full = F.interpolate(logits, (out_height, out_width), mode="bilinear",
                                 align_corners=True)
            logits.numpy().tofile(folder / f"upsample_{case}_logits.bin")
            full.argmax(1).byte().numpy().tofile(folder / f"upsample_{case}_labels.bin")
            margins = top_two(full)[1] if classes > 1 else full[:, 0].abs().numpy()
            margins.astype("float32").tofile(folder / f"upsample_{case}_margins.bin")
            print(classes, height, width, out_height, out_width, file=cases)


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    with torch.no_grad():
        write_references(folder)
        write_small(folder)
        write_upsampling(folder)


main()
