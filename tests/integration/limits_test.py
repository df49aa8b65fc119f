"""Memory and fairness: what a million names, a stopped stage and a large run cost everybody else."""
import json
import os
import pathlib
import signal
import subprocess
import time

from millrace_testing import BIN, TestCase, free_ports, jpeg, main, wait_until

MIB = 1 << 20

ROOT = pathlib.Path(__file__).resolve().parents[2]

# What the broker's memory is beside the bytes of jobs: its code, its libraries and
# allocator slack. Measured at 12 MiB idle; the rest is room for the allocator.
BROKER_CONSTANT = 40 * MIB


def rss(pid):
    """Resident bytes of a process."""
    with open(f"/proc/{pid}/statm", "rb") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def peak_rss(pid):
    with open(f"/proc/{pid}/status") as file:
        for line in file:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    raise AssertionError("no VmHWM")


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", "rb") as file:
        fields = file.read().rpartition(b")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def wakeups(pid):
    """How often the threads of a process have gone to sleep. Unlike time, the same on every machine."""
    total = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        for line in (task / "status").read_text().splitlines():
            if line.startswith("voluntary_ctxt_switches:"):
                total += int(line.split()[1])
    return total


def link_many(folder, folders, each, content):
    """folders × each files `.jpg` with this content, as hard links: fast, and no room on disk."""
    source, links = None, 0
    for number in range(folders):
        directory = folder / f"{number:04}"
        directory.mkdir()
        for index in range(each):
            path = directory / f"{index:04}.jpg"
            if source is None or links == 30000:  # ext4 allows 65,000
                path.write_bytes(content)
                source, links = path, 0
            else:
                os.link(source, path)
                links += 1


class Limits(TestCase):

    def up(self, *words):
        """Starts the demo topology on ports of this test; returns its processes by name."""
        first = free_ports(40)
        text = (ROOT / "config/demo.yaml").read_text()
        for default, mine in (("control: 7710", f"control: {first}"),
                              ("reports: 7711", f"reports: {first + 1}"),
                              ("feed: 7720-8719", f"feed: {first + 2}-{first + 39}"),
                              ("state: ../state", f"state: {self.folder}/state")):
            self.assertIn(default, text)
            text = text.replace(default, mine)
        self.topology = self.folder / "demo.yaml"
        self.topology.write_text(text)
        self.pipeline = self.start("up", self.topology, *self.SMALL, *words)
        wait_until(lambda: self.joined() >= {"scan", "preprocess", "inference", "postprocess"},
                   "all stages to join")
        return self.pipeline.children()

    def millrace(self, *words):
        return subprocess.run([BIN / "millrace", *(str(word) for word in words)], check=False,
                              capture_output=True, text=True)

    def status(self):
        done = self.millrace("status", "--topology", self.topology, "--json")
        return json.loads(done.stdout) if done.returncode == 0 else None

    def stages(self):
        return {stage["stage"]: stage for stage in self.status()["stages"]}

    def joined(self):
        status = self.status()
        return {stage["stage"] for stage in status["stages"] if stage["workers"]} if status else set()

    def submit(self, photos, out):
        done = self.millrace("submit", self.topology, photos, out)
        self.assertEqual(done.returncode, 0, done.stderr)
        return int(done.stdout)

    def run_status(self, run):
        return next(each for each in self.status()["runs"] if each["run"] == run)

    def test_a_stopped_stage_stops_the_walk_and_bounds_the_brokers_memory(self):
        link_many(self.photos, 100, 1000, jpeg(1))
        budget = 8 * MIB
        children = self.up(
            "--set", "preprocess.budget=1MiB", "--set", f"inference.budget={budget}B", "--set",
            "inference.max_payload=1MiB", "--set", "preprocess.replicas=1")
        os.kill(children["inference-0"], signal.SIGSTOP)
        try:
            self.submit(self.photos, self.out)

            def standing():
                stages = self.stages()
                return (stages["inference"]["bytes"] >= budget and
                        stages["preprocess"]["bytes"] >= MIB and
                        stages["preprocess"]["active"] == 0 and stages["scan"]["active"] == 0)

            wait_until(standing, "back-pressure to reach the scanner")
            scanned = self.run_status(1)["scanned"]
            self.assertLess(scanned, 20000)
            stages = self.stages()
            # DESIGN: budget + (runs + jobs in flight upstream) * max_payload, for each stage; a scan
            # chunk is the payload of the scan.
            self.assertLessEqual(stages["inference"]["bytes"], budget + (1 + 2) * MIB)
            self.assertLessEqual(stages["preprocess"]["bytes"], 2 * MIB)
            held = sum(stage["bytes"] for stage in stages.values())
            self.assertLess(peak_rss(children["broker"]), held + BROKER_CONSTANT)
            # Nothing moves any more: the scanner was not given another chunk.
            self.assertEqual(self.run_status(1)["scanned"], scanned)
        finally:
            os.kill(children["inference-0"], signal.SIGCONT)
        self.millrace("cancel", "1", "--topology", self.topology)

    def test_a_million_names_cost_no_process_a_hundred_megabytes(self):
        link_many(self.photos, 1000, 1000, b"")
        children = self.up("--set", "preprocess.replicas=1")
        run = self.submit(self.photos, self.out)
        wait_until(lambda: self.run_status(run)["state"] == "done", "the run's end")
        self.assertEqual(self.run_status(run)["failed"], 1_000_000)
        for name, pid in children.items():
            if not name.startswith("inference"):
                self.assertLess(peak_rss(pid), 100 * MIB, name)
        with open(self.out / ".millrace/failed.jsonl", "rb") as failed:
            previous = b""
            count = 0
            for line in failed:
                self.assertLess(previous, line)  # sorted by path, each once
                previous = line
                count += 1
        self.assertEqual(count, 1_000_000)

    def test_a_small_run_is_not_behind_a_large_one(self):
        small = self.folder / "small"
        small.mkdir()
        link_many(self.photos, 1, 1000, jpeg(1))
        link_many(small, 1, 50, jpeg(2))
        self.up()
        large_run = self.submit(self.photos, self.out)
        small_run = self.submit(small, self.folder / "out-small")
        ended = []  # of the large run, when the small one was first seen to be done
        seen = []  # (of the large run, of the small one): how many are ok, at one moment of the broker

        def small_is_done():
            runs = {run["run"]: run for run in self.status()["runs"]}
            if runs[small_run]["state"] == "done":
                ended.append(runs[large_run]["ok"])
                return True
            seen.append((runs[large_run]["ok"], runs[small_run]["ok"]))
            return False

        wait_until(small_is_done, "the small run's end")
        # What the large one had done by itself, before the small one was there, is not held against it.
        for large_ok, small_ok in seen:
            self.assertLess(large_ok - seen[0][0], 200, f"with {small_ok} of 50 done: {seen}")
        # Also where the small one was never seen under way. Its end may be seen late.
        self.assertLess(ended[0], 600)
        wait_until(lambda: self.run_status(large_run)["state"] == "done", "the large run's end")
        self.assertEqual(self.run_status(large_run)["ok"], 1000)

    def test_an_idle_pipeline_sleeps(self):
        children = self.up("--set", "preprocess.replicas=2")
        # Starting costs more than idling ever does.
        wait_until(lambda: self.stages()["preprocess"]["workers"] == 2, "both replicas to join")

        def per_second(of):
            """Of each process, over five seconds: a rate waits for the clock, not for an event."""
            before = {name: of(pid) for name, pid in children.items()}
            end = time.monotonic() + 5
            wait_until(lambda: time.monotonic() >= end, "five seconds of idling")
            return {name: (of(pid) - before[name]) / 5 for name, pid in children.items()}

        # Measured: a worker wakes 6 times a second for its beat and the heartbeats of three links,
        # the broker 34 times for those of five workers and of `up`. A look every 50 ms would be 20
        # more.
        def sleeps():
            rates = per_second(wakeups)
            return all(rate < (50 if name == "broker" else 15) for name, rate in rates.items())

        # What starting has left to do is done some time; what polls goes on for ever.
        wait_until(sleeps, "the pipeline to sleep", 60)
        # What never goes to sleep takes a whole core.
        for name, share in per_second(cpu_seconds).items():
            self.assertLess(share, 0.3, name)


if __name__ == "__main__":
    main()
