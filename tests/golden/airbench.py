#!/usr/bin/env python3
"""Write airbench.safetensors: what airbench's whitening and test-time views make of six small pictures, in PyTorch.

    python3 -m pip install torch torchvision numpy safetensors
    python3 tests/golden/airbench.py

All is computed in float64 and stored as float32. README.md beside this file lists the keys.
"""

import pathlib
import sys

try:
    import numpy as np
    import torch
    from safetensors.numpy import save_file
except ImportError as missing:
    sys.exit(f"airbench.py needs PyTorch, torchvision, NumPy and safetensors ({missing}): "
             "python3 -m pip install torch torchvision numpy safetensors")

from torch.nn import functional as F

import generated
from networks import Airbench

OUT = pathlib.Path(__file__).with_suffix(".safetensors")
COUNT, HEIGHT, WIDTH = 6, 26, 25
MEAN, STD = [0.5, 0.4375, 0.375], [0.25, 0.3125, 0.28125]


def pictures():
    """Bytes [N, H, W, 3] in which neighbours are alike, and channels too, so that patches have eigenvalues of all sizes."""
    noise = torch.from_numpy(generated.uniform(0, "pictures", (COUNT, 4, HEIGHT + 4, WIDTH + 4), 1.0)).double()
    smooth = F.avg_pool2d(noise, 5, 1)
    mixed = smooth[:, :3] + 2 * smooth[:, 3:] + 0.25 * noise[:, :3, 2:-2, 2:-2]
    scaled = (mixed - mixed.min()) / (mixed.max() - mixed.min())
    return (255 * scaled).round().to(torch.uint8).movedim(1, -1).contiguous()


def whitening(images, size=2, eps=5e-4):
    """Eigenvectors of the patches' uncentred covariance over the roots of their eigenvalues, the largest first, and their negatives."""
    patches = F.unfold(images, size).movedim(1, 2).flatten(0, 1)
    values, vectors = torch.linalg.eigh(patches.T @ patches / len(patches))
    filters = (vectors / (values + eps).sqrt()).T.flip(0).unflatten(1, (-1, size, size))
    return torch.cat([filters, -filters])


def mirror(net, images):
    return (net(images) + net(images.flip(-1))) / 2


def mirror_translate(net, images):
    """Half of the weight is that of the pictures, half that of the pictures moved by one pixel along the diagonal."""
    height, width = images.shape[-2:]
    padded = F.pad(images, (1, 1, 1, 1), "reflect")
    moved = [padded[..., :height, :width], padded[..., 2:, 2:]]
    return mirror(net, images) / 2 + sum(mirror(net, view) for view in moved) / 4


def main():
    bytes_ = pictures()
    mean, std = (torch.tensor(values, dtype=torch.float64).view(3, 1, 1) for values in (MEAN, STD))
    images = (bytes_.movedim(-1, 1).double() / 255 - mean) / std
    net = Airbench(1).double().train()
    generated.fill(net)
    found = {"filters": whitening(images)}
    with torch.no_grad():
        net.whiten.weight.copy_(found["filters"].float())
        net(images)  # moves the running statistics
        net.eval()
        found |= {"none": net(images), "mirror": mirror(net, images), "mirror+translate": mirror_translate(net, images)}
    stored = {name: value.numpy().astype(np.float32) for name, value in found.items()}
    stored |= {"pictures": bytes_.numpy(), "mean": np.float32(MEAN), "std": np.float32(STD)}
    save_file(stored, OUT, metadata={"made_by": f"airbench.py with PyTorch {torch.__version__}"})
    print(f"{OUT}: {OUT.stat().st_size} bytes")
    print("eigenvalues over the largest:", [f"{1 / float((f * f).sum()):.5f}" for f in found["filters"][:12].flatten(1)])
    print("largest logit", found["none"].abs().max().item(), "views apart", (found["none"] - found["mirror+translate"]).abs().max().item())


if __name__ == "__main__":
    main()
