"""The public names, as a list that is checked in: nobody changes them without seeing that they did.

public_api.py [root]            compares the headers with public_api.txt
public_api.py [root] --update   writes public_api.txt anew

Reads this project's own headers, which clang-format keeps regular; it is no C++ parser.
"""

import difflib
import pathlib
import re
import sys

from source_tree import project_root, sources

LIST = pathlib.Path(__file__).with_name("public_api.txt")
HEADER = "# Public names, written by public_api.py --update. A name that goes is a breaking change: say so in CHANGELOG.md.\n"


def without_noise(text):
    """The text without comments, literals and preprocessor lines; operators spelled out as words."""
    text = re.sub(r"//[^\n]*|/\*.*?\*/", "", text, flags=re.S)
    text = re.sub(r"'(?:\\.|[^'\\\n])'", "0", text)
    text = re.sub(r'"(?:\\.|[^"\\\n])*"', "0", text)
    text = re.sub(r"^\s*#(?:[^\n]*\\\n)*[^\n]*", "", text, flags=re.M)
    text = re.sub(r"\bMATCHER\w*\((\w+)[^{;]*", r"matcher \1()", text)  # GoogleMock's way to define a function
    text = re.sub(r"\[\[.*?\]\]|\bHOLYSHEEP_\w+\b|\balignas\([^)]*\)", "", text)
    return re.sub(r"operator\s*([^\w\s(]+|\(\))\s*\(", lambda m: f"operator{encoded(m.group(1))}(", text)


def encoded(symbol):
    return "".join(f"_{ord(c):02x}" for c in symbol)


def decoded(name):
    if not name.startswith("operator_"):
        return name
    return "operator" + "".join(chr(int(code, 16)) for code in name.removeprefix("operator_").split("_"))


def without_templates(text):
    """Drops balanced template arguments, innermost first: std::vector<std::pair<A, B>> x → std::vector x."""
    before = None
    while before != text:
        before, text = text, re.sub(r"(?<=[\w:])\s*<[^<>;]*>", " ", text)
    return text


def block_end(text, start):
    """The index after the brace that closes the one at `start`."""
    depth = 0
    for i in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[i], 0)
        if depth == 0:
            return i + 1
    raise ValueError("unbalanced braces")


def without_parentheses(text):
    before = None
    while before != text:
        before, text = text, re.sub(r"\([^()]*\)", "", text)
    return text


class Reader:
    def __init__(self):
        self.names = set()

    def add(self, scope, name):
        self.names.add("::".join([*scope, decoded(name)]))

    def read_scope(self, text, scope, is_type=False, is_public=True):
        statement, i = "", 0
        while i < len(text):
            if text[i] == ";":
                if is_public:
                    self.read_declaration(statement, scope, is_type)
                statement, i = "", i + 1
            elif text[i] == "{":
                end = block_end(text, i)
                statement = self.read_block(statement, text[i + 1 : end - 1], scope, is_type, is_public)
                i = end
            else:
                statement += text[i]
                i += 1
                if access := re.fullmatch(r"\s*(public|protected|private)\s*:", statement):
                    is_public, statement = access.group(1) != "private", ""

    def read_block(self, statement, body, scope, is_type, is_public):
        """Handles `statement { body }`; gives back what the statement goes on with."""
        head = without_templates(statement).strip()
        if match := re.match(r"(?:inline )?namespace\s+([\w:]*)", head):
            name = match.group(1)
            if name not in ("", "detail"):
                self.read_scope(body, scope if head.startswith("inline") or name == "holysheep" else [*scope, name])
            return ""
        if not is_public:
            return "" if "(" in head else statement
        if match := re.match(r"(?:template\s*)?enum(?:\s+class|\s+struct)?\s+(\w+)", head):
            self.add(scope, match.group(1))
            for enumerator in body.split(","):
                if word := re.match(r"\s*(\w+)", enumerator):
                    self.add([*scope, match.group(1)], word.group(1))
            return "_ "  # a type, should a declarator follow
        if match := re.match(r"(?:template\s*)?(class|struct)\s+(\w+)", head):
            self.add(scope, match.group(2))
            self.read_scope(body, [*scope, match.group(2)], True, match.group(1) == "struct")
            return "_ "
        if "(" in head and not re.search(r"=\s*$", head):
            self.read_declaration(statement, scope, is_type)
            return ""
        return statement + " = 0 "  # a member's initializer

    def read_declaration(self, statement, scope, is_type):
        text = re.sub(r"^\s*template\b", "", without_templates(statement)).strip()
        if not text or text == "_" or re.match(r"(friend|class|struct|enum|static_assert|using namespace|public|private)\b", text):
            return
        if match := re.match(r"using\s+([\w:]+)(\s*=)?", text):
            self.add(scope, match.group(1).rsplit("::", 1)[-1])
            return
        text = re.sub(r"^\s*(requires|concept)\b", "", text)
        if match := re.match(r"[^=(]*?([~\w]+)\s*\(", text):
            if not match.group(1).startswith("~"):
                self.add(scope, match.group(1))
            return
        first, *others = re.sub(r"=[^,]*", "", without_parentheses(text)).split(",")
        declarators = [re.findall(r"\w+", first)[-1:], *(re.findall(r"\w+", other)[:1] for other in others)]
        for name in sum(declarators, []):
            self.add(scope, name)


def public_names(root):
    names = set()
    for file in sources(root, "include"):
        reader = Reader()
        text = (root / file).read_text(encoding="utf-8")
        reader.read_scope(without_noise(text), [])
        header = file.relative_to("include").as_posix()
        names |= {f"<{header}>"} | {f"<{header}> {name}" for name in reader.names}
        names |= {f"<{header}> {macro}" for macro in re.findall(r"^#define (HOLYSHEEP_\w+)", text, flags=re.M)}
    return sorted(names)


def main():
    update = "--update" in sys.argv
    sys.argv = [a for a in sys.argv if a != "--update"]
    now = public_names(project_root())
    if update:
        LIST.write_text(HEADER + "\n".join(now) + "\n", encoding="utf-8")
        return
    then = LIST.read_text(encoding="utf-8").splitlines()[1:] if LIST.exists() else []
    changes = [line for line in difflib.unified_diff(then, now, lineterm="", n=0) if re.match(r"[+-](?![+-])", line)]
    if changes:
        print("\n".join(changes))
        sys.exit("The public names differ from tests/architecture/public_api.txt (- gone, + new). If that is what you want:\n"
                 "    cmake --build build/dev --target update_public_api\nand commit the list together with a line in CHANGELOG.md.")
    print(f"ok: {len(now)} names")


main()
