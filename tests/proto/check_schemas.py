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


def spoil(schema, decision):
    """Variants of a decision that none of the rules allows."""
    for key in decision:
        yield {**decision, key: None}
    for key in schema["required"]:
        yield {other: value for other, value in decision.items() if other != key}
    for route in {"settled", "retry", "dead_letter", "somewhere"} - {decision["route"]}:
        yield {**decision, "route": route}
    for key in ("confirm_as_success", "same_payload_ok"):
        yield {**decision, key: not decision[key]}
    yield {**decision, "id": ""}
    yield {**decision, "decided_ms": INTEGER_MAX + 1}
    yield {**decision, "catalog": "xyz"}
    yield {**decision, "route": "retry", "action": "none"}
    yield from spoil_match(decision)
    yield from spoil_retry(decision)
    yield from spoil_alert(decision)


def spoil_match(decision):
    if decision["match"] == "invalid":
        yield {**decision, "code": "0"}
        yield {**decision, "entry": "opn/0"}
        yield {**decision, "health": True}
        yield {key: value for key, value in decision.items() if key != "alert"}
    else:
        yield {**decision, "match": "invalid"}
        yield {**decision, "error": "no map"}
        yield {**decision, "provider": ""}
    if decision["match"] in ("message", "template", "code", "code_any_operation", "status"):
        yield {**decision, "entry": "-"}


def spoil_retry(decision):
    retry = decision.get("retry")
    if not retry:
        yield {**decision, "retry": {"delay_ms": 0, "next_at_ms": 0, "attempt": 2, "max_attempts": 2, "deadline_ms": 0}}
        return
    yield {**decision, "retry": {**retry, "attempt": 1}}
    if "if_absent" in retry:
        yield {**decision, "retry": {key: value for key, value in retry.items() if key != "if_absent"}}
    else:
        yield {**decision, "retry": {**retry, "if_absent": "resubmit"}}


def spoil_alert(decision):
    alert = decision.get("alert")
    if not alert:
        return
    spoilt = [{"audience": []}, {"audience": alert["audience"] * 2}, {"count": 0}, {"drift": False},
              {"when": "now", "active": False}, {"drift": True, "when": "if_frequent"}]
    if "fold" not in alert:
        spoilt += [{"fold": "same"}, {"last_ms": 1}]
    for change in spoilt:
        yield {**decision, "alert": {**alert, **change}}


def check_spoilt(schema, validator, decision):
    for spoilt in spoil(schema, decision):
        assert not validator.is_valid(spoilt), spoilt


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
        check_spoilt(decision_schema, decision, value)

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
    for value in decided[::20] + decided[-len(bad):]:
        check_spoilt(decision_schema, decision, value)
    assert {value["match"] for value in decided[-len(bad):]} == {"invalid"}
    print(f"{sum(map(len, vectors.values()))} vectors and {len(decided)} decisions")


if __name__ == "__main__":
    main(sys.argv[1])
