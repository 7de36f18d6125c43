"""Stages of a check on a machine that is borrowed for minutes: each leaves a file as it goes, and one that has ended is not
run again, so that a check that was stopped goes on where it stopped."""

import datetime, json, os, signal, subprocess, tempfile, time

# A stage that ended so is over; any other is run (again, and goes on with what it left).
OVER = ("ok", "failed")


class Stages:
    """A check of the binaries in `bin`, which `identity` tells from others, that leaves what it finds in `out` and ends within `budget`
    seconds."""

    def __init__(self, bin, out, budget, identity, env):
        self.bin, self.out, self.identity, self.env = bin, out, identity, env
        self.deadline = time.monotonic() + budget
        self.ran = []  # stages of this check, those that were over before among them

    def left(self):
        """Seconds until the deadline, of the stage that is running or of all."""
        return self.deadline - time.monotonic()

    def run(self, command, limit, log=None, env=None):
        """Runs a command for at most `limit` seconds; returns its exit status (None: out of time) and its output."""
        limit = max(1.0, min(limit, self.left()))
        with tempfile.TemporaryFile("w+", errors="replace") as output:
            try:
                process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                                           env=env or self.env, start_new_session=True)
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
            with open(os.path.join(self.out, log), "a", errors="replace") as file:
                file.write(f"$ {' '.join(command)[:400]}\n{text}\n[{ending(status)}]\n\n")
        return status, text

    def stage(self, name, share, body, again=False):
        """Runs the stage `name` with `share` of the time that is left, unless it is over. `body` is given a dictionary, with
        what the stage has left when it was stopped, and puts into it what it finds, calling `save` after each step; it
        returns an outcome (ok, failed, skipped, stopped) and a note. `again`: it runs even if it is over."""
        before = self.read(name)
        data = before if before.get("binaries") == self.identity else {}
        if data.get("outcome") in OVER and not again:
            self.ran.append(data)
            print(f"{data['outcome']:8}{name:15}  (before)  {data['note']}")
            return data
        data.update(stage=name, binaries=self.identity, outcome="stopped", note="the machine was gone", seconds=0,
                    date=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"))
        start, whole = time.monotonic(), self.deadline
        if self.left() < 1:
            data.update(outcome="stopped", note="no time was left")
        else:
            self.deadline = start + share * self.left()
            self.write(name, data)
            try:
                data["outcome"], data["note"] = body(data, lambda: self.write(name, data))
            except Exception as error:  # a bug here must not cost the results of the other stages
                data["outcome"], data["note"] = "failed", f"{type(error).__name__}: {error}"
            self.deadline = whole
        data["seconds"] = round(time.monotonic() - start, 1)
        self.write(name, data)
        self.ran.append(data)
        print(f"{data['outcome']:8}{name:15}{data['seconds']:7.1f} s  {data['note']}")
        return data

    def file(self, name):
        return os.path.join(self.out, f"stage-{name}.json")

    def read(self, name):
        try:
            with open(self.file(name)) as file:
                return json.load(file)
        except (OSError, ValueError):
            return {}

    def write(self, name, data):
        write(self.file(name), data)


def write(path, data):
    """Whole or not at all."""
    with open(path + ".part", "w") as file:
        json.dump(data, file, indent=1)
        file.write("\n")
    os.replace(path + ".part", path)


def ending(status):
    return "out of time" if status is None else f"exit {status}"
