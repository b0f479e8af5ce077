"""tools/unity.py: which files may share a batch."""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import unity  # noqa: E402

BASE = 'namespace pintle::a {{\nnamespace {{\n{private}\n}}  // namespace\n{public}\n}}  // namespace pintle::a\n'


def source(tmp_path, name, private='', public='', namespace='pintle::a'):
    path = tmp_path / f'{name}.cpp'
    path.write_text(BASE.format(private=private, public=public).replace('pintle::a', namespace))
    return path


@pytest.mark.parametrize('one,two,renamed', [
    ({'private': 'int f(int x) {'}, {'private': 'int g(int x) {'}, [[], []]),
    ({'private': 'int f(int x) {'}, {'private': 'int f(long x) {'}, [['f'], ['f']]),
    ({'private': 'int f(const Pod& x) {'}, {'private': 'int f(const Node& x) {'}, [[], []]),
    ({'private': 'int f(const Pod& x) {'}, {'private': 'int f(const Pod& x, int) {'}, [['f'], ['f']]),
    ({'private': 'int f(int x) {'}, {'public': 'int g() { return f(1); }'}, [['f'], []]),
    ({'private': 'int f(int x) {'}, {'public': 'int g(int f) { return x.f(1) + y::f(2); }'}, [[], []]),
    ({'private': 'int f(int x) {', 'public': 'int g() { return x.f(1); }'}, {'public': 'int h() { return f(1); }'}, None),
    ({'private': 'constexpr int most = 3;'}, {'public': 'int g() { return most; }'}, [['most'], []]),
    ({'private': 'struct State {'}, {'private': 'struct State {'}, [['State'], ['State']]),
    ({'private': 'struct State {'}, {'private': 'struct State {', 'namespace': 'pintle::b'}, [[], []]),
    ({'private': 'struct State {'}, {'private': 'struct State {', 'namespace': 'pintle::a::c'}, [['State'], ['State']]),
    ({'private': 'namespace core = api::core::v1;'}, {'private': 'namespace core = api::core::v1;'}, [[], []]),
    ({'private': 'namespace c = api::core::v1;'}, {'private': 'namespace c = api::core::v2;'}, [['c'], ['c']]),
    ({'private': 'namespace c = api::core::v1;'}, {'public': 'c::X x;'}, [['c'], []]),
    ({'private': '#define STEP 1'}, {'public': 'int x = STEP;', 'namespace': 'pintle::b'}, None),
    ({'private': '// int f(int x) {'}, {'public': 'int g() { return f(1); }'}, [[], []]),
    ({'public': 'int f(int x) {'}, {'public': 'int g() { return f(1); }'}, [[], []]),
    ({'private': 'TEST(A, B) {'}, {'private': 'TEST(A, B) {'}, None),
    ({'private': 'TEST(A, B) { f(x); }'}, {'private': 'TEST(A, C) { f(x); }'}, [[], []]),
    ({'private': 'char f(char x) {', 'public': 'void f(A& x) {'}, {'public': 'int h() { return f(1); }'}, None),
    ({'private': 'A::A(int x) : f(x) {'}, {'public': 'int h() { return f(1); }'}, [[], []]),
    ({'private': 'thread_local int* a = nullptr;'}, {'public': 'int* h() { return nullptr; }'}, [[], []]),
    ({'private': 'using namespace api;'}, {'public': 'int h() { return api::g; }'}, [[], []]),
    ({'private': 'constexpr int a = 1, b = 2;'}, {'public': 'int g() { return b; }'}, [['b'], []]),
])
def test_which_files_go_together(tmp_path, one, two, renamed):
    """`renamed`: the names that change in the first file and in the second; None: they are kept apart."""
    paths = [source(tmp_path, 'one', **one), source(tmp_path, 'two', **two)]
    out = unity.batches(paths, 8)
    assert len(out) == (1 if renamed else 2)
    if renamed:
        sources = out[0][1]
        assert [sorted(sources[0].renamed(sources[1:])), sorted(sources[1].renamed(sources[:1]))] == renamed


def test_the_text_of_a_batch(tmp_path):
    paths = [source(tmp_path, name, private='int f(int x) {') for name in ('one', 'two')]
    paths[0].write_text('#include <map>\n#include "table.inc"\n' + paths[0].read_text())
    (members, sources), = unity.batches(paths, 8)
    assert unity.batch_text(tmp_path, members, sources).splitlines()[1:] == [
        '#include <map>', '#define f f__one', '#include "one.cpp"', '#undef f', '#define f f__two', '#include "two.cpp"', '#undef f']


def test_a_batch_has_its_size(tmp_path):
    paths = [source(tmp_path, f'f{i}') for i in range(7)]
    assert [len(members) for members, _ in unity.batches(paths, 3)] == [3, 3, 1]


def test_a_namespace_without_an_end(tmp_path):
    path = source(tmp_path, 'one', private='int f(int x) {')
    path.write_text(path.read_text().replace('}  // namespace\n', '}\n'))
    with pytest.raises(SystemExit, match='one.cpp: an anonymous namespace'):
        unity.batches([path], 8)
