#!/usr/bin/env python3
"""Compare `warptape embed` with scikit-learn and umap-learn on a trained run: PCA's variance, trustworthiness of t-SNE and UMAP, the
nearest neighbors, the linear probe, and that a second start gives the same bytes on one core.

    python3 -m pip install scikit-learn umap-learn
    cargo run --release -- train --epochs 3 --out runs/check
    python3 scripts/embed_check.py target/release/warptape runs/check

Exits with 1 where something is further off than it may be.
"""

import csv
import json
import os
import pathlib
import subprocess
import sys
import tempfile

try:
    import numpy as np
    import umap
    from sklearn.decomposition import PCA
    from sklearn.linear_model import LogisticRegression
    from sklearn.manifold import TSNE, trustworthiness
    from sklearn.neighbors import KNeighborsClassifier
except ImportError as missing:
    sys.exit(f"embed_check.py needs scikit-learn and umap-learn ({missing}): python3 -m pip install scikit-learn umap-learn")

TRUST, VARIANCE, PROBE = 0.02, 1e-6, 0.01
PERPLEXITIES, NEIGHBORS = (20, 30), (15,)
failures = 0


def embed(program, run, folder, *words, cores=None):
    environment = dict(os.environ, **({"RAYON_NUM_THREADS": str(cores)} if cores else {}))
    subprocess.run([program, "embed", run, "--out", folder, *map(str, words)], check=True, stdout=subprocess.DEVNULL,
                   env=environment)
    with open(folder / "embedding.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    places = np.array([[float(row["x"]), float(row["y"])] for row in rows])
    points = np.loadtxt(folder / "tensors.tsv", delimiter="\t", ndmin=2)
    return points, places, [row["class"] for row in rows], json.loads((folder / "embed.json").read_text())


def check(what, ours, theirs, allowed, both_ways=False):
    global failures
    off = abs(ours - theirs) if both_ways else theirs - ours
    verdict = "ok" if off <= allowed else "FAILED"
    failures += verdict != "ok"
    print(f"{what:44} {ours:.6f}  theirs {theirs:.6f}  {verdict}")


def main():
    program, run = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2]
    words = sys.argv[3:]
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        points, places, labels, facts = embed(program, run, folder / "pca", *words)
        print(f"{len(points)} points of {points.shape[1]} numbers, layer {facts['layer']}")
        theirs = PCA(svd_solver="full").fit(points)
        ratio = facts["projection"]["explained_variance_ratio"]
        for at in (0, 1, len(ratio) - 1):
            check(f"PCA, share of component {at + 1}", ratio[at], theirs.explained_variance_ratio_[at], VARIANCE, True)
        furthest = np.abs(places - theirs.transform(points)[:, :2]).max() / np.abs(places).max()
        check("PCA, furthest place (share of the largest)", furthest, 0, 1e-4, True)
        check("PCA, trustworthiness", facts["scores"]["trustworthiness"], trustworthiness(points, places, n_neighbors=5),
              1e-4, True)
        # Training points with the whole's judgement: those that embed asks and learns from.
        among, _, known, _ = embed(program, run, folder / "train", "--part", "train", *words)
        votes = KNeighborsClassifier(10).fit(among, known).score(points, labels)
        check("nearest neighbors, accuracy", facts["scores"]["nearest"], votes, 2 / len(points), True)
        probe = LogisticRegression(max_iter=5000).fit(among, known).score(points, labels)
        check("linear probe, accuracy", facts["scores"]["probe"], probe, PROBE, True)
        for perplexity in PERPLEXITIES:
            method = ("--method", "tsne", "--perplexity", perplexity)
            _, places, _, facts = embed(program, run, folder / "tsne", *method, *words)
            alone = embed(program, run, folder / "alone", *method, *words, cores=1)[1]
            check(f"t-SNE of {perplexity}, bits on one core (1: equal)", float((places == alone).all()), 1, 0)
            theirs = TSNE(perplexity=perplexity, random_state=0).fit(points)
            check(f"t-SNE of {perplexity}, trustworthiness", trustworthiness(points, places, n_neighbors=5),
                  trustworthiness(points, theirs.embedding_, n_neighbors=5), TRUST)
            check(f"t-SNE of {perplexity}, divergence", facts["projection"]["divergence"], theirs.kl_divergence_,
                  0.05 * theirs.kl_divergence_, True)
        for neighbors in NEIGHBORS:
            method = ("--method", "umap", "--neighbors", neighbors)
            _, places, _, _ = embed(program, run, folder / "umap", *method, *words)
            alone = embed(program, run, folder / "alone", *method, *words, cores=1)[1]
            check(f"UMAP of {neighbors}, bits on one core (1: equal)", float((places == alone).all()), 1, 0)
            maps = [umap.UMAP(n_neighbors=neighbors, random_state=seed).fit_transform(points) for seed in range(3)]
            check(f"UMAP of {neighbors}, trustworthiness", trustworthiness(points, places, n_neighbors=5),
                  np.mean([trustworthiness(points, one, n_neighbors=5) for one in maps]), TRUST)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
