"""Reads headings with their anchors, tables by heading, links and code blocks from a Markdown file."""

import re

FENCE = re.compile(r"^(```+|~~~+).*?^\1[ \t]*$", re.S | re.M)
HEADING = re.compile(r"^(#{1,6})[ \t]+(.+?)[ \t]*#*$", re.M)
LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^()\s]*(?:\([^()\s]*\)[^()\s]*)*)(?:\s+\"[^\"]*\")?\)")
CODE = re.compile(r"`([^`]+)`")


def without_code_blocks(text):
    """The text with fenced code replaced by blank lines, which keeps line numbers."""
    return FENCE.sub(lambda block: "\n" * block.group(0).count("\n"), text)


def anchor(heading):
    """The id that GitHub gives a heading: lower case, punctuation dropped, spaces as dashes."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
    return re.sub(r"[^\w\- ]", "", text.lower().strip()).replace(" ", "-")


def anchors(text):
    seen, result = {}, set()
    for _, heading in HEADING.findall(without_code_blocks(text)):
        name = anchor(heading)
        count = seen.get(name, 0)
        seen[name] = count + 1
        result.add(name if count == 0 else f"{name}-{count}")
    return result


def links(text):
    """(line number, target) of each inline link outside of code."""
    plain = without_code_blocks(text)
    for number, line in enumerate(plain.split("\n"), 1):
        for target in LINK.findall(CODE.sub(lambda code: " " * len(code.group(0)), line)):
            yield number, target


def cells(row):
    return [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", row.strip().strip("|"))]


def tables(text):
    """(heading, header cells, rows of cells) of each table; the heading is the nearest one above."""
    heading, header, rows = "", None, []
    for line in without_code_blocks(text).split("\n") + [""]:
        if line.lstrip().startswith("|"):
            row = cells(line)
            if header is None:
                header = row
            elif not all(re.fullmatch(r":?-+:?", cell) for cell in row):
                rows.append(row)
            continue
        if header is not None:
            yield heading, header, rows
            header, rows = None, []
        if match := HEADING.match(line):
            heading = match.group(2)
