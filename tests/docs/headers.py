"""Reads option structs and enumerations from the public headers: names, types and default values."""

import re

COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.S)
NESTED_ENUM = re.compile(r"enum\s+class\s+(\w+)\s*\{[^}]*\}\s*(?=\w)")


def split(text, separator):
    """Splits at `separator` outside of all brackets."""
    parts, depth, begin = [], 0, 0
    for at, char in enumerate(text):
        depth += char in "<({["
        depth -= char in ">)}]"
        if char == separator and depth == 0:
            parts.append(text[begin:at])
            begin = at + 1
    return parts + [text[begin:]]


def body_from(text, begin):
    depth = 1
    for at in range(begin, len(text)):
        depth += (text[at] == "{") - (text[at] == "}")
        if depth == 0:
            return text[begin:at]
    return ""


def initial_value(text):
    text = text.strip()
    if text.startswith("="):
        return text[1:].strip()
    return text[1:-1].strip() if text.startswith("{") else ""


def members(body):
    """(name, type, initial value) of each data member."""
    for statement in split(NESTED_ENUM.sub(r"\1 ", body), ";"):
        statement = " ".join(statement.split())
        head = re.match(r"(?P<type>[\w:]+(?:<.*>)?)\s+(?P<rest>\w+\s*(?:$|[={,].*))", statement)
        if not head or statement.startswith(("enum ", "struct ", "using ", "static ", "HOLYSHEEP_EXPORT ", "friend ")):
            continue
        for declarator in split(head["rest"], ","):
            name = re.match(r"\s*(\w+)", declarator)
            yield name.group(1), head["type"], initial_value(declarator[name.end():])


def structs(root):
    """The members of each struct in the public headers, by its name."""
    found = {}
    for header in sorted((root / "include/holysheep").rglob("*.hpp")):
        if "testing" in header.parts:
            continue
        text = COMMENT.sub("", header.read_text(encoding="utf-8"))
        for match in re.finditer(r"^struct (\w+) \{", text, re.M):
            found[match.group(1)] = list(members(body_from(text, match.end())))
    return found


def enumerators(root, header, name):
    text = COMMENT.sub("", (root / "include/holysheep" / header).read_text(encoding="utf-8"))
    return re.findall(r"\w+", re.search(rf"enum class {name} \{{(.*?)\}}", text, re.S).group(1))
