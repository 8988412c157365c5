#!/usr/bin/python3
"""Write the first draft of a command's manual page from its help, to be read and corrected by a person.

Usage: docs/man/draft.py PROGRAM COMMAND >docs/man/paytriage-COMMAND.1.scd
       docs/man/draft.py PROGRAM paytriage.yml >docs/man/paytriage.yml.5.scd
"""

import json
import re
import subprocess
import sys


def help_of(program, *words):
    # A terminal as wide as any line, so that nothing is wrapped.
    return subprocess.run([program, *words, "--help"], capture_output=True, text=True, check=True,
                          env={"ARGP_HELP_FMT": "rmargin=2000,opt-doc-col=60", "PAYTRIAGE_CONFIG": "none"}).stdout


def escape(text):
    return re.sub(r"([_*\\`])", r"\\\1", text).replace("\\\\_", "\\_")


def verbs_of(program, command):
    if command not in ("catalog", "journal", "config", "ctl"):
        return []
    return re.findall(r"(?m)^  ([a-z]+) +\S", help_of(program, command))


OPTION = re.compile(r"^ +(?:(-\S), +)?(?:-\S, +)*(--[a-z-]+)(\[?=[^ \]]+\]?)?(?:, --\S+)* +(\S.*)$")


def options_of(text):
    for line in text.splitlines():
        found = OPTION.match(line)
        if found and found[2] not in ("--help", "--usage"):
            yield found


def print_options(text):
    for short, name, value, words in (found.groups() for found in options_of(text)):
        shown = f"*{name}*" + (escape(value) if value else "")
        print((f"*{short}*, " if short else "") + shown + f"\n\t{escape(words[0].upper() + words[1:])}.\n")


def print_prose(text):
    for line in text.strip().splitlines():
        if line.startswith("  "):
            print(f"\t*{escape(line.strip())}*\n")
        else:
            print(escape(line))
    print()


def parts_of(behind):
    """The sentences behind the options, the examples in them, and the exit codes at their end."""
    prose, _, exits = behind.partition("Exit: ")
    examples = "\n".join(line for line in prose.splitlines() if line.startswith("  "))
    prose = "\n".join(line for line in prose.splitlines() if not line.startswith("  ") and not line.startswith("Example"))
    return prose, examples, re.findall(r"((?:\d+(?:, | or )?)+) ([^\d]+?)(?:,|\.)(?= \d|$)", " ".join(exits.split()))


def print_page_of_one(text, behind):
    prose, examples, exits = parts_of(behind)
    print_prose(prose)
    print("# OPTIONS\n")
    print_options(text)
    print("# EXAMPLES\n")
    print_prose(examples)
    print("# EXIT STATUS\n")
    for codes, what in exits:
        print(f"*{codes.strip()}*\n\t{escape(what[0].upper() + what[1:])}.\n")


def split(text):
    """What it is, and the sentences behind the options."""
    what = text.split("\n", 2)[1] if "\n" in text else ""
    behind = re.split(r"(?m)^  -\?, --help.*\n(?:^ +--usage.*\n)?", text)[-1]
    behind = behind.split("Mandatory or optional arguments")[-1].split("options.", 1)[-1]
    return what.strip(), behind.strip()


def print_command(program, command):
    verbs = verbs_of(program, command)
    texts = [help_of(program, command, verb) for verb in verbs] or [help_of(program, command)]
    front = help_of(program)
    what = re.search(rf"(?m)^  {command} +(.*)$", front)[1]
    print(f"paytriage-{command}(1)\n\n# NAME\n\npaytriage-{command} - {what}\n\n# SYNOPSIS\n")
    for text in texts:
        print("*" + escape(text.splitlines()[0].removeprefix("Usage: ").split(" [OPTION")[0]) + "* "
              + escape("[OPTION...]" + text.splitlines()[0].split("[OPTION...]")[1]) + "\n")
    for verb, text in zip(verbs or [None], texts):
        about, behind = split(text)
        print(f"# {verb.upper() if verb else 'DESCRIPTION'}\n\n{escape(about)}\n")
        if verb:
            print_prose(behind)
            print_options(text)
        else:
            print_page_of_one(text, behind)
    print("# FILES\n\n_/etc/paytriage/paytriage.yml_\n\tSettings of all commands; see *paytriage.yml*(5).\n")
    print("# SEE ALSO\n\n*paytriage*(1), *paytriage.yml*(5)")


def print_file(program):
    schema = json.loads(subprocess.run([program, "config", "schema"], capture_output=True, check=True).stdout)
    print("paytriage.yml(5)\n\n# NAME\n\npaytriage.yml - settings of paytriage\n\n# DESCRIPTION\n")
    print("All commands read _/etc/paytriage/paytriage.yml_ at their start, or the file that *--config* or\n"
          "*PAYTRIAGE_CONFIG* names; _none_ means no file. A flag wins over a variable of the environment, that one\n"
          "over the file, and that one over the default. An unknown key, a value out of its bounds and a key that\n"
          "stands twice are errors, and all of them are shown at once, as *paytriage config check* does.\n\n"
          "Durations are *500ms*, *30s*, *15m*, *1h* or *1d*; sizes *4096*, *512M* or *8G*; a list is *[a, b]*, and\n"
          "in a variable *a,b*. The file is not read again while a daemon runs.\n\n# SETTINGS\n")
    for name, about in schema["properties"].items():
        if name == "version":
            print("*version*\n\t1, the version of this format.\n")
            continue
        for inner, option in about.get("properties", {None: about}).items():
            key = f"{name}.{inner}" if inner else name
            default = f" Default: {escape(option['default'])}." if "default" in option else ""
            print(f"*{escape(key)}*\n\t{escape(option['description'][0].upper() + option['description'][1:])}."
                  f"{default} Flag *{option['x-flag']}*, variable *{escape(option['x-env'])}*.\n")
    print("# EXAMPLES\n\n```\nversion: 1\njournal:\n  size: 8G\ncatalog: [/etc/paytriage/catalog]\n```\n")
    print("# SEE ALSO\n\n*paytriage-config*(1)")


if __name__ == "__main__":
    print_file(sys.argv[1]) if sys.argv[2] == "paytriage.yml" else print_command(sys.argv[1], sys.argv[2])
