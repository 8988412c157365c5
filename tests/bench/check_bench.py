#!/usr/bin/python3
"""Run a bench tool in its short form, as text and as JSON, and check what it prints.

Usage: check_bench.py TOOL [--table KEY]... [--json-only] [-- ARGUMENT...]
No figure is compared with any other: a test that depends on speed fails on a slow day.
"""
import argparse
import json
import math
import subprocess
import sys


def run(command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=280)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")
    if done.stderr:
        sys.exit(f"{' '.join(command)}: words on stderr:\n{done.stderr}")
    return done.stdout


def require(condition, words):
    if not condition:
        sys.exit(words)


def check_head(report, tool):
    require(report["tool"] == tool, f"names itself {report['tool']}, not {tool}")
    for key in ("cpu", "cores", "memory", "kernel", "architecture"):
        require(report["machine"].get(key), f"machine.{key} is missing")
    for key in ("version", "compiler", "flags"):
        require(key in report["build"], f"build.{key} is missing")
    require(report["run"], "does not say what was run")


def check_tables(report, keys):
    for key in keys:
        rows = report["tables"].get(key)
        require(rows, f"table {key} is missing or empty")
        for row in rows:
            numbers = [value for value in row.values() if isinstance(value, (int, float))]
            require(numbers, f"table {key}: a row without a figure: {row}")
            require(all(math.isfinite(number) and number >= 0 for number in numbers), f"table {key}: {row}")


def check_allocations(report):
    """A response with a map body costs no allocation, in any stage."""
    for row in report["tables"].get("stages", []):
        if row["body"] == "map" and row["allocations"] is not None:
            require(row["allocations"] == 0, f"allocates: {row}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tool")
    parser.add_argument("--table", action="append", default=[])
    parser.add_argument("--json-only", action="store_true", help="a run of it takes long, and one is enough")
    split = sys.argv.index("--") if "--" in sys.argv else len(sys.argv)
    options = parser.parse_args(sys.argv[1:split])
    command = [options.tool, "--short", *sys.argv[split + 1 :]]
    report = json.loads(run([*command, "--json"]))
    check_head(report, options.tool.rsplit("/", 1)[-1])
    check_tables(report, options.table)
    check_allocations(report)
    if options.json_only:
        return
    text = run(command)
    for row in report["tables"][options.table[0]]:
        name = next(value for value in row.values() if isinstance(value, str))
        require(name in text, f"the text form does not show {name}")


main()
