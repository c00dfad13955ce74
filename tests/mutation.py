#!/usr/bin/env python3
"""Breaks the decisions of the library one at a time, and shows which breaks no test notices.

    python3 tests/mutation.py [--folders call,resilience,health,routing] [--mutants N] [--minutes M] [--seed S] [--list]

A mutant is one file with one condition negated, one boundary moved (< and <=), one comparison turned round, one `and` made
`or`, or one sign changed. It is killed if it does not compile, or if a unit test of its folder or a flow test fails or
hangs. A sample of N mutants (default: 100) is drawn by the seed; the run ends after M minutes (default: 60) with what it
has. Ends with the share that was killed and a list of the survivors: each is a line for a test, or a condition that
decides nothing.

The sources are changed in a copy of the tree, build/mutation/tree.
"""
import argparse
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
WORK = ROOT / "build" / "mutation"
TREE = WORK / "tree"
# (name, what is replaced, by what); groups 1 and 2 are kept.
OPERATORS = [
    ("boundary", re.compile(r"(\s)<(\s)"), r"\1<=\2"),
    ("boundary", re.compile(r"(\s)<=(\s)"), r"\1<\2"),
    ("boundary", re.compile(r"(\s)>(\s)"), r"\1>=\2"),
    ("boundary", re.compile(r"(\s)>=(\s)"), r"\1>\2"),
    ("equality", re.compile(r"(\s)==(\s)"), r"\1!=\2"),
    ("equality", re.compile(r"(\s)!=(\s)"), r"\1==\2"),
    ("logic", re.compile(r"(\s)&&(\s)"), r"\1||\2"),
    ("logic", re.compile(r"(\s)\|\|(\s)"), r"\1&&\2"),
    ("sign", re.compile(r"(\w\)? )\+( \w)"), r"\1-\2"),
    ("sign", re.compile(r"(\w\)? )-( \w)"), r"\1+\2"),
    ("negation", re.compile(r"(\bif \()(?=[^;{}]*\))"), r"\1!!!"),
    ("constant", re.compile(r"(\breturn )true(;)"), r"\1false\2"),
    ("constant", re.compile(r"(\breturn )false(;)"), r"\1true\2"),
]


def candidates(folders):
    for folder in folders:
        for path in sorted((ROOT / "src" / folder).glob("*.?pp")):
            for number, line in enumerate(path.read_text().splitlines()):
                code = re.sub(r'"(\\.|[^"\\])*"', lambda text: " " * len(text.group()), line.split("//")[0])
                if "#include" in code or "template" in code or "operator" in code:
                    continue
                for name, pattern, by in OPERATORS:
                    for match in pattern.finditer(code):
                        yield folder, path.relative_to(ROOT), number, name, match, by


def mutate(line, match, by):
    changed = match.expand(by)
    if changed.endswith("!!!"):  # negate the whole condition: find its closing parenthesis
        depth, start = 1, match.end()
        for end in range(start, len(line)):
            depth += {"(": 1, ")": -1}.get(line[end], 0)
            if depth == 0:
                if ";" in line[start:end]:  # `if (init; condition)`
                    start = line.index(";", start) + 2
                return f"{line[:start]}!({line[start:end]}){line[end:]}"
        return None
    return line[:match.start()] + changed + line[match.end():]


def run(command, limit):
    try:
        return subprocess.run(command, cwd=TREE, capture_output=True, timeout=limit, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folders", default="call,resilience,health,routing")
    parser.add_argument("--mutants", type=int, default=100)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--list", action="store_true", help="print the sample and stop")
    options = parser.parse_args()
    folders = options.folders.split(",")

    every = list(candidates(folders))
    sample = random.Random(options.seed).sample(every, min(options.mutants, len(every)))
    print(f"{len(every)} mutants are possible, {len(sample)} are tried")
    if options.list:
        for folder, path, number, name, match, _ in sample:
            print(f"{path}:{number + 1}: {name}: {match.group().strip()}")
        return 0

    shutil.rmtree(TREE, ignore_errors=True)
    files = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.split(b"\0")
    for name in (os.fsdecode(file) for file in files if file):
        if (ROOT / name).is_file():
            (TREE / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, TREE / name)
    units = ";".join(f"unit/{folder}" for folder in folders)
    build = WORK / "build"
    configured = run(["cmake", "--preset", "dev", "-B", build, "-DCMAKE_CXX_FLAGS_DEBUG=-g0",
                      "-DHOLYSHEEP_WARNINGS_AS_ERRORS=OFF", "-DHOLYSHEEP_BUILD_EXAMPLES=OFF",
                      f"-DHOLYSHEEP_TEST_FOLDERS={units};flow"], 300)
    if not configured or not run(["cmake", "--build", build], 3600):
        print("the tree does not build as it is: run `cmake --build --preset dev`", file=sys.stderr)
        return 2
    flow = build / "tests" / "flow" / "flow_tests"

    def unit(folder):
        return [file for file in (build / "tests" / "unit" / folder).glob("*_test*")
                if file.is_file() and os.access(file, os.X_OK)]

    killed, survivors, until = 0, [], time.monotonic() + 60 * options.minutes
    for folder, path, number, name, match, by in sample:
        if time.monotonic() > until:
            print("the time is over")
            break
        original = (TREE / path).read_text()
        lines = original.splitlines(keepends=True)
        changed = mutate(lines[number], match, by)
        if changed is None:
            continue
        lines[number] = changed
        (TREE / path).write_text("".join(lines))
        targets = ["flow_tests"] + [file.name for file in unit(folder)]
        alive = (run(["cmake", "--build", build, "--target", *targets], 900)
                 and all(run([file, "--gtest_brief=1"], 60) for file in unit(folder))
                 and run([flow, "--gtest_brief=1", "--gtest_fail_fast"], 180))
        (TREE / path).write_text(original)
        where = f"{path}:{number + 1}: {name}: {changed.strip()}"
        if alive:
            survivors.append(where)
        else:
            killed += 1
        print(("survived  " if alive else "killed    ") + where, flush=True)
    total = killed + len(survivors)
    print(f"\n{killed} of {total} killed ({100 * killed / max(total, 1):.0f} %)")
    for where in survivors:
        print("  " + where)
    return int(killed < 0.9 * total)


if __name__ == "__main__":
    sys.exit(main())
