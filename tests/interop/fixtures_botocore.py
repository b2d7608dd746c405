"""Every Converse body in the fixtures, validated by botocore against AWS's own service model.

botocore checks required members, types and minimums; maximums, patterns and enumerations are in
the model but are not checked by its validator, so they are checked here, from the same model.
"""

import base64
import json
import pathlib
import re
import subprocess
import sys

import botocore.session
from botocore.model import OperationModel
from botocore.validate import ParamValidator

ROOT = pathlib.Path(__file__).resolve().parents[2] / "fixtures"
SERVICE = botocore.session.get_session().get_service_model("bedrock-runtime")


def with_bytes(value, shape):
    """Base64 text, as it is in JSON, as the bytes that botocore's validator wants."""
    if shape.type_name == "blob":
        return base64.b64decode(value, validate=True) if isinstance(value, str) else value
    if shape.type_name == "structure" and not getattr(shape, "is_document_type", False):
        if not isinstance(value, dict):
            return value
        unknown = [name for name in value if name not in shape.members]
        if unknown:
            raise ValueError(f"members that {shape.name} does not have: {unknown}")
        return {name: with_bytes(item, shape.members[name]) for name, item in value.items()}
    if shape.type_name == "list" and isinstance(value, list):
        return [with_bytes(item, shape.member) for item in value]
    if shape.type_name == "map" and isinstance(value, dict):
        return {key: with_bytes(item, shape.value) for key, item in value.items()}
    return value


def constraints(value, shape, path, found):
    """Maximums, patterns and enumerations of the model."""
    meta = shape.metadata
    if shape.type_name == "structure":
        if getattr(shape, "is_document_type", False) or not isinstance(value, dict):
            return
        for name, item in value.items():
            constraints(item, shape.members[name], f"{path}.{name}", found)
    elif shape.type_name == "list":
        if "max" in meta and len(value) > meta["max"]:
            found.append(f"{path}: {len(value)} items, more than {meta['max']}")
        for index, item in enumerate(value):
            constraints(item, shape.member, f"{path}[{index}]", found)
    elif shape.type_name == "map":
        if "max" in meta and len(value) > meta["max"]:
            found.append(f"{path}: {len(value)} pairs, more than {meta['max']}")
        for key, item in value.items():
            constraints(key, shape.key, f"{path} key", found)
            constraints(item, shape.value, f"{path}.{key}", found)
    elif shape.type_name == "string":
        if "max" in meta and len(value) > meta["max"]:
            found.append(f"{path}: {len(value)} characters, more than {meta['max']}")
        if "enum" in meta and value not in meta["enum"]:
            found.append(f"{path}: {value!r} is none of {meta['enum']}")
        if "pattern" in meta and not re.fullmatch(meta["pattern"], value):
            found.append(f"{path}: {value!r} does not match {meta['pattern']}")
    elif shape.type_name in ("float", "double", "integer", "long"):
        if "max" in meta and value > meta["max"]:
            found.append(f"{path}: {value} is more than {meta['max']}")


def check(body, shape):
    try:
        parameters = with_bytes(body, shape)
    except ValueError as error:
        return [str(error)]
    report = ParamValidator().validate(parameters, shape)
    found = [report.generate_report()] if report.has_errors() else []
    if not found:
        constraints(parameters, shape, "", found)
    return found


def for_every_family(program):
    """Every request of the fixtures, translated by the program for one model of each family."""
    models = [line for line in (ROOT / "models.txt").read_text().splitlines() if line]
    lines = []
    for case in sorted((ROOT / "requests").iterdir()):
        try:
            request = json.loads((case / "openai.json").read_text())
        except ValueError:
            continue
        if isinstance(request, dict):
            lines += [json.dumps({**request, "model": model}) for model in models]
    run = subprocess.run(
        [program, "translate", "request", "--lines"],
        input="\n".join(lines),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    answers = run.stdout.rstrip("\n").split("\n")
    assert len(answers) == len(lines), f"{len(answers)} answers to {len(lines)} requests"
    wrong, translated = [], 0
    for line, answer in zip(lines, map(json.loads, answers)):
        if "error" in answer:
            continue
        translated += 1
        streamed = answer["stream"] and not any(note["field"] == "stream" for note in answer["adjustments"])
        shape = SERVICE.operation_model("ConverseStream" if streamed else "Converse").input_shape
        for found in check({"modelId": answer["modelId"], **answer["body"]}, shape):
            wrong.append(f"{line[:300]}: {found}")
    print(f"{translated} bodies for {len(models)} models checked by botocore")
    return wrong if translated else ["nothing was translated"]


def main():
    wrong = for_every_family(sys.argv[1])
    counts = {"requests": 0, "replies": 0, "streams": 0}
    for case in sorted((ROOT / "requests").iterdir()):
        path = case / "converse.json"
        if not path.exists():
            continue
        counts["requests"] += 1
        body = json.loads(path.read_text())
        request = json.loads((case / "openai.json").read_text())
        model = request["model"]
        # What is not streamed is of the same form in both operations.
        for operation in ("ConverseStream",) if request.get("stream") else ("Converse", "ConverseStream"):
            shape: OperationModel = SERVICE.operation_model(operation)
            for found in check({"modelId": model, **body}, shape.input_shape):
                wrong.append(f"{path} as {operation}: {found}")
    # Replies of later versions of the service are not of this model, which is their point.
    later = {"block-of-a-later-version", "members-of-a-later-version", "stop-brand-new-reason"}
    shape = SERVICE.operation_model("Converse").output_shape
    for case in sorted((ROOT / "replies").iterdir()):
        counts["replies"] += 1
        if case.name not in later:
            body = json.loads((case / "converse.json").read_text())
            # "tool_use" is sent by the service, though its own model has server_tool_use alone.
            for block in body["output"]["message"]["content"]:
                if block.get("toolUse", {}).get("type") == "tool_use":
                    del block["toolUse"]["type"]
            wrong += [f"{case}: {found}" for found in check(body, shape)]
    events = SERVICE.operation_model("ConverseStream").output_shape.members["stream"].members
    for case in sorted((ROOT / "streams").iterdir()):
        counts["streams"] += 1
        for line in (case / "events.jsonl").read_text().splitlines():
            ((name, payload),) = json.loads(line).items()
            if name in events:
                wrong += [f"{case}: {found}" for found in check(payload, events[name])]
            elif name != ":exception" and case.name != "events-of-a-later-version":
                wrong.append(f"{case}: no event {name}")
    for line in wrong:
        print(line)
    print(", ".join(f"{count} {kind}" for kind, count in counts.items()), "checked by botocore")
    print(f"{sum(counts.values())} files, {len(wrong)} complaints")
    sys.exit(1 if wrong or min(counts.values()) == 0 else 0)


if __name__ == "__main__":
    main()
