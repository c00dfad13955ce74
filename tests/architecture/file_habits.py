"""Every file has a name that says what is in it, and opens with a comment that says what it is for."""

from source_tree import project_root, report, sources

DRAWERS = {"util", "utils", "utility", "helper", "helpers", "manager", "common", "misc", "stuff"}


def main():
    root = project_root()
    complaints = []
    for file in sources(root, "src", "include", "tests", "examples"):
        words = {word for part in file.with_suffix("").parts for word in part.lower().split("_")}
        for drawer in sorted(words & DRAWERS):
            complaints.append(f"{file}: '{drawer}' does not say what is inside")
        if not (root / file).read_text(encoding="utf-8").startswith("//"):
            complaints.append(f"{file}:1: does not open with a comment")
    report(complaints, "names are ideas, not drawers; the first line tells a reader where they are")


main()
