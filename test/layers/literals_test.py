"""A literal that is put into a field with a set of values, or compared with one, is a member of that set: read from schema/ and the sources."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
SRC = ROOT / 'src'
sys.path.insert(0, str(ROOT / 'tools/apigen'))
import idl  # noqa: E402
import names  # noqa: E402

USE = re.compile(r'(?:\.|->)(\w+) (?:==|!=|=) "((?:[^"\\]|\\.)*)"')
# Members of other structs have these names too, with values of their own.
OTHERS = {'scheme', 'type', 'status', 'kind', 'scope', 'mode', 'format', 'operation', 'level', 'state', 'name', 'key', 'reason', 'operator', 'path', 'policy', 'protocol'}


def members():
    """C++ member → the values that it may have, of members that are sets of the schema wherever they occur."""
    sets, open_members = {}, set()
    for file in sorted((ROOT / 'schema').rglob('*.api')):
        decls = idl.parse(file.read_text(), str(file), file.parent.name, file.stem).decls
        enums = {d.name: set(d.values) for d in decls if d.what == 'enum'}
        for d in decls:
            for field in d.fields:
                if field.inline:
                    continue
                member, kind = names.member(field.name), field.type.lstrip('*')
                if kind in enums:
                    sets.setdefault(member, set()).update(enums[kind])
                else:
                    open_members.add(member)
    return {m: values | {''} for m, values in sets.items() if m not in open_members | OTHERS}


def wrong_literals(text, allowed):
    return [(member, value) for member, value in USE.findall(text) if member in allowed and value not in allowed[member]]


def test_literals_are_of_their_set():
    allowed = members()
    assert {'phase', 'effect', 'restart_policy'} <= allowed.keys() and len(allowed) > 40
    wrong, seen = [], 0
    for file in sorted(SRC.rglob('*')):
        if file.suffix in ('.h', '.cpp') and not file.name.endswith(('_test.cpp', '_bench.cpp')):
            text = file.read_text()
            seen += sum(member in allowed for member, _ in USE.findall(text))
            wrong += [f'src/{file.relative_to(SRC)}: {member} is never "{value}"' for member, value in wrong_literals(text, allowed)]
    assert wrong == [] and seen > 100


def test_a_wrong_literal_is_seen():
    assert wrong_literals('if (pod.status.phase == "Runing")', {'phase': {'Running', ''}}) == [('phase', 'Runing')]
    assert wrong_literals('pod->phase = "Running";', {'phase': {'Running', ''}}) == []
