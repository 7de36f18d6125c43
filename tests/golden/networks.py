#!/usr/bin/env python3
"""Write networks/*.safetensors: what PyTorch computes for VGG, ResNet, MyNetPro and airbench94's network.

    python3 -m pip install torch torchvision numpy safetensors
    python3 tests/golden/networks.py [NAME ...]

Weights and batches come from generated.py, so the files hold results alone: logits, losses and digests of gradients. All
is computed in float64. A float32 run beside it shows how far rounding alone goes; README.md has these figures.
"""

import copy
import json
import pathlib
import sys

try:
    import numpy as np
    import torch
    import torchvision
    from safetensors.numpy import save_file
except ImportError as missing:
    sys.exit(f"networks.py needs PyTorch, torchvision, NumPy and safetensors ({missing}): "
             "python3 -m pip install torch torchvision numpy safetensors")

from torch import nn
from torch.nn import functional as F

import generated
from little_conv import losses

# One order of additions, whatever the machine's cores.
torch.set_num_threads(1)
OUT = pathlib.Path(__file__).with_suffix("")
CLASSES = 9


def vgg16_bn():
    net = torchvision.models.vgg16_bn()
    net.avgpool = nn.AdaptiveAvgPool2d(1)
    net.classifier = nn.Sequential(nn.Linear(512, 512), nn.ReLU(), nn.Dropout(0), nn.Linear(512, 512), nn.ReLU(),
                                   nn.Dropout(0), nn.Linear(512, CLASSES))
    return net


def cifar_stem(net):
    net.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
    net.maxpool = nn.Identity()
    return net


class MyNetPro(nn.Module):
    """AlexNet's five convolutions with batch normalization; torchvision has no such network."""

    def __init__(self, pixels):
        super().__init__()
        layers, inputs = [], 3
        for outputs, size, stride, padding, pooled in [
                (64, 11, 4, 2, True), (192, 5, 1, 2, True), (384, 3, 1, 1, False), (256, 3, 1, 1, False),
                (256, 3, 1, 1, True)]:
            layers += [nn.Conv2d(inputs, outputs, size, stride, padding), nn.BatchNorm2d(outputs), nn.ReLU()]
            layers += [nn.MaxPool2d(3, 2)] if pooled else []
            inputs = outputs
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(nn.Dropout(0), nn.Linear(inputs * pixels, 4096), nn.ReLU(), nn.Dropout(0),
                                        nn.Linear(4096, 4096), nn.ReLU(), nn.Linear(4096, CLASSES))

    def forward(self, x):
        return self.classifier(self.features(x).flatten(1))


class Airbench(nn.Module):
    """airbench94's network: module by module as published, with the names of the later script and the scale of the one for SGD."""

    class Group(nn.Module):
        def __init__(self, inputs, outputs):
            super().__init__()
            self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
            self.pool = nn.MaxPool2d(2)
            self.norm1 = nn.BatchNorm2d(outputs, eps=1e-12, momentum=0.4)
            self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
            self.norm2 = nn.BatchNorm2d(outputs, eps=1e-12, momentum=0.4)
            self.norm1.weight.requires_grad = self.norm2.weight.requires_grad = False

        def forward(self, x):
            return F.gelu(self.norm2(self.conv2(F.gelu(self.norm1(self.pool(self.conv1(x)))))))

    def __init__(self, pixels):
        super().__init__()
        self.whiten = nn.Conv2d(3, 24, 2)
        self.whiten.weight.requires_grad = False
        self.layers = nn.Sequential(nn.GELU(), self.Group(24, 64), self.Group(64, 256), self.Group(256, 256), nn.MaxPool2d(3))
        self.head = nn.Linear(256 * pixels, CLASSES, bias=False)

    def forward(self, x):
        return self.head(self.layers(self.whiten(x)).flatten(1)) / 9


resnet18 = lambda: torchvision.models.resnet18(num_classes=CLASSES)
resnet34 = lambda: torchvision.models.resnet34(num_classes=CLASSES)

# Name, how warptape calls the network, PyTorch's, batch, image, learning rates of SGD and Adam.
# Images are not square, and the last batch normalization sees at least 32 values per channel: over fewer, rounding grows
# from layer to layer. Dropout is off: its random numbers are each program's own. Rates are slow, so that the loss of one
# small batch is still there after ten steps: relative to nothing, rounding is large.
NETWORKS = [
    ("vgg16_bn", "vgg16_bn:dropout=0", vgg16_bn, 4, (32, 64), 2e-4, 1e-5),
    ("resnet18_cifar", "resnet18", lambda: cifar_stem(resnet18()), 2, (32, 40), 2e-4, 1e-5),
    ("resnet18_imagenet", "resnet18:stem=imagenet", resnet18, 6, (64, 80), 2e-4, 1e-5),
    ("resnet34_cifar", "resnet34", lambda: cifar_stem(resnet34()), 2, (32, 40), 1e-5, 1e-6),
    ("resnet34_imagenet", "resnet34:stem=imagenet", resnet34, 6, (64, 80), 5e-5, 2.5e-6),
    ("mynetpro", "mynetpro:dropout=0", lambda: MyNetPro(3 * 2), 4, (127, 95), 2e-4, 1e-5),
    ("airbench94", "airbench94", lambda: Airbench(2 * 1), 4, (49, 31), 2e-3, 1e-5),
]


class Near(Exception):
    """A ReLU or a max-pool decides by less than the margin."""


def decisions(net, images, see):
    """Runs `net` and hands `see` what each ReLU and max-pool decides by, in order: the layer before it, and the distance of
    each element from its kink, infinite where nothing depends on it."""
    last = None

    def weights(name):
        def remember(*_):
            nonlocal last
            last = name
        return remember

    def relu(_, inputs):
        see(last, inputs[0].detach().abs())

    def pool(layer, inputs):
        planes = inputs[0].detach().flatten(0, 1)[:, None]
        first, second = F.unfold(planes, layer.kernel_size, 1, layer.padding, layer.stride).topk(2, 1).values.unbind(1)
        # A window of zeros sends its gradient to a ReLU that stops it.
        see(last, torch.where(first != 0, first - second, torch.inf))

    hooks = []
    for name, layer in net.named_modules():
        hook = {nn.Conv2d: weights(name), nn.Linear: weights(name), nn.ReLU: relu, nn.MaxPool2d: pool}.get(type(layer))
        if hook:
            hooks.append(layer.register_forward_pre_hook(hook))
    try:
        with torch.no_grad():
            net(images)
    finally:
        for hook in hooks:
            hook.remove()


def clear(net, images):
    """Redraws layers of `net` until float32 takes every decision as float64 does, and returns their seeds. Where a ReLU
    flips, gradients jump by percents, and tolerances would have to forgive that. Clear means: farther from the kink than
    twice the largest rounding error there."""
    exact, rounded = [], []
    decisions(copy.deepcopy(net), images.double(), lambda _, distance: exact.append(distance))
    decisions(copy.deepcopy(net).float(), images, lambda _, distance: rounded.append(distance.double()))
    error = lambda a, b: torch.where(a.isfinite() & b.isfinite(), a - b, 0.0).abs().max()
    margins = [2 * error(a, b) for a, b in zip(exact, rounded)]
    seeds = {}
    running = {name: value.clone() for name, value in net.state_dict().items() if "running" in name or "num_" in name}
    while True:
        left = iter(margins)

        def see(layer, distance):
            if distance.min() <= next(left):
                raise Near(layer)

        try:
            decisions(net, images.double(), see)
            net.load_state_dict(running, strict=False)
            return seeds
        except Near as near:
            layer, = near.args
            seeds[layer] = seeds.get(layer, 0) + 1
            generated.fill(net, seeds, layer)


def compute(net, images, labels, sgd, adam):
    """Everything that the file holds, gradients and statistics whole."""
    found = {"sgd.losses": losses(net, images, labels, lambda p: torch.optim.SGD(p, **sgd)).numpy(),
             "adam.losses": losses(net, images, labels, lambda p: torch.optim.Adam(p, **adam)).numpy()}
    net = copy.deepcopy(net).train()
    logits = net(images)
    loss = F.cross_entropy(logits, labels)
    loss.backward()
    found |= {"logits": logits.detach().numpy(), "loss": np.array([loss.item()])}
    found |= {f"grad.{name}": value.grad.numpy() for name, value in net.named_parameters() if value.requires_grad}
    found |= {f"after.{name}": value.numpy().copy() for name, value in net.state_dict().items()
              if name.endswith(("running_mean", "running_var"))}
    # The forward pass above has moved the running statistics; evaluation uses the moved ones.
    with torch.no_grad():
        found["logits_eval"] = net.eval()(images).numpy()
    return found


def rounding(exact, rounded):
    """How far float32 lands from float64, worst of each kind, in the tests' own measures."""
    worst = {}
    for name, value in exact.items():
        error = np.abs(rounded[name] - value)
        kind = name.split(".")[0] if name.startswith(("grad", "after")) else name
        if kind == "grad":
            # The scale is that of the layer: before batch normalization a bias has no gradient but rounding.
            layer = [exact[key] for key in exact if key.startswith(name.rsplit(".", 1)[0] + ".")]
            norm = np.linalg.norm([np.linalg.norm(part) for part in layer])
            measures = {"grad norm": np.linalg.norm(error) / norm,
                        "grad element": error.max() / max(np.abs(part).max() for part in layer)}
        elif kind.endswith("losses"):
            measures = {kind: (error / value).max()}
        else:
            measures = {kind: error.max() / np.abs(value).max()}
        for measure, figure in measures.items():
            worst[measure] = max(worst.get(measure, 0.0), float(figure))
    return worst


def main():
    wanted = sys.argv[1:] or [name for name, *_ in NETWORKS]
    for name, spec, build, batch, size, *rates in NETWORKS:
        if name not in wanted:
            continue
        net = build().double().train()
        generated.fill(net)
        images = torch.from_numpy(generated.images(0, (batch, 3, *size)))
        labels = torch.from_numpy(generated.labels(0, batch, CLASSES))
        seeds = clear(net, images)
        recipes = {"sgd": {"lr": rates[0], "momentum": 0.9, "weight_decay": 5e-4}, "adam": {"lr": rates[1]}}
        if name == "airbench94":
            recipes["sgd"] |= {"momentum": 0.85, "nesterov": True}
        exact = compute(net, images.double(), labels, **recipes)
        worst = rounding(exact, compute(copy.deepcopy(net).float(), images, labels, **recipes))
        whole = lambda key: not key.startswith(("grad.", "after."))
        stored = {key: (value if whole(key) else generated.digest(key, value)).astype(np.float32)
                  for key, value in exact.items()}
        golden = {"made_by": f"networks.py with PyTorch {torch.__version__}, torchvision {torchvision.__version__}",
                  "spec": spec, "classes": CLASSES, "input": size, "batch": batch, "seeds": seeds} | recipes
        OUT.mkdir(exist_ok=True)
        path = OUT / f"{name}.safetensors"
        save_file(stored, path, metadata={"golden": json.dumps(golden)})
        print(f"{path.name}: {path.stat().st_size} bytes, redrawn {seeds}, loss {exact['loss'][0]:.4f}")
        for kind in ("sgd", "adam"):
            print(f"  {kind}:", " ".join(f"{loss:.4f}" for loss in exact[f"{kind}.losses"]))
        print("  float32:", ", ".join(f"{kind} {figure:.1e}" for kind, figure in worst.items()), flush=True)


if __name__ == "__main__":
    main()
