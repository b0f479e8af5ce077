"""The CSI driver of the tests' own (test/csi), and csi-sanity: built with Go, run beside a node's kubelet."""
import contextlib
import shutil
import subprocess

import pytest

from .cluster import ROOT, Process
from .nodes import await_true

SOURCES = ROOT / 'test/csi'


def build(name, package, sources=SOURCES):
    """build/NAME of a package that `sources` pins; made anew when they are newer."""
    program = ROOT / 'build' / name
    if not program.exists() or program.stat().st_mtime < max(f.stat().st_mtime for f in sources.iterdir()):
        if not shutil.which('go'):
            pytest.skip(f'the go command is not installed: there is no {name}')
        subprocess.run(['go', 'build', '-o', str(program), package], cwd=sources, check=True)
    return str(program)


def driver_program():
    return build('csi-driver', '.')


def sanity_program():
    return build('csi-sanity', 'github.com/kubernetes-csi/csi-test/v5/cmd/csi-sanity')


class Driver:
    """A driver on a KubeletNode. `folder_name`: of its sockets, where its name is none for a file."""

    def __init__(self, node, name, *flags, folder_name=None):
        self.name = name
        root, files = node.folder / 'kubelet', folder_name or name
        self.folder = root / 'plugins' / files
        self.folder.mkdir(parents=True, exist_ok=True)
        self.endpoint = self.folder / 'csi.sock'
        self.socket = root / 'plugins_registry' / f'{files}-reg.sock'
        await_true('the folder of sockets', self.socket.parent.is_dir)
        self.log = node.folder / f'{files}.log'
        self.log.unlink(missing_ok=True)
        self.process = Process([driver_program(), f'-name={name}', f'-endpoint={self.endpoint}', f'-register={self.socket}', f'-data={node.folder}/data', *flags], self.log)

    def said(self, text):
        """How often it has said a line that begins so: "NodeStageVolume ok", "registered true"."""
        return sum(line.startswith(text) for line in self.log.read_text().splitlines())

    def stop(self):
        self.process.stop()


@contextlib.contextmanager
def driver(node, name, *flags, folder_name=None):
    made = Driver(node, name, *flags, folder_name=folder_name)
    try:
        yield made
    finally:
        made.stop()
