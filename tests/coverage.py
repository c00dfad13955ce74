#!/usr/bin/env python3
"""Line coverage of src/ by the unit and the flow tests, per folder and per file.

    python3 tests/coverage.py [--jobs N] [--tests FOLDERS] [--files] [--missing] [--at-least PERCENT]

Builds the preset `coverage`, runs the tests and reads what gcov counted. A line counts once, whatever number of files it is
compiled into, and is covered if it ran in any of them.

--tests     the folders of tests/ to run, such as "unit/call;flow" (default: all unit tests and the flow tests)
--files     a row for each file, too
--missing   the lines that never ran
--at-least  fails below this total (default: 95)
"""
import argparse
import collections
import concurrent.futures
import gzip
import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "coverage"


def run(*command, **options):
    print("+", *command, file=sys.stderr)
    subprocess.run([str(part) for part in command], check=True, cwd=ROOT, **options)


def lines_of(data_file):
    """(source, line, count) for each line that a .gcda file counts."""
    answer = subprocess.run(["gcov", "--json-format", "--stdout", "--preserve-paths", data_file.name],
                            cwd=data_file.parent, capture_output=True, check=True)
    text = answer.stdout
    if text[:2] == b"\x1f\x8b":
        text = gzip.decompress(text)
    for document in text.splitlines():
        report = json.loads(document)
        folder = pathlib.Path(report["current_working_directory"])
        for source in report["files"]:
            path = pathlib.Path(os.path.normpath(folder / source["file"]))
            try:
                name = path.relative_to(ROOT / "src").as_posix()
            except ValueError:
                continue
            for line in source["lines"]:
                yield name, line["line_number"], line["count"]


def measure(jobs):
    counts = collections.defaultdict(lambda: collections.defaultdict(int))
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for lines in pool.map(lambda file: list(lines_of(file)), sorted(BUILD.rglob("*.gcda"))):
            for name, number, count in lines:
                counts[name][number] += count
    return counts


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--tests")
    parser.add_argument("--files", action="store_true")
    parser.add_argument("--missing", action="store_true")
    parser.add_argument("--at-least", type=float, default=95)
    options = parser.parse_args()

    units = sorted(f"unit/{folder.name}" for folder in (ROOT / "tests" / "unit").iterdir() if folder.is_dir())
    tests = options.tests.split(";") if options.tests else units + ["flow"]
    run("cmake", "--preset", "coverage", f"-DHOLYSHEEP_TEST_FOLDERS={';'.join(tests)}", stdout=subprocess.DEVNULL)
    # The targets are named: with all of them, parts that no test here needs would be built, too.
    programs = [BUILD / "tests" / folder / f"{folder.split('/')[-1]}_tests" for folder in tests]
    run("cmake", "--build", BUILD, "--parallel", options.jobs, "--target", *(program.name for program in programs))
    for old in BUILD.rglob("*.gcda"):
        old.unlink()
    # Each process writes the counts of the whole library when it ends: one for each program, not one for each test.
    for program in programs:
        run(program, "--gtest_brief=1", stdout=sys.stderr)

    counts = measure(options.jobs)
    folders = collections.defaultdict(lambda: [0, 0])
    for name, lines in counts.items():
        folder = folders[name.split("/")[0]]
        folder[0] += sum(count > 0 for count in lines.values())
        folder[1] += len(lines)
    total = [sum(folder[i] for folder in folders.values()) for i in (0, 1)]

    def row(name, covered, lines):
        print(f"{name:44} {covered:6} of {lines:6}  {100 * covered / max(lines, 1):5.1f} %")

    if options.files or options.missing:
        for name in sorted(counts):
            lines = counts[name]
            row(name, sum(count > 0 for count in lines.values()), len(lines))
            if options.missing:
                missing = [str(number) for number in sorted(lines) if lines[number] == 0]
                if missing:
                    print("    " + " ".join(missing))
        print()
    for name in sorted(folders):
        row(name, *folders[name])
    row("src", *total)
    return int(100 * total[0] < options.at_least * total[1])


if __name__ == "__main__":
    sys.exit(main())
