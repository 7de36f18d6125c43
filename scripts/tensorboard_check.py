#!/usr/bin/env python3
"""Read a run as TensorBoard does, and hold it against the run's own tables: every step once, the epochs' figures, settings and metrics
of the hparams plugin.

    python3 -m pip install tensorboard
    cargo run --release -- train --epochs 3 --out runs/check
    python3 scripts/tensorboard_check.py runs/check

Exits with 1 where something is missing or another.
"""

import csv
import json
import math
import pathlib
import sys

try:
    from tensorboard.backend.event_processing import data_provider, plugin_event_multiplexer
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.context import RequestContext
    from tensorboard.plugins.base_plugin import TBContext
    from tensorboard.plugins.hparams import api_pb2, backend_context, list_session_groups
except ImportError as missing:
    sys.exit(f"tensorboard_check.py needs TensorBoard ({missing}): python3 -m pip install tensorboard")

failures = 0


def check(what, right):
    global failures
    failures += not right
    print(f"{what:60} {'ok' if right else 'FAILED'}")


def near(ours, theirs, allowed=1e-6):
    return abs(ours - theirs) <= allowed * max(abs(ours), abs(theirs)) or math.isnan(ours) and math.isnan(theirs)


def same(ours, theirs):
    number = isinstance(theirs, float)
    return near(ours, theirs) if number else ours == theirs


def table(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def accumulated(folder):
    found = EventAccumulator(str(folder), size_guidance={"scalars": 0, "images": 0, "tensors": 0})
    found.Reload()
    return found


def scalars(found, tag):
    return [(event.step, event.value) for event in found.Scalars(tag)]


def main():
    run = pathlib.Path(sys.argv[1]).resolve()
    metrics, steps = table(run / "metrics.csv"), table(run / "steps.csv")
    last = {int(row["epoch"]): int(row["step"]) for row in steps}
    for split in sorted({row["split"] for row in metrics}):
        found, rows = accumulated(run / split), [row for row in metrics if row["split"] == split]
        tags = ["loss", "top1", "top5"]
        if split == "train":
            tags += ["lr", "images_per_second", "memory/peak_bytes"]
        for tag in tags:
            told = scalars(found, tag)
            right = [step for step, _ in told] == [last[int(row["epoch"])] for row in rows] and all(
                near(value, float(row[tag.split("/")[-1]])) for (_, value), row in zip(told, rows))
            check(f"{split}: {tag} of {len(rows)} epochs", right)
        if split == "train":
            losses = scalars(found, "step/loss")
            count = max(last.values())
            for tag in ("step/loss", "step/lr"):
                check(f"{tag} of each of {count} steps, once", [step for step, _ in scalars(found, tag)] == list(range(1, count + 1)))
            means = True
            for row in steps:
                first, end = int(row["step"]) - int(row["step_in_epoch"]), int(row["step"])
                means &= near(sum(value for _, value in losses[first:end]) / (end - first), float(row["loss"]), 1e-5)
            check(f"their running means are the {len(steps)} rows of steps.csv", means)
        if split == "test":
            check("one confusion, after the last step", [event.step for event in found.Images("confusion")][-1:] == [max(last.values())])

    # The plugin's own backend, and runs called as they are by a TensorBoard whose --logdir is the folder that the run lies in.
    multiplexer = plugin_event_multiplexer.EventMultiplexer()
    for folder in [run, *(run / split for split in ("train", "val", "test") if (run / split).is_dir())]:
        multiplexer.AddRun(str(folder), str(folder.relative_to(run.parent)))
    multiplexer.Reload()
    provider = data_provider.MultiplexerDataProvider(multiplexer, str(run))
    backend, context = backend_context.Context(TBContext(data_provider=provider)), RequestContext()
    experiment = backend.experiment_from_metadata(context, "", True, backend.hparams_metadata(context, ""),
                                                  backend.hparams_from_data_provider(context, "", 1000))
    request = api_pb2.ListSessionGroupsRequest(start_index=0, slice_size=10, include_metrics=True,
        allowed_statuses=[api_pb2.STATUS_UNKNOWN, api_pb2.STATUS_SUCCESS, api_pb2.STATUS_FAILURE, api_pb2.STATUS_RUNNING],
        col_params=[api_pb2.ColParams(metric=info.name) for info in experiment.metric_infos])
    answer = list_session_groups.Handler(context, backend, "", request).run()
    group, = answer.session_groups
    session, = group.sessions
    info = json.loads((run / "run.json").read_text())
    # TensorBoard keeps what a run began with.
    changed = {change["setting"] for change in info.get("changes") or []}
    config = {name: value for name, value in info["config"].items() if name not in changed}
    told = {name: value.number_value if value.HasField("number_value") else value.bool_value if value.HasField("bool_value")
            else value.string_value for name, value in group.hparams.items()}
    known = {name: value for name, value in config.items() if not isinstance(value, (list, dict, type(None)))}
    check(f"{len(told)} settings, all of run.json's", all(same(told.get(name), value) for name, value in known.items()))
    check("the session ended well, after it began",
          session.status == api_pb2.STATUS_SUCCESS and 0 < session.start_time_secs <= session.end_time_secs)
    values = {(value.name.group, value.name.tag): value.value for value in session.metric_values}
    report = json.loads((run / "report.json").read_text())
    check("its metrics have the report", all(near(values["", f"report/{key}"], report[key]) for key in ("loss", "top1", "top5")))
    final = [row for row in metrics if row["split"] == "test"][-1]
    check("and the last epoch on the test set", all(near(values["test", key], float(final[key])) for key in ("loss", "top1", "top5")))
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
