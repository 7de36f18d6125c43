#!/usr/bin/env python3
"""Write schedules.json: the learning rates (and momenta) that PyTorch's schedulers give, step by step.

    python3 -m pip install torch numpy
    python3 tests/golden/schedules.py

README.md beside this file describes the fields.
"""

import json
import math
import pathlib
import sys

try:
    import torch
except ImportError as missing:
    sys.exit(f"schedules.py needs PyTorch ({missing}): python3 -m pip install torch numpy")

from torch.optim import lr_scheduler

OUT = pathlib.Path(__file__).with_suffix(".json")
BASE_LR = 0.1
# For the plateau: better; then better by less than the threshold, which counts as bad, and two bad ones
# (three in a row are more than patience 2, so the rate falls); one bad, one better, which resets the count;
# six bad ones, the last only equal to the best (two more falls); and a better one at the end.
METRICS = [1.0, 0.9, 0.89995, 0.95, 0.91, 0.92, 0.8, 0.85, 0.84, 0.83, 0.82, 0.81, 0.8, 0.8, 0.5, 0.5]


def warmup_cosine(optimizer, start_factor, warmup_steps, t_max):
    """Linear warm-up, then one half cosine; the cosine's first rate is the full one."""
    return lr_scheduler.SequentialLR(
        optimizer,
        [lr_scheduler.LinearLR(optimizer, start_factor=start_factor, total_iters=warmup_steps),
         lr_scheduler.CosineAnnealingLR(optimizer, T_max=t_max)],
        milestones=[warmup_steps])


def triangle(optimizer, start, peak, end, total_steps):
    """The rate of airbench's scripts: a line up to the full rate and another one down."""
    up = int(peak * total_steps)

    def factor(step):
        first, last, share = (start, 1, step / up) if step < up else (1, end, (step - up) / (total_steps - up))
        return first * (1 - share) + last * share

    return lr_scheduler.LambdaLR(optimizer, factor)


# Name, scheduler, its parameters, number of steps.
CASES = [
    ("constant", lr_scheduler.ConstantLR, {"factor": 1.0, "total_iters": 0}, 10),
    ("step", lr_scheduler.StepLR, {"step_size": 3, "gamma": 0.5}, 12),
    ("multi_step", lr_scheduler.MultiStepLR, {"milestones": [2, 5], "gamma": 0.1}, 10),
    # One step more than T_max, to see the floor itself.
    ("cosine", lr_scheduler.CosineAnnealingLR, {"T_max": 10, "eta_min": 0.0}, 11),
    # Three cycles of equal length, and three of which each is twice as long as the one before.
    ("restarts", lr_scheduler.CosineAnnealingWarmRestarts, {"T_0": 4}, 12),
    ("restarts_longer", lr_scheduler.CosineAnnealingWarmRestarts, {"T_0": 2, "T_mult": 2}, 14),
    ("triangle", triangle, {"start": 0.2, "peak": 0.23, "end": 0.07, "total_steps": 20}, 20),
    ("linear", lr_scheduler.LinearLR, {"start_factor": 1.0, "end_factor": 0.0, "total_iters": 10}, 10),
    ("one_cycle", lr_scheduler.OneCycleLR,
     {"max_lr": 0.1, "total_steps": 20, "pct_start": 0.3, "anneal_strategy": "cos", "div_factor": 25.0,
      "final_div_factor": 1e4, "three_phase": False, "cycle_momentum": False}, 20),
    ("one_cycle_momentum", lr_scheduler.OneCycleLR,
     {"max_lr": 0.1, "total_steps": 20, "cycle_momentum": True, "base_momentum": 0.85, "max_momentum": 0.95}, 20),
    ("plateau", lr_scheduler.ReduceLROnPlateau,
     {"mode": "min", "factor": 0.1, "patience": 2, "threshold": 1e-4, "threshold_mode": "rel",
      "cooldown": 0, "min_lr": 0.0, "eps": 1e-8}, len(METRICS)),
    ("warmup_cosine", warmup_cosine, {"start_factor": 0.1, "warmup_steps": 5, "t_max": 15}, 20),
]


def rates(schedule, params, steps):
    """The rate that each optimizer step uses, read before the scheduler moves on."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=BASE_LR, momentum=0.9)
    scheduler = schedule(optimizer, **params)
    plateau = isinstance(scheduler, lr_scheduler.ReduceLROnPlateau)
    seen, momenta = [], []
    for step in range(steps):
        seen.append(float(optimizer.param_groups[0]["lr"]))
        momenta.append(float(optimizer.param_groups[0]["momentum"]))
        optimizer.step()
        if step + 1 == steps:
            break  # OneCycleLR refuses a step past its end
        if plateau:
            scheduler.step(METRICS[step])
        else:
            scheduler.step()
    return seen, momenta


def trained(optimizer, params):
    """A weight in float64 after each of 20 steps under one cycle of rate and momentum; gradient t is the cosine of t."""
    weight = torch.nn.Parameter(torch.ones(1, dtype=torch.float64))
    optimizer = optimizer([weight], lr=BASE_LR, **params)
    scheduler = lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, total_steps=20)
    seen = []
    for step in range(20):
        weight.grad = torch.full_like(weight, math.cos(step))
        optimizer.step()
        seen.append(float(weight))
        if step < 19:
            scheduler.step()
    return seen


def main():
    schedules = {}
    for name, schedule, params, steps in CASES:
        entry = {"base_lr": BASE_LR, "params": params}
        if name == "plateau":
            entry["metrics"] = METRICS
        entry["lr"], momenta = rates(schedule, params, steps)
        if params.get("cycle_momentum"):
            entry["momentum"] = momenta
            entry["sgd"] = trained(torch.optim.SGD, {"momentum": 0.9})
            entry["nesterov"] = trained(torch.optim.SGD, {"momentum": 0.9, "nesterov": True})
            entry["adam"] = trained(torch.optim.Adam, {})
            entry["adamw"] = trained(torch.optim.AdamW, {})
        schedules[name] = entry
    golden = {"made_by": f"schedules.py with PyTorch {torch.__version__}", "schedules": schedules}
    OUT.write_text(json.dumps(golden, indent=1) + "\n", encoding="utf-8")
    print(f"{OUT}: {len(schedules)} schedules, {OUT.stat().st_size} bytes")


if __name__ == "__main__":
    main()
