"""Nodes of upstream's components (build/peers) where support.nodes has Pintle's: the same namespaces, bridge, containerd and images.
The first node has etcd and the control plane beside its kubelet and proxy. What a cluster has besides components stands on the first
node too: our cluster-dns behind the service kube-dns and, where it is built (test/ecosystem), metrics-server behind its API."""
import contextlib
import json
import pathlib
import shutil
import subprocess
import tempfile
import uuid

from .cluster import Pki, Process, pintle_binary, run, wait_for
from .kubelet_node import CNI, CONTAINERD, PAUSE, remove_cgroup
from .mixed_cluster import COMPONENTS
from .nodes import CGROUP_ROOT, POD_CIDR, SERVICE_CIDR, Kubectl, Network, await_true, condition, raise_inotify_limit, write_mirror
from .peers import PEERS

SERVICE_IP, DNS_IP = '10.43.0.1', '10.43.0.10'
API_PORT, METRICS_PORT = 6443, 4443
ETCD = 'http://127.0.0.1:2379'


def mounts_below(folder):
    targets = (line.split()[1] for line in pathlib.Path('/proc/mounts').read_text().splitlines())
    return [target for target in targets if target.startswith(f'{folder}/')]


class UpstreamNode:
    """One node's containerd, kubelet and proxy; `folder` holds all that they write."""

    def __init__(self, cluster, name, index, folder):
        self.cluster, self.name = cluster, name
        self.folder = pathlib.Path(folder)
        self.ip = str(cluster.network.subnet[10 + index])
        self.cgroup = f'{cluster.network.name}-{name}'
        self.namespace = None
        self.processes = []

    def start_process(self, name, *args):
        process = Process(['nsenter', f'--net=/run/netns/{self.namespace}', *map(str, args)], self.folder / f'{name}.log')
        self.processes.append(process)
        return process

    def enter(self):
        """The namespace and containerd; no component of upstream's yet."""
        (self.folder / 'cni').mkdir(parents=True)
        self.namespace = self.cluster.network.add_node(self.name, self.ip)
        write_mirror(self.folder / 'mirror', self.cluster.registry)
        (self.folder / 'containerd.toml').write_text(CONTAINERD.format(folder=self.folder, pause=PAUSE, snapshotter='overlayfs', cri_settings=''))
        process = self.start_process('containerd', 'containerd', '--config', self.folder / 'containerd.toml', '--log-level', 'warn')
        wait_for(lambda: self.ctr('version'), 'containerd', process)

    def ctr(self, *args):
        return run('ctr', f'--address={self.folder}/containerd.sock', '--namespace=k8s.io', *args)

    def start(self):
        """Kubelet and proxy; the pod network once the node has been given its range. Returns that range."""
        for controller in CGROUP_ROOT.iterdir():     # upstream's kubelet wants its cgroup root to exist
            if controller.is_dir() and not controller.is_symlink():
                (controller / self.cgroup).mkdir(exist_ok=True)
        pki = self.cluster.pki
        pki.issue(f'kubelet-{self.name}', f'/O=system:nodes/CN=system:node:{self.name}')
        (self.folder / 'resolv.conf').write_text('')
        config = {'apiVersion': 'kubelet.config.k8s.io/v1beta1', 'kind': 'KubeletConfiguration', 'containerRuntimeEndpoint': f'unix://{self.folder}/containerd.sock',
                  'podLogsDir': f'{self.folder}/pod-logs', 'cgroupRoot': f'/{self.cgroup}', 'cgroupDriver': 'cgroupfs', 'failSwapOn': False, 'failCgroupV1': False,
                  'clusterDNS': [DNS_IP], 'clusterDomain': 'cluster.local', 'resolvConf': f'{self.folder}/resolv.conf',
                  'authentication': {'anonymous': {'enabled': False}, 'webhook': {'enabled': True}, 'x509': {'clientCAFile': pki.ca}}, 'authorization': {'mode': 'Webhook'}}
        (self.folder / 'kubelet.json').write_text(json.dumps(config))
        self.start_process('kubelet', PEERS / 'kubelet', f'--config={self.folder}/kubelet.json', f'--kubeconfig={self.cluster.config(f"kubelet-{self.name}")}',
                           f'--root-dir={self.folder}/kubelet', f'--hostname-override={self.name}', f'--node-ip={self.ip}')
        self.start_process('kube-proxy', PEERS / 'kube-proxy', f'--kubeconfig={self.cluster.config("kube-proxy")}', '--proxy-mode=nftables', f'--cluster-cidr={POD_CIDR}',
                           f'--hostname-override={self.name}', '--conntrack-max-per-core=0', '--conntrack-min=0')
        pod_range = await_true(f'the pods\' range of {self.name}', lambda: self.cluster.kubectl.json('get', 'node', self.name)['spec'].get('podCIDR'))
        conflist = json.loads(json.dumps(CNI))
        conflist['plugins'][0]['ipam']['ranges'] = [[{'subnet': pod_range}]]
        (self.folder / 'cni/10-pods.conflist').write_text(json.dumps(conflist))
        return pod_range

    def route(self, pod_range, ip):
        run('ip', '-n', self.namespace, 'route', 'replace', pod_range, 'via', ip)

    def clean(self):
        """Ends the processes, the pods by their control groups and shims, and removes what was mounted."""
        containerd, *others = self.processes
        for process in reversed(others):
            process.stop(timeout_s=60)
        for line in self.ctr('tasks', 'list', '-q').split():
            with contextlib.suppress(RuntimeError):     # ended meanwhile
                self.ctr('tasks', 'delete', '--force', line)
        networks = set()
        for container in self.ctr('containers', 'list', '-q').split():
            spec = json.loads(self.ctr('containers', 'info', container))['Spec']
            networks |= {n['path'] for n in spec['linux']['namespaces'] if n['type'] == 'network' and n.get('path', '').startswith('/run/netns/')}
        containerd.stop(timeout_s=60)
        for path in networks - {f'/run/netns/{n}' for n in self.cluster.network.namespaces}:
            subprocess.run(['umount', '-l', path], capture_output=True)
            pathlib.Path(path).unlink(missing_ok=True)
        for target in reversed(mounts_below(self.folder)):
            subprocess.run(['umount', '-l', target], capture_output=True)
        for controller in CGROUP_ROOT.iterdir():
            below = controller / self.cgroup
            if below.is_dir():
                wait_for(lambda root=below: remove_cgroup(root), 'the control groups go', timeout_s=30)
        self.processes = []


class UpstreamCluster:
    """As NodeCluster, of upstream's components; a context manager that leaves nothing behind. `metrics`: metrics-server's program, None: no metrics API."""

    def __init__(self, agents=0, registry=None, name=None, subnet='10.88.0.0/24', folder=None, before_start=None, metrics=None):
        self.folder = pathlib.Path(folder or tempfile.mkdtemp(prefix='pintle-upstream-'))
        self.network = Network(name or f'pt{uuid.uuid4().hex[:5]}', subnet)
        self.registry, self.before_start, self.metrics = registry, before_start, metrics
        self.server = UpstreamNode(self, 'server', 0, self.folder / 'server')
        self.agents = [UpstreamNode(self, f'agent{i}', i + 1, self.folder / f'agent{i}') for i in range(agents)]
        self.url = f'https://{self.server.ip}:{API_PORT}'
        self.pki = self.kubectl = None

    @property
    def nodes(self):
        return [self.server, *self.agents]

    def config(self, user):
        return self.pki.kubeconfig(f'{user}.conf', self.url, user)

    def __enter__(self):
        try:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.network.up()
            if self.before_start:
                self.before_start()
            raise_inotify_limit()
            self.pki = Pki(self.folder / 'pki')
            for node in self.nodes:
                node.enter()
            self.start_control_plane()
            ranges = {node: node.start() for node in self.nodes}
            for node in self.nodes:
                for other in self.nodes:
                    if other is not node:
                        node.route(ranges[other], other.ip)
            for node in self.nodes:
                await_true(f'node {node.name} Ready', lambda name=node.name: condition(self.kubectl.json('get', 'node', name), 'Ready') == 'True')
            self.start_dns()
            if self.metrics:
                self.start_metrics()
        except BaseException:
            self.__exit__()
            raise
        return self

    def start_control_plane(self):
        pki, p, server = self.pki, self.pki.path, self.server
        names = f'DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,IP:127.0.0.1,IP:{SERVICE_IP},IP:{server.ip}'
        pki.issue('server', '/CN=kube-apiserver', f'subjectAltName={names}\nextendedKeyUsage=serverAuth')
        for user in COMPONENTS[1:3] + COMPONENTS[4:]:
            pki.issue(user, f'/CN=system:{user}')
        pki.issue('kubelet-client', '/O=system:masters/CN=kube-apiserver-kubelet-client')
        pki.issue('front-proxy', '/CN=front-proxy-client')
        server.kubeconfig = self.config('admin')
        self.kubectl = Kubectl(server.kubeconfig, str(PEERS / 'kubectl'))
        server.start_process('etcd', PEERS / 'etcd', f'--data-dir={self.folder}/etcd', f'--listen-client-urls={ETCD}', f'--advertise-client-urls={ETCD}')
        server.start_process(
            'kube-apiserver', PEERS / 'kube-apiserver', f'--etcd-servers={ETCD}', f'--secure-port={API_PORT}', f'--advertise-address={server.ip}', f'--tls-cert-file={p("server.crt")}',
            f'--tls-private-key-file={p("server.key")}', f'--client-ca-file={pki.ca}', '--service-account-issuer=https://kubernetes.default.svc',
            f'--service-account-key-file={p("sa.pub")}', f'--service-account-signing-key-file={p("sa.key")}', f'--service-cluster-ip-range={SERVICE_CIDR}',
            '--authorization-mode=Node,RBAC', '--enable-admission-plugins=NodeRestriction', '--allow-privileged=true', '--kubelet-preferred-address-types=InternalIP',
            f'--kubelet-client-certificate={p("kubelet-client.crt")}', f'--kubelet-client-key={p("kubelet-client.key")}', f'--requestheader-client-ca-file={pki.ca}',
            '--requestheader-allowed-names=front-proxy-client', '--requestheader-username-headers=X-Remote-User', '--requestheader-group-headers=X-Remote-Group',
            '--requestheader-extra-headers-prefix=X-Remote-Extra-', f'--proxy-client-cert-file={p("front-proxy.crt")}', f'--proxy-client-key-file={p("front-proxy.key")}')
        await_true('the API server', lambda: self.kubectl('get', '--raw', '/readyz') == 'ok')
        for component, flags in (
                ('kube-controller-manager', ['--use-service-account-credentials', f'--service-account-private-key-file={p("sa.key")}', f'--root-ca-file={pki.ca}',
                                             f'--cluster-signing-cert-file={pki.ca}', f'--cluster-signing-key-file={pki.ca_key}', '--allocate-node-cidrs=true',
                                             f'--cluster-cidr={POD_CIDR}', f'--service-cluster-ip-range={SERVICE_CIDR}']),
                ('kube-scheduler', [])):
            config = self.config(component)
            # Alone they need no lease, and whoever loses one ends: on a busy machine nobody would start it again.
            server.start_process(component, PEERS / component, f'--kubeconfig={config}', f'--authentication-kubeconfig={config}', f'--authorization-kubeconfig={config}', '--leader-elect=false', *flags)

    def publish(self, name, service_port, port, protocols, cluster_ip=None):
        """A service of kube-system for what listens on the first node."""
        ports = [{'name': protocol.lower(), 'protocol': protocol, 'port': service_port, 'targetPort': port} for protocol in protocols]
        slices = [{'name': p['name'], 'protocol': p['protocol'], 'port': port} for p in ports]
        self.kubectl.apply({'apiVersion': 'v1', 'kind': 'List', 'items': [
            {'apiVersion': 'v1', 'kind': 'Service', 'metadata': {'name': name, 'namespace': 'kube-system'}, 'spec': {'ports': ports, **({'clusterIP': cluster_ip} if cluster_ip else {})}},
            {'apiVersion': 'discovery.k8s.io/v1', 'kind': 'EndpointSlice', 'metadata': {'name': name, 'namespace': 'kube-system', 'labels': {'kubernetes.io/service-name': name}},
             'addressType': 'IPv4', 'endpoints': [{'addresses': [self.server.ip], 'conditions': {'ready': True}}], 'ports': slices}]})

    def start_dns(self):
        self.server.start_process('dns', pintle_binary(), 'cluster-dns', f'--kubeconfig={self.server.kubeconfig}', f'--listen={self.server.ip}:53', f'--nameserver={DNS_IP}')
        self.publish('kube-dns', 53, 53, ['UDP', 'TCP'], DNS_IP)

    def start_metrics(self):
        config = self.server.kubeconfig
        self.server.start_process('metrics-server', self.metrics, f'--kubeconfig={config}', f'--authentication-kubeconfig={config}', f'--authorization-kubeconfig={config}',
                                  f'--secure-port={METRICS_PORT}', f'--cert-dir={self.folder}/metrics', '--kubelet-insecure-tls', '--kubelet-preferred-address-types=InternalIP',
                                  '--metric-resolution=15s')
        self.publish('metrics-server', 443, METRICS_PORT, ['TCP'])
        self.kubectl.apply({'apiVersion': 'apiregistration.k8s.io/v1', 'kind': 'APIService', 'metadata': {'name': 'v1beta1.metrics.k8s.io'}, 'spec': {
            'group': 'metrics.k8s.io', 'version': 'v1beta1', 'groupPriorityMinimum': 100, 'versionPriority': 100, 'insecureSkipTLSVerify': True,
            'service': {'name': 'metrics-server', 'namespace': 'kube-system'}}})
        await_true('the metrics of all nodes', lambda: len(json.loads(self.kubectl('get', '--raw', '/apis/metrics.k8s.io/v1beta1/nodes'))['items']) == len(self.nodes), timeout_s=120)

    def __exit__(self, *_):
        failures = []
        for node in reversed(self.nodes):
            if node.processes:
                try:
                    node.clean()
                except (RuntimeError, OSError) as e:
                    failures.append(str(e))
        self.network.down()
        if failures:
            raise RuntimeError('; '.join(failures))
