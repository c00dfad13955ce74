#!/usr/bin/env python3
"""Breaks the decisions of the library one at a time, and shows which breaks no test notices.

    python3 tests/mutation.py [--folders call,resilience,health,routing] [--mutants N] [--minutes M] [--seed S]
                              [--units-only] [--jobs N] [--list]

A mutant is one source file with one condition negated, one boundary moved (< and <=), one comparison turned round, one
`and` made `or`, or one sign changed. Headers are left out: each mutant of one would compile half of the library. A mutant
is killed if a unit test of its folder fails, or else a flow test (unless --units-only); a test that hangs fails. One that
does not compile does not count. A sample of N mutants (default: 100) is drawn by the seed; the run ends after M minutes
(default: 60, after the build) with what it has. Ends with the share that was killed and a list of the survivors: each is a
line for a test, or a condition that decides nothing.

The sources are changed in a copy of the tree, build/mutation/tree.
"""
import argparse
import collections
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
        for path in sorted((ROOT / "src" / folder).glob("*.cpp")):
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


def copy_tree(folders):
    shutil.rmtree(TREE, ignore_errors=True)
    files = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.split(b"\0")
    for name in (os.fsdecode(file) for file in files if file):
        if (ROOT / name).is_file():
            (TREE / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, TREE / name)
    # A mutant compiles its own file only; everything else is compiled several files at once.
    with open(TREE / "src" / "CMakeLists.txt", "a") as lists:
        for folder in folders:
            lists.write(f'file(GLOB mutated "${{CMAKE_CURRENT_SOURCE_DIR}}/{folder}/*.cpp")\n'
                        "set_source_files_properties(${mutated} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folders", default="call,resilience,health,routing")
    parser.add_argument("--mutants", type=int, default=100)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--units-only", action="store_true", help="run no flow tests: faster, and more mutants survive")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--list", action="store_true", help="print the sample and stop")
    options = parser.parse_args()
    folders = options.folders.split(",")

    every = list(candidates(folders))
    sample = random.Random(options.seed).sample(every, min(options.mutants, len(every)))
    print(f"{len(every)} mutants are possible, {len(sample)} are tried", flush=True)
    if options.list:
        for folder, path, number, name, match, _ in sample:
            print(f"{path}:{number + 1}: {name}: {match.group().strip()}")
        return 0

    copy_tree(folders)
    build = WORK / "build"
    flow = [] if options.units_only else ["flow_tests"]
    tested = [f"unit/{folder}" for folder in folders] + (["flow"] if flow else [])

    def made(targets, limit):
        return run(["cmake", "--build", build, "--parallel", str(options.jobs), "--target", *targets], limit)

    def passes(folder, program, limit):
        return run([build / "tests" / folder / program, "--gtest_brief=1", "--gtest_fail_fast"], limit)

    def survives(folder):
        """None: it does not compile."""
        unit = f"{folder}_tests"
        if not made([unit], 900):
            return None
        if not passes(f"unit/{folder}", unit, 60):
            return False
        return not flow or (made(flow, 900) and passes("flow", "flow_tests", 300))

    configured = run(["cmake", "--preset", "dev", "-B", build, "-DCMAKE_CXX_FLAGS_DEBUG=-g0",
                      "-DHOLYSHEEP_UNITY_BUILD=ON", "-DCMAKE_DISABLE_PRECOMPILE_HEADERS=OFF",
                      "-DHOLYSHEEP_WARNINGS_AS_ERRORS=OFF", "-DHOLYSHEEP_BUILD_EXAMPLES=OFF",
                      f"-DHOLYSHEEP_TEST_FOLDERS={';'.join(tested)}"], 300)
    if not configured or not made([f"{folder}_tests" for folder in folders] + flow, 7200):
        print("the tree does not build as it is: run `cmake --build --preset dev`", file=sys.stderr)
        return 2
    for folder in folders:
        if not survives(folder):
            print(f"the tests of {folder} fail as they are", file=sys.stderr)
            return 2

    killed, tried, survivors = collections.Counter(), collections.Counter(), []
    until = time.monotonic() + 60 * options.minutes
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
        alive = survives(folder)
        (TREE / path).write_text(original)
        where = f"{path}:{number + 1}: {name}: {changed.strip()}"
        if alive:
            survivors.append(where)
        if alive is not None:
            tried[folder] += 1
            killed[folder] += not alive
        print(("invalid   " if alive is None else "survived  " if alive else "killed    ") + where, flush=True)
    print()
    for folder in folders:
        print(f"{folder:12} {killed[folder]} of {tried[folder]} killed")
    total = sum(tried.values())
    print(f"{'all':12} {sum(killed.values())} of {total} killed ({100 * sum(killed.values()) / max(total, 1):.0f} %)")
    for where in survivors:
        print("  " + where)
    return int(sum(killed.values()) < 0.9 * total)


if __name__ == "__main__":
    sys.exit(main())
