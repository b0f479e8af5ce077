"""Resolves the parsed files into types that the emitters can print, and checks what the grammar cannot.

A type is an Expr. Containers are shared: Schema.intern returns one Expr for one shape.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path

import idl
import names
from idl import SchemaError

BUILTIN = {  # schema name -> (Kind, C++ type)
    "bool": ("Bool", "bool"), "int32": ("Int32", "int32_t"), "int64": ("Int64", "int64_t"),
    "uint64": ("Uint64", "uint64_t"), "float32": ("Float32", "float"), "float64": ("Float64", "double"),
    "string": ("String", "std::string"), "bytes": ("Bytes", "std::string"), "Quantity": ("Quantity", "Quantity"),
    "IntOrString": ("IntOrString", "IntOrString"), "Time": ("Time", "Time"), "MicroTime": ("MicroTime", "MicroTime"),
    "Duration": ("Duration", "Duration"), "RawExtension": ("RawExtension", "RawExtension"),
    "FieldsV1": ("FieldsV1", "FieldsV1"), "Json": ("Json", "Json"),
}
UNIONS = {"or-bool": "OrBool", "or-array": "OrArray", "or-string-array": "OrStringArray"}
LIST_KINDS = {"atomic": "Atomic", "set": "Set", "map": "Map"}
PATCH = {"merge": "Merge", "replace": "Replace", "merge+retainKeys": "MergeRetainKeys", "retainKeys+merge": "MergeRetainKeys",
         "retainKeys": "RetainKeys"}
FIELDS_MAX = 65535   # proto_order holds uint16_t


@dataclass(eq=False)
class Expr:
    """A type: builtin, struct (also kinds and unions), string (named), list, map, optional or box."""

    what: str
    name: str = ""            # builtin: schema name; struct, string: the declaration's name
    elem: object = None
    decl: object = None
    file: object = None       # struct, string: where it is declared
    wrapped: bool = False     # list that protobuf wraps in a message

    @property
    def owner(self):
        """The namespace whose .cpp holds the descriptor; '' for types made of builtins only."""
        if self.elem is not None:
            return self.elem.owner
        return self.file.namespace if self.file else ""

    @property
    def mangled(self):
        if self.elem is not None:
            return f"{'wrapped_' if self.wrapped else ''}{self.what}_{self.elem.mangled}"
        return f"{self.file.namespace}_{self.name}" if self.file else self.name.lower()

    @property
    def descriptor(self):
        """The C++ name of the extern Type."""
        if self.what == "builtin":
            return f"api::types::{self.mangled}_type"
        if self.elem is not None:
            return f"api::types::{self.mangled}"
        return f"{self.file.namespace}::types::{self.name}"

    @property
    def cpp(self):
        if self.what == "builtin":
            return BUILTIN[self.name][1]
        if self.what == "string":
            return "std::string"
        if self.what == "struct":
            return f"{self.file.namespace}::{self.name}"
        if self.what == "list":
            return f"std::vector<{'ListBool' if self.elem.cpp == 'bool' else self.elem.cpp}>"
        return {"map": "FlatMap", "optional": "std::optional", "box": "Box"}[self.what] + f"<{self.elem.cpp}>"

    @property
    def scalar(self):
        return self.what in ("builtin", "string")

    def innermost(self):
        return self.elem.innermost() if self.elem is not None else self


@dataclass
class Member:
    """A field of a struct with its type resolved."""

    decl: idl.FieldDecl
    type: Expr
    cpp_name: str


@dataclass
class Struct:
    decl: idl.Decl
    file: idl.File
    expr: Expr
    bases: list = field(default_factory=list)     # of (FieldDecl, Struct): inlined structs
    members: list = field(default_factory=list)   # own members, without the inlined ones
    order: list = field(default_factory=list)     # Member or (FieldDecl, Struct), as declared
    heavy: bool = False                           # special members stand in the .cpp

    def flat(self):
        """All members in JSON order, the inlined ones in place."""
        for item in self.order:
            if isinstance(item, Member):
                yield item
            else:
                yield from item[1].flat()


class Schema:
    def __init__(self, files):
        self.files = sorted(files, key=lambda f: (f.folder, f.version))
        self.by_package = {f.package: f for f in self.files}
        self.decls = {(f.package, d.name): d for f in self.files for d in f.decls}
        self.exprs = {}
        self.structs = {}                        # Expr key -> Struct, in file order
        for f in self.files:
            for d in f.decls:
                if d.what in ("kind", "struct", "union"):
                    expr = self.intern("struct", d.name, file=f, decl=d)
                    self.structs[expr] = Struct(d, f, expr)
                elif d.what in ("enum", "string"):
                    self.intern("string", d.name, file=f, decl=d)
        for s in self.structs.values():
            self._resolve(s)
        for s in self.structs.values():
            self._check(s)
        for f in self.files:
            for d in f.decls:
                if d.what == "alias":
                    self.resolve(d.target, f, d.where)
        self.sorted = {f.namespace: self._sort(f) for f in self.files}
        self.includes = {f.namespace: self._includes(f) for f in self.files}
        self._mark_heavy()

    def intern(self, what, name="", elem=None, file=None, decl=None, wrapped=False):
        key = (what, name, elem, file.package if file else "", wrapped)
        if key not in self.exprs:
            self.exprs[key] = Expr(what, name, elem, decl, file, wrapped)
        return self.exprs[key]

    def resolve(self, text, file, where, seen=()):
        """The Expr of a type as written in `file`."""
        if text.startswith("*"):
            elem = self.resolve(text[1:], file, where, seen)
            if elem.what in ("optional", "box"):
                raise SchemaError(where, f"pointer to a pointer: '{text}'")
            return self.intern("box" if elem.what == "struct" else "optional", elem=elem)
        if text.startswith("[]"):
            return self.intern("list", elem=self.resolve(text[2:], file, where, seen))
        if text.startswith("map["):
            key, _, value = text[4:].partition("]")
            if self.resolve(key, file, where, seen).cpp != "std::string":
                raise SchemaError(where, f"a map's key must be a string, not '{key}'")
            return self.intern("map", elem=self.resolve(value, file, where, seen))
        if text in BUILTIN:
            return self.intern("builtin", text)
        package, _, name = text.rpartition(".")
        home = self.by_package.get(package or file.package)
        if home is None:
            raise SchemaError(where, f"no schema file for '{package}' of type '{text}'")
        decl = self.decls.get((home.package, name))
        if decl is None:
            raise SchemaError(where, f"unknown type '{text}'")
        if decl.what == "codes":
            return self.intern("builtin", "int32")
        if decl.what == "alias":
            if decl in seen:
                raise SchemaError(where, f"alias '{text}' stands for itself")
            expr = self.resolve(decl.target, home, decl.where, (*seen, decl))
            if "wrapped" in decl.attributes:
                if expr.what != "list":
                    raise SchemaError(decl.where, "only a list can be wrapped")
                return self.intern("list", elem=expr.elem, wrapped=True)
            return expr
        return self.intern("string" if decl.what in ("enum", "string") else "struct", name, file=home, decl=decl)

    def _resolve(self, s):
        for f in s.decl.fields:
            expr = self.resolve(f.type, s.file, f.where)
            if not f.inline:
                member = Member(f, expr, names.member(f.name))
                s.members.append(member)
                s.order.append(member)
                continue
            if expr.what != "struct":
                raise SchemaError(f.where, f"only a struct can be inlined, not '{f.type}'")
            base = (f, self.structs[expr])
            s.bases.append(base)
            s.order.append(base)

    def _check(self, s):
        numbers, json_names, cpp_names = {}, {}, {}
        for f in s.decl.fields:
            if f.proto and f.proto in numbers:
                raise SchemaError(f.where, f"protobuf number {f.proto} is already taken by '{numbers[f.proto]}'")
            numbers[f.proto] = f.name or f.type
        for m in s.flat():
            for name, taken in ((m.decl.name, json_names), (m.cpp_name, cpp_names)):
                if name in taken:
                    raise SchemaError(m.decl.where, f"field '{name}' stands twice in {s.decl.name}")
                taken[name] = m
        if len(json_names) > FIELDS_MAX:
            raise SchemaError(s.decl.where, f"more than {FIELDS_MAX} fields")
        for m in s.members:
            self._check_member(m)

    def _check_member(self, m):
        a, where = m.decl.attributes, m.decl.where
        is_list, is_map = m.type.what == "list", m.type.what == "map"
        if a.get("list") and (a["list"] not in LIST_KINDS or not (is_list or m.type.cpp.endswith("vector<std::string>>") or m.decl.type == "bytes")):
            raise SchemaError(where, f"list={a['list']} on a field of type {m.decl.type}")
        if "atomic" in a and not is_map and m.type.innermost().what != "struct":
            raise SchemaError(where, "atomic is for maps and structs")
        if "granular" in a and not is_map and m.type.innermost().what != "struct":
            raise SchemaError(where, "granular is for maps and structs")
        if "kinds" in a and not (is_list and m.type.elem.decl is not None and m.type.elem.decl.what == "kind"):
            raise SchemaError(where, "kinds is for lists of a kind")
        if "granular" in a and "atomic" in a:
            raise SchemaError(where, "a field is atomic or granular")
        if a.get("patch") and a["patch"] not in PATCH:
            raise SchemaError(where, f"unknown patch strategy '{a['patch']}'")
        if "keys" in a and a.get("list") != "map":
            raise SchemaError(where, "keys= belongs to list=map")
        if a.get("list") == "map" and "keys" not in a:
            raise SchemaError(where, "list=map needs keys=")
        element = m.type.innermost()
        for key in [*a.get("keys", "").split(","), a.get("mergekey", "")]:
            if not key:
                continue
            if element.what != "struct" or not any(x.decl.name == key for x in self.structs[element].flat()):
                raise SchemaError(where, f"merge key '{key}' is no field of {element.name}")
        if "default" in a and "fills" in a:
            raise SchemaError(where, "default= and fills= exclude each other")
        for word in ("default", "fills"):
            if word in a:
                self._check_default(m.type, a[word], word, where)
        for limit in ("min", "max", "maxlength", "maxitems"):
            if limit in a and not a[limit].lstrip("-").isdigit():
                raise SchemaError(where, f"{limit}= needs a number")

    def _check_default(self, expr, text, word, where):
        """The default must be JSON of the field's type (as compact text, for the tables hold it as written)."""
        try:
            value = json.loads(text)
        except ValueError:
            raise SchemaError(where, f"{word}= needs a JSON literal, not {text}") from None
        if expr.what in ("optional", "box"):
            expr = expr.elem
        if expr.what in ("list", "map", "struct"):
            fits = isinstance(value, list if expr.what == "list" else dict)
        else:
            accepted = {"bool": bool, "int32_t": int, "int64_t": int, "uint64_t": int, "float": (int, float),
                        "double": (int, float), "IntOrString": (int, str)}.get(expr.cpp, str)
            fits = isinstance(value, accepted) and not (isinstance(value, bool) and accepted is not bool)
        if not fits:
            raise SchemaError(where, f"{word}={text} does not fit the type")

    def _sort(self, file):
        """The file's structs, each after those it holds by value."""
        done, order, active = set(), [], []

        def visit(s):
            if s.expr in done:
                return
            if s in active:
                raise SchemaError(s.decl.where, f"{s.decl.name} contains itself by value; use a pointer")
            active.append(s)
            held = [b for _, b in s.bases] + [self.structs[m.type] for m in s.members if m.type.what == "struct"]
            for h in held:
                if h.file is file:
                    visit(h)
            active.pop()
            done.add(s.expr)
            order.append(s)

        for d in file.decls:
            if d.what in ("kind", "struct", "union"):
                visit(self.structs[self.intern("struct", d.name, file=file, decl=d)])
        return order

    def _includes(self, file):
        used = set()
        for s in self.sorted[file.namespace]:
            for t in [b.expr for _, b in s.bases] + [m.type.innermost() for m in s.members]:
                if t.what == "struct" and t.file is not file:
                    used.add(t.file.namespace)
        return sorted(used)

    def _mark_heavy(self):
        """A struct that holds other structs gets out-of-line special members; the rest stay aggregates."""

        def heavy_member(m):
            t = m.type.innermost()
            return t.what == "struct" and (m.type.what != "struct" or self.structs[t].heavy)

        changed = True
        while changed:
            changed = False
            for s in self.structs.values():
                if not s.heavy and (s.bases or any(heavy_member(m) for m in s.members)):
                    s.heavy = changed = True

    def kinds(self):
        """(group, version, Struct) of every root kind, sorted."""
        found = []
        for s in self.structs.values():
            if s.decl.what == "kind":
                group, version = s.file.group, s.file.version
                if "in" in s.decl.attributes:
                    group, _, version = s.decl.attributes["in"].rpartition("/")
                found.append((group, version, s))
        found.sort(key=lambda k: (k[0], k[1], k[2].decl.name))
        for a, b in zip(found, found[1:]):
            if a[:2] == b[:2] and a[2].decl.name == b[2].decl.name:
                raise SchemaError(b[2].decl.where, f"kind {b[2].decl.name} of {b[0]}/{b[1]} is also at {':'.join(map(str, a[2].decl.where))}")
        return found


def load(directory):
    """Reads schema/<folder>/<version>.api below `directory`."""
    root, files = Path(directory), []
    for path in sorted(root.glob("*/*.api")):
        files.append(idl.parse(path.read_text(encoding="utf-8"), str(path), path.parent.name, path.stem))
    if not files:
        raise SchemaError((str(root), 0), "no schema files")
    return Schema(files)
