"""Every relative link in a Markdown file leads to a file or folder of the tree, and what stands behind # to a heading.

Usage: check_links.py SOURCE_DIR
"""

import pathlib
import re
import subprocess
import sys

FENCED = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
TARGET = re.compile(r"\]\(([^)\s]+)\)")


def blank(match):
    """As many lines as there were, so that what follows keeps its number."""
    return "\n" * match[0].count("\n")


def slug(heading):
    """A heading's name in links, as GitHub makes it."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
    return re.sub(r"[^\w\- ]", "", text.strip().lower()).replace(" ", "-")


def has_heading(page, name):
    text = FENCED.sub(blank, page.read_text(encoding="utf-8"))
    return name in [slug(heading) for heading in re.findall(r"(?m)^#+ (.+)$", text)]


def main():
    source = pathlib.Path(sys.argv[1])
    listed = subprocess.run(["git", "-C", str(source), "ls-files", "-z", "*.md"], capture_output=True)
    if listed.returncode:
        print("skipped: this is no checkout")
        return 77
    links = faults = 0
    for name in filter(None, listed.stdout.decode().split("\0")):
        page = source / name
        if not page.is_file():
            continue
        text = FENCED.sub(blank, page.read_text(encoding="utf-8"))
        for match in TARGET.finditer(text):
            path, _, heading = match[1].partition("#")
            if re.match(r"[a-z]+:", path):
                continue
            links += 1
            target = page.parent / path if path else page
            if not target.exists() or (heading and not has_heading(target, heading)):
                print(f"{name}:{text.count(chr(10), 0, match.start()) + 1}: leads nowhere: {match[1]}")
                faults += 1
    print(f"{links} links, {faults} that lead nowhere")
    return 1 if faults or not links else 0


if __name__ == "__main__":
    sys.exit(main())
