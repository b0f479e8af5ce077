"""The device plugin of the tests' own (test/device_plugin): built with Go, run beside a node's kubelet."""
import contextlib
import json
import subprocess

from .cluster import ROOT, Process
from .csi import build
from .nodes import await_true


def program():
    return build('device-plugin', '.', ROOT / 'test/device_plugin')


def pod_resources(node, pod):
    """What the pod resources API says of all, and of a pod, with its lists sorted."""
    done = subprocess.run([program(), f'-pod-resources={node.folder}/kubelet/pod-resources/kubelet.sock', f'-pod={pod}'], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stdout)
    return ordered(json.loads(done.stdout))


def ordered(value):
    if isinstance(value, dict):
        return {k: ordered(v) for k, v in value.items()}
    return sorted((ordered(v) for v in value), key=json.dumps) if isinstance(value, list) else value


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
        self.process = Process([program(), f'-folder={self.folder}', f'-resource={resource}', f'-devices={self.file}', *flags], self.log)

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
