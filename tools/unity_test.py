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


@pytest.mark.parametrize('one,two,together', [
    ({'private': 'int f(int x) {'}, {'private': 'int g(int x) {'}, True),
    ({'private': 'int f(int x) {'}, {'private': 'int f(long x) {'}, False),
    ({'private': 'int f(const Pod& x) {'}, {'private': 'int f(const Node& x) {'}, True),
    ({'private': 'int f(const Pod& x) {'}, {'private': 'int f(const Pod& x, int) {'}, False),
    ({'private': 'int f(int x) {'}, {'public': 'int g() { return f(1); }'}, False),
    ({'private': 'int f(int x) {'}, {'public': 'int g(int f) { return x.f(1) + y::f(2); }'}, True),
    ({'private': 'constexpr int most = 3;'}, {'public': 'int g() { return most; }'}, False),
    ({'private': 'struct State {'}, {'private': 'struct State {'}, False),
    ({'private': 'struct State {'}, {'private': 'struct State {', 'namespace': 'pintle::b'}, True),
    ({'private': 'struct State {'}, {'private': 'struct State {', 'namespace': 'pintle::a::c'}, False),
    ({'private': 'namespace core = api::core::v1;'}, {'private': 'namespace core = api::core::v1;'}, True),
    ({'private': 'namespace core = api::core::v1;'}, {'private': 'namespace core = api::core::v2;'}, False),
    ({'private': '#define STEP 1'}, {'public': 'int x = STEP;', 'namespace': 'pintle::b'}, False),
    ({'private': '// int f(int x) {'}, {'public': 'int g() { return f(1); }'}, True),
    ({'public': 'int f(int x) {'}, {'public': 'int g() { return f(1); }'}, True),
])
def test_which_files_go_together(tmp_path, one, two, together):
    paths = [source(tmp_path, 'one', **one), source(tmp_path, 'two', **two)]
    assert len(unity.batches(paths, 8)) == (1 if together else 2)


def test_a_batch_has_its_size(tmp_path):
    paths = [source(tmp_path, f'f{i}') for i in range(7)]
    assert [len(b) for b in unity.batches(paths, 3)] == [3, 3, 1]
