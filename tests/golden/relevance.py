#!/usr/bin/env python3
"""Write relevance.safetensors: the relevance of pixels by Zennit and guided backpropagation by pytorch-grad-cam.

    python3 -m pip install torch torchvision numpy safetensors zennit==0.5.1 grad-cam==1.5.7
    python3 tests/golden/relevance.py

VGG11 with and without batch normalization and ResNet-18, with CIFAR head and stem, have generated weights, running statistics
and images (generated.py), in evaluation mode; layers are redrawn until no decision is near (networks.py). Relevance begins as
the logit that is explained: the first image's largest, and class 4's of the second. All is float64, stored as float32.
README.md beside this file lists the keys.
"""

import copy
import json
import pathlib
import sys

try:
    import numpy as np
    import torch
    import torchvision
    from pytorch_grad_cam import GuidedBackpropReLUModel
    from safetensors.numpy import save_file
    from torch import nn
    from zennit.attribution import Gradient
    from zennit.composites import EpsilonAlpha2Beta1, EpsilonGammaBox, EpsilonPlus, EpsilonPlusFlat
    from zennit.torchvision import ResNetCanonizer, VGGCanonizer
except ImportError as missing:
    sys.exit(f"relevance.py needs PyTorch, torchvision, safetensors, Zennit and pytorch-grad-cam ({missing}): "
             "python3 -m pip install torch torchvision numpy safetensors zennit==0.5.1 grad-cam==1.5.7")

import generated
from networks import CLASSES, cifar_stem, clear, resnet18

# One order of additions, whatever the machine's cores.
torch.set_num_threads(1)
OUT = pathlib.Path(__file__).with_suffix(".safetensors")
SIZE = (32, 32)
SECOND = 4
# The least and the largest value of each channel: those of the images, widened by a number of its own.
LOW, HIGH = [-1.75, -1.8, -2.0], [1.75, 2.25, 1.9]


def vgg11(norm):
    net = torchvision.models.vgg11_bn() if norm else torchvision.models.vgg11()
    net.avgpool = nn.AdaptiveAvgPool2d(1)
    net.classifier = nn.Sequential(nn.Linear(512, 512), nn.ReLU(), nn.Dropout(0), nn.Linear(512, 512), nn.ReLU(),
                                   nn.Dropout(0), nn.Linear(512, CLASSES))
    return net


NETWORKS = {
    "vgg11": (lambda: vgg11(False), VGGCanonizer),
    "vgg11_bn": (lambda: vgg11(True), VGGCanonizer),
    "resnet18": (lambda: cifar_stem(resnet18()), ResNetCanonizer),
}


def bounds(values, images):
    return torch.tensor(values, dtype=images.dtype)[None, :, None, None].expand(len(images), -1, *SIZE)


COMPOSITES = {
    "epsilon_plus": lambda canonizer, _: EpsilonPlus(canonizers=[canonizer]),
    "epsilon_plus_flat": lambda canonizer, _: EpsilonPlusFlat(canonizers=[canonizer]),
    "epsilon_alpha2_beta1": lambda canonizer, _: EpsilonAlpha2Beta1(canonizers=[canonizer]),
    "epsilon_gamma_box": lambda canonizer, images: EpsilonGammaBox(
        bounds(LOW, images), bounds(HIGH, images), canonizers=[canonizer]),
}


def fill(net):
    """Generated parameters, and statistics that are not those a network begins with."""
    generated.fill(net)
    for name, value in net.named_buffers():
        if name.endswith("running_mean"):
            value.copy_(torch.from_numpy(generated.uniform(0, name, tuple(value.shape), 0.1)))
        elif name.endswith("running_var"):
            value.copy_(torch.from_numpy(generated.uniform(0, name, tuple(value.shape), 0.5, 1.0)))


def attributions(net, canonizer, images):
    """Maps [N, 3, H, W] of every composite, and guided backpropagation's, for the classes explained; and the logits."""
    with torch.no_grad():
        logits = net(images)
    chosen = [int(logits[0].argmax()), SECOND]
    found = {"logits": logits.numpy()}
    for name, composite in COMPOSITES.items():
        only = torch.eye(CLASSES, dtype=images.dtype)[chosen]
        with Gradient(net, composite(canonizer(), images)) as attributor:
            _, relevance = attributor(images.clone(), lambda output: output.detach() * only)
        found[name] = relevance.numpy()
    guided = GuidedBackpropReLUModel(copy.deepcopy(net), device="cpu")
    found["guided_backprop"] = np.stack([guided(image[None].clone(), target).transpose(2, 0, 1)
                                         for image, target in zip(images, chosen)])
    return found


def main():
    golden, seeds = {}, {}
    for name, (build, canonizer) in NETWORKS.items():
        net = build().double().eval()
        fill(net)
        for layer in net.modules():
            if isinstance(layer, nn.ReLU):
                layer.inplace = False
        images = torch.from_numpy(generated.images(0, (2, 3, *SIZE)))
        seeds[name] = clear(net, images)
        exact = attributions(net, canonizer, images.double())
        rounded = attributions(copy.deepcopy(net).float(), canonizer, images)
        for key, value in exact.items():
            off = np.abs(rounded[key] - value).max() / np.abs(value).max()
            print(f"{name}/{key}: float32 is {off:.1e} of the largest magnitude off")
            if key == "logits":
                golden[f"{name}/{key}"] = value.astype(np.float32)
                continue
            # All of it by its digest, and the sum over channels, which is drawn.
            golden[f"{name}/{key}"] = value.sum(1).astype(np.float32)
            golden[f"{name}/{key}/digest"] = generated.digest(f"{name}/{key}", value).astype(np.float32)
    made_by = f"relevance.py with PyTorch {torch.__version__}, Zennit 0.5.1, pytorch-grad-cam 1.5.7"
    header = {"made_by": made_by, "seeds": seeds, "low": LOW, "high": HIGH}
    save_file(golden, OUT, metadata={"golden": json.dumps(header)})
    print(f"{OUT.name}: {OUT.stat().st_size} bytes, redrawn {seeds}")


if __name__ == "__main__":
    main()
