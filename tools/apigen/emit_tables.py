"""Emits the .cpp files: special members, operations and the constant-initialised descriptor tables."""

from emit_header import PREAMBLE
from model import BUILTIN, LIST_KINDS, PATCH, UNIONS, Member
from names import literal

STRUCTS_PER_FILE = 45   # keeps one .cpp under half a minute and half a gigabyte


def _spans(strings):
    return "{" + ", ".join(literal(s) for s in strings) + "}"


def _flag(condition, name):
    return [f".{name} = true"] if condition else []


def openapi_required(decl):
    """Whether OpenAPI lists the field as required; `required` (not empty) is another matter."""
    a = decl.attributes
    return "present" in a or not ("omitempty" in a or "omitzero" in a or "optional" in a)


class _Table:
    """Collects the lines of one .cpp."""

    def __init__(self, schema, file):
        self.schema, self.file, self.out, self.externs = schema, file, [], {}

    def reference(self, expr):
        """The address of a type's descriptor; what no included header declares is declared where it is used."""
        if expr.elem is not None:
            self.externs[expr.descriptor] = f"namespace types {{ extern const Type {expr.mangled}; }}"
        elif expr.what == "string" and expr.file is not self.file:
            self.externs[expr.descriptor] = f"namespace {expr.file.namespace}::types {{ extern const Type {expr.name}; }}"
        return f"&{expr.descriptor}"

    def constraints(self, struct, decl):
        a, parts = decl.attributes, []
        for word, name in (("min", "minimum"), ("max", "maximum"), ("maxlength", "max_length"), ("maxitems", "max_items")):
            if word in a:
                parts.append(f".{name} = {a[word]}")
        for word in ("format", "pattern"):
            if word in a:
                parts.append(f".{word} = {literal(a[word])}")
        if not parts:
            return []
        name = f"c_{struct}_{abs_name(decl)}"
        self.out.append(f"constexpr Constraints {name} = {{{', '.join(parts)}}};")
        return [f".constraints = &{name}"]

    def field(self, struct, member, own, constraints, keys):
        d = member.decl
        a = d.attributes
        parts = [f".name = {literal(d.name)}", f".type = {self.reference(member.type)}",
                 f".offset = offsetof({struct.decl.name}, {member.cpp_name})"]
        if own and d.proto:
            parts.append(f".proto = {d.proto}")
        parts += _flag("omitempty" in a, "omit_empty") + _flag("omitzero" in a, "omit_zero")
        parts += _flag("required" in a, "required") + _flag(openapi_required(d), "openapi_required")
        parts += _flag("immutable" in a, "immutable") + _flag("atomic" in a, "map_atomic") + _flag("granular" in a, "map_granular")
        parts += _flag("empty-list" in a, "empty_as_list") + _flag("kinds" in a, "items_show_kind")
        if "list" in a:
            parts.append(f".list_kind = ListKind::{LIST_KINDS[a['list']]}")
        if "patch" in a:
            parts.append(f".patch_strategy = PatchStrategy::{PATCH[a['patch']]}")
        if "mergekey" in a:
            parts.append(f".patch_merge_key = {literal(a['mergekey'])}")
        parts += keys
        if "default" in a or "fills" in a:
            parts.append(f".default_json = {literal(a.get('default') or a['fills'])}")
        parts += _flag("default" in a, "default_published")
        if d.doc:
            parts.append(f".doc = {literal(d.doc)}")
        parts += constraints
        if "gate" in a:
            parts.append(f".feature_gate = {literal(a['gate'])}")
        return "    {" + ", ".join(parts) + "},"

    def struct(self, s, kind_index):
        name = s.decl.name
        own = {id(m) for m in s.members}
        flat = list(s.flat())
        out = self.out
        out.append(f"// {name}")
        out.append("namespace {")
        fields = []
        for m in flat:
            constraints = self.constraints(name, m.decl)
            keys = []
            if "keys" in m.decl.attributes:
                keys_name = f"k_{name}_{m.cpp_name}"
                out.append(f"constexpr std::string_view {keys_name}[] = {_spans(m.decl.attributes['keys'].split(','))};")
                keys = [f".list_map_keys = {keys_name}"]
            fields.append(self.field(s, m, id(m) in own, constraints, keys))
        if fields:
            out += [f"constexpr Field f_{name}[] = {{", *fields, "};"]
        if s.bases:
            out.append(f"constexpr Field i_{name}[] = {{")
            for d, base in s.bases:
                first = next(base.flat()).cpp_name
                parts = [f".type = {self.reference(base.expr)}",
                         f".offset = offsetof({name}, {first}) - offsetof({base.expr.cpp}, {first})"]
                if d.proto:
                    parts.append(f".proto = {d.proto}")
                out.append("    {" + ", ".join(parts) + "},")
            out.append("};")
        order = proto_order(s, flat)
        if order:
            out.append(f"constexpr uint16_t p_{name}[] = {{{', '.join(map(str, order))}}};")
        out.append(f"constexpr ValueOps v_{name} = value_ops<{name}>;")
        out.append("}")
        parts = []
        if s.decl.what == "union":
            parts += [".kind = Kind::Union", f".union_kind = UnionKind::{UNIONS[next(iter(s.decl.attributes))]}"]
        else:
            parts += [".kind = Kind::Struct"]
        parts += _flag("atomic" in s.decl.attributes, "atomic_struct")
        parts += [f".name = {literal(s.file.package + '.' + name)}", f".openapi_name = {literal(s.file.openapi + '.' + name)}"]
        if s.decl.doc:
            parts.append(f".doc = {literal(s.decl.doc)}")
        parts.append(f".size = sizeof({s.expr.cpp})")
        if fields:
            parts.append(f".fields = f_{name}")
        if s.bases:
            parts.append(f".inlined = i_{name}")
        if order:
            parts.append(f".proto_order = p_{name}")
        if kind_index is not None:
            parts.append(f".kind_index = {kind_index}")
        parts.append(f".value = &v_{name}")
        out += [f"constinit const Type types::{name} = {{{', '.join(parts)}}};", ""]

    def special_members(self, s):
        n = s.decl.name
        self.out += [f"{n}::{n}() = default;", f"{n}::{n}(const {n}&) = default;", f"{n}::{n}({n}&&) noexcept = default;",
                     f"{n}& {n}::operator=(const {n}&) = default;", f"{n}& {n}::operator=({n}&&) noexcept = default;",
                     f"{n}::~{n}() = default;"]

    def string(self, decl):
        parts = [".kind = Kind::String", f".name = {literal(self.file.package + '.' + decl.name)}"]
        parts.append(f".openapi_name = {literal(self.file.openapi + '.' + decl.name)}")
        if decl.doc:
            parts.append(f".doc = {literal(decl.doc)}")
        parts.append(".size = sizeof(std::string)")
        if decl.values:
            self.out.append(f"namespace {{ constexpr std::string_view e_{decl.name}[] = {_spans(decl.values)}; }}")
            parts.append(f".enum_values = e_{decl.name}")
            parts += _flag(bool({"closed", "strict"} & decl.attributes.keys()), "enum_closed")
            parts += _flag(bool({"closed", "published"} & decl.attributes.keys()), "enum_published")
        parts.append(".value = &value_ops<std::string>")
        self.out += [f"constinit const Type types::{decl.name} = {{{', '.join(parts)}}};", ""]


def abs_name(decl):
    return "".join(c if c.isalnum() else "_" for c in decl.name)


def proto_order(s, flat):
    """Indexes of what protobuf writes by ascending number: own members, then (past them) the inlined structs."""
    own = {id(m): m for m in s.members}
    numbered = [(m.decl.proto, i) for i, m in enumerate(flat) if id(m) in own and m.decl.proto]
    numbered += [(d.proto, len(flat) + i) for i, (d, _) in enumerate(s.bases) if d.proto]
    return [i for _, i in sorted(numbered)]


def container(expr, reference):
    """The definition of a list, map, optional or box descriptor."""
    kind = {"list": "List", "map": "Map", "optional": "Optional", "box": "Box"}[expr.what]
    parts = [f".kind = Kind::{kind}", f".size = sizeof({expr.cpp})", f".elem = {reference(expr.elem)}"]
    parts += _flag(expr.wrapped, "proto_wrapped")
    parts.append(f".value = &value_ops<{expr.cpp}>")
    if expr.what == "list":
        parts.append(f".list = &list_ops<{expr.cpp}>")
    elif expr.what == "map":
        parts.append(f".map = &map_ops<{expr.cpp}>")
    else:
        parts.append(f".pointer = &{expr.what}_ops<{expr.cpp}>")
    return f"constinit const Type {expr.mangled} = {{{', '.join(parts)}}};"


class _Section:
    """The tables of some structs of one schema file, and of the containers of those structs."""

    def __init__(self, schema, file, structs, containers, kind_indexes, with_strings):
        self.file = file
        self.structs = structs
        self.table = _Table(schema, file)
        for s in structs:
            if s.heavy:
                self.table.special_members(s)
            self.table.struct(s, kind_indexes.get(s.expr))
        if with_strings:
            for d in file.decls:
                if d.what in ("enum", "string"):
                    self.table.string(d)
        self.containers = []
        for expr in containers:
            self.containers.append(container(expr, self.table.reference))
            self.table.reference(expr)


def _sections(schema, file, kind_indexes):
    """The file's structs in runs of at most STRUCTS_PER_FILE; a container stands with the struct it holds."""
    structs = schema.sorted[file.namespace]
    containers = sorted((e for e in schema.exprs.values() if e.elem is not None and e.owner == file.namespace), key=lambda e: e.mangled)
    runs = [structs[i:i + STRUCTS_PER_FILE] for i in range(0, len(structs), STRUCTS_PER_FILE)] or [[]]
    run_of = {s.expr: i for i, run in enumerate(runs) for s in run}
    for i, run in enumerate(runs):
        mine = [e for e in containers if run_of.get(e.innermost(), 0) == i]
        yield _Section(schema, file, run, mine, kind_indexes, i == 0)


def _text(sections, path, includes):
    """One .cpp of the sections."""
    out = [PREAMBLE.format(path=path), "#include <cstddef>", ""]
    out += [f'#include "api/{i}"' for i in includes] + ['#include "api/builtin_types.h"', '#include "api/type_ops.h"', ""]
    out += ["#pragma GCC diagnostic ignored \"-Winvalid-offsetof\"", ""]
    externs = sorted({e for s in sections for e in s.table.externs.values()})
    if externs:
        out += ["namespace pintle::api {", *externs, "}  // namespace pintle::api", ""]
    for s in sections:
        if s.table.out:
            out += [f"namespace pintle::api::{s.file.namespace} {{", "", *s.table.out, f"}}  // namespace pintle::api::{s.file.namespace}", ""]
        if s.containers:
            out += ["namespace pintle::api::types {", *s.containers, "}  // namespace pintle::api::types", ""]
    return "\n".join(out)


def emit(schema, kind_indexes):
    """{file name: text} of the tables: a large schema file has .cpp files of its own, small ones share one."""
    result, shared, shared_size = {}, [], 0

    def flush():
        nonlocal shared, shared_size
        if shared:
            includes = sorted({f"gen/{s.file.namespace}.h" for s in shared})
            result[f"tables_{shared[0].file.namespace}.cpp"] = _text(shared, "", includes)
        shared, shared_size = [], 0

    for file in schema.files:
        sections = list(_sections(schema, file, kind_indexes))
        if len(sections) > 1:
            for i, section in enumerate(sections):
                result[f"{file.namespace}_{i}.cpp"] = _text([section], f"{file.folder}/{file.version}.api", [f"gen/{file.namespace}.h"])
            continue
        if shared_size + len(sections[0].structs) > STRUCTS_PER_FILE:
            flush()
        shared.append(sections[0])
        shared_size += len(sections[0].structs)
    flush()
    return result


def emit_builtin(schema):
    """The containers made of builtins only: []string, map[string]Quantity, *int32 ..."""
    mine = sorted((e for e in schema.exprs.values() if e.elem is not None and e.owner == ""), key=lambda e: e.mangled)
    return _text([_Section(schema, None, [], mine, {}, False)], "", ["values.h"])


def fnv1a(group, version, kind):
    h = 0xcbf29ce484222325
    for b in b"\0".join(x.encode() for x in (group, version, kind)):
        h = ((h ^ b) * 0x100000001b3) & 0xffffffffffffffff
    return h


def emit_kinds(schema):
    """kinds.cpp: the kind table in order and the hash slots over it (registry.cpp reads both)."""
    kinds = schema.kinds()
    size = 1
    while size < 3 * len(kinds):
        size *= 2
    slots = [-1] * size
    rows = []
    for i, (group, version, s) in enumerate(kinds):
        at = fnv1a(group, version, s.decl.name) % size
        while slots[at] != -1:
            at = (at + 1) % size
        slots[at] = i
        meta = next((m for m in s.flat() if m.decl.name == "metadata" and m.type.name in ("ObjectMeta", "ListMeta")), None)
        offset = f"offsetof({s.expr.cpp}, {meta.cpp_name})" if meta else "-1"
        is_list = s.decl.name.endswith("List") and any(m.decl.name == "items" for m in s.flat())
        rows.append(f"    {{{{{literal(group)}, {literal(version)}, {literal(s.decl.name)}}}, &{s.expr.descriptor}, {offset}, {'true' if is_list else 'false'}}},")
    used = sorted({s.file.namespace for _, _, s in kinds})
    out = [PREAMBLE.format(path=""), "#include <cstddef>", "", *[f'#include "api/gen/{n}.h"' for n in used], '#include "api/registry.h"', "",
           "#pragma GCC diagnostic ignored \"-Winvalid-offsetof\"", "", "namespace pintle::api::registry {", "namespace {",
           "constexpr KindInfo kind_rows[] = {", *rows, "};",
           f"constexpr int16_t slot_rows[{size}] = {{" + ", ".join(map(str, slots)) + "};", "}", "",
           "constinit const std::span<const KindInfo> kinds = kind_rows;",
           "constinit const std::span<const int16_t> slots = slot_rows;", "", "}  // namespace pintle::api::registry", ""]
    return "\n".join(out), {s.expr: i for i, (_, _, s) in reversed(list(enumerate(kinds)))}
