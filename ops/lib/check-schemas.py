# Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0
"""Checks the JSON Schemas, and documents against them.

    check-schemas.py SCHEMAS [DOCUMENTS]

Every SCHEMAS/<name>.schema.json must be a valid schema, and each of its `examples` must satisfy it. DOCUMENTS, where
given, holds what the program really wrote: DOCUMENTS/<name>/*.json is checked against <name>.schema.json, and
DOCUMENTS/<name>/refused/*.json must not satisfy it.
"""

import json
import pathlib
import sys

from jsonschema import Draft202012Validator, FormatChecker, exceptions, validators


def problems_of(validator, document, where):
    for error in sorted(validator.iter_errors(document), key=str):
        path = "/".join(str(part) for part in error.absolute_path) or "(the whole)"
        yield f"{where}: {path}: {error.message}"


def load(path):
    with path.open(encoding="utf-8") as file:
        return json.load(file)


def main(schemas, documents=None):
    problems, checked = [], 0
    found = {path.name.removesuffix(".schema.json"): path for path in sorted(schemas.glob("*.schema.json"))}
    if not found:
        problems.append(f"{schemas}: no *.schema.json")
    for name, path in found.items():
        schema = load(path)
        kind = validators.validator_for(schema, default=Draft202012Validator)
        try:
            kind.check_schema(schema)
        except exceptions.SchemaError as error:
            problems.append(f"{path.name}: is no valid schema: {error.message}")
            continue
        validator = kind(schema, format_checker=FormatChecker())
        for number, example in enumerate(schema.get("examples", []), start=1):
            problems += problems_of(validator, example, f"{path.name}, example {number}")
            checked += 1
        for document in sorted((documents / name).glob("*.json")) if documents else []:
            problems += problems_of(validator, load(document), f"{document} against {path.name}")
            checked += 1
        for document in sorted((documents / name / "refused").glob("*.json")) if documents else []:
            if validator.is_valid(load(document)):
                problems.append(f"{document}: satisfies {path.name} and must not")
            checked += 1
    if documents and documents.is_dir():
        for folder in sorted(documents.iterdir()):
            if folder.is_dir() and folder.name not in found:
                problems.append(f"{folder}: there is no {folder.name}.schema.json")
    for problem in problems:
        print(problem, file=sys.stderr)
    print(f"{len(found)} schemas, {checked} documents, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    sys.exit(main(*(pathlib.Path(argument) for argument in sys.argv[1:])))
