#!/usr/bin/env python3
"""Write trust.json: what pytorch-grad-cam, Quantus and scikit-image say of how far maps can be believed.

    python3 -m pip install torch torchvision numpy scikit-image grad-cam==1.5.7 quantus==0.6.0
    python3 tests/golden/trust.py

The network is the four-layer one with generated weights (generated.py, seed 0), in evaluation mode and float64; pictures, maps and noise
are generated, too. The random network is that of another seed. README.md beside this file lists the keys.
"""

import json
import pathlib
import sys
import warnings

try:
    import numpy as np
    import quantus
    import skimage
    import torch
    from pytorch_grad_cam import GradCAM
    from pytorch_grad_cam.metrics.cam_mult_image import (CamMultImageConfidenceChange, DropInConfidence,
                                                         IncreaseInConfidence)
    from pytorch_grad_cam.metrics.perturbation_confidence import (PerturbationConfidenceMetric, RemoveLeastRelevantFirst,
                                                                  RemoveMostRelevantFirst)
    from pytorch_grad_cam.metrics.road import NoisyLinearImputer
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputSoftmaxTarget, ClassifierOutputTarget
    from quantus.functions.similarity_func import correlation_spearman
    from scipy.ndimage import gaussian_filter
except ImportError as missing:
    sys.exit(f"trust.py needs PyTorch, pytorch-grad-cam, Quantus and scikit-image ({missing}): "
             "python3 -m pip install torch torchvision numpy scikit-image grad-cam==1.5.7 quantus==0.6.0")

import generated
from little_conv import LittleConv

OUT = pathlib.Path(__file__).with_suffix(".json")
COUNT, HEIGHT, WIDTH = 3, 24, 32
# The seed of the random network: the first of which no map is blank on the way there.
FRESH = 3
STEPS = 6
SAMPLES = 2
PERCENTILES = [20, 40, 60, 80]
LAYER = "features.14"


class Fresh:
    """A layer whose reset_parameters gives it the generated numbers of seed FRESH."""

    def reset_parameters(self):
        if hasattr(self, "running_mean"):
            self.reset_running_stats()
        with torch.no_grad():
            for name, value in self.named_parameters():
                value.copy_(torch.from_numpy(generated.parameter(FRESH, f"{self.full_name}.{name}", tuple(value.shape))))


class Double(LittleConv):
    """Takes Quantus' float32 inputs, too."""

    def forward(self, x):
        return super().forward(x.double())


def network():
    net = Double().double().eval()
    generated.fill(net)
    for name, layer in net.named_modules():
        if hasattr(layer, "reset_parameters"):
            layer.full_name = name
            layer.__class__ = type("Fresh" + layer.__class__.__name__, (Fresh, layer.__class__), {})
    return net


def grad_cam(model, inputs, targets, **_):
    """Maps [N, 1, H, W] of the classes `targets`."""
    with GradCAM(model, [model.get_submodule(LAYER)]) as cam:
        x = torch.as_tensor(np.asarray(inputs)).double()
        return cam(x, [ClassifierOutputTarget(int(one)) for one in targets])[:, None]


def probabilities(net, images, classes):
    with torch.no_grad():
        return torch.softmax(net(torch.as_tensor(images)), 1).numpy()[np.arange(len(classes)), classes]


def blurred(images):
    """RISE's blur: a single one under a Gaussian of deviation 5 in a square of 11, as a convolution."""
    single = np.zeros((11, 11))
    single[5, 5] = 1
    kernel = np.zeros((3, 3, 11, 11))
    for channel in range(3):
        kernel[channel, channel] = gaussian_filter(single, 5)
    return torch.nn.functional.conv2d(torch.as_tensor(images), torch.as_tensor(kernel), padding=5).numpy()


def curves(net, start, end, maps, classes):
    """Quantus' pixel flipping from the pictures `start` to `end` by whole pixels, and the point before the first step."""
    # All three channels of a pixel change together: they get neighboring ranks.
    ranks = maps.reshape(COUNT, -1).argsort(1).argsort(1).reshape(COUNT, 1, HEIGHT, WIDTH)
    order = (3 * ranks + np.arange(3)[None, :, None, None]).astype(float)

    def flip(arr, indices, **_):
        changed = arr.copy()
        rows = np.arange(COUNT)[:, None]
        changed[rows, indices] = end.reshape(COUNT, -1)[rows, indices]
        return changed

    metric = quantus.PixelFlipping(features_in_step=3 * HEIGHT * WIDTH // STEPS, normalise=False, perturb_func=flip,
                                   disable_warnings=True)
    scores = metric(net, start, classes, order, softmax=True, channel_first=True)
    first = probabilities(net, start, classes)
    return np.concatenate([first[:, None], np.array(scores)], 1)


def road(net, images, maps, classes, noise):
    """Changes of the probability, [percentile][picture], without the most and the least relevant pixels."""
    targets = [ClassifierOutputSoftmaxTarget(int(one)) for one in classes]
    found = {}
    for name, remove in [("most", RemoveMostRelevantFirst), ("least", RemoveLeastRelevantFirst)]:
        metric = lambda percentile: PerturbationConfidenceMetric(remove(percentile, NoisyLinearImputer(noise)))
        found[name] = [metric(p)(torch.as_tensor(images).float(), maps, targets, net).tolist() for p in PERCENTILES]
    return found


def ssim(a, b, side=7):
    return float(skimage.metrics.structural_similarity(a, b, data_range=1, win_size=side))


def alike():
    """Pairs of maps with many equal values, Spearman's correlation and SSIM."""
    cases = []
    for number, (shape, side) in enumerate([((24, 32), 7), ((7, 9), 7), ((6, 5), 5), ((3, 4), 3)]):
        a, b = [np.round(generated.uniform(number, name, shape, 0.5, 0.5), 1).astype(np.float64) for name in "ab"]
        b = np.round((a + b) / 2, 1)
        cases.append({"shape": shape, "a": a.ravel().tolist(), "b": b.ravel().tolist(), "ssim": ssim(a, b, side),
                      "spearman": float(correlation_spearman(a.ravel(), b.ravel()))})
    return cases


def main():
    warnings.simplefilter("ignore")
    net = network()
    images = generated.images(0, (COUNT, 3, HEIGHT, WIDTH)).astype(np.float64)
    maps = np.stack([generated.uniform(i, "map", (HEIGHT, WIDTH), 0.5, 0.5) for i in range(COUNT)])
    with torch.no_grad():
        classes = net(torch.as_tensor(images)).argmax(1).numpy()
    golden = {"classes": classes.tolist(), "probabilities": probabilities(net, images, classes).tolist()}
    hidden = blurred(images)
    golden["blurred"] = hidden[0].transpose(1, 2, 0).ravel()[::29].tolist()
    golden["insertion"] = curves(net, hidden, images, maps, classes).tolist()
    golden["deletion"] = curves(net, images, np.zeros_like(images), maps, classes).tolist()
    golden["road"] = road(net, images, maps, classes, 0)
    drawn = torch.randn_like
    torch.randn_like = torch.ones_like
    golden["road_with_noise"] = road(net, images, maps, classes, 0.01)
    torch.randn_like = drawn
    imputed = NoisyLinearImputer(0)(torch.as_tensor(images[0]).float(), torch.as_tensor(np.float32(maps[0] < 0.4)))
    golden["imputed"] = imputed.numpy().transpose(1, 2, 0).ravel()[::29].tolist()

    targets = [ClassifierOutputSoftmaxTarget(int(one)) for one in classes]
    for name, metric in [("change", CamMultImageConfidenceChange), ("drop", DropInConfidence),
                         ("increase", IncreaseInConfidence)]:
        golden[name] = metric()(torch.as_tensor(images), maps, targets, net).tolist()

    golden["alike"] = alike()
    original = grad_cam(net, images, classes)
    shape = (COUNT, HEIGHT, WIDTH)
    for name, similarity in [
        ("spearman", correlation_spearman),
        ("ssim", lambda a, b, **_: np.array([ssim(x, y) for x, y in zip(a.reshape(shape), b.reshape(shape))])),
    ]:
        metric = quantus.MPRT(similarity_func=similarity, layer_order="top_down", normalise=False, abs=False,
                              disable_warnings=True)
        scores = metric(net, images, classes, original, explain_func=grad_cam, channel_first=True)
        golden[f"random_{name}"] = [[layer, list(map(float, values))] for layer, values in scores.items()
                                    if layer != "original"]
    for name, metric in [("noise_mean", quantus.AvgSensitivity), ("noise_max", quantus.MaxSensitivity)]:
        samples = iter(generated.uniform(i, "noise", images.shape, 0.2).astype(np.float64) for i in range(SAMPLES))
        add = lambda arr, indices, **_: arr + next(samples).reshape(arr.shape)
        metric = metric(nr_samples=SAMPLES, perturb_func=add, normalise=False, abs=False, disable_warnings=True)
        scores = metric(net, images, classes, original, explain_func=grad_cam, channel_first=True)
        golden[name] = np.asarray(scores).tolist()

    nine = lambda value: ([nine(one) for one in value] if isinstance(value, (list, tuple)) else
                          {key: nine(one) for key, one in value.items()} if isinstance(value, dict) else
                          float(f"{value:.9g}") if isinstance(value, float) else value)
    golden = nine(golden)
    assert "NaN" not in json.dumps(golden)
    OUT.write_text(json.dumps(golden, separators=(",", ":")) + "\n")
    print(f"{OUT}: {OUT.stat().st_size} bytes")
    for key, value in golden.items():
        print(key, str(value)[:160])


if __name__ == "__main__":
    main()
