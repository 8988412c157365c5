#!/usr/bin/python3
"""docs/decisions/README.md against the records beside it: each has one line there, under its title; what it says of records
that changed others is what they say themselves; and no link of these files is dead.

Usage: check_decisions.py [FOLDER]
"""
import pathlib
import re
import sys

SOURCE = pathlib.Path(__file__).resolve().parents[2]
LINE = re.compile(r"- \[(\d{4})\]\(([^)]+)\) \*\*(.+?)\*\*: (\S.*?)(?: Changed by (\d{4}(?:, \d{4})*)\.)?")
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
NUMBER = re.compile(r"\[(\d{4})\]")


class Record:
    def __init__(self, path):
        text = path.read_text(encoding="utf-8")
        self.name, self.number = path.name, path.name[:4]
        heading = re.match(rf'# {self.number}: (["`]?[A-Z].*)\n\n', text)
        self.title = heading and heading[1]
        self.changed_by, self.changes = (
            NUMBER.findall(" ".join(re.findall(rf"(?m)^{words} (\[\d{{4}}\].*)\.$", text))) for words in ("Changed by", "Changes"))


def read_index(text):
    """The lines of the index, as matches, and faults of those that are none."""
    lines, faults = [], []
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("-"):
            match = LINE.fullmatch(line)
            if match:
                lines.append(match.groups(""))
            else:
                faults.append(f"README.md:{number}: no line of the form: - [NUMBER](FILE) **TITLE**: WORDS")
    return lines, faults


def compare_record(record, lines):
    """Faults of one record and its line."""
    if not record.title:
        yield f"{record.name}: its first line is not '# {record.number}: Title', with an empty line behind it"
    own = [line for line in lines if line[1] == record.name]
    if len(own) != 1:
        yield f"{record.name}: is {len(own)} times in the index"
    for number, _, title, _, changed_by in own:
        if number != record.number or title != record.title:
            yield f"{record.name}: is '{number} {title}' in the index, '{record.number} {record.title}' by its heading"
        if re.findall(r"\d+", changed_by) != record.changed_by:
            yield f"{record.name}: changed by {record.changed_by} as it says itself, by '{changed_by}' in the index"


def compare_changes(records):
    """Faults of records that do not agree which of them changed which."""
    changed = {(record.number, number) for record in records for number in record.changed_by}
    changes = {(number, record.number) for record in records for number in record.changes}
    for earlier, later in sorted(changed ^ changes):
        yield f"only one of {earlier} and {later} says that {later} changes {earlier}"
    for earlier, later in sorted(changed):
        if earlier >= later:
            yield f"{earlier} cannot be changed by {later}, which is no later record"


def dead_links(path):
    for target in LINK.findall(path.read_text(encoding="utf-8")):
        if "://" not in target and not (path.parent / target).exists():
            yield f"{path.name}: leads nowhere: {target}"


def main():
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else SOURCE / "docs/decisions"
    paths = sorted(path for path in folder.glob("*.md") if path.name != "README.md")
    records = [Record(path) for path in paths]
    lines, faults = read_index((folder / "README.md").read_text(encoding="utf-8"))
    for record in records:
        faults += compare_record(record, lines)
    names = {record.name for record in records}
    faults += [f"{line[1]}: is in the index, and no record" for line in lines if line[1] not in names]
    faults += [f"{number}: is the number of two records" for number in {record.number for record in records}
               if sum(record.number == number for record in records) > 1]
    faults += compare_changes(records)
    for path in [*paths, folder / "README.md"]:
        faults += dead_links(path)
    for fault in faults:
        print(fault, file=sys.stderr)
    print(f"{len(records)} records, {len(faults)} faults")
    return 1 if faults or not records else 0


if __name__ == "__main__":
    sys.exit(main())
