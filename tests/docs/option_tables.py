"""Checks that docs/options.md lists every member of every option struct with its default from the header, and no other
member.   option_tables.py PROJECT_DIR"""

import pathlib
import re
import sys

import headers
import markdown

PAGE = "docs/options.md"
ALSO = {"Region", "ModelTraits"}  # option structs with other names
UNITS = {"ms": 1, "s": 1_000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}


def duration(text):
    match = re.fullmatch(r"([\d,]+) (ms|s|min|h|d)", text)
    return int(match[1].replace(",", "")) * UNITS[match[2]] if match else None


def expected(kind, value, options):
    """The default as the page must show it."""
    if kind in options:
        return f"[`{kind}`](#{kind.lower()})"
    if kind in ("milliseconds", "std::chrono::milliseconds"):
        count = int((value or "0").replace("'", ""))
        unit = "s" if count and count % 1_000 == 0 and count < 86_400_000 else "ms"
        return "24 h" if count == 86_400_000 else f"{count // UNITS[unit]:,} {unit}"
    if re.match(r"std::(optional|function|shared_ptr|stop_token)", kind):
        return "unset"
    if re.match(r"std::(vector|map)", kind) or (kind == "std::string" and value in ("", '""')):
        return "empty"
    if kind == "std::string":
        return f"`{value[1:-1]}`"
    return f"`{value.split('::')[-1].replace(chr(39), '') or '0'}`"


def same(documented, wanted):
    if documented.replace(",", "") == wanted.replace(",", ""):
        return True
    return duration(wanted) is not None and duration(documented) == duration(wanted)


def main(project):
    root = pathlib.Path(project)
    structs = headers.structs(root)
    options = {name: members for name, members in structs.items() if name.endswith("Options") or name in ALSO}
    text = (root / PAGE).read_text(encoding="utf-8")
    problems = []
    listed = {}
    for heading, header, rows in markdown.tables(text):
        name = heading.strip("`")
        if header[:2] != ["Member", "Default"]:
            continue
        if name not in options:
            problems.append(f'the heading "{heading}" names no option struct of the public headers')
        listed.setdefault(name, {}).update({row[0].strip("`"): row for row in rows})
    for name, members in options.items():
        if name not in listed:
            problems.append(f'there is no table under a heading "## `{name}`" (| Member | Default | … |)')
            continue
        rows = listed[name]
        for member, kind, value in members:
            wanted = expected(kind, value, options)
            if member not in rows:
                problems.append(f"{name}::{member} is missing; add: | `{member}` | {wanted} | what it does |")
            elif not same(rows[member][1], wanted):
                problems.append(f"{name}::{member}: the page says {rows[member][1]}, the header {wanted}")
            elif len(rows[member]) < 3 or not rows[member][2]:
                problems.append(f"{name}::{member}: the description is missing")
        for member in rows.keys() - {member for member, _, _ in members}:
            problems.append(f"{name}::{member} is listed, but the header has no such member")
    total = sum(len(members) for members in options.values())
    if total < 100:
        problems.append(f"only {total} members were found in the headers: the check looks in the wrong place")
    print("\n".join(f"{PAGE}: {problem}" for problem in problems) or f"{total} members of {len(options)} structs agree")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
