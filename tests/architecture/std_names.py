"""A call of one of our free functions whose name is also in std is qualified: an argument from std would bring std's
function into the overload set, and a newer standard library may have one that fits better (argument-dependent lookup).
The compiler at hand is asked which names std has. Where it cannot be, the check is skipped."""

import os
import re
import shutil
import subprocess
import sys
import tempfile

from source_tree import project_root, report, sources

# A definition or declaration at namespace scope, which clang-format does not indent: its type, its name, a bracket.
FREE_FUNCTION = re.compile(
    r"^(?:\[\[\w+\]\] )?(?!using|return|typedef|namespace|static_assert|else|case|[A-Z_]+\()[a-zA-Z_][\w:<>,&* \[\]]*[ &*>]([a-z_]\w*)\(", re.M)
SPACES = ("std", "std::chrono", "std::filesystem")  # whose types are our arguments
STANDARDS = ("-std=c++26", "-std=c++2c", "-std=c++2b", "-std=c++20")  # the newest that the compiler knows
KEYWORDS = {"operator", "decltype", "static_assert"}
# std::to_string takes numbers alone: no argument that would bring it in can be passed to it.
HARMLESS = {"to_string"}


def bare(text):
    """The code with the inside of comments and literals blanked; lines stay lines."""
    pattern = re.compile(r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', re.S)
    return pattern.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)


def functions_in_std(names):
    """Which of them std has as functions too, and where; types and variables are not looked up by arguments."""
    compiler = next((c for c in (os.environ.get("CXX"), "c++", "g++", "clang++") if c and shutil.which(c)), None)
    if compiler is None:
        print("left out: no compiler is in the PATH: CXX=<compiler> would enable it")
        sys.exit(77)
    pairs = [(name, space) for name in sorted(names) for space in SPACES]
    with tempfile.TemporaryDirectory() as folder:
        probe = os.path.join(folder, "probe.cpp")
        with open(probe, "w", encoding="utf-8") as file:
            # A name that the namespace does not have, or not as a function that can be overloaded, is an error in its line.
            file.write("#include <bits/stdc++.h>\nstruct Own {};\n")
            for name, space in pairs:
                file.write(f"namespace probe_{len(space)}_{name} {{ using {space}::{name}; void {name}(Own); }}\n")
        for standard in STANDARDS:
            ran = subprocess.run([compiler, standard, "-fsyntax-only", "-w", probe], capture_output=True, text=True,
                                 env={**os.environ, "LC_ALL": "C"}, check=False)
            wrong = {int(line) for line in re.findall(r"probe\.cpp:(\d+):\d+: error", ran.stderr)}
            if ran.returncode == 0 or min(wrong, default=0) > 2:
                return {name: space for line, (name, space) in enumerate(pairs, 3) if line not in wrong}
    print(f"left out: {compiler} does not say which functions std has: g++ would enable it\n{ran.stderr[:500]}")
    sys.exit(77)


def declares(before):
    """Whether what stands before a name and its bracket is a type: `Type& name(`, not `return name(` or `a & name(`."""
    return bool(re.search(r"(\w|\S>)[*&]* $", before)) and not re.search(r"\b(return|co_\w+|else|do|throw|case) $", before)


def sees(file, declared):
    """What a .cpp file defines for itself is not visible in others, and the library knows nothing of its tests."""
    if declared == file:
        return True
    return declared.suffix == ".hpp" and declared.parts[0] in (file.parts[0], "include", "src")


def main():
    root = project_root()
    files = sources(root, "src", "include", "tests", "examples")
    code = {file: bare((root / file).read_text(encoding="utf-8")) for file in files}
    free = {}
    for file, text in code.items():
        for name in FREE_FUNCTION.findall(text):
            if name not in KEYWORDS | HARMLESS:
                free.setdefault(name, set()).add(file)
    shared = functions_in_std(free)
    complaints = []
    for file, text in code.items():
        visible = {name for name in shared if any(sees(file, declared) for declared in free[name])}
        if not visible:
            continue
        call = re.compile(r"(?<![\w:.>~])(" + "|".join(sorted(visible)) + r")\(")
        for number, line in enumerate(text.splitlines(), 1):
            for match in call.finditer(line):
                if not declares(line[:match.start()]):
                    complaints.append(f"{file}:{number}: {match[1]} is {shared[match[1]]}::{match[1]} as well: {line.strip()}")
    report(complaints, "calls of functions whose name std has, too, are qualified, or the function has another name")


main()
