#!/usr/bin/env python3
"""Write events.tfevents: an event file by TensorBoard's own writer.

    python3 -m pip install tensorboard
    python3 tests/golden/events.py

README.md beside this file says what is in it.
"""

import pathlib
import sys

try:
    from tensorboard.compat.proto import event_pb2, summary_pb2
    from tensorboard.plugins.hparams import api_pb2, metadata, plugin_data_pb2
    from tensorboard.summary.writer.record_writer import RecordWriter
except ImportError as missing:
    sys.exit(f"events.py needs TensorBoard ({missing}): python3 -m pip install tensorboard")

OUT = pathlib.Path(__file__).with_suffix(".tfevents")


def scalars(*pairs):
    return summary_pb2.Summary(value=[summary_pb2.Summary.Value(tag=tag, simple_value=value) for tag, value in pairs])


def picture(tag, width, height, data):
    image = summary_pb2.Summary.Image(height=height, width=width, colorspace=3, encoded_image_string=data)
    return summary_pb2.Summary(value=[summary_pb2.Summary.Value(tag=tag, image=image)])


def session(tag, **data):
    """A summary of the hparams plugin, as its own summary.py makes it."""
    content = plugin_data_pb2.HParamsPluginData(**data).SerializeToString(deterministic=True)
    plugin = summary_pb2.SummaryMetadata.PluginData(plugin_name=metadata.PLUGIN_NAME, content=content)
    value = summary_pb2.Summary.Value(tag=tag, metadata=summary_pb2.SummaryMetadata(plugin_data=plugin))
    value.tensor.CopyFrom(metadata.NULL_TENSOR)
    return summary_pb2.Summary(value=[value])


def began(seconds):
    start = plugin_data_pb2.SessionStartInfo(start_time_secs=seconds)
    for name, value in SETTINGS.items():
        kind = {bool: "bool_value", str: "string_value"}.get(type(value), "number_value")
        setattr(start.hparams[name], kind, value)
    return session(metadata.SESSION_START_INFO_TAG, session_start_info=start)


def done(seconds):
    end = plugin_data_pb2.SessionEndInfo(status=api_pb2.STATUS_SUCCESS, end_time_secs=seconds)
    return session(metadata.SESSION_END_INFO_TAG, session_end_info=end)


SETTINGS = {"optim": "adam", "lr": 3e-3, "nesterov": False, "seed": 0, "größe": "", "epochs": 15, "betas": "[0.9,0.999]"}
START = event_pb2.SessionLog(status=event_pb2.SessionLog.START)
# The picture's bytes need no picture in them: nobody decodes it here.
EVENTS = [
    {"wall_time": 1700000000.25, "file_version": "brain.Event:2"},
    {"wall_time": 1700000000.25, "step": 1, "session_log": START},
    {"wall_time": 1700000001.5, "step": 1, "summary": scalars(("loss/train", 2.25), ("top1/train", 0.0), ("lr", 3e-4))},
    {"wall_time": 1700000002.5, "step": 300, "summary": scalars(("größe", -1.5), ("memory/peak_bytes", 1e11))},
    {"wall_time": 1700000003.5, "step": 300, "summary": scalars(("nan", float("nan")), ("inf", float("inf")))},
    {"wall_time": 1700000004.5, "step": 300, "summary": picture("confusion", 1378, 70000, bytes(range(256)) * 2)},
    {"wall_time": 1700000005.5, "summary": began(1700000005.5)},
    {"wall_time": 1700000006.5, "step": 5_000_000_000, "summary": done(1700000006.5)},
]


def main():
    with OUT.open("wb") as file:
        writer = RecordWriter(file)
        for fields in EVENTS:
            writer.write(event_pb2.Event(**fields).SerializeToString(deterministic=True))
    print(f"{OUT}: {len(EVENTS)} events, {OUT.stat().st_size} bytes")


if __name__ == "__main__":
    main()
