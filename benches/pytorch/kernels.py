#!/usr/bin/env python3
"""Times single operations in PyTorch on the problems of `warptape bench kernels`, in f32 with cold caches.

    python3 benches/pytorch/kernels.py --problems benches/results/kernels-host.json

prints a line of JSON for each problem of the file. `warptape bench kernels --pytorch python3` starts it with --turns, names one
problem in a line of standard input, has it solved once, and runs its own kernels in between; see worker.py. A problem's first
result is compared with the same in f64.
"""

import json
import math
import re
import statistics
import sys

import worker

# Larger than every cache: CPUs' by far, and the 60 MiB of an H200.
FLUSH = 256 << 20


class Unknown(Exception):
    """Not a problem that PyTorch is asked to solve here."""


class Draw:
    """Random numbers, the same ones for every type: they are drawn in f32."""

    def __init__(self, torch, device, dtype):
        self.torch, self.device, self.dtype = torch, device, dtype
        torch.manual_seed(0)

    def __call__(self, *shape):
        return (self.torch.rand(*shape, device=self.device) - 0.5).to(self.dtype)


def convolution(torch, draw, ladder, problem):
    """The convolution or gradient in both memory formats, as functions that solve it once."""
    fields = re.fullmatch(r"n(\d+) h(\d+) w(\d+) c(\d+) k(\d+) r(\d+) s(\d+) stride(\d+),(\d+) pad(\d+),(\d+) "
                          r"dilation(\d+),(\d+)(?: groups(\d+))?", problem)
    if not fields:
        raise Unknown(f"no convolution: {problem}")
    n, h, w, c, k, r, s, *steps, groups = map(int, fields.groups("1"))
    stride, padding, dilation = steps[0:2], steps[2:4], steps[4:6]
    x, filters = draw(n, c, h, w), draw(k, c // groups, r, s)
    y = draw(*torch.conv2d(x, filters, None, stride, padding, dilation, groups).shape)

    def solver(form):
        image, weights = x.contiguous(memory_format=form), filters.contiguous(memory_format=form)
        forward = lambda: torch.conv2d(image, weights, None, stride, padding, dilation, groups)
        if ladder == "conv2d_forward":
            return forward
        upstream = y.contiguous(memory_format=form)
        wanted = [ladder == "conv2d_backward_input", ladder == "conv2d_backward_filter", False]
        return lambda: torch.ops.aten.convolution_backward(upstream, image, weights, None, stride, padding, dilation, False,
                                                           [0, 0], groups, wanted)

    return {"contiguous": solver(torch.contiguous_format), "channels_last": solver(torch.channels_last)}


def product(torch, draw, ladder, problem):
    fields = re.fullmatch(r"(NN|NT|TN) m(\d+) n(\d+) k(\d+)", problem)
    if not fields:
        raise Unknown(f"no product: {problem}")
    m, n, k = map(int, fields.groups()[1:])
    form = fields.group(1)
    a = draw(*((k, m) if form == "TN" else (m, k)))
    b = draw(*((n, k) if form == "NT" else (k, n)))
    left, right = (a.t() if form == "TN" else a), (b.t() if form == "NT" else b)
    return {"contiguous": lambda: left @ right}


def batchnorm(torch, draw, ladder, problem):
    fields = re.fullmatch(r"rows(\d+) c(\d+) (nothing|relu|residual)", problem)
    if not fields:
        raise Unknown(f"no batch normalization: {problem}")
    rows, channels, then = int(fields.group(1)), int(fields.group(2)), fields.group(3)
    functional = torch.nn.functional
    drawn, draws = [draw(1, channels, rows, 1) for _ in range(3)], [draw(channels) + 0.5 for _ in range(2)]

    def solver(form):
        x, second, upstream = (tensor.contiguous(memory_format=form) for tensor in drawn)
        statistics = [torch.zeros_like(draws[0]), torch.ones_like(draws[0])]
        learned = [tensor.clone() for tensor in draws]

        def forward():
            y = functional.batch_norm(x, *statistics, *learned, True, 0.1, 1e-5)
            if then == "residual":
                y = y + second
            return y if then == "nothing" else functional.relu(y)

        if ladder == "batchnorm_forward":
            return forward
        inputs = [tensor.requires_grad_() for tensor in [x, *learned] + ([second] if then == "residual" else [])]
        y = forward()
        return lambda: torch.autograd.grad(y, inputs, upstream, retain_graph=True)

    return {"contiguous": solver(torch.contiguous_format), "channels_last": solver(torch.channels_last)}


def max_pool(torch, draw, ladder, problem):
    fields = re.fullmatch(r"n(\d+) h(\d+) w(\d+) c(\d+) size(\d+),(\d+) stride(\d+),(\d+) pad(\d+),(\d+)", problem)
    if not fields:
        raise Unknown(f"no pooling: {problem}")
    n, h, w, c, *window = map(int, fields.groups())
    drawn = draw(n, c, h, w)
    of_y = draw(*torch.nn.functional.max_pool2d(drawn, window[0:2], window[2:4], window[4:6]).shape)

    def solver(form):
        x = drawn.clone(memory_format=form)
        forward = lambda: torch.nn.functional.max_pool2d(x, window[0:2], window[2:4], window[4:6])
        if ladder == "max_pool_forward":
            return forward
        x.requires_grad_()
        y = forward()
        upstream = of_y.contiguous(memory_format=form)
        return lambda: torch.autograd.grad(y, x, upstream, retain_graph=True)

    return {"contiguous": solver(torch.contiguous_format), "channels_last": solver(torch.channels_last)}


def cross_entropy(torch, draw, _, problem):
    n, k = numbers(problem, "n", "k")
    logits, labels = draw(n, k), torch.randint(k, (n,), device=draw.device)
    return {"contiguous": lambda: torch.nn.functional.cross_entropy(logits, labels, label_smoothing=0.1)}


def total(torch, draw, _, problem):
    x = draw(*numbers(problem, "n"))
    return {"contiguous": lambda: x.sum()}


def sum_of_rows(torch, draw, _, problem):
    x = draw(*numbers(problem, "r", "c"))
    return {"contiguous": lambda: x.sum(0)}


def optimizer(torch, draw, ladder, problem):
    """A step over so many tensors of equal size; the first of them."""
    tensors, elements, slots = numbers(problem, "t", "n", "s")

    drawn = [(draw(elements // tensors), draw(elements // tensors)) for _ in range(tensors)]

    def solver(**how):
        parameters = [value.clone().requires_grad_() for value, _ in drawn]
        for parameter, (_, gradient) in zip(parameters, drawn):
            parameter.grad = gradient
        if ladder == "adam_step":
            step = torch.optim.Adam(parameters, lr=1e-3, **how).step
        else:
            step = torch.optim.SGD(parameters, lr=1e-3, momentum=0.9 if slots else 0.0, **how).step

        def solve():
            step()
            return parameters[0]

        return solve

    return {"foreach": solver(foreach=True), "fused": solver(fused=True)}


def numbers(problem, *names):
    """The numbers of a problem like `n128 k10`."""
    fields = re.fullmatch(" ".join(rf"{name}(\d+)" for name in names), problem)
    if not fields:
        raise Unknown(f"not {' '.join(names)}: {problem}")
    return [int(field) for field in fields.groups()]


SOLVERS = {
    "adam_step": optimizer,
    "sgd_step": optimizer,
    "cross_entropy_forward": cross_entropy,
    "max_pool_forward": max_pool,
    "max_pool_backward": max_pool,
    "sum_forward": total,
    "sum_rows_forward": sum_of_rows,
    "batchnorm_forward": batchnorm,
    "batchnorm_backward": batchnorm,
    "conv2d_forward": convolution,
    "conv2d_backward_input": convolution,
    "conv2d_backward_filter": convolution,
    "matmul_forward": product,
}


def first(result):
    """The result, or the first of several that there are."""
    if isinstance(result, (tuple, list)):
        result = next(tensor for tensor in result if tensor is not None)
    return result.detach().double()


class Problem:
    """One problem in the memory format in which PyTorch is fastest, of those in which it is exact: in which no element of
    its result differs from that in f64 by more than `allowed` times the largest, or 1."""

    def __init__(self, torch, options, ladder, problem, allowed):
        self.torch, self.options = torch, options
        if ladder not in SOLVERS:
            raise Unknown(f"kernels.py knows nothing like {ladder}")
        self.flush = torch.empty(FLUSH // 4, device=options.device)
        build = lambda dtype: SOLVERS[ladder](torch, Draw(torch, options.device, dtype), ladder, problem)
        reference = first(next(iter(build(torch.float64).values()))())
        scale = max(1.0, float(reference.abs().max()))
        solvers = build(torch.float32)
        times, errors = {}, {}
        for form, self.solve in solvers.items():
            error = float((first(self.solve()) - reference).abs().max())
            # A difference that is NaN is not within anything.
            if not error <= allowed * scale:
                errors[form] = error
                continue
            self.once()
            times[form] = min(self.once() for _ in range(2))
        if not times:
            raise Unknown(f"not as exact as f32: off by {min(errors.values()):.2e} where {allowed * scale:.2e} is allowed")
        self.form = min(times, key=times.get)
        self.solve = solvers[self.form]

    def once(self):
        """Seconds of one solution."""
        self.flush.fill_(0)
        if self.options.device == "cuda":
            start, end = (self.torch.cuda.Event(enable_timing=True) for _ in range(2))
            start.record()
            self.solve()
            end.record()
            self.torch.cuda.synchronize()
            return start.elapsed_time(end) / 1e3
        start = worker.clock(self.torch, self.options.device)
        self.solve()
        return worker.clock(self.torch, self.options.device) - start


def main():
    parser = worker.arguments("times operations in PyTorch")
    parser.add_argument("--problems", help="a file that warptape bench kernels wrote")
    options = parser.parse_args()
    torch, versions = worker.load(options.device)
    worker.tell(versions=versions, libraries=worker.libraries())
    if options.turns:
        asked, last = None, None
        for line in sys.stdin:
            try:
                # The last problem's memory goes before the next one's comes.
                if line != asked:
                    asked, last = line, None
                    last = Problem(torch, options, **json.loads(line))
                if last is None:
                    raise Unknown("failed before")
                worker.tell(seconds=last.once(), format=last.form)
            except (Unknown, RuntimeError) as error:
                worker.tell(not_measured=str(error).splitlines()[0])
        return
    if not options.problems:
        worker.leave(worker.UNABLE, "name a file with problems: --problems kernels-host.json")
    with open(options.problems) as file:
        rows = json.load(file)["rows"]
    for row in rows:
        told = {"ladder": row["ladder"], "problem": row["problem"]}
        try:
            # The rows do not say how long their sums are.
            problem = Problem(torch, options, row["ladder"], row["problem"], allowed=math.inf)
            seconds = [problem.once() for _ in range(options.runs)]
            worker.tell(**told, milliseconds=1e3 * statistics.median(seconds), format=problem.form)
        except (Unknown, RuntimeError) as error:
            worker.tell(**told, not_measured=str(error).splitlines()[0])


main()
