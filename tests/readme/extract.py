"""Turns the README's C++ blocks into files that compile: a block with main() as it is, any other inside a function that
has a client. Prints the files' names, one a line.   extract.py README.md OUTPUT_DIR"""

import pathlib
import re
import sys

PROLOGUE = """// Generated from a code block of README.md.
#include <algorithm>
#include <holysheep/coroutine.hpp>
#include <holysheep/dashboard/server.hpp>
#include <holysheep/holysheep.hpp>
#include <holysheep/testing/gateway_simulator.hpp>
#include <holysheep/testing/network_simulator.hpp>
#include <iostream>
#include <memory>
#include <numeric>
using namespace std::chrono_literals;
void readme_block_{number}(holysheep::Client& client);
void readme_block_{number}([[maybe_unused]] holysheep::Client& client) {{
"""


def main(readme, output):
    blocks = re.findall(r"^```cpp\n(.*?)^```", pathlib.Path(readme).read_text(encoding="utf-8"), re.S | re.M)
    if len(blocks) < 5:
        sys.exit(f"{readme}: only {len(blocks)} C++ blocks were found")
    directory = pathlib.Path(output)
    directory.mkdir(parents=True, exist_ok=True)
    for number, block in enumerate(blocks, 1):
        program = "int main" in block
        text = block if program else PROLOGUE.format(number=number) + block + "}\n"
        file = directory / f"{'program' if program else 'block'}_{number}.cpp"
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")
        print(file)


main(*sys.argv[1:])
