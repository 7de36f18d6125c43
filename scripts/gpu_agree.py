"""Whether NVIDIA's tools on a GPU say what warptape says without one: two stages of scripts/gpu_check.sh."""

import concurrent.futures, csv, glob, json, os, re, subprocess

PATTERNS = "tests/suite/device/profiler.cu"
BUFFERS = ["--arg", "y=f32[4096] zeros", "--arg", "x=f32[4096] zeros"]


def pattern(kernel, *arguments):
    """One block of 64 threads of a kernel of PATTERNS."""
    return [PATTERNS, "--kernel", kernel, "--grid", "1", "--block", "64", *arguments]


# What is profiled, by a name of its own: arguments of `kernels profile` and of `kernels run`.
WORK = {
    "strided": pattern("copy_strided", *BUFFERS, "--arg", "stride=3", "--arg", "offset=5"),
    "divergent": pattern("half_divergent", *BUFFERS),
    "banks": pattern("banks", *BUFFERS[:2], "--arg", "stride=4"),
    "wide banks": pattern("wide_banks", *BUFFERS[:2]),
    "arithmetic": pattern("arithmetic", *BUFFERS, "--arg", "a=0.5"),
    "relu": ["relu", "--shape", "100003"],
    "matmul": ["matmul", "--shape", "200,136,72"],
    "conv2d": ["conv2d", "--shape", "2,16,16,16,32,3,3,1"],
    "batchnorm": ["batchnorm", "--shape", "4,16,16,32"],
    "max_pool": ["max_pool", "--shape", "2,32,32,32,2,2"],
    "softmax": ["softmax", "--shape", "256,100"],
}

# ncu's metrics, and the same figure of a profile.
METRICS = {
    "l1tex__t_requests_pipe_lsu_mem_global_op_ld.sum": ("global_loads", "requests"),
    "l1tex__t_sectors_pipe_lsu_mem_global_op_ld.sum": ("global_loads", "sectors"),
    "l1tex__t_requests_pipe_lsu_mem_global_op_st.sum": ("global_stores", "requests"),
    "l1tex__t_sectors_pipe_lsu_mem_global_op_st.sum": ("global_stores", "sectors"),
    "l1tex__data_pipe_lsu_wavefronts_mem_shared_op_ld.sum": ("shared_loads", "wavefronts"),
    "l1tex__data_bank_conflicts_pipe_lsu_mem_shared_op_ld.sum": ("shared_loads", "conflicts"),
    "l1tex__data_pipe_lsu_wavefronts_mem_shared_op_st.sum": ("shared_stores", "wavefronts"),
    "l1tex__data_bank_conflicts_pipe_lsu_mem_shared_op_st.sum": ("shared_stores", "conflicts"),
    "smsp__sass_thread_inst_executed_op_fadd_pred_on.sum": ("operations", "add"),
    "smsp__sass_thread_inst_executed_op_fmul_pred_on.sum": ("operations", "multiply"),
    "smsp__sass_thread_inst_executed_op_ffma_pred_on.sum": ("operations", "fused"),
}

# The tool of compute-sanitizer that looks for a mistake of a kind.
TOOL = {"race": "racecheck", "out of bounds": "memcheck", "misaligned": "memcheck", "uninitialized": "initcheck",
        "barrier": "synccheck", "lanes": "synccheck"}
# What its reports of a mistake in a kernel begin with. Others, of calls that fail afterwards, and of copies of buffers
# that a kernel wrote in part, are no finding.
REPORTS = {
    "memcheck": r"(?:Invalid|Misaligned) __\w+__ (?:read|write|atomic)\b.*",
    "racecheck": r"(?i:Error|Warning): (?:Race reported|Potential \w+ hazard).*",
    "synccheck": r"Barrier error detected.*",
    "initcheck": r"Uninitialized __\w+__ memory (?:read|access).*",
}
LIMITS = {
    "memcheck": "knows where allocations end, and of shared memory only where the block's whole part does",
    "racecheck": "watches shared memory alone: no race in global memory, within a block or between blocks",
    "synccheck": "watches barriers and masks of warps where hardware lets threads diverge",
    "initcheck": "watches global memory alone unless told otherwise",
}


def numbers(profile):
    """The figures of METRICS, of one kernel of a profile."""
    found = {}
    for kind, name in METRICS.values():
        counts = profile["total"][kind]
        known = counts["wavefronts"] - counts["least"] if name == "conflicts" else counts[name]
        found[kind, name] = None if kind == "operations" and profile["uncounted"] else known
    return found


def profiles(warptape):
    """What `kernels profile` counts for WORK, kernel by kernel."""
    found = {}
    for name, arguments in WORK.items():
        command = [warptape, "kernels", "profile", *arguments, "--json"]
        said = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
        found[name] = [{key: kernel[key] for key in ["kernel", "uncounted", "total"]} for kernel in said]
    return found


def measured(text):
    """The figures of METRICS by kernel, all its launches together, from `ncu --csv --page raw`. That prints lines of its
    own and the program's first, then a line of columns and one of units."""
    lines = text.splitlines()
    first = next((i for i, line in enumerate(lines) if line.startswith('"ID","Process ID"')), None)
    if first is None:
        said = next((line for line in lines if line.startswith("==ERROR==")), lines[-1] if lines else "nothing")
        raise ValueError(f"no table from ncu: {said[:200]}")
    found = {}
    for row in csv.DictReader(line for line in lines[first:] if line.startswith('"')):
        if not row["ID"]:
            continue  # units
        kernel = re.sub(r"\(.*", "", row["Kernel Name"]).split()[-1]
        figures = found.setdefault(kernel, {})
        for metric, key in METRICS.items():
            try:
                figures[key] = figures.get(key, 0) + round(float(row[metric].replace(",", "")))
            except (KeyError, AttributeError, TypeError, ValueError):
                figures[key] = None  # not all launches have one
    return found


def profiling(check, data, save):
    """The stage: figures of ncu beside ours, with their ratio, kernel by kernel."""
    ncu = find("ncu", "/opt/nvidia/nsight-compute/*")
    if not ncu:
        return "skipped", "ncu is not installed"
    path = os.path.join(check.bin, "profiles.json")
    if not os.path.exists(path):
        return "skipped", f"{path} is not there: scripts/gpu_pack.sh makes it"
    with open(path) as file:
        ours = json.load(file)
    rows, failures, done = data.setdefault("profiler", []), [], data.setdefault("profiled", [])
    for name, arguments in WORK.items():
        if name in done:
            continue
        if check.left() < 5:
            return "stopped", f"{len(done)} of {len(WORK)} were profiled"
        # Clocks do not change counts, and it may not be allowed to set them.
        command = [ncu, "--csv", "--page", "raw", "--print-units", "base", "--clock-control", "none", "--metrics",
                   ",".join(METRICS), f"{check.bin}/warptape", "kernels", "run", *arguments, "--device", "cuda"]
        status, text = check.run(command, min(60, check.left()), "ncu.log")
        try:
            theirs = measured(text)
        except ValueError as error:
            failures.append(f"{name}: {'out of time' if status is None else error}")
            continue
        for kernel in dict.fromkeys(profile["kernel"] for profile in ours[name]):
            # A kernel may have run in several variants.
            here = [numbers(profile) for profile in ours[name] if profile["kernel"] == kernel]
            for (kind, figure) in METRICS.values():
                known = [figures[kind, figure] for figures in here]
                mine, other = None if None in known else sum(known), theirs.get(kernel, {}).get((kind, figure))
                ratio = None if mine is None or not other else round(mine / other, 4)
                if mine == other == 0:
                    continue
                rows.append({"work": name, "kernel": kernel, "figure": f"{kind} {figure}", "warptape": mine, "ncu": other,
                             "ratio": ratio})
        done.append(name)
        save()
    for row in rows:
        print("  {work:12}{kernel:28}{figure:26}{warptape!s:>12}{ncu!s:>12}{ratio!s:>9}".format(**row))
    equal = sum(row["ratio"] == 1 for row in rows)
    near = sum(row["ratio"] is not None and 0.98 <= row["ratio"] <= 1.02 for row in rows)
    note = f"{len(rows)} figures: {equal} equal, {near} within 2 %"
    note += f"; no figures for {len(failures)} of {len(WORK)}: {failures[0]}" if failures else ""
    return ("failed" if failures or not rows else "ok"), note


def findings(tool, text):
    """The first report of each kind that a tool of compute-sanitizer printed about a kernel; None if it did not get to
    its summary."""
    reports = re.findall(rf"^=========\s+({REPORTS[tool]})", text, re.M)
    if not reports and not re.search(r"^========= (?:ERROR|RACECHECK) SUMMARY: ", text, re.M):
        return None
    return list(dict.fromkeys(re.sub(r"0x[0-9a-f]+|\[\d+ hazards?\]", "…", report) for report in reports))


def verdict(kind, found):
    """Who sees the mistake of a kernel: `agree`, `only we`, `only they`, or that it is not known."""
    if kind == "nothing":
        if any(reports for reports in found.values()):
            return "only they"
        return "agree" if all(reports is not None for reports in found.values()) else "not known"
    reports = found[TOOL[kind]]
    return "not known" if reports is None else "agree" if reports else "only we"


def beyond(kind, expected, text):
    """Whether a mistake is of those that the tool for its kind is known not to look for."""
    name = re.search(r" on (\w+)", expected)
    shared = bool(name and re.search(rf"__shared__ [^;]*\b{name[1]}\b", text))
    return not shared if kind == "race" else shared and kind in ("uninitialized", "out of bounds")


def corpus(check, data, save):
    """The stage: each kernel of tests/corpus, what checked mode finds in it and what the tools of compute-sanitizer do."""
    sanitizer = find("compute-sanitizer", "/opt/nvidia/*/*/compute-sanitizer")
    if not sanitizer:
        return "skipped", "compute-sanitizer is not installed"
    kinds = {}
    for path in sorted(glob.glob("tests/corpus/broken/*.cu") + glob.glob("tests/corpus/fine/*.cu")):
        with open(path) as file:
            # In the suite checked mode finds just what the first line says.
            expected = file.readline().strip().removeprefix("// expect: ")
            kind = re.split(r"[:,]| on ", expected)[0]
            kinds[path] = kind, expected, beyond(kind, expected, file.read())
    # What each tool reported of each kernel; null where it did not get to its summary.
    known = data.setdefault("reports", {})
    key = lambda path, tool: f"{tool} {path}"
    jobs = [(path, tool) for path in kinds for tool in REPORTS if key(path, tool) not in known]
    # What decides first, in case time runs out.
    jobs.sort(key=lambda job: TOOL.get(kinds[job[0]][0], job[1]) != job[1])

    # Buffers may lie end to end: room between them makes an access beyond one a stray access.
    more = {"memcheck": ["--padding", "256"]}

    def watch(job):
        path, tool = job
        room = check.left()
        if room < 2:
            return False, None
        command = [sanitizer, "--tool", tool, *more.get(tool, []), "--print-limit", "10",
                   f"{check.bin}/warptape", "kernels", "run", path, "--device", "cuda"]
        # Broken barriers may wait for ever: that is an answer, too, unless it was the stage's time that ended.
        status, text = check.run(command, min(20, room), "corpus.log")
        return status is not None or room > 20, findings(tool, text)

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for number, (job, (ran, found)) in enumerate(zip(jobs, pool.map(watch, jobs))):
            if ran:
                known[key(*job)] = found
            if number % 16 == 0:
                save()
    rows = []
    data["corpus"] = {"limits": LIMITS, "kernels": rows}
    for path, (kind, expected, limited) in kinds.items():
        found = {tool: known.get(key(path, tool)) for tool in REPORTS}
        row = {"kernel": path.removeprefix("tests/corpus/"), "warptape": expected, "verdict": verdict(kind, found),
               "beyond_the_tool": limited, **found}
        rows.append(row)
        said = "; ".join(f"{tool}: {', '.join(found[tool])}" for tool in found if found[tool])
        said += f"; {TOOL[kind]} does not look for it" if limited and row["verdict"] == "only we" else ""
        said += "".join(f"; {tool}: no summary" for tool in found if found[tool] is None)
        print(f"  {row['kernel']:52}{expected[:44]:46}{row['verdict']:10} {said.removeprefix('; ')[:160]}")
    for tool, what in LIMITS.items():
        print(f"  {tool} {what}")
    count = {name: sum(row["verdict"] == name for row in rows) for name in ["agree", "only we", "only they", "not known"]}
    note = f"{len(rows)} kernels: " + ", ".join(f"{count} {name}" for name, count in count.items())
    limited = sum(row["verdict"] == "only we" and row["beyond_the_tool"] for row in rows)
    note += f"; {limited} of those that only we see are beyond the tool" if limited else ""
    if len(known) < len(kinds) * len(REPORTS):
        return "stopped", f"{len(known)} of {len(kinds) * len(REPORTS)} runs; {note}"
    return ("ok" if rows and count["not known"] < len(rows) else "failed"), note


def find(tool, *places):
    """Where a tool of NVIDIA's is: on the PATH, in CUDA's folder, or in one of `places`."""
    homes = [os.environ.get("CUDA_HOME", ""), *sorted(glob.glob("/usr/local/cuda*"), reverse=True)]
    folders = os.environ.get("PATH", "").split(os.pathsep) + [os.path.join(home, "bin") for home in homes if home]
    folders += [folder for place in places for folder in sorted(glob.glob(place), reverse=True)]
    paths = (os.path.join(folder, tool) for folder in folders if folder)
    return next((path for path in paths if os.path.isfile(path) and os.access(path, os.X_OK)), None)
