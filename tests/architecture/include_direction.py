"""A module includes only modules on layers below its own. The test kit and the dashboard are libraries beside it: they see
public headers and, both, libevent's owners; nothing sees them."""

from source_tree import includes, project_root, report, sources

# The highest first. Modules on one line are siblings: they do not see each other.
LAYERS = [
    ["client"],
    ["execution"],
    ["call"],
    ["health", "routing"],
    ["wire", "transport", "resilience", "accounting", "telemetry"],
    ["runtime"],
    ["values"],
]
BESIDE = {"testing", "dashboard"}  # modules, and folders of public headers
HEIGHT = {module: len(LAYERS) - level for level, modules in enumerate(LAYERS) for module in modules}


def violation(module, bracket, target):
    """Why this module must not include the target, or None."""
    first, _, rest = target.partition("/")
    if bracket == "<":
        if first == "holysheep" and rest.partition("/")[0] in BESIDE - {module} and "/" in rest:
            return f"<{target}> belongs to a library beside this one"
        if first == "event2" and module not in BESIDE | {"libevent"}:
            return "libevent is known to the test kit and the dashboard alone"
        if first == "curl" and module != "transport":
            return "libcurl is known to transport alone"
        return None
    if not rest:
        return 'private headers are included as "module/file.hpp"'
    if first == "holysheep":
        return "public headers are included as <holysheep/...>"
    if first == module:
        return None
    if first == "libevent" and module in BESIDE:
        return None
    if module in BESIDE:
        return f"{module} builds on public headers alone"
    if first not in HEIGHT:
        return f"'{first}' is no module"
    if HEIGHT[first] >= HEIGHT.get(module, 0):
        return f"{first} is not below {module}"
    return None


def main():
    root = project_root()
    complaints = []
    for file in sources(root, "src"):
        module = file.parts[1]
        if module not in HEIGHT and module not in BESIDE | {"libevent"}:
            complaints.append(f"{file}: '{module}' has no place among the layers")
            continue
        for line, bracket, target in includes(root, file):
            if why := violation(module, bracket, target):
                complaints.append(f"{file}:{line}: includes {target}: {why}")
    report(complaints, " > ".join(" | ".join(layer) for layer in LAYERS) + ", each sees only what is to its right")


main()
