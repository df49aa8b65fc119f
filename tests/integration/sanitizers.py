"""What a sanitizer finds in a process fails the test that started it, also where nobody looks at the
process's exit status: at the end of a worker, or of the broker."""
import os


def watch(test, folder):
    """For the rest of the test, reports go to a folder in `folder`, a path, and are looked for."""
    reports = folder / "sanitizers"
    reports.mkdir()
    for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"):
        if name in os.environ:
            test.addCleanup(os.environ.__setitem__, name, os.environ[name])
            os.environ[name] += f":log_path={reports}/report"

    def check():
        found = [path.read_text(errors="replace") for path in reports.iterdir()]
        test.assertEqual(found, [], "\n".join(found))

    test.addCleanup(check)
