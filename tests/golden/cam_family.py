#!/usr/bin/env python3
"""Write cam_family.safetensors: maps from 0 to 1 by every method of the CAM family, of a small residual network and the four-layer one.

    python3 -m pip install torch torchvision numpy safetensors grad-cam==1.5.7
    python3 tests/golden/cam_family.py

All is computed in float64 by pytorch-grad-cam, but for CAM (Zhou et al. 2016), which it lacks: here it is the formula, in that
library's frame. Two things are not left to chance. A principal component has no sign: here it is turned so that it goes with
the sum over channels. And Ablation-CAM puts the minimum less 1e7 in the place of a channel where the minimum is not 0, but in
a batch each image takes the minimum after those before it: so there is one image a batch. README.md beside this file lists the
keys.
"""

import pathlib
import sys

try:
    import numpy as np
    import pytorch_grad_cam as library
    import torch
    from pytorch_grad_cam import ablation_cam, base_cam, eigen_cam, hirescam, layer_cam
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
    from safetensors.numpy import save_file
    from torch import nn
except ImportError as missing:
    sys.exit(f"cam_family.py needs PyTorch, safetensors and pytorch-grad-cam ({missing}): "
             "python3 -m pip install torch numpy safetensors grad-cam==1.5.7")

import generated
from grad_cam import little_conv

OUT = pathlib.Path(__file__).with_suffix(".safetensors")


class Cam(base_cam.BaseCAM):
    """Zhou et al. 2016: each channel by its weight in the linear layer behind global average pooling."""

    def __init__(self, net, layers):
        super().__init__(net, layers, uses_gradients=False)

    def get_cam_weights(self, images, layer, targets, activations, grads):
        weight = self.model.fc.weight.detach().numpy()
        return np.stack([target(weight) if isinstance(target, Difference) else weight[target.category]
                         for target in targets])


METHODS = {
    "gradcam": library.GradCAM, "gradcam++": library.GradCAMPlusPlus, "cam": Cam, "hirescam": library.HiResCAM,
    "xgradcam": library.XGradCAM, "layercam": library.LayerCAM, "eigencam": library.EigenCAM,
    "scorecam": library.ScoreCAM, "ablationcam": library.AblationCAM,
}


class Difference:
    """The logit of one class minus that of another."""

    def __init__(self, of, minus):
        self.of, self.minus = of, minus

    def __call__(self, logits):
        return logits[self.of] - logits[self.minus]


def turned(project):
    """A projection on the first component, turned so that it goes with the sum over channels."""

    def projection(activations):
        found = project(activations)
        along = (found * np.nan_to_num(activations).sum(axis=1)).sum(axis=(1, 2))
        return np.float32(found * np.where(along < 0, -1, 1)[:, None, None])

    return projection


class Block(nn.Module):
    """Two 3x3 convolutions beside a shortcut, torchvision's names."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU()
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = None
        if stride > 1:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        shortcut = x if self.downsample is None else self.downsample(x)
        branch = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        return torch.relu(branch + shortcut)


class SmallResNet(nn.Module):
    """A stem, two blocks, average and linear layer."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(8)
        self.relu = nn.ReLU()
        self.layer1 = Block(8, 8, 1)
        self.layer2 = Block(8, 16, 2)
        self.fc = nn.Linear(16, 5)

    def forward(self, x):
        x = self.layer2(self.layer1(self.relu(self.bn1(self.conv1(x)))))
        return self.fc(x.mean((2, 3)))


def small_resnet():
    """The network, and three images."""
    net = SmallResNet().eval()
    generated.fill(net)
    return net, torch.from_numpy(generated.images(0, (3, 3, 24, 20)))


# CAM is of the layer that is pooled.
NOT_CAM = " ".join(method for method in METHODS if method != "cam")
# Network, layers, target (of all images; a pair is a difference), smoothing, methods.
CASES = [
    ("resnet", ["layer2"], "top", "", "all"),
    ("resnet", ["layer1", "layer2"], (3, 1), "", NOT_CAM),
    ("resnet", ["layer2"], 2, "eigen", "all"),
    ("resnet", ["layer2"], (0, 4), "aug", "all"),
    ("resnet", ["layer2.conv1"], 2, "", "hirescam layercam scorecam ablationcam"),
    ("resnet", ["layer2.bn2"], 2, "", "gradcam ablationcam"),
    ("little", ["features.15"], "top", "", "all"),
]


def map_of(net, images, method, layers, target, smooth):
    """The maps [images, height, width] from 0 to 1."""
    if target == "top":
        targets = [ClassifierOutputTarget(int(logits.argmax())) for logits in net(images)]
    elif isinstance(target, tuple):
        targets = [Difference(*target)] * len(images)
    else:
        targets = [ClassifierOutputTarget(target)] * len(images)
    with METHODS[method](net, [net.get_submodule(layer) for layer in layers]) as cam:
        if method == "ablationcam":
            cam.batch_size = 1
        return np.float32(cam(images, targets, aug_smooth=smooth == "aug", eigen_smooth=smooth == "eigen"))


def main():
    for module in [base_cam, eigen_cam, hirescam, layer_cam]:
        module.get_2d_projection = turned(module.get_2d_projection)
    for module in [library.score_cam, ablation_cam]:
        module.tqdm.tqdm = lambda iterable, **_: iterable
    resnet, images = small_resnet()
    little, little_images = little_conv()
    nets = {"resnet": (resnet, images), "little": (little, little_images)}
    golden = {}
    for name, layers, target, smooth, methods in CASES:
        net, images = nets[name]
        for method in METHODS if methods == "all" else methods.split():
            exact = map_of(net.double(), images.double(), method, layers, target, smooth)
            rounded = map_of(net.float(), images.float(), method, layers, target, smooth)
            words = "top" if target == "top" else "-".join(map(str, np.atleast_1d(target)))
            key = f"{name}/{method}/{','.join(layers)}/{words}/{smooth or 'plain'}"
            golden[key] = exact
            print(f"{key:60} {exact.shape} float32 is {np.abs(exact - rounded).max():.1e} off, brightest {exact.max():.3f}")
    save_file(golden, OUT, metadata={"made_by": f"cam_family.py with PyTorch {torch.__version__}"})
    print(f"{OUT}: {len(golden)} maps, {OUT.stat().st_size} bytes")


if __name__ == "__main__":
    main()
