#!/usr/bin/env bash
# Checks everything on a machine with a GPU, from binaries built elsewhere (scripts/gpu_pack.sh): needs no cargo, no
# rustc, only bash and python3.
#
#   scripts/gpu_check.sh BIN_DIR OUT_DIR
#
# BIN_DIR holds `warptape`, `suite` and `profiles.json`. A step that fails or runs out of time does not stop the next
# ones. What was found is in OUT_DIR/gpu_check.json, the steps' output beside it, and what the benches measured, for
# benches/results: train-CARD.json, kernels-CARD.json. Exit 0 if no test and no step failed,
# else 1.
#
# Environment: WARPTAPE_GPU_BUDGET  seconds for all steps together (540)
#              WARPTAPE_GPU_STEPS   which steps, as letters: l(ook) t(ests) s(anitizer) b(ench) r(un a training), and whether
#                                   NVIDIA's tools agree with warptape's: c(orpus of mistakes, under compute-sanitizer)
#                                   p(rofiles, beside ncu's) (ltsbrcp); see scripts/gpu_agree.py
#              WARPTAPE_GPU_SANITIZE  regular expression of the tests from which the sanitizer's few are taken (all)
#              WARPTAPE_GPU_PYTHON  a Python with PyTorch, which the benches take turns with (the one that runs this)
#              WARPTAPE_GPU_TRAIN   arguments of the training (see TRAIN below; {} is a scratch folder)
set -u
[ $# -eq 2 ] || { echo "usage: $0 BIN_DIR OUT_DIR" >&2; exit 2; }
mkdir -p "$2" && bin=$(cd "$1" && pwd) && out=$(cd "$2" && pwd) || exit 2
for file in warptape suite; do
    [ -x "$bin/$file" ] || { echo "$bin/$file is not there or cannot be executed: make it with scripts/gpu_pack.sh" >&2; exit 2; }
done
# Tests look for their data below the checkout.
cd "$(dirname "$0")/.." || exit 2
exec python3 -u - "$bin" "$out" <<'PYTHON'
import datetime, json, os, re, shutil, signal, subprocess, sys, tempfile, time

sys.path.insert(0, "scripts")
sys.dont_write_bytecode = True
import gpu_agree

BIN, OUT = sys.argv[1:]
TRAIN = "train --device cuda --epochs 2 --out {}"
DEADLINE = time.monotonic() + float(os.environ.get("WARPTAPE_GPU_BUDGET", 540))
STEPS = os.environ.get("WARPTAPE_GPU_STEPS", "ltsbrcp")
SCRATCH = tempfile.mkdtemp(prefix="warptape-")
ENV = dict(os.environ, WARPTAPE_TEST_DEVICE="cuda", WARPTAPE_CACHE=os.path.join(SCRATCH, "cache"))
# A copy of a checkout may have no history: gpu_pack.sh left the name of the commit beside the binaries.
if os.path.exists(os.path.join(BIN, "commit")):
    with open(os.path.join(BIN, "commit")) as file:
        ENV["WARPTAPE_COMMIT"] = file.read().strip()

report = {
    "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
    "card": None, "driver": None, "versions": {},
    "passed": [], "failed": [], "skipped": [], "steps": [],
}


def run(command, limit, log=None, env=ENV):
    """Runs a command for at most `limit` seconds; returns its exit status (None: out of time) and its output."""
    limit = max(1.0, min(limit, left()))
    with tempfile.TemporaryFile("w+", errors="replace") as output:
        try:
            process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                                       env=env, start_new_session=True)
        except OSError as error:
            return 127, str(error)
        try:
            status = process.wait(limit)
        except subprocess.TimeoutExpired:
            status = None
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        output.seek(0)
        text = output.read()
    if log:
        with open(os.path.join(OUT, log), "a", errors="replace") as file:
            file.write(f"$ {' '.join(command)[:400]}\n{text}\n[{ending(status)}]\n\n")
    return status, text


def left():
    """Seconds until the deadline."""
    return DEADLINE - time.monotonic()


def ending(status):
    return "out of time" if status is None else f"exit {status}"


def step(letter, name, body):
    """Runs a step; it returns (outcome, note), the outcome being ok, failed or skipped."""
    if letter not in STEPS:
        return
    start = time.monotonic()
    if start > DEADLINE:
        outcome, note = "skipped", "no time was left"
    else:
        try:
            outcome, note = body()
        except Exception as error:  # a bug here must not cost the results of the other steps
            outcome, note = "failed", f"{type(error).__name__}: {error}"
    seconds = round(time.monotonic() - start, 1)
    report["steps"].append({"name": name, "outcome": outcome, "note": note, "seconds": seconds})
    print(f"{outcome:8}{name:12}{seconds:7.1f} s  {note}")
    save()


def save():
    temporary = os.path.join(OUT, ".gpu_check.json")
    with open(temporary, "w") as file:
        json.dump(report, file, indent=1)
        file.write("\n")
    os.replace(temporary, os.path.join(OUT, "gpu_check.json"))


def look():
    fields = ["name", "driver_version", "memory.total", "compute_cap", "clocks.max.sm", "power.limit"]
    status, text = run(["nvidia-smi", f"--query-gpu={','.join(fields)}", "--format=csv,noheader"], 30, "look.txt")
    cards = [line.split(", ") for line in text.strip().splitlines()] if status == 0 else []
    if cards and len(cards[0]) == len(fields):
        report["card"], report["driver"] = cards[0][0], cards[0][1]
        report["versions"].update(zip(fields[2:], cards[0][2:]))
    for name, command in [("warptape", [f"{BIN}/warptape", "--version"]), ("python", [sys.executable, "--version"]),
                          ("kernel", ["uname", "-sr"])]:
        status, text = run(command, 10)
        report["versions"][name] = text.strip() if status == 0 else ending(status)
    commit = run(["git", "rev-parse", "--short", "HEAD"], 10)
    report["versions"]["commit"] = ENV.get("WARPTAPE_COMMIT", commit[1].strip() if commit[0] == 0 else "unknown")
    status, text = run([f"{BIN}/warptape", "doctor"], 60, "look.txt")
    print(text.rstrip())
    nvrtc = re.search(r"NVRTC +([0-9.]+)", text)
    report["versions"]["nvrtc"] = nvrtc.group(1) if nvrtc else "unknown"
    if status != 0:
        return "failed", f"warptape doctor: {ending(status)}"
    return ("ok", report["card"]) if report["card"] else ("failed", "nvidia-smi finds no GPU")


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


def tests():
    status, text = run([f"{BIN}/suite", "--list", "--format", "terse"], 60)
    names = re.findall(r"^(\S+): test$", text, re.M)
    if status != 0 or not names:
        return "failed", f"suite --list: {ending(status)}"
    # A kernel that faults takes the process's context with it, and a hang takes the rest of the suite: what failed or
    # never ran is run again by itself, and only that counts.
    limit = 0.6 * left()
    status, text = run([f"{BIN}/suite", "--test-threads=1", "--nocapture"], limit, "suite.log")
    found, reasons = outcomes(text)
    again = [name for name in names if found.get(name, "FAILED") == "FAILED"]
    together = [name for name in again if name in found]
    # The test in which the process ended has a name there and no outcome: last, so that it costs no other test its turn.
    again.sort(key=lambda name: name not in found and f"\ntest {name} ... " in text)
    for name in again:
        if left() < 20:
            break
        _, text = run([f"{BIN}/suite", "--exact", name, "--test-threads=1", "--nocapture"], min(60, left() / 2), "suite.log")
        alone, why = outcomes(text)
        found[name] = alone.get(name, "FAILED")
        reasons.update(why)
    for name in names:
        outcome = found.get(name, "no time was left")
        if outcome == "ok":
            report["passed"].append(name)
        elif outcome == "FAILED":
            report["failed"].append(name)
        else:
            report["skipped"].append({"name": name, "reason": reasons.get(name, outcome)})
    collateral = [name for name in together if found[name] == "ok"]
    note = f"{len(report['passed'])} passed, {len(report['failed'])} failed, {len(report['skipped'])} skipped"
    if collateral:
        report["passed_only_alone"] = collateral
        note += f"; {len(collateral)} passed only when run alone"
    for name in report["failed"]:
        print(f"FAILED  {name}")
    return ("ok" if status == 0 else "failed"), note


def sanitizer():
    tool = gpu_agree.find("compute-sanitizer", "/opt/nvidia/*/*/compute-sanitizer")
    if not tool:
        return "skipped", "compute-sanitizer is not installed"
    # Everything under it takes ten to a hundred times as long: a few tests of every module, the same ones each time.
    # Tests that need no GPU (those that run on the host or only compile) cost little and are not told apart.
    modules = {}
    for name in filter(re.compile(os.environ.get("WARPTAPE_GPU_SANITIZE", "")).search, report["passed"]):
        modules.setdefault(name.rsplit("::", 1)[0], []).append(name)
    chosen = [name for names in modules.values() for name in names[:: max(1, len(names) // 4)][:4]]
    if not chosen:
        return "skipped", "no such test passed"
    notes, outcome = [], "ok"
    for check in ["memcheck", "racecheck"]:
        command = [tool, "--tool", check, "--error-exitcode", "99", "--print-limit", "20",
                   f"{BIN}/suite", "--exact", "--test-threads=1", "--nocapture", *chosen]
        status, text = run(command, 0.35 * left(), "sanitizer.log")
        errors = re.findall(r"(?:ERROR|RACECHECK) SUMMARY: .*", text)
        done = len(outcomes(text)[0])
        notes.append(f"{check}: {errors[-1] if errors else ending(status)}, {done} of {len(chosen)} tests")
        if status is not None and status != 0:
            outcome = "failed"
    return outcome, "; ".join(notes)


def subcommand(name):
    return run([f"{BIN}/warptape", name, "--help"], 10)[0] == 0


def bench():
    """Training steps and kernels, each beside PyTorch where there is one. Results are written as they come: what was
    measured before the time ran out is there."""
    if not subcommand("bench"):
        return "skipped", "warptape has no bench"
    card = re.sub(r"[^a-z0-9]+", "-", (report["card"] or "gpu").lower()).replace("nvidia-", "", 1).strip("-")
    pytorch = os.environ.get("WARPTAPE_GPU_PYTHON", sys.executable)
    commands = [["train", "--seconds", "0.5", "--out", os.path.join(OUT, f"train-{card}.json")],
                ["kernels", "--seconds", "0.1", "--out", OUT]]
    notes, outcome = [], "ok"
    for number, (what, *rest) in enumerate(commands):
        command = [f"{BIN}/warptape", "bench", what, "--device", "cuda", "--pytorch", pytorch, *rest]
        # The first takes no more than half of the time that there is.
        status, text = run(command, left() / (2 - number), f"bench-{what}.txt")
        print(text.rstrip())
        notes.append(f"{what}: {ending(status)}")
        if status != 0:
            outcome = "failed"
    return outcome, "; ".join(notes)


def training():
    if not subcommand("train"):
        return "skipped", "warptape has no train"
    arguments = os.environ.get("WARPTAPE_GPU_TRAIN", TRAIN).replace("{}", os.path.join(SCRATCH, "run"))
    status, text = run([f"{BIN}/warptape", *arguments.split()], 120, "train.txt")
    last = text.strip().splitlines()[-1:] or [""]
    return ("ok" if status == 0 else "failed"), f"{ending(status)}: {last[0][:200]}"


step("l", "look", look)
step("t", "tests", tests)
step("s", "sanitizer", sanitizer)
step("b", "bench", bench)
step("r", "training", training)
step("c", "corpus", lambda: gpu_agree.corpus(run, BIN, left, report))
step("p", "profiles", lambda: gpu_agree.profiling(run, BIN, left, report))
shutil.rmtree(SCRATCH, ignore_errors=True)
bad = [s["name"] for s in report["steps"] if s["outcome"] == "failed"]
print(f"{OUT}/gpu_check.json: " + (f"failed: {', '.join(bad)}" if bad else "nothing failed"))
sys.exit(1 if bad or report["failed"] else 0)
PYTHON
