#!/usr/bin/env python3
"""Write embed.json: what scikit-learn and umap-learn compute from a few made points.

    python3 -m pip install scikit-learn umap-learn
    python3 tests/golden/embed.py

README.md beside this file describes the fields.
"""

import json
import pathlib
import sys

try:
    import numpy as np
    import sklearn
    from sklearn.decomposition import PCA
    from sklearn.linear_model import LogisticRegression
    import umap
    from sklearn.manifold import TSNE, trustworthiness
    from sklearn.manifold._t_sne import _joint_probabilities_nn
    from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors
except ImportError as missing:
    sys.exit(f"embed.py needs scikit-learn and umap-learn ({missing}): python3 -m pip install scikit-learn umap-learn")

OUT = pathlib.Path(__file__).with_suffix(".json")


def blobs(rng, classes, count, dimension, spread):
    """Points around a centre for each class, rounded so that JSON has them exactly."""
    centres = rng.normal(0, spread, (classes, dimension))
    labels = rng.integers(0, classes, count)
    # Not all directions vary alike.
    scales = np.exp(-np.arange(dimension) / (dimension / 3))
    points = centres[labels] + rng.normal(0, 1, (count, dimension)) * scales
    return np.round(points, 3), labels


def case(name, seed, classes, train, test, dimension, spread):
    rng = np.random.default_rng(seed)
    points, labels = blobs(rng, classes, train + test, dimension, spread)
    among, known, points, labels = points[:train], labels[:train], points[train:], labels[train:]
    pca = PCA(svd_solver="full").fit(points)
    probe = LogisticRegression(tol=1e-12, max_iter=100_000).fit(among, known)
    # Of two classes scikit-learn has one row of weights.
    weights = np.c_[probe.coef_, probe.intercept_]
    weights = np.r_[-weights / 2, weights / 2] if len(weights) == 1 else weights - weights.mean(axis=0)
    vote = KNeighborsClassifier(10).fit(among, known)
    near = NearestNeighbors(n_neighbors=10).fit(points).kneighbors(return_distance=False)
    colors = np.round(rng.uniform(0, 1, (test, 3)) * .3 + .1 * points[:, :3].clip(-2, 2), 4)
    guesses = colors[near].mean(axis=1)
    indicators = np.eye(classes)[labels]
    flat = np.round(pca.transform(points)[:, :2], 4)
    residual = lambda values, guesses: float(1 - ((values - guesses) ** 2).sum() / ((values - values.mean(axis=0)) ** 2).sum())
    return {
        "name": name, "classes": classes, "dimension": dimension,
        "among": among.ravel().tolist(), "known": known.tolist(),
        "points": points.ravel().tolist(), "labels": labels.tolist(), "colors": colors.ravel().tolist(),
        "pca": {
            "variance": pca.explained_variance_.tolist(), "ratio": pca.explained_variance_ratio_.tolist(),
            "components": pca.components_[:3].tolist(), "projected": pca.transform(points)[:, :3].ravel().tolist(),
        },
        "votes": vote.predict(points).tolist(),
        "nearest": NearestNeighbors(n_neighbors=10).fit(among).kneighbors(points)[1][:5].tolist(),
        "probe": {"weights": weights.tolist(), "predicted": probe.predict(points).tolist()},
        "grouping": {"class": residual(indicators, indicators[near].mean(axis=1)), "color": residual(colors, guesses)},
        "flat": flat.ravel().tolist(),
        "trustworthiness": {str(k): trustworthiness(points, flat, n_neighbors=k) for k in (1, 5, 12)},
    }


def layouts():
    """t-SNE's and UMAP's probabilities, and how good their layouts are."""
    rng = np.random.default_rng(4)
    points, _ = blobs(rng, 5, 150, 8, 1.2)
    perplexity, neighbors, rows = 8.0, 10, 6
    distances = NearestNeighbors(n_neighbors=int(3 * perplexity + 1)).fit(points).kneighbors_graph(mode="distance")
    distances.data **= 2
    pairs = _joint_probabilities_nn(distances, perplexity, 0).toarray()
    graph = umap.umap_.fuzzy_simplicial_set(points.astype(np.float32), neighbors, np.random.RandomState(0), "euclidean")[0]
    tsne = TSNE(perplexity=perplexity, random_state=0).fit(points)
    maps = [umap.UMAP(n_neighbors=neighbors, random_state=seed).fit_transform(points) for seed in range(5)]
    return {
        "dimension": 8, "points": points.ravel().tolist(), "perplexity": perplexity, "neighbors": neighbors,
        "pairs": [[float(f"{p:.8g}") for p in row] for row in pairs[:rows]],
        "graph": [[float(f"{w:.8g}") for w in row] for row in graph.toarray()[:rows].astype(float)],
        "edges": int((graph.toarray() > 0).sum()), "weight": float(graph.toarray().astype(float).sum()),
        "curves": [[d, *map(float, umap.umap_.find_ab_params(1.0, d))] for d in (0.0, 0.1, 0.5, 0.99)],
        "tsne": {"trustworthiness": trustworthiness(points, tsne.embedding_, n_neighbors=5),
                 "divergence": float(tsne.kl_divergence_)},
        "umap": {"trustworthiness": [trustworthiness(points, one, n_neighbors=5) for one in maps]},
    }


def main():
    cases = [
        case("nine classes", 1, 9, 120, 60, 12, 1.0),
        case("two classes", 2, 2, 60, 40, 5, .7),
        case("more numbers than points", 3, 3, 40, 30, 50, .6),
    ]
    head = json.dumps(f"embed.py with scikit-learn {sklearn.__version__}, umap-learn {umap.__version__}")
    lines = [json.dumps(one, separators=(",", ":")) for one in cases]
    OUT.write_text('{"made_by":' + head + ',"cases":[\n' + ",\n".join(lines) + '\n],"layouts":'
                   + json.dumps(layouts(), separators=(",", ":")) + "}\n", encoding="utf-8")
    print(f"{OUT}: {len(lines)} cases, {OUT.stat().st_size} bytes")


if __name__ == "__main__":
    main()
