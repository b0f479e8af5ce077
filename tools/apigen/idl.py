"""Reads the schema files: schema/<folder>/<version>.api. The grammar is described in schema/README.md.

The parser knows lines and words only; names are resolved in model.py. Every error names file and line.
"""

import re
from dataclasses import dataclass, field


class SchemaError(Exception):
    """Bad schema text; str() is `file:line: what is wrong`."""

    def __init__(self, where, message):
        super().__init__(f"{where[0]}:{where[1]}: {message}")


@dataclass
class FieldDecl:
    name: str
    type: str
    where: tuple
    proto: int = 0
    doc: str = ""
    attributes: dict = field(default_factory=dict)   # word -> value or True
    inline: bool = False


@dataclass
class Decl:
    """One block: a struct, kind, union, enum, set of codes, named string or alias."""

    what: str
    name: str
    where: tuple
    doc: str = ""
    attributes: dict = field(default_factory=dict)
    fields: list = field(default_factory=list)
    values: list = field(default_factory=list)       # enum: the strings; codes: (name, number)
    value_docs: list = field(default_factory=list)
    target: str = ""                                 # alias: the type it stands for


@dataclass
class File:
    path: str
    folder: str
    version: str
    group: str = ""
    openapi: str = ""
    doc: str = ""
    decls: list = field(default_factory=list)

    @property
    def namespace(self):
        return f"{self.folder}_{self.version}"

    @property
    def package(self):
        return f"{self.folder}/{self.version}"


FLAGS = {"omitempty", "omitzero", "optional", "present", "required", "immutable", "atomic", "granular", "empty-list", "kinds"}
VALUED = {"list", "keys", "patch", "mergekey", "default", "min", "max", "maxlength", "maxitems", "format",
          "pattern", "gate", "fills"}
DECL_FLAGS = {"kind": {"atomic"}, "struct": {"atomic"}, "union": {"or-bool", "or-array", "or-string-array"},
              "enum": {"closed", "strict", "published"}, "codes": set(), "string": set(), "alias": {"wrapped"}}

_WORD = re.compile(r'(?:[^\s"]|"(?:[^"\\]|\\.)*")+')
_NAME = re.compile(r"^[$A-Za-z_][-$A-Za-z0-9_]*$")
_TYPE_NAME = re.compile(r"^[A-Z][A-Za-z0-9]*$")


def unquote(text):
    if len(text) >= 2 and text[0] == '"' and text[-1] == '"':
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    return text


def _attributes(words, where, flags, valued):
    found = {}
    for word in words:
        name, equals, value = word.partition("=")
        if name in found:
            raise SchemaError(where, f"'{name}' stands twice")
        if equals and name in valued:
            if not value:
                raise SchemaError(where, f"'{name}=' needs a value")
            found[name] = value if name in ("default", "fills") else unquote(value)
        elif not equals and name in flags:
            found[name] = True
        else:
            raise SchemaError(where, f"unknown word '{word}'")
    return found


def _parse_field(words, where, doc):
    if len(words) < 2:
        raise SchemaError(where, "a field needs a name and a type")
    inline = words[0] == "inline"
    name, type_text, rest = ("" if inline else words[0]), words[1], words[2:]
    if not inline and not _NAME.match(name):
        raise SchemaError(where, f"bad field name '{name}'")
    proto = 0
    if rest and rest[0] == "=":
        if len(rest) < 2 or not rest[1].isdigit() or not 0 < int(rest[1]) < 1 << 29:
            raise SchemaError(where, "'=' must be followed by a protobuf number")
        proto, rest = int(rest[1]), rest[2:]
    return FieldDecl(name, type_text, where, proto, doc, _attributes(rest, where, FLAGS, VALUED), inline)


class _Parser:
    def __init__(self, path, folder, version):
        self.file = File(path, folder, version)
        self.doc = []
        self.block = None
        self.names = {}

    def take_doc(self):
        doc, self.doc = " ".join(self.doc), []
        return doc

    def line(self, text, where):
        if text.startswith("///"):
            self.doc.append(text[3:].strip())
            return
        if not text or text.startswith("#"):
            return
        words = _WORD.findall(text)
        if self.block is not None:
            self.block_line(words, where)
        else:
            self.top_line(words, where)

    def block_line(self, words, where):
        if words == ["}"]:
            if self.doc:
                raise SchemaError(where, "a doc line belongs before a field")
            self.block = None
        elif self.block.what == "codes":
            self.code_line(words, where)
        elif self.block.what == "enum":
            if len(words) != 1 or words[0][0] != '"':
                raise SchemaError(where, "an enum holds one quoted string a line")
            value = unquote(words[0])
            if value in self.block.values:
                raise SchemaError(where, f"value {words[0]} stands twice")
            self.block.values.append(value)
            self.block.value_docs.append(self.take_doc())
        else:
            self.block.fields.append(_parse_field(words, where, self.take_doc()))

    def code_line(self, words, where):
        if len(words) != 3 or words[1] != "=" or not _TYPE_NAME.match(words[0]) or not words[2].isdigit():
            raise SchemaError(where, "codes hold one 'Name = number' a line")
        if words[0] in (name for name, _ in self.block.values):
            raise SchemaError(where, f"code {words[0]} stands twice")
        self.block.values.append((words[0], int(words[2])))
        self.block.value_docs.append(self.take_doc())

    def top_line(self, words, where):
        head, file = words[0], self.file
        if head in ("group", "version", "openapi"):
            if len(words) != 2:
                raise SchemaError(where, f"'{head}' takes one word")
            if head == "group":
                file.group = unquote(words[1])
            elif head == "openapi":
                file.openapi = words[1]
            elif words[1] != file.version:
                raise SchemaError(where, f"version {words[1]} stands in a file named {file.version}.api")
            if self.doc:
                file.doc = self.take_doc()
            return
        if head not in DECL_FLAGS or len(words) < 2:
            raise SchemaError(where, f"expected kind, struct, union, enum, codes, string or alias, not '{' '.join(words)}'")
        decl = Decl(head, words[1], where, self.take_doc())
        if not _TYPE_NAME.match(decl.name):
            raise SchemaError(where, f"bad type name '{decl.name}'")
        if decl.name in self.names:
            raise SchemaError(where, f"'{decl.name}' is already defined on line {self.names[decl.name]}")
        self.names[decl.name] = where[1]
        rest = words[2:]
        if head == "alias":
            if len(rest) < 2 or rest[0] != "=":
                raise SchemaError(where, "an alias is written: alias NAME = TYPE")
            decl.target, rest = rest[1], rest[2:]
        elif head != "string":
            if not rest or rest[-1] != "{":
                raise SchemaError(where, f"'{head} {decl.name}' must end with '{{'")
            rest, self.block = rest[:-1], decl
        decl.attributes = _attributes(rest, where, DECL_FLAGS[head], {"in"} if head == "kind" else set())
        file.decls.append(decl)


def parse(text, path, folder, version):
    """Parses one schema file; `path` is only for messages."""
    parser = _Parser(path, folder, version)
    number = 0
    for number, line in enumerate(text.split("\n"), 1):
        parser.line(line.strip(), (path, number))
    if parser.block is not None:
        raise SchemaError((path, number), f"'{parser.block.name}' is not closed")
    return parser.file
