#!/usr/bin/env python3
"""Write sweep.json: what Optuna decides on made trials: which end early, and which parameters matter.

    python3 -m pip install optuna
    python3 tests/golden/sweep.py

README.md beside this file describes the fields.
"""

import json
import pathlib
import sys

try:
    import numpy as np
    import optuna
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
    from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
    from optuna.pruners import HyperbandPruner, MedianPruner
    from optuna.trial import TrialState, create_trial
except ImportError as missing:
    sys.exit(f"sweep.py needs Optuna ({missing}): python3 -m pip install optuna")

OUT = pathlib.Path(__file__).with_suffix(".json")
optuna.logging.set_verbosity(optuna.logging.ERROR)


def curves(rng, count, epochs):
    """Losses that fall to different floors at different speeds, with noise, and rounded so that some are equal."""
    floors, speeds = rng.uniform(0.2, 1.0, count), rng.uniform(0.2, 1.5, count)
    epoch = np.arange(epochs)
    all_ = floors[:, None] + 2 * np.exp(-speeds[:, None] * epoch) + rng.normal(0, 0.05, (count, epochs))
    return [[float(v) for v in curve] for curve in np.round(all_, 2)]


def ended(study, all_curves):
    """After how many epochs each trial ends, none if it does all; the last epoch ends it anyhow."""
    ends = []
    for curve in all_curves:
        trial, end = study.ask(), None
        for epoch, loss in enumerate(curve, 1):
            trial.report(loss, epoch)
            if epoch < len(curve) and trial.should_prune():
                end = epoch
                break
        state = TrialState.COMPLETE if end is None else TrialState.PRUNED
        study.tell(trial, curve[-1] if end is None else None, state=state)
        ends.append(end)
    return ends


def median(rng, count, epochs, warmup, unpruned):
    all_curves = curves(rng, count, epochs)
    pruner = MedianPruner(n_startup_trials=unpruned, n_warmup_steps=warmup)
    ends = ended(optuna.create_study(pruner=pruner), all_curves)
    return {"warmup": warmup, "unpruned": unpruned, "curves": all_curves, "ended": ends}


class Turns(HyperbandPruner):
    """Optuna draws a trial's bracket by a hash; here the one that is furthest behind its share is next."""

    def _get_bracket_id(self, study, trial):
        if not self._pruners:
            return 0
        shares, given = self._trial_allocation_budgets, [0] * len(self._pruners)
        for turn in range(trial.number % sum(shares) + 1):
            behind = [share * (turn + 1) - sum(shares) * have for share, have in zip(shares, given)]
            bracket = behind.index(max(behind))
            given[bracket] += 1
        return bracket


def hyperband(rng, count, least, most):
    all_curves = curves(rng, count, most)
    pruner = Turns(min_resource=least, max_resource=most, reduction_factor=3)
    study = optuna.create_study(pruner=pruner)
    ends = ended(study, all_curves)
    brackets = [pruner._get_bracket_id(study, trial) for trial in study.trials]
    shares = pruner._trial_allocation_budgets
    return {"least": least, "most": most, "shares": shares, "brackets": brackets, "curves": all_curves, "ended": ends}


CHOICES = ["sgd", "adam", "adamw"]
DOMAINS = {
    "optim": (CHOICES, CategoricalDistribution(CHOICES)),
    "lr": ({"from": 1e-4, "to": 1e-1, "log": True}, FloatDistribution(1e-4, 1e-1, log=True)),
    "dropout": ({"from": 0.0, "to": 0.5}, FloatDistribution(0.0, 0.5)),
    "depth": ({"from": 2.0, "to": 9.0, "integer": True}, IntDistribution(2, 9)),
    "batch_size": ({"from": 8.0, "to": 200.0, "log": True, "integer": True}, IntDistribution(8, 200, log=True)),
    "smoothing": ({"from": 0.0, "to": 0.2, "steps": 5}, FloatDistribution(0.0, 0.2, step=0.05)),
}


def importance(rng, count, digits):
    values = [
        [
            int(rng.integers(3)),
            float(np.exp(rng.uniform(np.log(1e-4), np.log(1e-1)))),
            float(rng.uniform(0, 0.5)),
            int(rng.integers(2, 10)),
            int(np.exp(rng.uniform(np.log(8), np.log(200)))),
            round(0.05 * int(rng.integers(5)), 2),
        ]
        for _ in range(count)
    ]
    cost = lambda v: (np.log10(v[1]) + 2) ** 2 + 0.5 * (v[0] == 0) + v[2] + 0.02 * v[3] + rng.normal(0, 0.1)
    costs = [round(float(cost(v)), digits) for v in values]
    study = optuna.create_study()
    distributions = {name: distribution for name, (_, distribution) in DOMAINS.items()}
    for row, loss in zip(values, costs):
        params = dict(zip(DOMAINS, [CHOICES[row[0]]] + row[1:]))
        study.add_trial(create_trial(params=params, distributions=distributions, value=loss))
    shares = get_param_importances(study, evaluator=PedAnovaImportanceEvaluator())
    return {"values": values, "costs": costs, "shares": [shares[name] for name in DOMAINS]}


def main():
    rng = np.random.default_rng(17)
    cases = {
        "median": [median(rng, *case) for case in [(20, 8, 1, 5), (20, 8, 3, 2), (30, 5, 1, 1), (12, 6, 2, 4)]],
        "hyperband": [hyperband(rng, *case) for case in [(40, 1, 9), (40, 1, 30), (30, 2, 8), (12, 3, 8)]],
        "domains": {name: domain for name, (domain, _) in DOMAINS.items()},
        # Of costs with one digit some are equal, and the best tenth is larger.
        "importance": [importance(rng, *case) for case in [(24, 6), (100, 6), (60, 1), (9, 6)]],
    }
    OUT.write_text(json.dumps(cases, indent=None, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
