"""Turns the README's C++ blocks into files that compile: a block with main() as it is, any other as the README says that
it is to be read, in the place of the first program's call, with nothing included that the README does not name. Prints the files' names, one a line.   extract.py README.md OUTPUT_DIR"""

import pathlib
import re
import sys

INCLUDE = re.compile(r"^#include .*\n", re.M)


def pasted(head, number, block):
    """The block as a reader would paste it: its includes on top, the rest into the first program's main."""
    includes = "".join(INCLUDE.findall(block))
    function = f"void readme_block_{number}()"
    return (f"// Generated from a code block of README.md.\n{includes}{head}{function};\n{function} {{\n"
            f"    holysheep::Client client;\n{INCLUDE.sub('', block)}}}\n")


def main(readme, output):
    blocks = re.findall(r"^```cpp\n(.*?)^```", pathlib.Path(readme).read_text(encoding="utf-8"), re.S | re.M)
    if len(blocks) < 5:
        sys.exit(f"{readme}: only {len(blocks)} C++ blocks were found")
    head = blocks[0].partition("int main")[0]
    directory = pathlib.Path(output)
    directory.mkdir(parents=True, exist_ok=True)
    for number, block in enumerate(blocks, 1):
        program = "int main" in block
        text = block if program else pasted(head, number, block)
        file = directory / f"{'program' if program else 'block'}_{number}.cpp"
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")
        print(file)


main(*sys.argv[1:])
