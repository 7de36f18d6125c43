#!/usr/bin/env python3
"""Write little_conv.safetensors: what PyTorch computes for the four-layer network.

    python3 -m pip install torch numpy safetensors
    python3 tests/golden/little_conv.py

Everything is computed in float64 and stored as float32. A golden must be a reference, not a rival: had
PyTorch rounded in float32 too, a difference could be its error as well as ours. Weights and input are
rounded to float32 *before* the float64 run, so both sides start from the very same numbers.

README.md beside this file lists the keys.
"""

import copy
import pathlib
import sys

try:
    import torch
    from safetensors.torch import save_file
except ImportError as missing:
    sys.exit(f"little_conv.py needs PyTorch and safetensors ({missing}): "
             "python3 -m pip install torch numpy safetensors")

from torch import nn
from torch.nn import functional as F

SEED = 20260101
CLASSES = 9
BATCH = 8
CHANNELS = (32, 64, 128, 256)
STEPS = 10
OUT = pathlib.Path(__file__).with_suffix(".safetensors")


class LittleConv(nn.Module):
    """4 x [convolution, batch normalization, ReLU, max pooling], global average, linear."""

    def __init__(self):
        super().__init__()
        layers, inputs = [], 3
        for outputs in CHANNELS:
            # No bias: the normalization that follows would take it away again.
            layers += [nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs),
                       nn.ReLU(), nn.MaxPool2d(2)]
            inputs = outputs
        self.features = nn.Sequential(*layers)
        self.fc = nn.Linear(inputs, CLASSES)

    def forward(self, x):
        return self.fc(self.features(x).mean((2, 3)))


def start():
    """The network, one batch and its labels; values fit float32, computation runs in float64."""
    torch.manual_seed(SEED)
    net = LittleConv()
    with torch.no_grad():
        for layer in net.modules():
            if isinstance(layer, nn.BatchNorm2d):
                # Ones and zeros, the usual start, would hide a swapped or forgotten scale and shift.
                layer.weight.uniform_(0.5, 1.5)
                layer.bias.normal_(0, 0.1)
    images = torch.randn(BATCH, 3, 32, 32)
    labels = torch.randint(CLASSES, (BATCH,))
    return net.double(), images.double(), labels


def losses(net, images, labels, optimizer):
    """The loss before each of ten steps on the same batch, in training mode."""
    net = copy.deepcopy(net).train()
    optimizer = optimizer(net.parameters())
    seen = []
    for _ in range(STEPS):
        loss = F.cross_entropy(net(images), labels)
        seen.append(loss.detach())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return torch.stack(seen)


def main():
    net, images, labels = start()
    golden = {"input": images, "labels": labels}
    golden |= {f"init.{name}": value.clone() for name, value in net.state_dict().items()}

    # Each optimizer starts from the untouched network: `losses` works on a copy.
    golden["sgd.losses"] = losses(net, images, labels, lambda p: torch.optim.SGD(
        p, lr=0.05, momentum=0.9, nesterov=True, weight_decay=5e-4))
    golden["adam.losses"] = losses(net, images, labels, lambda p: torch.optim.Adam(p, lr=1e-3))
    golden["adamw.losses"] = losses(net, images, labels, lambda p: torch.optim.AdamW(
        p, lr=1e-3, weight_decay=1e-2))

    logits = net.train()(images)
    loss = F.cross_entropy(logits, labels)
    loss.backward()
    golden["logits"] = logits.detach()
    golden["loss"] = loss.detach()
    golden["loss_smoothed"] = F.cross_entropy(logits, labels, label_smoothing=0.1).detach()
    golden |= {f"grad.{name}": value.grad for name, value in net.named_parameters()}
    golden |= {f"after.{name}": value for name, value in net.state_dict().items()
               if name.endswith(("running_mean", "running_var"))}
    # The one forward pass above has moved the running statistics; evaluation uses the moved ones.
    with torch.no_grad():
        golden["logits_eval"] = net.eval()(images)

    stored = {name: (value.float() if value.is_floating_point() else value).contiguous()
              for name, value in golden.items()}
    # A single metadata entry: the format's writer keeps no order among several.
    save_file(stored, OUT, metadata={"made_by": f"little_conv.py with PyTorch {torch.__version__}"})
    print(f"{OUT}: {len(stored)} tensors, {OUT.stat().st_size} bytes, loss {loss.item():.6f}")


if __name__ == "__main__":
    main()
