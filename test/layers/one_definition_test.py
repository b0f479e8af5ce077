"""A type or function that two files of src/ define under one name breaks C++'s rule of one definition, and the linker says nothing of
it: a program with both gets one of them for both. What one file alone uses stands in a namespace without a name."""
import collections
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
LITERALS = re.compile(r'R"(\w*)\(.*?\)\1"|//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|(?<![0-9A-Fa-f])\'(?:\\.|[^\'\\\n])*\'|^[ \t]*#(?:\\\n|[^\n])*', re.S | re.M)
NAMESPACE = re.compile(r'(?:inline\s+)?namespace\b\s*([\w:]*)$')
TEMPLATE = re.compile(r'^template\s*<[^<>]*(?:<[^<>]*>[^<>]*)*>\s*')
TYPE = re.compile(r'^(?:struct|class|union|enum(?:\s+(?:class|struct))?)\s+(?:\[\[.*?\]\]\s*|alignas\s*\([^)]*\)\s*)*([\w:]+(?:\s*<[^{]*?>)?)\s*(?:final\s*)?(?::[^:(].*)?$', re.S)
FUNCTION = re.compile(r'^[^=()]*?([\w:~]+)\s*(\([^{}]*?\))\s*(?:const|noexcept|->.*|:[^:].*)?$', re.S)
NAME_AT_END = re.compile(r'(?<=[\w>&*\]])(\s+|(?<=[>&*]))\w+$')


def parameters_of(text):
    """The types of a parameter list, without namespaces, names and defaults."""
    out, depth, start = [], 0, 1
    for at, char in enumerate(text):
        depth += char in '(<[{'
        depth -= char in ')>]}'
        if (char == ',' and depth == 1) or (char == ')' and depth == 0):
            one = re.sub(r'\w+::|\s*=.*', '', text[start:at].strip(), flags=re.S)
            out.append(re.sub(r'\s*([&*,<>])\s*|\s+', lambda m: m.group(1) or ' ', NAME_AT_END.sub('', one)))
            start = at + 1
    return '(' + ', '.join(out) + ')'


def definitions_of(text):
    """The full names of what a file defines outside functions, types and namespaces without a name."""
    text = LITERALS.sub(' ', text)
    scopes, start = [], 0   # of each open brace: a namespace's name, '' for one without a name, None for anything else
    for found in re.finditer(r'[{};]', text):
        head, start = text[start:found.start()].strip(), found.end()
        if found.group() == '}' and scopes:
            scopes.pop()
        if found.group() != '{':
            continue
        space = NAMESPACE.search(head)
        if space:
            scopes.append(space.group(1))
            continue
        head = TEMPLATE.sub('', head)
        type_ = TYPE.search(head)
        function = None if type_ or head.startswith('static ') else FUNCTION.search(head)
        if scopes and all(scopes) and (type_ or function):
            name = re.sub(r'\s+', '', type_.group(1)) if type_ else function.group(1) + parameters_of(function.group(2))
            yield '::'.join(scopes + [name])
        scopes.append(None)


def clashes(files):
    """Sentences about what more than one of (path, text) defines."""
    homes = collections.defaultdict(set)
    for path, text in files:
        for name in definitions_of(text):
            homes[name].add(path)
    return [f'{name} is defined in {" and in ".join(sorted(paths))}: give each its own name, or put what one file alone uses into "namespace {{"'
            for name, paths in sorted(homes.items()) if len(paths) > 1]


def test_a_clash_is_found():
    one = ('a.h', 'namespace p::q {\nstruct Facts final : Base<int> { int x = 1\'000; };\nenum class Kind : uint8_t { A };\n}')
    assert len(clashes([one, ('b.h', 'namespace p { namespace q { class Facts { }; enum Kind { B }; } }')])) == 2
    assert clashes([one, ('b.h', '#pragma once\nnamespace p::q {\ntemplate <class T>\nclass Facts { };\n}')])
    assert not clashes([one, ('b.h', 'namespace p { struct Facts { }; }')])
    assert not clashes([one, ('b.cpp', 'namespace p::q { namespace { struct Facts { char c = \'}\'; }; } struct Facts; }')])
    assert not clashes([one, ('b.cpp', 'namespace p::q { void f() { struct Facts { }; } struct Other { struct Facts { }; }; struct Facts g() { } }')])
    assert not clashes([('a.cpp', 'namespace p { struct A::State { }; }'), ('b.cpp', 'namespace p { struct B::State { }; }')])
    two = ('a.cpp', 'namespace p { Result<int> port_of(const api::Port& port, std::map<int, int>& all) { } }')
    assert clashes([two, ('b.cpp', 'namespace p { int port_of(const Port &p, map<int, int>& a) { } }')])
    assert not clashes([two, ('b.cpp', 'namespace p { int port_of(const api::Port& port, int n) { } int A::port_of(const Port& p, map<int, int>& a) { } }')])
    assert not clashes([two, ('b.cpp', 'namespace p { static int port_of(const Port& p, map<int, int>& a) { } namespace { int port_of(const Port& p, map<int, int>& a) { } } }')])


def test_everything_is_defined_once():
    files = [(f'src/{path.relative_to(ROOT / "src")}', path.read_text()) for path in sorted((ROOT / 'src').rglob('*')) if path.suffix in ('.h', '.cpp')]
    found = clashes(files)
    assert not found, '\n' + '\n'.join(found)
