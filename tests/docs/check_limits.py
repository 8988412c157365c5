#!/usr/bin/python3
"""docs/limits.md against the code: every number of its table is the one in the header that it names, and every limit of
a header stands there, in PROTOCOL.md, or below.
"""
import pathlib
import re
import sys

SOURCE = pathlib.Path(__file__).resolve().parents[2]
ROW = re.compile(r"^\| [^|]+ \| (\d+) \| `(\w+)` \| `([\w/.]+)` \|", re.M)
#  Limits that no input meets: room for texts of our own, and sizes that follow from limits that are listed.
INTERNAL = set("""
CMD_DIFF_SAMPLES_MAX CMD_TOP_ALERTS_MAX CMD_VERBS_MAX PT_BROKER_ERROR_BYTES_MAX PT_COMMIT_REQUESTS_MAX
PT_ACKS_MAX PT_ASKERS_MAX PT_ALERTS_SAMPLE_BYTES_MAX PT_COMPILE_WORDS_MAX PT_DECISION_ENTRY_BYTES_MAX PT_DECISION_ERROR_BYTES_MAX PT_DECISION_PRODUCER_BYTES_MAX
PT_DECISION_SUMMARY_BYTES_MAX PT_ERROR_BYTES_MAX PT_HTTP_ERROR_BYTES_MAX PT_HTTP_GET_ERROR_BYTES_MAX
PT_HTTP_URL_BYTES_MAX PT_KEYS_ERROR_BYTES_MAX PT_LOG_FIELDS_MAX PT_MARK_BYTES_MAX PT_MASK_DIGITS_MAX
PT_OUTBOX_RTO_MS_MAX PT_OUTLET_ITEMS_MAX PT_ITEMS_HEAD_BYTES_MAX PT_PACKER_COUNT_MAX PT_PACKER_FRAME_BYTES_MAX PT_PATHS_MAX PT_PEN_SHORT_BYTES_MAX PT_PLACE_BYTES_MAX
PT_POOL_ERROR_BYTES_MAX PT_POSITIONS_REQUESTS_MAX PT_POSITIONS_WAIT_MS_MAX PT_READ_KEYS_MAX PT_REDRIVEN_BYTES_MAX
PT_ROSTER_ROUTE_BYTES_MAX PT_SCHEDULE_MS_MAX PT_STATUS_OFFSET_MAX PT_STORE_ERROR_BYTES_MAX PT_WAIT_ITEMS_MAX PT_WORD_BYTES_MAX
PT_SHAPE_STEPS_MAX PT_SUBSCRIBER_STASH_MAX PT_WORD_DISTANCE_MAX
""".split())


def missing(listed):
    """Faults of the lists: limits that stand nowhere, and names of none."""
    headers = [path for folder in ("proto", "catalog", "worker") for path in (SOURCE / folder).rglob("*.h")]
    found = {name for path in headers for name in re.findall(r"^#define ((?:PT|CMD)_\w+_MAX)\b", path.read_text(), re.M)}
    listed = listed | set(re.findall(r"`(PT_\w+_MAX)`", (SOURCE / "proto/PROTOCOL.md").read_text()))
    faults = [f"{name} is in no list of limits: docs/limits.md, or INTERNAL here" for name in found - listed - INTERNAL]
    faults += [f"{name} is in INTERNAL here, and in no header" for name in INTERNAL - found]
    faults += [f"{name} is in limits.md and in INTERNAL here" for name in INTERNAL & listed]
    return sorted(faults)


def constants(header):
    """The numbers that a header defines, also by those of PROTOCOL.md."""
    text = "".join((SOURCE / name).read_text() for name in ("proto/pt_wire.h", "proto/pt_model.h", header))
    values = {}
    for name, expression in re.findall(r"^#define (\w+) +(.+?)(?: *//.*)?$", text, re.M):
        expression = re.sub(r"\(size_t\)|(?<=[\da-f])u\b", "", expression)
        expression = re.sub(r"U?INT\d+_C\((\d+)\)", r"\1", expression)
        expression = re.sub(r"\bPT_\w+", lambda word: str(values.get(word[0], word[0])), expression)
        if re.fullmatch(r"[0-9*+<() -]+|0x[0-9a-f]+", expression):
            values[name] = eval(expression)
    return values


def main():
    rows = ROW.findall((SOURCE / "docs/limits.md").read_text())
    faults = [f"{name} is {value} in limits.md and {constants(header).get(name)} in {header}"
              for value, name, header in rows if int(value) != constants(header).get(name)]
    faults += missing({name for _, name, _ in rows})
    if len(rows) < 7:
        faults.append("the table was not found: this check has to follow it")
    for fault in faults:
        print(fault, file=sys.stderr)
    print(f"{len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
