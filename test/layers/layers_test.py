"""Every #include in src/ goes to the same folder, to a lower level, or along an edge that tools/layers.txt names; the folders of a component
keep an order of their own, by its section there."""
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)


def read_layers(text):
    """Returns {section: ({folder: level}, {folder: folders of its level that it may include})}; the folders of src/ are section ''."""
    sections = {'': ({}, {})}
    levels, edges = sections['']
    for line in text.splitlines():
        words = line.split('#')[0].split()
        if words and words[0].startswith('['):
            levels, edges = sections.setdefault(words[0].strip('[]'), ({}, {}))
        elif words:
            levels[words[1]] = int(words[0])
            edges[words[1]] = set(words[2:])
    return sections


def wrong_includes(path, text, levels, edges):
    """The includes of one file of src/ that the layers do not allow, as sentences."""
    folder = path.split('/')[0]
    wrong = []
    for target in INCLUDE.findall(text):
        to = target.split('/')[0]
        if to not in levels:
            wrong.append(f'src/{path} includes "{target}": write the path from src/, with a folder that tools/layers.txt lists')
        elif to != folder and levels[to] >= levels[folder] and to not in edges[folder]:
            wrong.append(f'src/{path} includes "{target}": level {levels[folder]} may not include level {levels[to]}')
    return wrong


def inner(path):
    """The folder of a file within its component; '.' for a file that stands in the component itself."""
    parts = path.split('/')
    return parts[1] if len(parts) > 2 else '.'


def is_test(path):
    return path.endswith(('_test.cpp', '_bench.cpp')) or '/testing' in path


def wrong_inner_includes(path, text, levels, edges):
    """The same within one component. Files that stand in the component itself are above all of its folders, unless the section says '.';
    tests may look at everything."""
    component, folder = path.split('/')[0], inner(path)
    top = max(levels.values()) + 1
    wrong = []
    for target in INCLUDE.findall(text):
        to = inner(target)
        if is_test(path) or target.split('/')[0] != component or to == folder:
            continue
        if levels.get(to, top) >= levels.get(folder, top) and to not in edges.get(folder, ()):
            wrong.append(f'src/{path} includes "{target}": {folder} may not include {to}')
    return wrong


def files():
    for file in sorted((ROOT / 'src').rglob('*')):
        if file.suffix in ('.h', '.cpp'):
            yield str(file.relative_to(ROOT / 'src')), file.read_text()


SECTIONS = read_layers((ROOT / 'tools/layers.txt').read_text())


def test_a_wrong_include_is_found():
    sections = read_layers('0 base\n2 net\n2 api net\n5 kubelet\n5 apiserver\n[kubelet]\n0 types\n1 pods\n1 node pods\n')
    levels, edges = sections['']
    assert wrong_includes('base/x.h', '#include "net/http.h"\n', levels, edges)
    assert wrong_includes('kubelet/x.h', '#include "apiserver/server.h"\n', levels, edges)
    assert wrong_includes('net/x.h', '#include "http.h"\n', levels, edges)
    assert not wrong_includes('api/x.h', '#include "net/http.h"\n#include "api/y.h"\n#include <vector>\n', levels, edges)
    levels, edges = sections['kubelet']
    assert wrong_inner_includes('kubelet/types/x.h', '#include "kubelet/pods/y.h"\n', levels, edges)
    assert wrong_inner_includes('kubelet/types/x.h', '#include "kubelet/kubelet.h"\n', levels, edges)
    assert wrong_inner_includes('kubelet/pods/x.h', '#include "kubelet/node/y.h"\n', levels, edges)
    allowed = '#include "kubelet/pods/y.h"\n#include "kubelet/types/y.h"\n#include "base/y.h"\n'
    assert not wrong_inner_includes('kubelet/node/x.h', allowed, levels, edges)
    assert not wrong_inner_includes('kubelet/x.h', allowed, levels, edges)
    assert not wrong_inner_includes('kubelet/types/x_test.cpp', allowed, levels, edges)


def test_every_include_keeps_the_layers():
    levels, edges = SECTIONS['']
    wrong = []
    for path, text in files():
        assert path.split('/')[0] in levels, f'src/{path}: its folder is not in tools/layers.txt'
        wrong += wrong_includes(path, text, levels, edges)
    assert not wrong, '\n' + '\n'.join(wrong)


@pytest.mark.parametrize('component', sorted(SECTIONS.keys() - {''}))
def test_every_include_keeps_the_order_within_its_component(component):
    levels, edges = SECTIONS[component]
    wrong = []
    for path, text in files():
        if path.startswith(component + '/'):
            folder = inner(path)
            assert folder in levels or folder in ('.', 'testing'), f'src/{path}: {folder} is not in the section [{component}] of tools/layers.txt'
            wrong += wrong_inner_includes(path, text, levels, edges)
    assert not wrong, '\n' + '\n'.join(wrong)
