"""The CSI driver of the tests' own (test/csi), and csi-sanity: built with Go, run beside a node's kubelet."""
import contextlib
import json
import os
import shutil
import subprocess

import pytest

from .cluster import ROOT, Process
from .nodes import await_true

SOURCES = ROOT / 'test/csi'


def build(name, package, sources=SOURCES):
    """build/NAME of a package that `sources` pins; made anew when they are newer."""
    program = ROOT / 'build' / name
    if not program.exists() or program.stat().st_mtime < max(f.stat().st_mtime for f in sources.rglob('*')):
        if not shutil.which('go'):
            pytest.skip(f'the go command is not installed: there is no {name}')
        subprocess.run(['go', 'build', '-o', str(program), package], cwd=sources, env={**os.environ, 'CGO_ENABLED': '0'}, check=True)
    return str(program)


def driver_program():
    return build('csi-driver', '.')


def sanity_program():
    return build('csi-sanity', 'github.com/kubernetes-csi/csi-test/v5/cmd/csi-sanity')


def call_program():
    return build('csi-call', './call')


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
        self.data = node.folder / 'data'
        self.orders = node.folder / f'{files}.orders'
        self.orders.unlink(missing_ok=True)
        self.log = node.folder / f'{files}.log'
        self.log.unlink(missing_ok=True)
        self.process = Process([driver_program(), f'-name={name}', f'-endpoint={self.endpoint}', f'-register={self.socket}', f'-data={self.data}', f'-orders={self.orders}', *flags], self.log)

    def said(self, text):
        """How often it has said a line that begins so: "NodeStageVolume ok", "registered true"."""
        return sum(line.startswith(text) for line in self.log.read_text().splitlines())

    def asked(self, method):
        """The requests of a method, oldest first."""
        start = f'request {method} '
        return [json.loads(line[len(start):]) for line in self.log.read_text().splitlines() if line.startswith(start)]

    @contextlib.contextmanager
    def ordered(self, *lines):
        """While its calls fail or hang: "NodePublishVolume 13", "NodeStageVolume hang"."""
        self.orders.write_text('\n'.join(lines))
        try:
            yield
        finally:
            self.orders.unlink()

    def stop(self):
        self.process.stop()


@contextlib.contextmanager
def driver(node, name, *flags, folder_name=None):
    made = Driver(node, name, *flags, folder_name=folder_name)
    try:
        yield made
    finally:
        made.stop()
