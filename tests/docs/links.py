"""Checks that no Markdown file has a broken relative link or anchor.   links.py PROJECT_DIR"""

import pathlib
import sys

import markdown


def main(project):
    root = pathlib.Path(project).resolve()
    files = sorted(file for file in root.rglob("*.md") if not set(file.relative_to(root).parts) & {"build", ".git"})
    texts = {file: file.read_text(encoding="utf-8") for file in files}
    problems, checked = [], 0
    for file, text in texts.items():
        for number, target in markdown.links(text):
            if "://" in target or target.startswith("mailto:"):
                continue
            checked += 1
            path, _, fragment = target.partition("#")
            destination = (file.parent / path).resolve() if path else file
            where = f"{file.relative_to(root)}:{number}: ({target})"
            if not destination.exists():
                problems.append(f"{where}: the file does not exist")
            elif fragment and destination.suffix == ".md" and fragment not in markdown.anchors(texts.get(destination, "")):
                problems.append(f"{where}: {path or file.name} has no heading with the anchor #{fragment}")
    if checked < 10:
        problems.append(f"only {checked} relative links were found: the check looks in the wrong place")
    print("\n".join(problems) or f"{checked} relative links in {len(files)} files are valid")
    return 1 if problems else 0


sys.exit(main(*sys.argv[1:]))
