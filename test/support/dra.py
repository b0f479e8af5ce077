"""The DRA driver of the tests' own (test/dra_driver): built with Go, run beside a node's kubelet; and claims that no scheduler has to allocate."""
import contextlib
import json

from .cluster import ROOT, Process
from .csi import build
from .nodes import await_true

DRIVER = 'dra.pintle.test'


def program():
    return build('dra-driver', '.', ROOT / 'test/dra_driver')


class Driver:
    """A driver on a node. `files`: where its log, its faults and its CDI files are."""

    def __init__(self, root, kubeconfig, node_name, files, *flags, name=DRIVER, devices='d0 d1', netns=None, cdi=None):
        self.name, self.node_name = name, node_name
        self.cdi = cdi or files / 'cdi'
        self.cdi.mkdir(parents=True, exist_ok=True)
        self.faults = files / f'{name}.faults'
        self.faults.write_text('')
        await_true('the folder of sockets', (root / 'plugins_registry').is_dir)
        self.log = files / f'{name}.log'
        command = [program(), f'-driver={name}', f'-node={node_name}', f'-root={root}', f'-kubeconfig={kubeconfig}', f'-cdi={self.cdi}', f'-faults={self.faults}',
                   f'-devices={devices}', *flags]
        self.command = ['ip', 'netns', 'exec', netns, *command] if netns else command
        self.process = None
        self.log.unlink(missing_ok=True)

    def start(self):
        self.process = Process(self.command, self.log)
        return self

    def stop(self, *args):
        if self.process:
            self.process.stop(*args)
        self.process = None

    def go_wrong(self, *words):
        """What goes wrong from now on; nothing: all goes well."""
        whole = self.faults.with_suffix('.new')
        whole.write_text('\n'.join(words))
        whole.rename(self.faults)

    def said(self, text):
        """How often it has said a line that begins so: "Registered true", "Prepare claim"."""
        return sum(line.startswith(text) for line in self.log.read_text().splitlines()) if self.log.exists() else 0

    def calls(self):
        """What it was asked to do."""
        return [line for line in self.log.read_text().splitlines() if line.split(' ')[0] in ('Prepare', 'Unprepare')]


@contextlib.contextmanager
def driver_on(node, *flags, **more):
    """On a KubeletNode; registered."""
    made = Driver(node.folder / 'kubelet', node.server.kubeconfig, node.name, node.folder, *flags, **more).start()
    try:
        await_true('it is registered', lambda: made.said('Registered true'))
        yield made
    finally:
        made.stop()


def claim(node, name, devices=(('r', 'd0'),), driver=DRIVER):
    """A claim that is allocated: its requests, and the device of each."""
    requests = [{'name': request, 'exactly': {'deviceClassName': 'any'}} for request in dict(devices)]
    made = {'apiVersion': 'resource.k8s.io/v1', 'kind': 'ResourceClaim', 'metadata': {'name': name}, 'spec': {'devices': {'requests': requests}}}
    made = json.loads(node.server.kubectl('create', '-f', '-', '-o', 'json', stdin=json.dumps(made)))
    results = [{'request': request, 'driver': driver, 'pool': node.name, 'device': device} for request, device in devices]
    made['status'] = {'allocation': {'devices': {'results': results}}}
    put_status(node, made)
    return made


def put_status(node, made):
    path = f'/apis/resource.k8s.io/v1/namespaces/default/resourceclaims/{made["metadata"]["name"]}'
    made['metadata'].pop('resourceVersion', None)
    node.server.kubectl('replace', '--raw', f'{path}/status', '-f', '-', stdin=json.dumps(made))


def reserve(node, name, pod):
    """The claim is this pod's to use, too."""
    made = json.loads(node.server.kubectl('get', 'resourceclaim', name, '-o', 'json'))
    uid = json.loads(node.server.kubectl('get', 'pod', pod, '-o', 'json'))['metadata']['uid']
    made['status']['reservedFor'] = [*made['status'].get('reservedFor', []), {'resource': 'pods', 'name': pod, 'uid': uid}]
    put_status(node, made)
