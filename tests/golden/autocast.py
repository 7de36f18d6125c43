#!/usr/bin/env python3
"""Write autocast.safetensors: what PyTorch computes for the four-layer network in bf16.

    python3 -m pip install torch numpy safetensors
    python3 tests/golden/autocast.py

The network, the batch and the starting weights are those of little_conv.py, from its file. Convolutions, the linear layer
and all that follows them run under `torch.autocast("cpu", torch.bfloat16)`; the loss is taken of logits in float32, as
autocast for CUDA takes it. README.md beside this file lists the keys.
"""

import pathlib
import sys

try:
    import torch
    from safetensors.torch import load_file, save_file
except ImportError as missing:
    sys.exit(f"autocast.py needs PyTorch and safetensors ({missing}): python3 -m pip install torch numpy safetensors")

from torch import nn
from torch.nn import functional as F

from little_conv import LittleConv, losses

HERE = pathlib.Path(__file__)


class Autocast(nn.Module):
    """`net` in bf16."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, images):
        with torch.autocast("cpu", torch.bfloat16):
            logits = self.net(images)
        assert logits.dtype == torch.bfloat16
        return logits.float()


def main():
    start = load_file(HERE.with_name("little_conv.safetensors"))
    net = LittleConv()
    net.load_state_dict({name.removeprefix("init."): value for name, value in start.items() if name.startswith("init.")})
    images, labels = start["input"], start["labels"]
    narrow = Autocast(net)
    golden = {"sgd.losses": losses(narrow, images, labels, lambda p: torch.optim.SGD(
        p, lr=0.05, momentum=0.9, nesterov=True, weight_decay=5e-4))}

    logits = narrow.train()(images)
    loss = F.cross_entropy(logits, labels)
    loss.backward()
    golden |= {"logits": logits.detach().bfloat16(), "loss": loss.detach()}
    for name, value in net.named_parameters():
        half = value.grad.bfloat16()
        # Filters and weights get theirs through a cast, so they are numbers of bf16; normalization's are not.
        golden[f"grad.{name}"] = half if torch.equal(half.float(), value.grad) else value.grad
    golden |= {f"after.{name}": value for name, value in net.state_dict().items()
               if name.endswith(("running_mean", "running_var"))}
    with torch.no_grad():
        golden["logits_eval"] = narrow.eval()(images).bfloat16()

    stored = {name: value.contiguous() for name, value in golden.items()}
    out = HERE.with_suffix(".safetensors")
    save_file(stored, out, metadata={"made_by": f"autocast.py with PyTorch {torch.__version__}"})
    print(f"{out}: {len(stored)} tensors, {out.stat().st_size} bytes, loss {loss.item():.6f}")
    for name, value in stored.items():
        exact = start.get(name)
        if exact is not None:
            distance = (value.double() - exact.double()).norm() / exact.double().norm()
            print(f"{name:32} {str(value.dtype):16} {distance:.2e} from float64")


if __name__ == "__main__":
    main()
