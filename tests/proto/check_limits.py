#!/usr/bin/python3
"""PROTOCOL.md against the code: every number of its table of limits is the one in the headers, no
limit of pt_wire.h is missing there, and its table of decision keys has the order of the encoder.
"""
import pathlib
import re
import sys

PROTO = pathlib.Path(__file__).resolve().parents[2] / "proto"
HEADERS = ["pt_wire.h", "pt_model.h", "pt_decision.h"]
EXPRESSION = re.compile(r"[0-9*+<() -]+")


def constants(header):
    text = (PROTO / header).read_text()
    found = re.findall(r"^#define (PT_[A-Z0-9_]+) (.+?)(?: *//.*)?$", text, re.M)
    found += re.findall(r"^ *(PT_PORT_[A-Z_]+) = (\d+),?$", text, re.M)
    values = {}
    for name, expression in found:
        expression = re.sub(r"UINT64_C\((\d+)\)", r"\1", expression)
        if EXPRESSION.fullmatch(expression):
            values[name] = eval(expression)
    return values


def check_limits(document):
    code = {}
    for header in HEADERS:
        code.update(constants(header))
    table = {name: int(value) for value, name in re.findall(r"\| (\d+) \| `(PT_\w+)` \|$", document, re.M)}
    faults = [f"{name} is {table[name]} in PROTOCOL.md and {code.get(name)} in the code"
              for name in table if table[name] != code.get(name)]
    needed = [name for name in constants("pt_wire.h") if re.search("_MAX$|^PT_PORT_|^PT_WINDOW$|_VERSION$", name)]
    faults += [f"{name} is missing in PROTOCOL.md" for name in needed if name not in table]
    if len(table) < 30 or len(needed) < 18:
        faults.append("the tables were not found: this check has to follow them")
    return faults


def check_decision_keys(document):
    section = document[document.index("## Decision\n"):document.index("`category`:")]
    documented = re.findall(r"^\| `(\w+)` \|", section, re.M)
    source = (PROTO / "pt_decision.c").read_text()
    #  The encoder writes its parts in this order; each part's keys stand in the order of the text.
    parts = ["s_put_echo", "s_put_verdict", "s_put_ruling", "s_put_reason"]
    encoded = []
    for part in parts:
        body = source[source.index(f"\n{part}("):]
        body = body[:body.index("\n}\n")]
        body = body.replace("s_put_retry(", 'PT_PEN_KEY(pen, "retry") (')
        body = body.replace("s_put_alert(", 'PT_PEN_KEY(pen, "alert") (')
        encoded += re.findall(r'PT_PEN_KEY\(pen, "(\w+)"\)', body)
    if documented != encoded:
        return [f"decision keys: {documented} in PROTOCOL.md, {encoded} in pt_decision.c"]
    return []


def main():
    document = (PROTO / "PROTOCOL.md").read_text()
    faults = check_limits(document) + check_decision_keys(document)
    for fault in faults:
        print(fault, file=sys.stderr)
    print(f"{len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
