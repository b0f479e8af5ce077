"""Two clusters that differ in one program: the controller manager, ours or upstream's, on our API server with our scheduler and hollow nodes."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from support.cluster import ApiServer, Process, free_port, wait_for  # noqa: E402
from support.hollow_nodes import Client, HollowNode  # noqa: E402

NODES = 3
ZONE = 'topology.kubernetes.io/zone'
# What takes minutes, in seconds.
AUTOSCALERS = '--horizontal-pod-autoscaler-sync-period=1s', '--horizontal-pod-autoscaler-downscale-stabilization=4s'


class ManagedCluster:
    """`manager` and `scheduler`: the commands' first words."""

    def __init__(self, binary, manager, scheduler):
        self.binary, self.manager, self.scheduler = binary, manager, scheduler
        self.server, self.nodes, self.running = ApiServer(binary=binary), [], []

    def __enter__(self):
        self.server.start()
        try:
            self.client = self.client_of('admin', None)
            self.manager_port = self.start('kube-controller-manager', self.manager, '--use-service-account-credentials',
                       f'--service-account-private-key-file={self.server.pki.path("sa.key")}', f'--root-ca-file={self.server.pki.ca}', '--controllers=*,selinux-warning-controller', '--enable-hostpath-provisioner', *AUTOSCALERS)
            self.start('kube-scheduler', self.scheduler)
            for i in range(NODES):
                name = f'hollow-{i}'
                node = HollowNode(name, self.client_of(name, f'/O=system:nodes/CN=system:node:{name}'), i)
                node.start()
                self.nodes.append(node)
            wait_for(lambda: self.client.call('GET', '/api/v1/namespaces/default/serviceaccounts/default', ok=(200, 404)).get('kind') == 'ServiceAccount',
                     'the manager works', self.server.server, timeout_s=60)
            return self
        except BaseException:
            self.close()
            raise

    def __exit__(self, *_):
        self.close()

    def client_of(self, name, subject):
        pki = self.server.pki
        if subject:
            pki.issue(name, subject)
        return Client('127.0.0.1', self.server.port, pki.ca, pki.path(f'{name}.crt'), pki.path(f'{name}.key'))

    def start(self, name, command, *flags):
        """The component's secure port."""
        server, port = self.server, free_port()
        server.pki.issue(name, f'/CN=system:{name}')
        config = server.pki.kubeconfig(f'{name}.conf', server.url, name)
        self.running.append(Process([*command, f'--kubeconfig={config}', f'--authentication-kubeconfig={config}', f'--authorization-kubeconfig={config}',
                                     '--bind-address=127.0.0.1', f'--secure-port={port}', f'--cert-dir={server.folder}/{name}', *flags], server.folder / f'{name}.log'))
        return port

    def manager_ended(self):
        """What the manager said at its end; None while it runs."""
        manager = self.running[0]
        return None if manager.child.poll() is None else manager.tail(2000)

    def close(self):
        for node in self.nodes:
            node.stopping.set()
        for process in reversed(self.running):
            process.stop(timeout_s=60)
        self.server.stop()
