"""Checks that README.md has at most 150 lines; details belong in docs/.   page_lengths.py PROJECT_DIR"""

import pathlib
import sys

LIMITS = {"README.md": 150}


def main(project):
    problems = []
    for page, limit in LIMITS.items():
        lines = len((pathlib.Path(project) / page).read_text(encoding="utf-8").splitlines())
        if lines > limit:
            problems.append(f"{page} has {lines} lines, more than {limit}: move details to a page in docs/")
    print("\n".join(problems) or "the page lengths are within their limits")
    return 1 if problems else 0


sys.exit(main(*sys.argv[1:]))
