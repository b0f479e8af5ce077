"""Every #include in src/ goes to the same folder, to a lower level, or along an edge that tools/layers.txt names."""
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)


def read_layers(text):
    """Returns ({folder: level}, {folder: folders of its level that it may include})."""
    levels, edges = {}, {}
    for line in text.splitlines():
        words = line.split('#')[0].split()
        if words:
            levels[words[1]] = int(words[0])
            edges[words[1]] = set(words[2:])
    return levels, edges


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


def test_a_wrong_include_is_found():
    levels, edges = read_layers('0 base\n2 net\n2 api net\n5 kubelet\n5 apiserver\n')
    assert wrong_includes('base/x.h', '#include "net/http.h"\n', levels, edges)
    assert wrong_includes('kubelet/x.h', '#include "apiserver/server.h"\n', levels, edges)
    assert wrong_includes('net/x.h', '#include "http.h"\n', levels, edges)
    assert not wrong_includes('api/x.h', '#include "net/http.h"\n#include "api/y.h"\n#include <vector>\n', levels, edges)


def test_every_include_keeps_the_layers():
    levels, edges = read_layers((ROOT / 'tools/layers.txt').read_text())
    wrong = []
    for file in sorted((ROOT / 'src').rglob('*')):
        if file.suffix in ('.h', '.cpp'):
            path = str(file.relative_to(ROOT / 'src'))
            assert path.split('/')[0] in levels, f'src/{path}: its folder is not in tools/layers.txt'
            wrong += wrong_includes(path, file.read_text(), levels, edges)
    assert not wrong, '\n' + '\n'.join(wrong)
