#!/usr/bin/python3
"""docs/limits.md against the code: every number of its table is the one in the header that it names."""
import pathlib
import re
import sys

SOURCE = pathlib.Path(__file__).resolve().parents[2]
ROW = re.compile(r"^\| [^|]+ \| (\d+) \| `(\w+)` \| `([\w/.]+)` \|", re.M)


def constants(header):
    """The numbers that a header defines, also by those of PROTOCOL.md."""
    text = (SOURCE / "proto/pt_wire.h").read_text() + (SOURCE / header).read_text()
    values = {}
    for name, expression in re.findall(r"^#define (\w+) +(.+?)(?: *//.*)?$", text, re.M):
        expression = re.sub(r"\(size_t\)|(?<=\d)u\b", "", expression)
        expression = re.sub(r"\bPT_\w+", lambda word: str(values.get(word[0], word[0])), expression)
        if re.fullmatch(r"[0-9*+<() -]+", expression):
            values[name] = eval(expression)
    return values


def main():
    rows = ROW.findall((SOURCE / "docs/limits.md").read_text())
    faults = [f"{name} is {value} in limits.md and {constants(header).get(name)} in {header}"
              for value, name, header in rows if int(value) != constants(header).get(name)]
    if len(rows) < 7:
        faults.append("the table was not found: this check has to follow it")
    for fault in faults:
        print(fault, file=sys.stderr)
    print(f"{len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
