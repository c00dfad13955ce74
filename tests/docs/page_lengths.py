"""README.md is read whole, so it has at most 150 lines; what is longer belongs in docs/.   page_lengths.py PROJECT_DIR"""

import pathlib
import sys

LIMITS = {"README.md": 150}


def main(project):
    problems = []
    for page, limit in LIMITS.items():
        lines = len((pathlib.Path(project) / page).read_text(encoding="utf-8").splitlines())
        if lines > limit:
            problems.append(f"{page} has {lines} lines, more than {limit}: move what is for one task to its page in docs/")
    print("\n".join(problems) or "the lengths are kept")
    return 1 if problems else 0


sys.exit(main(*sys.argv[1:]))
