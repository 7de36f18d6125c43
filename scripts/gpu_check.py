"""What scripts/gpu_check.sh runs; see there."""

import argparse, glob, hashlib, json, os, re, shutil, sys, tempfile

sys.dont_write_bytecode = True
import gpu_agree
from gpu_stages import Stages, ending, write

# Tests look for their data below the checkout.
CHECKOUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
# Ladders whose kernels take most of a training's time: measured before the others.
FIRST = ["conv2d_forward", "conv2d_backward_input", "conv2d_backward_filter", "matmul_forward"]
# A kernel with static and dynamic shared memory: launches whose sum passes 48 KiB are refused unless the driver is told.
KERNEL, SHARED = "tests/suite/bench/first.cu", [8192, 40960, 49152, 49156, 53248]


def look(check):
    """The stage: which card, driver and compilers there are. Nothing else is worth its time where one is missing."""
    def body(data, _):
        fields = ["name", "driver_version", "memory.total", "compute_cap", "clocks.max.sm", "power.limit"]
        status, text = check.run(["nvidia-smi", f"--query-gpu={','.join(fields)}", "--format=csv,noheader"], 30, "look.txt")
        cards = [line.split(", ") for line in text.strip().splitlines()] if status == 0 else []
        card = dict(zip(fields, cards[0])) if cards and len(cards[0]) == len(fields) else {}
        data["card"], data["driver"] = card.get("name"), card.get("driver_version")
        versions = data["versions"] = {name: card[name] for name in fields[2:] if name in card}
        for name, command in [("warptape", [f"{check.bin}/warptape", "--version"]), ("python", [sys.executable, "--version"]),
                              ("kernel", ["uname", "-sr"])]:
            status, text = check.run(command, 10)
            versions[name] = text.strip() if status == 0 else ending(status)
        status, text = check.run([f"{check.bin}/warptape", "doctor", "--require", "cuda"], 60, "look.txt")
        print(text.rstrip())
        nvrtc = re.search(r"NVRTC +([0-9.]+)", text)
        versions["nvrtc"] = nvrtc.group(1) if nvrtc else "unknown"
        if status != 0:
            lines = text.strip().splitlines() or [ending(status)]
            return "failed", f"warptape doctor: {lines[-1]}"
        return ("ok", data["card"]) if data["card"] else ("failed", "nvidia-smi finds no GPU")
    return body


def kernel(check):
    """The stage: one kernel through our own compiler, loader and launch, in launches of different sizes."""
    def body(data, save):
        wrong = []
        for shared in SHARED:
            status, text = check.run(
                [f"{check.bin}/warptape", "kernels", "run", KERNEL, "--grid", "1", "--block", "64", "--shared", str(shared),
                 "--arg", "x=f32[64] zeros", "--arg", "n=5", "--device", "cuda", "--json"], 60, "kernel.txt")
            try:
                found = json.loads(text)["buffers"][0]["values"]
            except (ValueError, LookupError):
                lines = text.strip().splitlines() or [ending(status)]
                wrong.append(f"{shared} bytes: {lines[-1][:300]}")
                continue
            if [float(value) for value in found] != [68.0 - i for i in range(64)]:
                wrong.append(f"{shared} bytes: computes {found[:4]}…")
        data["wrong"] = wrong
        return ("failed", wrong[0]) if wrong else ("ok", f"{len(SHARED)} launches")
    return body


def compile_all(check, capability):
    """The stage: every kernel's machine code, from the prepared cache or made now on all cores, not within a test's time."""
    def body(data, _):
        digits = capability.replace(".", "")
        arch = f"sm_{digits}a" if int(digits or 0) >= 90 else f"sm_{digits}"
        status, text = check.run([f"{check.bin}/warptape", "kernels", "compile", "--all", "--arch", arch], check.left(), "compile.txt")
        last = text.strip().splitlines()[-1:] or [""]
        data["arch"] = arch
        if status is None:
            return "stopped", "out of time"
        return ("ok" if status == 0 else "failed"), f"{arch}: {last[0]}"
    return body


def outcomes(text):
    """Outcomes by test name, and reasons of those that were skipped, from a run of one thread without capture: a test's
    own output stands between its name and its outcome. A test that printed `skipped: reason` counts as skipped."""
    text = re.sub(r"^=========.*\n", "", text, flags=re.M)  # the sanitizer's lines
    parts = re.split(r"^test (\S+)(?: - should panic)? \.\.\. ", text, flags=re.M)
    found, reasons = {}, {}
    for name, body in zip(parts[1::2], parts[2::2]):
        body = re.split(r"\n\n(?:failures:|test result:)", body)[0].rstrip("\n")
        outcome = re.search(r"(?:\A|\n)(ok|FAILED|ignored[^\n]*)\Z", body)
        reason = re.search(r"^skipped: (.*)$", body, re.M)
        if outcome:
            found[name] = outcome.group(1)
            if reason and found[name] == "ok":
                found[name], reasons[name] = "skipped", reason.group(1)
    return found, reasons


def tests(check):
    """The stage: the tests that touch the device, one after the other. A kernel that faults takes the process's context with
    it, and a hang the rest of the suite: what failed or never ran is run again by itself, and only that counts."""
    def body(data, save):
        suite, flags = f"{check.bin}/suite", ["--test-threads=1", "--nocapture"]
        status, text = check.run([suite, "--list", "--format", "terse"], 60)
        names = re.findall(r"^(\S+): test$", text, re.M)
        if status != 0 or not names:
            return "failed", f"suite --list: {ending(status)}"
        chosen = os.path.join(check.bin, "device_tests.json")
        if os.path.exists(chosen):
            with open(chosen) as file:
                touching = set(json.load(file))
            names = [name for name in names if name in touching]
        known = data.setdefault("tests", {})  # outcomes by name, those from before among them
        reasons, once = data.setdefault("reasons", {}), data.setdefault("passed_only_alone", [])

        def attempt(some, limit):
            _, text = check.run([suite, "--exact", *some, *flags], limit, "suite.log")
            found, why = outcomes(text)
            known.update(found)
            reasons.update(why)
            save()
            # The test in which the process ended has a name there and no outcome.
            return found, [name for name in some if name not in found and f"\ntest {name} ... " in "\n" + text]

        # Most of the stage's time is for running them together; running them alone never takes more than the rest.
        never, ended = [name for name in names if name not in known], []
        while never and check.left() > 2:
            share = 0.75 if not ended else 0.5
            found, last = attempt(never, share * check.left())
            ended += last
            if not found and not last:
                break
            never = [name for name in never if name not in known and name not in ended]
        failed = [name for name in names if known.get(name) == "FAILED"]
        for name in failed + ended:
            if check.left() < 5:
                break
            found, _ = attempt([name], min(60, check.left() / 2))
            if found.get(name) == "ok" and name in failed:
                once.append(name)
            known.setdefault(name, "FAILED")
        save()
        data["passed"] = [name for name in names if known.get(name) == "ok"]
        data["failed"] = [name for name in names if known.get(name) == "FAILED"]
        data["skipped"] = [{"name": name, "reason": reasons.get(name, known[name])} for name in names
                           if name in known and known[name] not in ("ok", "FAILED")]
        missing = [name for name in names if name not in known]
        for name in data["failed"]:
            print(f"FAILED  {name}")
        note = f"{len(data['passed'])} passed, {len(data['failed'])} failed, {len(data['skipped'])} skipped"
        note += f"; {len(missing)} not reached" if missing else ""
        note += f"; {len(once)} passed only when run alone" if once else ""
        return ("stopped" if missing else "failed" if data["failed"] or once else "ok"), note
    return body


def bench(check, pytorch, card, commands):
    """The stage: benches that keep what they measured when they are stopped, and go on with it."""
    def body(data, _):
        notes, outcome = [], "ok"
        for number, (what, *rest) in enumerate(commands):
            command = [f"{check.bin}/warptape", "bench", what, *rest, "--device", "cuda", "--continue"]
            command += ["--pytorch", pytorch] if pytorch else []
            command += ["--out", os.path.join(check.out, f"train-{card}.json") if what == "train" else check.out]
            status, text = check.run(command, check.left(), f"bench-{what}.txt")
            print(text.rstrip())
            notes.append(f"{what}: {ending(status)}")
            if status is None:
                outcome = "stopped"
                break
            outcome = "failed" if status != 0 else outcome
        return outcome, "; ".join(notes)
    return body


def sanitizer(check, passed):
    """The stage: a few tests of every module under compute-sanitizer, where everything takes ten to a hundred times as long;
    the same ones each time."""
    def body(data, _):
        tool = gpu_agree.find("compute-sanitizer", "/opt/nvidia/*/*/compute-sanitizer")
        if not tool:
            return "skipped", "compute-sanitizer is not installed"
        modules = {}
        for name in passed:
            modules.setdefault(name.rsplit("::", 1)[0], []).append(name)
        chosen = [name for names in modules.values() for name in names[:: max(1, len(names) // 4)][:4]]
        if not chosen:
            return "skipped", "no test passed"
        notes, outcome = [], "ok"
        for share, tool_of in [(0.5, "memcheck"), (1.0, "racecheck")]:
            command = [tool, "--tool", tool_of, "--error-exitcode", "99", "--print-limit", "20",
                       f"{check.bin}/suite", "--exact", "--test-threads=1", "--nocapture", *chosen]
            status, text = check.run(command, share * check.left(), "sanitizer.log")
            errors = re.findall(r"(?:ERROR|RACECHECK) SUMMARY: .*", text)
            done = len(outcomes(text)[0])
            notes.append(f"{tool_of}: {errors[-1] if errors else ending(status)}, {done} of {len(chosen)} tests")
            if status is not None and status != 0:
                outcome = "failed"
        return outcome, "; ".join(notes)
    return body


def training(check, scratch):
    """The stage: a training from beginning to end."""
    def body(data, _):
        command = [f"{check.bin}/warptape", "train", "--device", "cuda", "--epochs", "2", "--out", os.path.join(scratch, "run")]
        status, text = check.run(command, 120, "train.txt")
        last = text.strip().splitlines()[-1:] or [""]
        return ("stopped" if status is None else "ok" if status == 0 else "failed"), f"{ending(status)}: {last[0][:200]}"
    return body


def python_with_pytorch(check):
    """The first Python within reach that has PyTorch."""
    look_for = "import importlib.util, sys; sys.exit(importlib.util.find_spec('torch') is None)"
    folders = os.environ.get("PATH", "").split(os.pathsep)
    paths = [sys.executable] + [os.path.join(folder, "python3") for folder in folders if folder]
    there = [path for path in dict.fromkeys(paths) if os.access(path, os.X_OK)]
    return next((path for path in there if check.run([path, "-c", look_for], 20)[0] == 0), None)


def arguments():
    parser = argparse.ArgumentParser(prog="gpu_check.sh", description="checks everything on a machine with a GPU")
    parser.add_argument("bin", help="the folder that gpu_pack.sh made")
    parser.add_argument("out", help="where to leave what is found, and where to go on from")
    parser.add_argument("--pytorch", help="a Python with PyTorch for the benches [default: the first that has one]")
    parser.add_argument("--stages", help="which stages, in their order [default: all]")
    parser.add_argument("--budget", type=float, default=540, help="seconds for all stages together [default: 540]")
    options = parser.parse_args()
    for file in ["warptape", "suite"]:
        if not os.access(os.path.join(options.bin, file), os.X_OK):
            parser.error(f"{options.bin}/{file} is not there or cannot be executed: make it with scripts/gpu_pack.sh")
    return parser, options


def main():
    parser, options = arguments()
    bin, out = os.path.abspath(options.bin), os.path.abspath(options.out)
    os.makedirs(out, exist_ok=True)
    os.chdir(CHECKOUT)
    scratch = tempfile.mkdtemp(prefix="warptape-")
    # A cache is used by its owner alone: what came with the binaries is copied.
    cache = os.path.join(scratch, "cache")
    os.mkdir(cache, 0o700)
    for file in glob.glob(os.path.join(bin, "cache", "*")):
        copy = os.path.join(cache, os.path.basename(file))
        shutil.copyfile(file, copy)
        os.chmod(copy, 0o600)
    env = dict(os.environ, WARPTAPE_TEST_DEVICE="cuda", WARPTAPE_CACHE=cache)
    if os.path.exists(os.path.join(bin, "commit")):
        # A copy of a checkout may have no history.
        with open(os.path.join(bin, "commit")) as file:
            env["WARPTAPE_COMMIT"] = file.read().strip()
    digest = hashlib.sha256()
    for name in ["warptape", "suite"]:
        with open(os.path.join(bin, name), "rb") as file:
            digest.update(file.read())
    check = Stages(bin, out, options.budget, digest.hexdigest()[:16], env)
    card = lambda: re.sub(r"[^a-z0-9]+", "-", (seen.get("card") or "gpu").lower()).replace("nvidia-", "", 1).strip("-")
    python = lambda: options.pytorch or python_with_pytorch(check)
    train = ["train", "--seconds", "0.5"]
    kernels = [["kernels", *FIRST, "--seconds", "0.1"], ["kernels", "--seconds", "0.1"]]
    # By name: the share of the time left that a stage may take, and what it does.
    stages = {
        "look": (0.2, lambda: look(check)),
        "kernel": (0.2, lambda: kernel(check)),
        "compile": (0.3, lambda: compile_all(check, seen.get("versions", {}).get("compute_cap", "9.0"))),
        "tests": (0.4, lambda: tests(check)),
        "bench-train": (0.4, lambda: bench(check, python(), card(), [train])),
        "bench-kernels": (0.6, lambda: bench(check, python(), card(), kernels)),
        "corpus": (0.7, lambda: lambda data, save: gpu_agree.corpus(check, data, save)),
        "profiles": (0.7, lambda: lambda data, save: gpu_agree.profiling(check, data, save)),
        "sanitizer": (0.7, lambda: sanitizer(check, check.read("tests").get("passed", []))),
        "training": (1.0, lambda: training(check, scratch)),
    }
    chosen = (options.stages or ",".join(stages)).split(",")
    for name in chosen:
        if name not in stages:
            parser.error(f"no stage '{name}': there are {', '.join(stages)}")
    seen = check.read("look")
    report = {}
    for name in [name for name in stages if name in chosen]:
        share, body = stages[name]
        # What the machine is may have changed.
        data = check.stage(name, share, body(), again=name == "look")
        if name == "look":
            seen = data
        report.update({key: value for key, value in data.items() if key not in ("stage", "outcome", "note", "seconds")})
        steps = [{key: one[key] for key in ("stage", "outcome", "note", "seconds")} for one in check.ran]
        write(os.path.join(out, "gpu_check.json"), {**report, "stages": steps})
        if name == "look" and data["outcome"] == "failed":
            print("nothing else is worth its time before that is mended")
            break
    shutil.rmtree(scratch, ignore_errors=True)
    of = lambda outcome: [one["stage"] for one in check.ran if one["outcome"] == outcome]
    failed, stopped = of("failed"), of("stopped")
    said = [f"failed: {', '.join(failed)}"] if failed else ["nothing failed"]
    said += [f"not over, run this again: {', '.join(stopped)}"] if stopped else []
    print(f"{out}/gpu_check.json: " + "; ".join(said))
    sys.exit(1 if failed else 3 if stopped else 0)


if __name__ == "__main__":
    main()
