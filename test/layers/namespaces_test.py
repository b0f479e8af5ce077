"""Within a component the namespace of a file is its folder's (pintle::kubelet::pods for src/kubelet/pods), and what lies deeper adds to it. The
component's own namespace belongs to files that stand in the component itself and to the folder of its vocabulary."""
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
SRC = ROOT / 'src'
COMPONENTS = {'apiserver': 'types', 'controller': 'framework', 'kubelet': 'types', 'proxy': 'types', 'scheduler': 'framework'}
OPENED = re.compile(r'^namespace (pintle(?:::\w+)+) \{\n(.*?)^\}', re.M | re.S)
# A block that only announces what lives elsewhere.
ANNOUNCES = re.compile(r'^(?:\s*(?:class|struct|enum class)\s+\w+(?:\s*:\s*\w+)?;\s*(?://[^\n]*)?\n|\s*\n)*$')


def wrong_namespaces(path, text):
    """`path` is from src/. The namespaces that the file opens and should not, as sentences."""
    parts = path.split('/')
    component, vocabulary = parts[0], COMPONENTS[parts[0]]
    folder = parts[1] if len(parts) > 2 else None
    own = f'pintle::{component}' if folder in (None, vocabulary) else f'pintle::{component}::{folder}'
    allowed = {own} | ({f'pintle::{component}::testing'} if 'testing' in path else set())
    return [f'src/{path} opens {name}, and stands in {own}' for name, body in OPENED.findall(text)
            if name not in allowed and not any(name.startswith(f'{a}::') for a in allowed) and not ANNOUNCES.match(body)]


def test_namespaces_are_folders():
    wrong = []
    for component in COMPONENTS:
        for file in sorted((SRC / component).rglob('*')):
            if file.suffix in ('.h', '.cpp'):
                wrong += wrong_namespaces(str(file.relative_to(SRC)), file.read_text())
    assert wrong == []


def test_a_wrong_namespace_is_seen():
    text = 'namespace pintle::kubelet {\nvoid f() {}\n}\n'
    assert wrong_namespaces('kubelet/pods/a.cpp', text) and not wrong_namespaces('kubelet/a.cpp', text) and not wrong_namespaces('kubelet/types/a.cpp', text)
    assert not wrong_namespaces('kubelet/pods/a.cpp', 'namespace pintle::kubelet::status {\nclass Status;\n}\nnamespace pintle::kubelet::pods {\nvoid f() {}\n}\n')
