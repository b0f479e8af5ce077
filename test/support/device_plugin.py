"""The device plugin of the tests' own (test/device_plugin): built with Go, run beside a node's kubelet."""
import contextlib

from .cluster import ROOT, Process
from .csi import build
from .nodes import await_true


class DevicePlugin:
    """A plugin on a KubeletNode. `devices`: "a b!", of which b is not healthy."""

    def __init__(self, node, devices, *flags, resource='pintle.test/device'):
        self.resource, name = resource, resource.replace('/', '_')
        self.folder = node.folder / 'kubelet/device-plugins'
        self.file = node.folder / f'{name}.devices'
        self.tell(devices)
        await_true("the kubelet's socket", (self.folder / 'kubelet.sock').is_socket)
        self.log = node.folder / f'{name}.log'
        self.log.unlink(missing_ok=True)
        program = build('device-plugin', '.', ROOT / 'test/device_plugin')
        self.process = Process([program, f'-folder={self.folder}', f'-resource={resource}', f'-devices={self.file}', *flags], self.log)

    def tell(self, devices):
        """The devices from now on."""
        whole = self.file.with_suffix('.new')
        whole.write_text(devices)
        whole.rename(self.file)

    def said(self, text):
        """How often it has said a line that begins so: "Register ok", "Allocate [a]"."""
        return sum(line.startswith(text) for line in self.log.read_text().splitlines())

    def stop(self):
        self.process.stop()


@contextlib.contextmanager
def device_plugin(node, devices, *flags, resource='pintle.test/device'):
    made = DevicePlugin(node, devices, *flags, resource=resource)
    try:
        yield made
    finally:
        made.stop()
