#!/usr/bin/env python3
"""Write state_dicts.json: names and shapes of all tensors in torchvision's state dicts.

    python3 -m pip install torch torchvision
    python3 tests/golden/state_dicts.py

README.md beside this file describes the fields.
"""

import json
import pathlib
import sys

try:
    import torch
    import torchvision
except ImportError as missing:
    sys.exit(f"state_dicts.py needs PyTorch and torchvision ({missing}): python3 -m pip install torch torchvision")

OUT = pathlib.Path(__file__).with_suffix(".json")
NETWORKS = {f"resnet{depth}:stem=imagenet": f"resnet{depth}" for depth in (18, 34, 50)} | {
    f"vgg{depth}{norm}:head=imagenet": f"vgg{depth}{norm}" for depth in (11, 13, 16, 19) for norm in ("", "_bn")}


def main():
    # Lists on one line, so that a line is a tensor.
    text = [f' "made_by": "state_dicts.py with PyTorch {torch.__version__}, torchvision {torchvision.__version__}"']
    for spec, name in NETWORKS.items():
        # Without memory: only names and shapes are asked for.
        with torch.device("meta"):
            state = getattr(torchvision.models, name)().state_dict()
        tensors = ",\n".join(f"  {json.dumps(key)}: {list(value.shape)}" for key, value in state.items())
        text.append(f" {json.dumps(spec)}: {{\n{tensors}\n }}")
    OUT.write_text("{\n" + ",\n".join(text) + "\n}\n", encoding="utf-8")
    print(f"{OUT}: {len(NETWORKS)} networks, {OUT.stat().st_size} bytes")


if __name__ == "__main__":
    main()
