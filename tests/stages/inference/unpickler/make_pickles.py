#!/usr/bin/python3
"""Writes small files of torch.save, good and bad, and what they hold, for state_dict_test.cc.

    make_pickles.py FOLDER

NAME.pth comes with NAME.tsv: tensor, dtype, shape, row-major bytes in hexadecimal.
"""
import collections
import os
import pathlib
import pickle
import sys
import zipfile

import torch


def tensors():
    torch.manual_seed(3)
    base = torch.randn(6, 8)
    network = torch.nn.Sequential(torch.nn.Conv2d(2, 3, 3, bias=False), torch.nn.BatchNorm2d(3))
    state = network.state_dict()  # an OrderedDict with _metadata, and a 0-dimensional int64
    state["transposed"] = base.t()
    state["every_second"] = base[:, 1::2]
    state["row"] = base[3]
    state["expanded"] = base[2:3, :2].expand(4, 2)
    state["empty"] = torch.zeros(0, 5)
    state["parameter"] = torch.nn.Parameter(torch.randn(2, 2))
    for name in "float64 float16 bfloat16 int64 int32 int16 int8 uint8 bool".split():
        state[name] = (torch.randn(3) * 50).to(getattr(torch, name))
    return state


def raw(tensor):
    tensor = tensor.detach().contiguous()
    if tensor.dtype == torch.bfloat16:  # numpy has none
        tensor = tensor.view(torch.int16)
    return tensor.numpy().tobytes().hex()


def write(folder, name, what, state, **options):
    torch.save(what, folder / f"{name}.pth", **options)
    with open(folder / f"{name}.tsv", "w") as out:
        for key, tensor in state.items():
            shape = "x".join(map(str, tensor.shape)) or "scalar"
            print(key, str(tensor.dtype).removeprefix("torch."), shape, raw(tensor), sep="\t",
                  file=out)


class CallsTheShell:
    def __reduce__(self):
        return (os.system, ("touch /tmp/should-never-exist",))


def zip_with_pickle(path, object_pickle):
    with zipfile.ZipFile(path, "w") as out:
        out.writestr("archive/data.pkl", object_pickle)


def compress(path):
    with zipfile.ZipFile(path) as stored:
        entries = [(info.filename, stored.read(info)) for info in stored.infolist()]
    with zipfile.ZipFile(path.with_name("compressed.pth"), "w", zipfile.ZIP_DEFLATED) as out:
        for name, data in entries:
            out.writestr(name, data)


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    state = tensors()
    legacy = {"_use_new_zipfile_serialization": False}
    write(folder, "zip", state, state)
    write(folder, "legacy", state, state, **legacy)
    write(folder, "protocol4", state, state, pickle_protocol=4)
    write(folder, "plain_dict", dict(state), state)
    compress(folder / "zip.pth")
    prefixed = collections.OrderedDict(("module." + key, value) for key, value in state.items())
    write(folder, "data_parallel", prefixed, state)
    checkpoint = {"epoch": 7, "loss": 0.25, "best": None, "state_dict": prefixed,
                  "optimizer": {"step": [1, 2], "lr": (1e-3, True)}}
    write(folder, "checkpoint", checkpoint, state)
    write(folder, "checkpoint_legacy", checkpoint, state, **legacy)

    location_tag = torch.serialization.location_tag
    torch.serialization.location_tag = lambda storage: "cuda:1"
    write(folder, "from_cuda", state, state)
    write(folder, "from_cuda_legacy", state, state, **legacy)
    torch.serialization.location_tag = location_tag

    torch.save({"weight": CallsTheShell()}, folder / "shell.pth")
    torch.save({"weight": CallsTheShell()}, folder / "shell_legacy.pth", **legacy)
    for protocol in 2, 4:  # by pickle.dump, which people take for torch.save
        with open(folder / f"plain_shell_{protocol}.pth", "wb") as out:
            pickle.dump({"padding": "x" * 10_000, "weight": CallsTheShell()}, out, protocol)
    with open(folder / "plain_shell_letters.pth", "wb") as out:
        pickle.dump(CallsTheShell(), out, 0)
    with open(folder / "plain_numbers.pth", "wb") as out:
        pickle.dump({"weight": [1.0, 2.0]}, out)
    zip_with_pickle(folder / "os_system.pth", b"\x80\x02cos\nsystem\nX\x02\x00\x00\x00id\x85R.")
    zip_with_pickle(folder / "inst.pth", b"\x80\x02(X\x02\x00\x00\x00idios\nsystem\n.")
    torch.save(torch.nn.Linear(2, 2), folder / "whole_module.pth")
    torch.save([torch.zeros(2)], folder / "list.pth")
    torch.save({"epoch": 7}, folder / "no_tensors.pth")
    torch.jit.script(torch.nn.ReLU()).save(str(folder / "torchscript.pt"))


main()
