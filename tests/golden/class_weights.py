#!/usr/bin/env python3
"""Write class_weights.json: PyTorch's cross entropy with weights of classes, and scikit-learn's balanced weights.

    python3 -m pip install torch scikit-learn
    python3 tests/golden/class_weights.py

README.md beside this file describes the fields.
"""

import json
import pathlib
import sys

try:
    import numpy as np
    import sklearn
    import torch
    from sklearn.utils.class_weight import compute_class_weight
except ImportError as missing:
    sys.exit(f"class_weights.py lacks a package ({missing}); its first lines name all")

OUT = pathlib.Path(__file__).with_suffix(".json")


def main():
    torch.manual_seed(0)
    cases = []
    for n, k, smoothing in [(7, 3, 0.0), (6, 5, 0.1), (40, 10, 0.3)]:
        labels = torch.randint(k, (n,))
        labels[:k] = torch.arange(k)[:n]
        weights = torch.tensor(compute_class_weight("balanced", classes=np.arange(k), y=labels.numpy()))
        logits = torch.randn(n, k, dtype=torch.float64).float().double().requires_grad_()
        loss = torch.nn.functional.cross_entropy(logits, labels, weight=weights, label_smoothing=smoothing)
        loss.backward()
        cases.append({
            "classes": k, "smoothing": smoothing, "labels": labels.tolist(), "weights": weights.tolist(),
            "logits": logits.flatten().tolist(), "loss": loss.item(), "gradient": logits.grad.flatten().tolist(),
        })
    made_by = f"class_weights.py with PyTorch {torch.__version__}, scikit-learn {sklearn.__version__}"
    OUT.write_text(json.dumps({"made_by": made_by, "cases": cases}) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
