"""Tests of apigen: the grammar's errors, names, the emitted text, and the schema itself."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import apigen
import emit_tables
import idl
import model
import names

SCHEMA = Path(__file__).resolve().parents[2] / "schema"
HEADER = 'group "demo"\nversion v1\nopenapi io.demo.v1\n'


def schema_of(*texts, first="demo"):
    files = [idl.parse(HEADER + t, f"{first if i == 0 else 'other'}/v1.api", first if i == 0 else "other", "v1") for i, t in enumerate(texts)]
    return model.Schema(files)


@pytest.mark.parametrize("text, message", [
    ("struct A {\n  x string = 1\n  y string = 1\n}", "demo/v1.api:6: protobuf number 1 is already taken by 'x'"),
    ("struct A {\n  x string\n  x bool\n}", "demo/v1.api:6: field 'x' stands twice in A"),
    ("struct A {\n  x Missing\n}", "demo/v1.api:5: unknown type 'Missing'"),
    ("struct A {\n  x nowhere/v1.B\n}", "demo/v1.api:5: no schema file for 'nowhere/v1' of type 'nowhere/v1.B'"),
    ("struct A {\n  x string = no\n}", "demo/v1.api:5: '=' must be followed by a protobuf number"),
    ("struct A {\n  x\n}", "demo/v1.api:5: a field needs a name and a type"),
    ("struct A {\n  x string sometimes\n}", "demo/v1.api:5: unknown word 'sometimes'"),
    ("struct A {\n  x string omitempty omitempty\n}", "demo/v1.api:5: 'omitempty' stands twice"),
    ("struct A {\n  x []A list=map\n}", "demo/v1.api:5: list=map needs keys="),
    ("struct A {\n  x string list=set\n}", "demo/v1.api:5: list=set on a field of type string"),
    ("struct A {\n  x string granular\n}", "demo/v1.api:5: granular is for maps and structs"),
    ("struct A {\n  x []B kinds\n}\nstruct B {\n  y string\n}", "demo/v1.api:5: kinds is for lists of a kind"),
    ("struct A {\n  x map[string]string atomic granular\n}", "demo/v1.api:5: a field is atomic or granular"),
    ("struct A {\n  x []B mergekey=name patch=merge\n}\nstruct B {\n  y string\n}", "demo/v1.api:5: merge key 'name' is no field of B"),
    ("struct A {\n  x []A patch=sideways\n}", "demo/v1.api:5: unknown patch strategy 'sideways'"),
    ("struct A {\n  x A\n}", "demo/v1.api:4: A contains itself by value; use a pointer"),
    ("struct A {\n  x map[int32]string\n}", "demo/v1.api:5: a map's key must be a string, not 'int32'"),
    ("struct A {\n  x int32 default=\"1\"\n}", 'demo/v1.api:5: default="1" does not fit the type'),
    ("struct A {\n  x *int32 fills=yes\n}", "demo/v1.api:5: fills= needs a JSON literal, not yes"),
    ("struct A {\n  inline string\n}", "demo/v1.api:5: only a struct can be inlined, not 'string'"),
    ("struct A {\n  x string", "demo/v1.api:5: 'A' is not closed"),
    ("struct A {\n}\nstruct A {\n}", "demo/v1.api:6: 'A' is already defined on line 4"),
    ("thing A {\n}", "demo/v1.api:4: expected kind, struct, union, enum, codes, string or alias, not 'thing A {'"),
    ("struct a {\n}", "demo/v1.api:4: bad type name 'a'"),
    ('enum E {\n  "a"\n  "a"\n}', 'demo/v1.api:6: value "a" stands twice'),
    ("codes C {\n  A = x\n}", "demo/v1.api:5: codes hold one 'Name = number' a line"),
    ("codes C {\n  A = 0\n  A = 1\n}", "demo/v1.api:6: code A stands twice"),
    ("alias A = []string sorted", "demo/v1.api:4: unknown word 'sorted'"),
    ("alias A = A", "demo/v1.api:4: alias 'A' stands for itself"),
    ("version v2", "demo/v1.api:4: version v2 stands in a file named v1.api"),
])
def test_errors_name_file_and_line(text, message):
    with pytest.raises(idl.SchemaError) as error:
        schema_of(text)
    assert str(error.value) == message


@pytest.mark.parametrize("json_name, member", [
    ("nodeName", "node_name"), ("podIPs", "pod_ips"), ("hostIPC", "host_ipc"), ("podCIDRs", "pod_cidrs"), ("namespace", "namespace_"),
    ("x-kubernetes-int-or-string", "x_kubernetes_int_or_string"), ("$ref", "ref"), ("clusterIPs", "cluster_ips"), ("type", "type"),
    ("serverAddressByClientCIDRs", "server_address_by_client_cidrs"), ("default", "default_"), ("volumeID", "volume_id"),
])
def test_member_names(json_name, member):
    assert names.member(json_name) == member


def test_literals_are_escaped():
    assert names.literal('a"b\\c\n') == '"a\\"b\\\\c\\n"'
    assert names.literal("é") == '"\\303\\251"'


def test_struct_text():
    files = apigen.generate(schema_of("kind A {\n  /// What it is called.\n  name string = 2 omitempty required\n  tags []string = 1 list=set\n  next *A\n}"))
    header = files["demo_v1.h"]
    assert "  std::string name;" in header and "  std::vector<std::string> tags;" in header and "  Box<A> next;" in header
    assert "A(const A&);" in header, "a struct that holds structs has its special members in the .cpp"
    tables = files["tables_demo_v1.cpp"]
    assert '{.name = "name", .type = &api::types::string_type, .offset = offsetof(A, name), .proto = 2, .omit_empty = true, .required = true, .doc = "What it is called."},' in tables
    assert "p_A[] = {1, 0};" in tables, "protobuf writes by ascending number"
    assert ".kind_index = 0" in tables


@pytest.mark.parametrize("word, closed, published", [("", False, False), ("closed", True, True), ("strict", True, False), ("published", False, True)])
def test_enum_words(word, closed, published):
    tables = apigen.generate(schema_of(f'enum E {word} {{\n  "A"\n}}\nstruct S {{\n  e E\n}}'))["tables_demo_v1.cpp"]
    assert (".enum_closed = true" in tables, ".enum_published = true" in tables) == (closed, published)


@pytest.mark.parametrize("word, shown", [("atomic", ".map_atomic = true"), ("granular", ".map_granular = true"), ("", "")])
def test_how_apply_owns_a_field(word, shown):
    tables = apigen.generate(schema_of(f"struct A {{\n  b *B {word}\n}}\nstruct B {{\n  c string\n}}"))["tables_demo_v1.cpp"]
    row = next(line for line in tables.splitlines() if '.name = "b"' in line)
    assert shown in row and row.count("map_") == bool(shown)


def test_items_that_show_what_they_are():
    tables = apigen.generate(schema_of("struct A {\n  b []B kinds\n  c []B\n}\nkind B {\n  y string\n}"))["tables_demo_v1.cpp"]
    shown = {line.split('"')[1] for line in tables.splitlines() if ".items_show_kind = true" in line}
    assert shown == {"b"}


def test_plain_structs_stay_aggregates():
    header = apigen.generate(schema_of("struct A {\n  x *int32\n  y map[string]string\n}"))["demo_v1.h"]
    assert "std::optional<int32_t> x;" in header and "FlatMap<std::string> y;" in header and "A();" not in header


def test_inlined_struct_is_a_base_that_protobuf_nests():
    files = apigen.generate(schema_of("struct V {\n  name string = 1\n  inline S = 2\n}\nstruct S {\n  path string = 7\n}"))
    assert "struct V : S {" in files["demo_v1.h"]
    tables = files["tables_demo_v1.cpp"]
    assert '{.name = "path", .type = &api::types::string_type, .offset = offsetof(V, path), .openapi_required = true},' in tables
    assert "{.type = &demo_v1::types::S, .offset = offsetof(V, path) - offsetof(demo_v1::S, path), .proto = 2}," in tables
    assert "p_V[] = {0, 2};" in tables


def test_other_files_are_included():
    header = apigen.generate(schema_of("struct A {\n  b []other/v1.B\n}", "struct B {\n  c string\n}"))["demo_v1.h"]
    assert '#include "api/gen/other_v1.h"' in header and "std::vector<other_v1::B> b;" in header


def test_kind_slots_find_every_kind():
    schema = model.load(SCHEMA)
    kinds = schema.kinds()
    text, _ = emit_tables.emit_kinds(schema)
    row = text.split("slot_rows[")[1].split("{")[1].split("}")[0]
    slots = [int(x) for x in row.split(",")]
    for i, (group, version, s) in enumerate(kinds):
        at = emit_tables.fnv1a(group, version, s.decl.name) % len(slots)
        while slots[at] != i:
            assert slots[at] != -1, f"{group}/{version} {s.decl.name} is not reachable"
            at = (at + 1) % len(slots)


def test_schema_generates_the_same_text_twice():
    assert apigen.generate(model.load(SCHEMA)) == apigen.generate(model.load(SCHEMA))


def test_unchanged_files_are_not_touched(tmp_path):
    files = apigen.generate(schema_of("struct A {\n  x string\n}"))
    apigen.write(files, tmp_path)
    before = {p.name: p.stat().st_mtime_ns for p in tmp_path.glob("*.[hc]*")}
    (tmp_path / "gone.cpp").write_text("")
    apigen.write(files, tmp_path)
    assert {p.name: p.stat().st_mtime_ns for p in tmp_path.glob("*.[hc]*")} == before


def test_command_line_reports_a_schema_error(tmp_path, capsys):
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "v1.api").write_text("nonsense\n")
    assert apigen.main([str(tmp_path), str(tmp_path / "out")]) == 1
    assert "v1.api:1: expected kind" in capsys.readouterr().err


# The schema itself: what the parser and the resolver do not already refuse.

def all_members():
    schema = model.load(SCHEMA)
    return [(s, m) for s in schema.structs.values() for m in s.members]


def test_numbers_where_protobuf_is_spoken():
    """In a file that numbers its fields, every field has a number, but for those of kinds that never travel so."""
    schema = model.load(SCHEMA)
    for f in schema.files:
        structs = [s for s in schema.structs.values() if s.file is f]
        if not any(m.decl.proto for s in structs for m in s.members):
            continue
        for s in structs:
            if any(m.decl.proto for m in s.members):
                missing = [m.decl.name for m in s.members if not m.decl.proto]
                assert not missing, f"{f.package}.{s.decl.name}: {missing}"


def test_every_list_kind_has_items():
    for group, version, s in model.load(SCHEMA).kinds():
        if s.decl.name.endswith("List") and s.file.package != "meta/v1":
            assert {"metadata", "items"} <= {m.decl.name for m in s.flat()}, s.decl.where


def test_everything_has_a_doc():
    for f in model.load(SCHEMA).files:
        if not f.openapi:
            continue   # messages of a protocol between processes: published with the protocol
        for d in f.decls:
            for what in [d, *(x for x in d.fields if not x.inline)]:
                assert what.doc.endswith(".") and len(what.doc) <= 130, (what.where, what.doc)


def test_formats_are_known():
    known = {"dns-label", "dns-subdomain", "qualified-name", "label-value", "k8s-long-name-caseless", "k8s-long-name", "k8s-short-name",
             "k8s-uuid", "k8s-label-value", "k8s-resource-pool-name", "k8s-resource-fully-qualified-name", "k8s-extended-resource-name",
             "k8s-path-segment-name", "k8s-label-key", "ip", "cidr", "date-time"}
    for s, m in all_members():
        assert m.decl.attributes.get("format", "dns-label") in known, (m.decl.where, m.decl.attributes["format"])
