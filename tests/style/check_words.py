"""No file says where some machine keeps its sources, or promises to be finished later.

Usage: check_words.py SOURCE_DIR
"""

import pathlib
import re
import subprocess
import sys

# Written so that this file does not match itself.
REFUSED = {
    "a path of some machine": r"(?<![\w.])/wor[k]/|/tmp/buil[d]|/hom[e]/|/roo[t]/",
    "work that is not done": r"\bTOD[O]\b|\bFIXM[E]\b",
}


def main():
    source = pathlib.Path(sys.argv[1])
    listed = subprocess.run(["git", "-C", str(source), "ls-files", "-z"], capture_output=True)
    if listed.returncode:
        print("skipped: this is no checkout")
        return 77
    names = [name for name in listed.stdout.decode().split("\0") if name and (source / name).is_file()]
    faults = 0
    for name in names:
        text = (source / name).read_bytes().decode("utf-8", "replace")
        for what, pattern in REFUSED.items():
            for match in re.finditer(pattern, text):
                line = text.count("\n", 0, match.start()) + 1
                print(f"{name}:{line}: {what}: {match[0]}")
                faults += 1
    print(f"{len(names)} files, {faults} words that do not belong")
    return 1 if faults or not names else 0


if __name__ == "__main__":
    sys.exit(main())
