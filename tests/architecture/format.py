"""Code looks as .clang-format says. Judged by clang-format 14 alone, other versions lay out differently; skipped without it.

Compares what the formatter writes: its --dry-run complains of nested inline namespaces that it would not change.
"""

import concurrent.futures
import difflib
import shutil
import subprocess
import sys

from source_tree import project_root, report, sources

SKIPPED = 77


def formatter():
    for name in ("clang-format-14", "clang-format"):
        path = shutil.which(name)
        if path and " version 14." in subprocess.run([path, "--version"], capture_output=True, text=True).stdout:
            return path
    print("left out: clang-format 14 is not installed: the package clang-format-14 (Debian 12, Ubuntu 24.04) would enable it")
    sys.exit(SKIPPED)


def main():
    root = project_root()
    program = formatter()

    def first_difference(file):
        wanted = subprocess.run([program, file], cwd=root, capture_output=True, text=True, check=True).stdout
        have = (root / file).read_text(encoding="utf-8")
        changes = list(difflib.unified_diff(have.splitlines(), wanted.splitlines(), f"{file}", "formatted", lineterm="", n=0))
        return "\n".join(changes[:12])

    with concurrent.futures.ThreadPoolExecutor() as pool:
        differences = pool.map(first_difference, sources(root, "src", "include", "tests", "examples"))
        report([text for text in differences if text], "clang-format -i <file>")


main()
