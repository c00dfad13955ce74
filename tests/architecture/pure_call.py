"""src/call/ decides and never acts: no thread, lock, timer, socket or callback. What acts is src/execution/."""

import re

from source_tree import includes, project_root, report, sources

MODULES = {"client", "execution", "runtime", "telemetry", "transport", "wire"}
# A clock's time points and durations are values, so <chrono> is not among these.
HEADERS = {"atomic", "condition_variable", "functional", "future", "mutex", "semaphore", "shared_mutex", "stop_token", "thread"}
ACTS = re.compile(r"std::(function|mutex|atomic|jthread|thread)\b|\bClock&|::now\(\)")


def main():
    root = project_root()
    complaints = []
    for file in sources(root, "src/call"):
        for line, bracket, target in includes(root, file):
            if bracket == "<" and target in HEADERS:
                complaints.append(f"{file}:{line}: includes <{target}>")
            if bracket != "<" and target.partition("/")[0] in MODULES:
                complaints.append(f"{file}:{line}: includes {target}")
        for number, text in enumerate((root / file).read_text().splitlines(), 1):
            if ACTS.search(text.partition("//")[0]):
                complaints.append(f"{file}:{number}: {text.strip()}")
    report(complaints, "src/call/ is pure: time, randomness and state are arguments, effects are commands")


main()
