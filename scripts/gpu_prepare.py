"""What a machine with a GPU is handed beside the binaries, made where time costs nothing and no GPU is needed; a part of
scripts/gpu_pack.sh.

    gpu_prepare.py BIN_DIR [profiles] [tests] [cache]      (all three)

profiles.json: what `warptape kernels profile` counts, for ncu's figures to be compared with (needs a C++ compiler).
device_tests.json: the tests that touch the device: those that fail where there is none.
cache: machine code of every kernel for $WARPTAPE_GPU_ARCH (sm_90a), by each NVRTC of $WARPTAPE_GPU_NVRTC (the one that is
found). A CUDA device finds it there if its own NVRTC has the same version; other ones compile anew.
"""

import json, os, re, shutil, subprocess, sys

sys.dont_write_bytecode = True
import gpu_agree
from gpu_check import outcomes

CHECKOUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")


def profiles(folder):
    with open(os.path.join(folder, "profiles.json"), "w") as file:
        json.dump(gpu_agree.profiles(os.path.join(folder, "warptape")), file)


def tests(folder):
    """Also where this machine has a GPU: none is visible here. Nor is a C++ compiler: tests of the host device are skipped."""
    env = dict(os.environ, WARPTAPE_TEST_DEVICE="cuda", CUDA_VISIBLE_DEVICES="", CXX="/nonexistent")
    command = [os.path.join(folder, "suite"), "--test-threads=1", "--nocapture"]
    said = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env, errors="replace").stdout
    found = [name for name, outcome in outcomes(said)[0].items() if outcome == "FAILED"]
    if not re.search(r"^test result:", said, re.M) or not found:
        sys.exit(f"the suite does not run here: {said.strip().splitlines()[-1:]}")
    with open(os.path.join(folder, "device_tests.json"), "w") as file:
        json.dump(found, file, indent=0)
    print(f"{len(found)} tests touch the device")


def cache(folder):
    target = os.path.join(folder, "cache")
    shutil.rmtree(target, ignore_errors=True)
    os.makedirs(target, mode=0o700)
    for version in os.environ.get("WARPTAPE_GPU_NVRTC", "").split(",") or [""]:
        env = dict(os.environ, WARPTAPE_CACHE=target)
        if version:
            place = f"target/nvrtc-{version}"
            subprocess.run(["scripts/install_nvrtc.sh", version, place], check=True)
            names = "cuda_nvrtc" if version.startswith("12") else "cu13"
            env["WARPTAPE_NVRTC"] = os.path.abspath(f"{place}/nvidia/{names}/lib")
        arch = os.environ.get("WARPTAPE_GPU_ARCH", "sm_90a")
        command = [os.path.join(folder, "warptape"), "kernels", "compile", "--all", "--arch", arch]
        done = subprocess.run(command, stdout=subprocess.PIPE, env=env, text=True)
        last = done.stdout.strip().splitlines()[-1:] or ["nothing"]
        print(f"for {arch} by NVRTC {version or 'as found'}: {last[0]}")
        # An older compiler may spill registers where a newer one does not, which is no reason to do without.
        if ", 0 failed to compile" not in last[0]:
            sys.exit(f"{' '.join(command)} fails")


def main():
    parts = {"profiles": profiles, "tests": tests, "cache": cache}
    folder, *chosen = sys.argv[1:] or sys.exit(__doc__)
    folder = os.path.abspath(folder)
    os.chdir(CHECKOUT)
    for name in chosen or parts:
        parts[name](folder)


if __name__ == "__main__":
    main()
