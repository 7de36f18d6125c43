#!/usr/bin/env python3
"""Write reports.json: scikit-learn's classification_report, as text and as a dictionary.

    python3 -m pip install scikit-learn
    python3 tests/golden/reports.py

README.md beside this file describes the fields.
"""

import json
import pathlib
import random
import sys

try:
    import sklearn
    from sklearn.metrics import balanced_accuracy_score, classification_report, confusion_matrix
except ImportError as missing:
    sys.exit(f"reports.py needs scikit-learn ({missing}): python3 -m pip install scikit-learn")

OUT = pathlib.Path(__file__).with_suffix(".json")
EMOJI = ["Smileys & Emotion", "People & Body", "Animals & Nature", "Food & Drink", "Travel & Places", "Activities",
         "Objects", "Symbols", "Flags"]


def guesses(classes, count, share, absent=(), never=()):
    """Labels, and predictions of which about `share` are right; some classes without images, some never predicted."""
    rng = random.Random(1000 * classes + count)
    labels = [rng.choice([c for c in range(classes) if c not in absent]) for _ in range(count)]
    allowed = [c for c in range(classes) if c not in never]
    right = [label not in never and rng.random() < share for label in labels]
    return labels, [label if hit else rng.choice(allowed) for label, hit in zip(labels, right)]


# Name, class names, labels and predictions, digits.
CASES = [
    ("two", ["cat", "dog"], guesses(2, 25, .7), 2),
    ("nine", EMOJI, guesses(9, 886, .6), 2),
    ("digits", EMOJI, guesses(9, 300, .6), 4),
    ("absent", list("abcdef"), guesses(6, 40, .5, absent=(2, 5)), 2),
    ("never predicted", list("abcdef"), guesses(6, 41, .5, never=(0, 3)), 2),
    ("neither", list("abcdef"), guesses(6, 42, .5, absent=(1, 2), never=(1, 4)), 2),
    ("one", ["all there is"], ([0] * 7, [0] * 7), 2),
    ("all wrong", ["a", "b", "c"], ([0, 1, 2, 0], [1, 2, 0, 2]), 2),
    # Where not one prediction is right, scikit-learn prints the support as 4.0.
    ("one image, wrong", ["a", "b"], ([0], [1]), 2),
    ("one image, right", ["a", "b"], ([1], [1]), 2),
    ("all wrong, one class", list("abcd"), ([2] * 94, [1] * 94), 2),
    ("all wrong, no decimals", ["a", "b", "c"], ([0, 1, 2, 0], [1, 2, 0, 2]), 0),
    ("all wrong, more decimals than letters", ["a", "b"], ([0, 1, 1], [1, 0, 0]), 14),
    ("all taken for one", list("abcd"), ([0, 1, 2, 3, 0], [0] * 5), 2),
    ("one right of many", list("abc"), ([0] * 1500 + [1], [2] * 1500 + [1]), 4),
    ("names of nothing", ["", " ", "  b"], ([0, 1, 2], [0, 2, 1]), 2),
    ("perfect", ["a", "b", "c"], ([0, 1, 2, 0], [0, 1, 2, 0]), 3),
    ("names", ["Größe", "café", "猫", "a name that is longer than any heading"], guesses(4, 30, .6), 2),
    ("no decimals", ["a", "b", "c"], guesses(3, 30, .6), 0),
    ("many", [f"n{i:08}" for i in range(200)], guesses(200, 3000, .5, absent=(17,), never=(3, 150)), 2),
]


def main():
    lines = []
    for name, names, (labels, predictions), digits in CASES:
        every = list(range(len(names)))
        text = classification_report(
            labels, predictions, labels=every, target_names=names, digits=digits, zero_division=0)
        case = {
            "name": name, "names": names, "digits": digits, "labels": labels, "predictions": predictions,
            "text": text,
            "dict": classification_report(
                labels, predictions, labels=every, target_names=names, output_dict=True, zero_division=0),
            "balanced": float(balanced_accuracy_score(labels, predictions)),
            # Of many classes it is mostly zeros; the labels and predictions say the same.
            "confusion": confusion_matrix(labels, predictions, labels=every).tolist() if len(every) < 20 else None,
        }
        lines.append(json.dumps(case, ensure_ascii=False, separators=(",", ":")))
    head = json.dumps(f"reports.py with scikit-learn {sklearn.__version__}")
    OUT.write_text('{"made_by":' + head + ',"cases":[\n' + ",\n".join(lines) + "\n]}\n", encoding="utf-8")
    print(f"{OUT}: {len(lines)} reports, {OUT.stat().st_size} bytes")


if __name__ == "__main__":
    main()
