"""Public headers include each other and the standard library, nothing else: users pay for no third-party header."""

from source_tree import includes, project_root, report, sources

EXCEPTIONS = {  # opt-in headers, for those who have the library anyway
    "include/holysheep/json.hpp": "nlohmann/",
    "include/holysheep/testing/matchers.hpp": "gmock/",
}


def allowed(file, bracket, target):
    if bracket != "<":
        return False
    for beside in ("testing", "dashboard"):  # libraries of their own
        if target.startswith(f"holysheep/{beside}/"):
            return beside in file.parts
    is_standard = "/" not in target and not target.endswith((".h", ".hpp"))
    return is_standard or target.startswith(("holysheep/", EXCEPTIONS.get(file.as_posix(), "holysheep/")))


def main():
    root = project_root()
    report(
        [
            f"{file}:{line}: must not include {target}"
            for file in sources(root, "include")
            for line, bracket, target in includes(root, file)
            if not allowed(file, bracket, target)
        ],
        "headers under include/ use <holysheep/...> and the standard library only",
    )


main()
