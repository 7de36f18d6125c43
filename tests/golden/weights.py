#!/usr/bin/env python3
"""Write weights.tar.gz: the same few tensors in every form of file that PyTorch has written, and what they hold.

    python3 -m pip install torch safetensors packaging numpy
    python3 tests/golden/weights.py

README.md beside this file says what each file is.
"""

import collections
import io
import json
import sys
import zipfile

try:
    import torch
    import safetensors.torch
except ImportError as missing:
    sys.exit(f"weights.py needs PyTorch and safetensors ({missing}): python3 -m pip install torch safetensors")

import archive


def tensors():
    """Every type, and every way in which elements can lie."""
    base = torch.arange(60, dtype=torch.float32).reshape(3, 4, 5) / 7
    both = torch.linspace(-1, 1, 12)
    named = {
        "plain": base.clone(),
        "transposed": base.clone().permute(2, 0, 1),
        "sliced": base.clone()[1:, ::2, 1:4],
        "expanded": torch.tensor([1.5, -2.5]).reshape(2, 1).expand(2, 3),
        "shared.first": both[:8].reshape(2, 4),
        "shared.second": both[4:],
        "scalar": torch.tensor(3.25),
        "empty": torch.zeros(0, 4),
        "parameter": torch.nn.Parameter(torch.tensor([1.0, -0.0, float("inf"), float("-inf"), 1e-42])),
        "channels_last": torch.arange(48, dtype=torch.float32).reshape(2, 3, 2, 4).to(memory_format=torch.channels_last),
        "half": torch.tensor([1.0, 1 / 3, 65504.0, 6e-8], dtype=torch.float16),
        "bfloat16": torch.tensor([1.0, 1 / 3, 3e38], dtype=torch.bfloat16),
        "double": torch.tensor([1.0, 1 / 3], dtype=torch.float64),
        "int64": torch.tensor(-7),
        "int32": torch.tensor([1, -(2**31)], dtype=torch.int32),
        "int16": torch.tensor([300, -300], dtype=torch.int16),
        "int8": torch.tensor([100, -100], dtype=torch.int8),
        "uint8": torch.tensor([200, 3], dtype=torch.uint8),
        "bool": torch.tensor([True, False]),
    }
    return collections.OrderedDict(named)


def net():
    """The state dict of a convolution with bias, batch normalization, and a linear layer for 2 classes."""
    torch.manual_seed(0)
    layers = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.Linear(4, 2))
    layers[1](layers[0](torch.randn(2, 3, 8, 8)))
    return layers.state_dict()


def save(value, **options):
    out = io.BytesIO()
    torch.save(value, out, **options)
    return out.getvalue()


def big_endian(data, sizes):
    """The zip archive `data` as a big-endian machine writes it; `sizes` are the bytes of an element by storage."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as there, zipfile.ZipFile(out, "w") as here:
        for name in there.namelist():
            content, last = there.read(name), name.split("/")[-1]
            if "/data/" in name and sizes[last] > 1:
                content = b"".join(content[at:at + sizes[last]][::-1] for at in range(0, len(content), sizes[last]))
            here.writestr(zipfile.ZipInfo(name), b"big" if last == "byteorder" else content)
    return out.getvalue()


def numbers(tensor):
    """Elements in order, as texts that float() reads."""
    return [repr(float(value)) for value in tensor.detach().double().flatten().tolist()]


def main():
    named = tensors()
    module = torch.nn.Linear(2, 2)
    old = {"_use_new_zipfile_serialization": False}
    # What storages have which elements, in the order in which torch.save numbers them.
    storages, sizes = {}, {}
    for tensor in named.values():
        place = tensor.untyped_storage().data_ptr() or id(tensor)
        sizes.setdefault(str(storages.setdefault(place, len(storages))), tensor.element_size())
    files = {
        "tensors.pth": save(named),
        "tensors.legacy.pth": save(named, **old),
        "tensors.big.pth": big_endian(save(named), sizes),
        "tensors.safetensors": safetensors.torch.save({name: t.detach().clone().contiguous() for name, t in named.items()}),
        "net.pth": save(net()),
        "net.legacy.pth": save(net(), **old),
        "net.safetensors": safetensors.torch.save(net()),
        "module.pth": save(module),
        "module.legacy.pth": save(module, **old),
        "program.pt": torch_script(module),
    }
    for protocol in (3, 4, 5):
        files[f"protocol{protocol}.pth"] = save(net(), pickle_protocol=protocol)
        files[f"protocol{protocol}.legacy.pth"] = save(net(), pickle_protocol=protocol, **old)
    parallel = {f"module.{name}": tensor for name, tensor in net().items()}
    compiled = {f"_orig_mod.module.{name}": tensor for name, tensor in net().items()}
    optimizer = torch.optim.Adam(module.parameters())
    module(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    training = {"epoch": 3, "state_dict": parallel, "optimizer": optimizer.state_dict(), "best": 0.5, "arch": "net"}
    files["training.pth"] = save(training)
    files["training.legacy.pth"] = save(training, **old)
    files["compiled.pth"] = save({"model": compiled, "epoch": 3})
    files["nested.pth"] = save({"model": {"state_dict": net()}})
    expected = {name: {"kind": str(t.dtype).removeprefix("torch."), "shape": list(t.shape), "values": numbers(t)}
                for name, t in named.items()}
    files["tensors.json"] = json.dumps(expected, indent=1).encode()
    files["net.json"] = json.dumps({name: numbers(t) for name, t in net().items()}, indent=1).encode()
    archive.write(__file__, files)


def torch_script(module):
    out = io.BytesIO()
    torch.jit.save(torch.jit.script(module), out)
    return out.getvalue()


if __name__ == "__main__":
    main()
