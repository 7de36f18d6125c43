#!/usr/bin/env python3
"""Times whole training steps in PyTorch: forward, cross-entropy, backward, Adam, on one batch of random 32 × 32 images.

    python3 benches/pytorch/train.py --model resnet18 --batch 64 --mode channels_last

`warptape bench train --pytorch python3` starts it, once for each network and mode, and runs in between; see worker.py.
"""

import resource

import worker

MODES = ["eager", "channels_last", "compiled"]


def resident():
    """Bytes of this process that are in memory."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def main():
    parser = worker.arguments("times training steps in PyTorch")
    parser.add_argument("--model", required=True)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--mode", choices=MODES, default="eager")
    options = parser.parse_args()
    torch, versions = worker.load(options.device)
    import networks

    if options.model not in networks.NETWORKS:
        worker.leave(worker.UNABLE, f"benches/pytorch/networks.py has no {options.model}")
    cuda = options.device == "cuda"
    before = 0 if cuda else resident()
    torch.manual_seed(0)
    network = networks.NETWORKS[options.model]().to(options.device)
    images = torch.rand(options.batch, 3, 32, 32, device=options.device) * 2 - 1
    labels = torch.randint(networks.CLASSES, (options.batch,), device=options.device)
    if options.mode == "channels_last":
        network, images = (it.to(memory_format=torch.channels_last) for it in (network, images))
    parameters = sum(tensor.numel() for tensor in network.parameters())
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    model = torch.compile(network) if options.mode == "compiled" else network
    losses = []

    def step():
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())

    for _ in range(3):
        try:
            step()
        except Exception as error:
            worker.leave(worker.UNABLE, f"{options.mode}: {type(error).__name__}: {error}")
    if cuda:
        torch.cuda.reset_peak_memory_stats()
    worker.tell(versions=versions, parameters=parameters)
    worker.take_turns(torch, options, step)

    first, last = float(losses[0]), float(losses[-1])
    if not last < first:
        worker.leave(worker.UNABLE, f"does not learn: loss {first} before, {last} after {len(losses)} steps")
    if cuda:
        peak = torch.cuda.max_memory_allocated()
    elif options.mode == "compiled":
        peak = None  # the process holds the compiler, too
    else:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before
    worker.tell(peak_bytes=peak)


main()
