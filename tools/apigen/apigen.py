#!/usr/bin/env python3
"""Turns schema/ into C++: one header of plain structs a schema file, and the descriptor tables of src/api/type.h.

Usage: apigen.py SCHEMA_DIR OUT_DIR      writes OUT_DIR/*.h and *.cpp; a file whose text did not change is not touched
       apigen.py --list SCHEMA_DIR       prints the names of the files it would write, one a line
"""

import sys
from pathlib import Path

import emit_header
import emit_tables
import idl
import model


def generate(schema):
    """{file name: text} of everything."""
    files = {}
    files["kinds.cpp"], kind_indexes = emit_tables.emit_kinds(schema)
    files["builtin.cpp"] = emit_tables.emit_builtin(schema)
    for file in schema.files:
        files[f"{file.namespace}.h"] = emit_header.emit(schema, file)
    files.update(emit_tables.emit(schema, kind_indexes))
    return files


def write(files, directory):
    """Writes the changed files, removes generated ones that are no longer made."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        path = directory / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
    for path in directory.iterdir():
        if path.suffix in (".h", ".cpp") and path.name not in files:
            path.unlink()
    (directory / "stamp").write_text("\n".join(sorted(files)) + "\n", encoding="utf-8")


def main(arguments):
    if len(arguments) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        if arguments[0] == "--list":
            print("\n".join(sorted(generate(model.load(arguments[1])))))
        else:
            write(generate(model.load(arguments[0])), Path(arguments[1]))
    except idl.SchemaError as e:
        print(e, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
