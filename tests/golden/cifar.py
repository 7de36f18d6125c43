#!/usr/bin/env python3
"""Write cifar.tar.gz: the same few pictures in every form that CIFAR's files have had.

    python3 tests/golden/cifar.py      # needs numpy 2

CIFAR-100, three training pictures and two for test: `binary`; `python2`, as the published Python version (protocol 2 with
Python 2's strings and numpy 1's names); `protocol0` to `protocol5`, as Python 3 and this numpy write it. CIFAR-10, one
picture a file: `binary10` and `python10`, as published.

Pixels are ramps, so that the archive stays small; it carries no times.
"""

import io
import pickle
import struct

import numpy

import archive

SIDE = 32


def picture(number):
    """Planes of ramps that differ from each other and from picture to picture."""
    place = numpy.arange(SIDE * SIDE)
    return numpy.concatenate([(place * (plane + 1) + 37 * number) % 256 for plane in range(3)]).astype(numpy.uint8)


class Python2(pickle._Pickler):
    """Writes bytes and texts as Python 2's pickle module wrote its `str`, and numpy's names as numpy 1's."""

    dispatch = dict(pickle._Pickler.dispatch)

    def save_string(self, text):
        data = text.encode("latin1") if isinstance(text, str) else text
        if len(data) < 256:
            self.write(pickle.SHORT_BINSTRING + bytes([len(data)]) + data)
        else:
            self.write(pickle.BINSTRING + struct.pack("<i", len(data)) + data)
        self.memoize(text)

    dispatch[bytes] = dispatch[str] = save_string

    def save_global(self, thing, name=None):
        module = thing.__module__.replace("numpy._core", "numpy.core")
        self.write(f"c{module}\n{name or thing.__qualname__}\n".encode())
        self.memoize(thing)

    dispatch[type] = dispatch[type(len)] = dispatch[type(picture)] = save_global


def dump(value, protocol):
    if protocol is not None:
        return pickle.dumps(value, protocol=protocol)
    out = io.BytesIO()
    Python2(out, protocol=2).dump(value)
    return out.getvalue()


def batch(numbers, labels, protocol):
    # Loaded with encoding="bytes" and saved again, published files have keys of bytes.
    key = str if protocol != 3 else str.encode
    rows = numpy.stack([picture(number) for number in numbers])
    value = {key("batch_label"): "a few", key("data"): rows, key("filenames"): [f"{n}.png" for n in numbers]}
    value |= {key(name): values for name, values in labels.items()}
    return dump(value, protocol)


def main():
    files = {}
    parts = {"train": range(3), "test": range(3, 5)}
    fine = {number: (number * 41 + 7) % 100 for number in range(5)}
    coarse = {number: number % 20 for number in range(5)}
    names = [f"fine {number}" for number in range(100)]
    files["binary/fine_label_names.txt"] = "".join(f"{name}\n" for name in names).encode()
    versions = {"python2": None} | {f"protocol{protocol}": protocol for protocol in range(6)}
    for part, numbers in parts.items():
        records = [bytes([coarse[n], fine[n]]) + picture(n).tobytes() for n in numbers]
        files[f"binary/{part}.bin"] = b"".join(records)
        labels = {"fine_labels": [fine[n] for n in numbers], "coarse_labels": [coarse[n] for n in numbers]}
        for folder, protocol in versions.items():
            files[f"{folder}/{part}"] = batch(numbers, labels, protocol)
            files[f"{folder}/meta"] = dump({"fine_label_names": names, "coarse_label_names": []}, protocol)
    ten = [f"data_batch_{number}" for number in range(1, 6)] + ["test_batch"]
    for number, name in enumerate(ten):
        files[f"binary10/{name}.bin"] = bytes([number]) + picture(number).tobytes()
        files[f"python10/{name}"] = batch([number], {"labels": [number]}, None)
    for name, data in files.items():
        if "binary" not in name:
            # What Python itself makes of it.
            assert isinstance(pickle.loads(data, encoding="latin1"), dict), name

    archive.write(__file__, files)


if __name__ == "__main__":
    main()
