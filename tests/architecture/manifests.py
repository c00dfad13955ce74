"""The manifests of tools that need not be installed here parse, and agree on the version."""

import ast
import json
import re

from source_tree import project_root, report


def main():
    root = project_root()
    version = re.search(r"project\(holysheep VERSION ([\d.]+)", (root / "CMakeLists.txt").read_text()).group(1)
    stated = {
        "vcpkg.json": json.loads((root / "vcpkg.json").read_text())["version"],
        "include/holysheep/version.hpp": ".".join(
            re.findall(r"#define HOLYSHEEP_VERSION_(?:MAJOR|MINOR|PATCH) (\d+)",
                       (root / "include/holysheep/version.hpp").read_text())),
    }
    recipe = ast.parse((root / "conanfile.py").read_text())
    for node in ast.walk(recipe):
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "version":
            stated["conanfile.py"] = ast.literal_eval(node.value)
    json.loads((root / "CMakePresets.json").read_text())
    report(
        [f"{file}: says {found or 'no version'}, the project is {version}" for file, found in stated.items()
         if found != version],
        "one version everywhere: CMakeLists.txt decides",
    )


main()
