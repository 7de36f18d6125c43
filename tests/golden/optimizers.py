#!/usr/bin/env python3
"""Write optimizers.json: the weights that PyTorch's optimizers give, step by step, in float64.

    python3 -m pip install torch numpy
    python3 tests/golden/optimizers.py

README.md beside this file describes the fields.
"""

import json
import pathlib
import sys

try:
    import torch
except ImportError as missing:
    sys.exit(f"optimizers.py needs PyTorch ({missing}): python3 -m pip install torch numpy")

OUT = pathlib.Path(__file__).with_suffix(".json")
# Values that float32 holds exactly, so that the tests start from the same numbers. The last gradient is always zero,
# where only weight decay moves the weight.
WEIGHTS = [1.0, -2.0, 0.5, 0.0, 4.0]
GRADIENTS = [
    [0.5, -1.0, 0.25, 3.0, 0.0],
    [0.125, -0.5, -0.75, 2.0, 0.0],
    [-0.5, 1.5, 0.0, 1.0, 0.0],
    [1.0, 0.0625, 2.0, -1.0, 0.0],
    [0.0, 0.0, 0.5, -4.0, 0.0],
    [0.25, 8.0, -0.5, 0.5, 0.0],
]
RATES = [0.125, 0.125, 0.0625, 0.0625, 0.03125, 0.25]

CASES = [
    ("sgd", "SGD", {}),
    ("sgd_decay", "SGD", {"weight_decay": 0.125}),
    ("sgd_momentum", "SGD", {"momentum": 0.9, "weight_decay": 5e-4}),
    ("sgd_nesterov", "SGD", {"momentum": 0.9, "nesterov": True, "weight_decay": 0.125}),
    ("sgd_dampening", "SGD", {"momentum": 0.9, "dampening": 0.25, "weight_decay": 0.125}),
    ("adam", "Adam", {}),
    ("adam_decay", "Adam", {"betas": [0.8, 0.95], "eps": 1e-3, "weight_decay": 0.125}),
    ("adamw", "AdamW", {"weight_decay": 0.125}),
    ("adamw_default", "AdamW", {}),
    ("adam_amsgrad", "Adam", {"betas": [0.8, 0.5], "amsgrad": True, "weight_decay": 0.125}),
    ("adamw_amsgrad", "AdamW", {"betas": [0.5, 0.5], "eps": 1e-3, "amsgrad": True}),
]


def run(optimizer, params):
    weight = torch.nn.Parameter(torch.tensor(WEIGHTS, dtype=torch.float64))
    optimizer = getattr(torch.optim, optimizer)([weight], lr=1.0, **params)
    after = []
    for gradient, rate in zip(GRADIENTS, RATES):
        optimizer.param_groups[0]["lr"] = rate
        weight.grad = torch.tensor(gradient, dtype=torch.float64)
        optimizer.step()
        after.append(weight.detach().tolist())
    state = {name: value.tolist() for name, value in optimizer.state[weight].items()
             if torch.is_tensor(value) and value.shape == weight.shape}
    return {"after": after, "state": state}


# Around the steps: the norms that gradients are clipped to (1e9 never clips), whose second group has no weight decay.
SECOND = [[2.0, -0.25, 1.0], [0.0, 0.5, 0.0], [1.0, 1.0, -3.0], [0.25, 0.0, 0.5], [4.0, -2.0, 0.0], [0.5, 0.5, 0.5]]
MOST = [1.5, 4.0, 1e9]
DECAY = 0.75


def around(most):
    """Weights and their averages after each step of AdamW, with gradients of both groups clipped together before it."""
    weights = [torch.nn.Parameter(torch.tensor(values, dtype=torch.float64)) for values in (WEIGHTS, [1.0, -1.0, 2.0])]
    net = torch.nn.ParameterList(weights)
    averaged = torch.optim.swa_utils.AveragedModel(net, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(DECAY))
    groups = [{"params": [weights[0]], "weight_decay": 0.125}, {"params": [weights[1]], "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=1.0)
    norms, after, averages = [], [], []
    for first, second, rate in zip(GRADIENTS, SECOND, RATES):
        for group in optimizer.param_groups:
            group["lr"] = rate
        for weight, gradient in zip(weights, (first, second)):
            weight.grad = torch.tensor(gradient, dtype=torch.float64)
        norms.append(float(torch.nn.utils.clip_grad_norm_(weights, most)))
        optimizer.step()
        averaged.update_parameters(net)
        after.append([weight.tolist() for weight in weights])
        averages.append([weight.tolist() for weight in averaged.module])
    return {"most": most, "norms": norms, "after": after, "averages": averages}


def main():
    optimizers = {name: {"optimizer": optimizer, "params": params, **run(optimizer, params)}
                  for name, optimizer, params in CASES}
    golden = {"made_by": f"optimizers.py with PyTorch {torch.__version__}", "weights": WEIGHTS,
              "gradients": GRADIENTS, "rates": RATES, "optimizers": optimizers,
              "around": {"second": SECOND, "decay": DECAY, "clipped": [around(most) for most in MOST]}}
    OUT.write_text(json.dumps(golden, indent=1) + "\n", encoding="utf-8")
    print(f"{OUT}: {len(optimizers)} optimizers, {OUT.stat().st_size} bytes")


if __name__ == "__main__":
    main()
