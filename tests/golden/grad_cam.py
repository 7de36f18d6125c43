#!/usr/bin/env python3
"""Write grad_cam.safetensors: the maps that pytorch-grad-cam draws for the four-layer network, ResNet-18 and VGG16.

    python3 -m pip install torch torchvision numpy safetensors grad-cam==1.5.7
    python3 tests/golden/grad_cam.py

The four-layer network and its batch are those of little_conv.safetensors, with the running statistics after one step, in
evaluation mode. The deep ones have generated weights and images (generated.py) and running statistics as they begin. Gradients and maps are float64, stored as float32; scaling goes through OpenCV in float32, as in the
library. README.md beside this file lists the keys.
"""

import pathlib
import sys

try:
    import numpy as np
    import torch
    from pytorch_grad_cam import GradCAM, GradCAMPlusPlus
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
    from safetensors.numpy import save_file
    from safetensors.torch import load_file
except ImportError as missing:
    sys.exit(f"grad_cam.py needs PyTorch, safetensors and pytorch-grad-cam ({missing}): "
             "python3 -m pip install torch numpy safetensors grad-cam==1.5.7")

import generated
from little_conv import LittleConv
from networks import cifar_stem, resnet18, vgg16_bn

OUT = pathlib.Path(__file__).with_suffix(".safetensors")
METHODS = {"gradcam": GradCAM, "gradcam++": GradCAMPlusPlus}
LAYERS = ["features.2", "features.6", "features.9", "features.12", "features.14"]
# Networks, and the layers looked at; keys begin with the name.
DEEP = {
    "resnet18": (lambda: cifar_stem(resnet18()), ["layer2.1", "layer3.0", "layer4.1"]),
    "vgg16_bn": (vgg16_bn, ["features.25", "features.32", "features.42"]),
}
SCALED = [["features.6", "top"], ["features.12", "0"], ["features.14", "top"], ["features.14", "0"]]


def keep_unscaled(method):
    """The method, which also keeps each map as it is before ReLU and scaling."""

    class Keeping(method):
        def get_cam_image(self, *arguments, **named):
            self.unscaled = super().get_cam_image(*arguments, **named)
            return self.unscaled

    return Keeping


def maps(net, images, layers, classes):
    """For every method, layer and target: raw maps [images, h, w] and scaled ones [images, height, width].

    A class number is the target of all images; "top" is each image's own largest logit.
    """
    found = {}
    for method, cls in METHODS.items():
        for layer in layers:
            for target in classes:
                with keep_unscaled(cls)(net, [net.get_submodule(layer)]) as cam:
                    targets = None if target == "top" else [ClassifierOutputTarget(target)] * len(images)
                    scaled = cam(images, targets)
                    found[f"{method}/{layer}/{target}/raw"] = np.float32(cam.unscaled)
                    found[f"{method}/{layer}/{target}/scaled"] = np.float32(scaled)
    return found


def little_conv():
    """The network of little_conv.safetensors as its one step in training mode left it, and two of its images."""
    stored = load_file(OUT.with_name("little_conv.safetensors"))
    net = LittleConv().double().eval()
    state = {name.removeprefix("init."): value for name, value in stored.items() if name.startswith("init.")}
    state |= {name.removeprefix("after."): value for name, value in stored.items() if name.startswith("after.")}
    net.load_state_dict(state)
    return net, stored["input"][:2].double()


def deep():
    """The maps of the deep networks, raw only, and how far they are from those of float32."""
    golden = {}
    for name, (build, layers) in DEEP.items():
        net = build()
        generated.fill(net)
        for layer in net.modules():
            if isinstance(layer, torch.nn.ReLU):
                layer.inplace = False  # or it would overwrite the activations that the library keeps of the layer before
        images = torch.from_numpy(generated.images(0, (2, 3, 48, 32)))
        rounded = maps(net.eval(), images, layers, ["top", 4])
        exact = maps(net.double(), images.double(), layers, ["top", 4])
        raw = [key for key in exact if key.endswith("/raw")]
        off = max(np.abs(rounded[key] - exact[key]).max() / np.abs(exact[key]).max() for key in raw)
        print(f"{name}: float32 is {off:.1e} of the largest magnitude off")
        golden |= {f"{name}/{key}": exact[key] for key in raw}
    return golden


def main():
    net, images = little_conv()
    golden = maps(net, images, LAYERS, ["top", 0, 5])
    # Scaled maps are all as large as the image; a test of the scaling needs only some.
    golden = {key: value for key, value in golden.items()
              if not key.endswith("/scaled") or key.split("/")[1:3] in SCALED}
    golden |= deep()
    save_file(golden, OUT, metadata={"made_by": f"grad_cam.py with PyTorch {torch.__version__}"})
    print(f"{OUT}: {len(golden)} maps, {OUT.stat().st_size} bytes")
    for key, value in golden.items():
        print(f"{key:40} {value.shape} from {value.min():.3e} to {value.max():.3e}")


if __name__ == "__main__":
    main()
