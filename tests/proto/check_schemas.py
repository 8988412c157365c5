#!/usr/bin/python3
"""The JSON Schemas of response and decision hold for every golden vector, for all that `classify` prints about the
gateways' bodies and about bytes that are no response, and have the keys that
PROTOCOL.md describes.

    check_schemas.py PAYTRIAGE
"""
import json
import pathlib
import re
import subprocess
import sys

try:
    import jsonschema
except ImportError:
    print("skipped: no python3-jsonschema")
    sys.exit(77)

ROOT = pathlib.Path(__file__).resolve().parents[2]
VECTORS = ROOT / "tests" / "vectors"
INTEGER_MAX = 2**53 - 1  # of JavaScript


def validator(name):
    schema = json.loads((ROOT / "proto" / f"{name}.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return schema, jsonschema.Draft202012Validator(schema)


def documented(section):
    """The keys of the first table of a section of PROTOCOL.md."""
    text = (ROOT / "proto" / "PROTOCOL.md").read_text().split(f"\n## {section}\n")[1]
    return set(re.findall(r"(?m)^\| `(\w+)` \|", re.split(r"\n\n(?!\|)", text.split("\n| key |", 1)[1])[0]))


def integers(value):
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from integers(inner)
    elif isinstance(value, int):
        yield value


def check(validator, where, value):
    for fault in validator.iter_errors(value):
        raise SystemExit(f"{where}: {fault.json_path}: {fault.message}")


def check_decision(schema, validator, where, decision):
    check(validator, where, decision)
    assert all(abs(number) <= INTEGER_MAX for number in integers(decision)), where
    #  Readers pass over unknown keys, so the schema does; but a key that we write and it does not know is forgotten.
    assert set(decision) <= set(schema["properties"]), (where, set(decision) - set(schema["properties"]))


def classify(program, lines):
    done = subprocess.run([program, "classify", "-o", "jsonl"], input="".join(lines), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def spoil(decision):
    """Variants of a decision that none of the rules allows."""
    yield {key: value for key, value in decision.items() if key != "route"}
    yield {**decision, "route": "somewhere"}
    yield {**decision, "decided_ms": INTEGER_MAX + 1}
    yield {**decision, "catalog": "xyz"}
    yield {**decision, "route": "retry", "action": "none"}
    yield {**decision, "match": "invalid", "raw": None}


def main(program):
    response_schema, response = validator("response")
    decision_schema, decision = validator("decision")
    assert documented("Response") == set(response_schema["properties"])
    assert documented("Decision") == set(decision_schema["properties"])
    vectors = {name: sorted((VECTORS / name).glob("*.json")) for name in ("response", "decision")}
    for path in vectors["response"]:
        check(response, path, json.loads(path.read_text()))
    for path in vectors["decision"]:
        value = json.loads(path.read_text())
        check_decision(decision_schema, decision, path, value)
        for number, spoilt in enumerate(spoil(value)):
            assert not decision.is_valid(spoilt), (path, number)

    lines = [line + "\n" for path in sorted((VECTORS / "bodies").glob("*.jsonl"))
             for line in path.read_text().splitlines()]
    for line in lines:
        check(response, line, json.loads(line))
    bad = ['{}', '[]', '{"provider": 7}', '{"provider": "opn", "http_status": 99}', "no JSON",
           '{"provider": "opn", "attempt": 0}', '{"provider": "opn", "transport": "pigeon"}']
    for line in bad[:-3] + bad[-2:]:
        assert not response.is_valid(json.loads(line)), line
    decided = classify(program, lines + [line + "\n" for line in bad])
    assert len(decided) == len(lines) + len(bad)
    for value in decided:
        check_decision(decision_schema, decision, value["id"], value)
    assert {value["match"] for value in decided[-len(bad):]} == {"invalid"}
    print(f"{sum(map(len, vectors.values()))} vectors and {len(decided)} decisions")


if __name__ == "__main__":
    main(sys.argv[1])
