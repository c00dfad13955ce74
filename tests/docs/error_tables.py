"""Checks that docs/errors.md and docs/troubleshooting.md have a row for each ErrorCode and no other, and that errors.md
agrees with Error::is_retryable.   error_tables.py PROJECT_DIR"""

import pathlib
import re
import sys

import headers
import markdown

REFERENCE, SYMPTOMS = "docs/errors.md", "docs/troubleshooting.md"


def retryable(root):
    """Whether the class is retryable, from the switch of is_retryable_class."""
    text = (root / "src/values/error.cpp").read_text(encoding="utf-8")
    body = re.search(r"bool is_retryable_class.*?\n\}", text, re.S).group(0)
    verdicts, waiting = {}, []
    for word in re.findall(r"case ErrorCode::(\w+)|return (true|false)", body):
        if word[0]:
            waiting.append(word[0])
        else:
            verdicts.update({code: word[1] == "true" for code in waiting})
            waiting = []
    return verdicts


def rows(root, page, first_column):
    for _, header, rows in markdown.tables((root / page).read_text(encoding="utf-8")):
        if header[0] == first_column:
            for row in rows:
                yield row


def main(project):
    root = pathlib.Path(project)
    codes = headers.enumerators(root, "error_code.hpp", "ErrorCode")
    verdicts = retryable(root)
    problems = []
    for page in (REFERENCE, SYMPTOMS):
        listed = [(row[0].strip("`"), row) for row in rows(root, page, "`ErrorCode`")]
        names = {code for code, _ in listed}
        problems += [f"{page}: the row for `{code}` is missing" for code in codes if code not in names]
        problems += [f"{page}: `{code}` is listed, but is no ErrorCode" for code in sorted(names) if code not in codes]
        for code, row in listed:
            if len(row) < 4 or not all(row):
                problems.append(f"{page}: the row of `{code}` has an empty cell")
            elif page == REFERENCE and code in verdicts and row[1] != ("yes" if verdicts[code] else "no"):
                problems.append(f"{page}: `{code}`: is_retryable() is {verdicts[code]}, the page says {row[1]}")
    if len(verdicts) != len(codes):
        problems.append(f"{len(codes)} error codes, but {len(verdicts)} verdicts were read from is_retryable_class")
    print("\n".join(problems) or f"{len(codes)} error codes are listed in both pages")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
