# Copyright the nlu-export-worker authors. SPDX-License-Identifier: Apache-2.0
"""Applies one mutation to a copy of the sources, and takes it back.

mutate.py apply TREE FILE.mutation     exit code 3: the text to replace is not there exactly once
mutate.py promise FILE.mutation        prints the promise that the mutation breaks
mutate.py worlds FILE.mutation         prints how many worlds it may take to see it broken

A mutation names the promise, the file, perhaps the worlds, the exact text to find and what stands there instead. The
original is kept beside the tree and put back by the next call, with its time, so that a build knows that nothing changed.
"""

import os
import shutil
import sys


def read(path):
    head, _, rest = open(path, encoding="utf-8").read().partition("--- find\n")
    find, _, replacement = rest.partition("--- replace\n")
    fields = dict(line.split(": ", 1) for line in head.splitlines() if ": " in line)
    if not find or "file" not in fields or "promise" not in fields:
        sys.exit(f"{path}: a mutation has 'promise:', 'file:', '--- find' and '--- replace'")
    return fields, find.rstrip("\n"), replacement.rstrip("\n")


def restore(tree):
    record = os.path.join(tree, ".mutated")
    if not os.path.exists(record):
        return
    name = open(record, encoding="utf-8").read()
    shutil.move(os.path.join(tree, ".original"), os.path.join(tree, name))
    os.remove(record)


def apply(tree, path):
    restore(tree)
    fields, find, replacement = read(path)
    target = os.path.join(tree, fields["file"])
    text = open(target, encoding="utf-8").read() if os.path.exists(target) else ""
    if text.count(find) != 1:
        print(f"{os.path.basename(path)}: its text stands {text.count(find)} times in {fields['file']}", file=sys.stderr)
        sys.exit(3)
    shutil.copy2(target, os.path.join(tree, ".original"))
    with open(os.path.join(tree, ".mutated"), "w", encoding="utf-8") as record:
        record.write(fields["file"])
    with open(target, "w", encoding="utf-8") as file:
        file.write(text.replace(find, replacement))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["apply", tree, mutation]:
            apply(tree, mutation)
        case ["restore", tree]:
            restore(tree)
        case ["promise", mutation]:
            print(read(mutation)[0]["promise"])
        case ["worlds", mutation]:
            print(read(mutation)[0].get("worlds", "20000"))
        case _:
            sys.exit(__doc__)
