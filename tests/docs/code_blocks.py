"""Turns the C++ blocks of Markdown pages into files that compile. A block with main() is copied; any other replaces the
call in README.md's first program, with only the headers that the program and the block include. Prints one file name
per line.   code_blocks.py README.md OUTPUT_DIR PAGE..."""

import pathlib
import re
import sys

INCLUDE = re.compile(r"^#include .*\n", re.M)
BLOCK = re.compile(r"^```cpp\n(.*?)^```", re.S | re.M)
USING = "using namespace std::chrono_literals;\n"


def pasted(head, page, name, block):
    """The block pasted into the first program: its includes at the top, the rest into main."""
    includes = "".join(INCLUDE.findall(block))
    function = f"void {name}()"
    return (f"// Generated from a code block of {page}.\n{includes}{head}{function};\n{function} {{\n"
            f"    holysheep::Client client;\n{INCLUDE.sub('', block)}}}\n")


def main(readme, output, *pages):
    first = BLOCK.search(pathlib.Path(readme).read_text(encoding="utf-8")).group(1)
    head = first.partition("int main")[0]
    if USING not in head:
        head += USING
    directory = pathlib.Path(output)
    directory.mkdir(parents=True, exist_ok=True)
    count = 0
    for page in map(pathlib.Path, pages):
        same_folder = page.resolve().parent == pathlib.Path(readme).resolve().parent
        stem = ("" if same_folder else "docs_") + page.stem.lower().replace("-", "_")
        for number, block in enumerate(BLOCK.findall(page.read_text(encoding="utf-8")), 1):
            count += 1
            program = "int main" in block
            name = f"{stem}_{number}"
            text = block if program else pasted(head, page.name, f"block_{name}", block)
            file = directory / f"{'program' if program else 'block'}_{name}.cpp"
            if not file.exists() or file.read_text(encoding="utf-8") != text:
                file.write_text(text, encoding="utf-8")
            print(file)
    if count < 5:
        sys.exit(f"only {count} C++ blocks were found")


main(*sys.argv[1:])
