"""What the architecture checks share: the files of this project and the includes in them."""

import pathlib
import re
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]')


def sources(root, *folders):
    """All C++ files below the folders, as paths relative to the root, sorted."""
    files = []
    for folder in folders:
        files += [f for f in (root / folder).rglob("*") if f.suffix in (".hpp", ".cpp")]
    return sorted(f.relative_to(root) for f in files)


def includes(root, file):
    """(line number, opening bracket, what is included) for each include of the file."""
    for number, line in enumerate((root / file).read_text(encoding="utf-8").splitlines(), 1):
        if match := INCLUDE.match(line):
            yield number, match.group(1), match.group(2)


def project_root():
    return pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parents[2]


def report(complaints, rule):
    """Prints the complaints and ends the check: status 1 if there are any."""
    for complaint in complaints:
        print(complaint)
    if complaints:
        sys.exit(f"{len(complaints)} violation(s). The rule: {rule}")
    print("ok")
