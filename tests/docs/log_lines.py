"""Checks that docs/troubleshooting.md has a row for each line that the library logs, and no other.   log_lines.py PROJECT_DIR

A row's first cell is the line in backticks, with <placeholders> for variable parts."""

import pathlib
import re
import sys

import markdown

PAGE = "docs/troubleshooting.md"
WRITE = re.compile(r"(?:\.|->)write\((?:LogLevel::\w+|level),")
LITERAL = re.compile(r'"((?:[^"\\]|\\.)*)"')
LINES_BEFORE = 6  # preceding lines in which a log line may be assembled
SHORTEST = 5      # minimum length of a literal that identifies a line


def pieces(text):
    return [piece.strip() for piece in text if len(piece.strip()) >= SHORTEST]


def main(project):
    root = pathlib.Path(project)
    listed = []
    for _, header, rows in markdown.tables((root / PAGE).read_text(encoding="utf-8")):
        if header[0] == "Log line":
            listed += [row[0].strip("`") for row in rows]
    problems, sites, literals = [], 0, []
    for file in sorted((root / "src").rglob("*.cpp")):
        lines = file.read_text(encoding="utf-8").split("\n")
        for number, line in enumerate(lines):
            if not WRITE.search(line):
                continue
            sites += 1
            end = next(at for at in range(number, len(lines)) if lines[at].rstrip().endswith(";"))
            around = pieces(LITERAL.findall("\n".join(lines[max(0, number - LINES_BEFORE):end + 1])))
            literals += around
            if not any(piece in row for piece in around for row in listed):
                problems.append(f"{PAGE}: no row for the line that {file.relative_to(root)}:{number + 1} logs")
    logged = "\n".join(literals)
    for row in listed:
        for piece in pieces(re.split(r"<[^>]*>", row)):
            if piece not in logged:
                problems.append(f'{PAGE}: the library logs no line with "{piece}" of the row "{row}"')
    if sites < 5:
        problems.append(f"only {sites} log statements were found: the check looks in the wrong place")
    print("\n".join(problems) or f"{sites} log statements, {len(listed)} rows")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
