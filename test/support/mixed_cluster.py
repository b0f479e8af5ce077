"""A cluster on one node whose five components come each from Pintle or from upstream, with the same flags and files for both. All of
it runs in the caller's network namespace (support.netns.own_network)."""
import json
import pathlib
import shutil
import tempfile
import time

import yaml

from .cluster import ApiServer, Process, pintle_binary, run, wait_for
from .kubelet_node import CNI, PAUSE, KubeletNode
from .nodes import await_true, condition, raise_inotify_limit, write_mirror
from .peers import PEERS
from .registry import Registry, build_images

COMPONENTS = ('kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubelet', 'kube-proxy')
NODE_IP, POD_CIDR, NODE_POD_CIDR, SERVICE_CIDR = '10.64.0.1', '10.244.0.0/16', '10.244.0.0/24', '10.96.0.0/16'
DAY = '123456789.dkr.ecr.us-east-1.amazonaws.com/day'


def set_up_network():
    """The node's address on a bridge without ports. The pod range is black-holed but for this node's part; the service range leads to
    a bridge of its own, where what nobody translates dies."""
    run('ip', 'link', 'add', 'node0', 'type', 'bridge')
    run('ip', 'addr', 'add', f'{NODE_IP}/24', 'dev', 'node0')
    run('ip', 'link', 'set', 'node0', 'up')
    run('ip', 'route', 'add', 'blackhole', POD_CIDR)
    run('ip', 'link', 'add', 'services', 'type', 'bridge')
    run('ip', 'link', 'set', 'services', 'up')
    run('ip', 'route', 'add', SERVICE_CIDR, 'dev', 'services', 'src', NODE_IP, 'metric', '4000')
    run('sysctl', '-qw', 'net.ipv4.ip_forward=1')


class MixedCluster(KubeletNode):
    """`upstream` names the components that are upstream's; an upstream API server brings its etcd."""

    def __init__(self, upstream, images_folder):
        self.name, self.upstream = 'node', frozenset(upstream)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix='pintle-swap-'))
        self.server = ApiServer(upstream=PEERS if 'kube-apiserver' in self.upstream else None, flags=[
            '--bind-address=0.0.0.0', f'--advertise-address={NODE_IP}', f'--service-cluster-ip-range={SERVICE_CIDR}',
            f'--kubelet-client-certificate={self.folder}/pki/kubelet-client.crt', f'--kubelet-client-key={self.folder}/pki/kubelet-client.key',
            '--kubelet-preferred-address-types=InternalIP'])
        self.registry = Registry(folder=images_folder, images=build_images())
        self.cgroup = f'/{self.folder.name}'
        self.containerd = self.kubelet = None
        self.managers = []       # controller manager, scheduler, proxy

    def __enter__(self):
        try:
            set_up_network()
            raise_inotify_limit()
            self.registry.start().push([f'{DAY}:v1.2.3', f'{DAY}:v1.3.0', PAUSE])
            self.start_containerd()
            self.issue_certificates()
            began = time.monotonic()
            self.server.start()
            self.start_managers()
            self.start_kubelet()
            self.start_proxy()
            await_true('node Ready', lambda: condition(self.json('get', 'node', self.name), 'Ready') == 'True')
            self.ready_s = time.monotonic() - began      # from the API server's start
            return self
        except BaseException as e:
            logs = self.logs_tail()
            self.close()
            raise RuntimeError(f'{e}\n{logs}') from e

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self.kubelet:
            self.server.kubectl('delete', 'deployments,pods', '--all', '-A', '--wait=false', '--grace-period=1', check=False)
        try:
            wait_for(lambda: not self.running(), 'the end of all pods', timeout_s=60)
        finally:
            for process in (*reversed(self.managers), self.kubelet, self.containerd):
                if process:
                    process.stop(timeout_s=60)
            self.registry.stop()
            self.server.stop()
            self.clean()

    def start_containerd(self):
        (self.folder / 'cni').mkdir()
        conflist = json.loads(json.dumps(CNI))
        conflist['plugins'][0]['ipam']['ranges'] = [[{'subnet': NODE_POD_CIDR}]]
        (self.folder / 'cni/10-pods.conflist').write_text(json.dumps(conflist))
        write_mirror(self.folder / 'mirror', self.registry.url)
        super().start_containerd()

    def issue_certificates(self):
        """Those that an administrator of an upstream cluster makes: each component is its own user."""
        pki = self.server.pki
        for user in COMPONENTS[1:3] + COMPONENTS[4:]:
            pki.issue(user, f'/CN=system:{user}')
        pki.issue('kubelet', f'/O=system:nodes/CN=system:node:{self.name}')
        pki.issue('kubelet-client', '/O=system:masters/CN=kube-apiserver-kubelet-client')
        (self.folder / 'pki').mkdir()
        for end in ('crt', 'key'):
            shutil.copy(pki.path(f'kubelet-client.{end}'), self.folder / 'pki')

    # --- the components: upstream's command lines, whoever runs them ---------------------------------------------------------
    def program(self, component):
        return [str(PEERS / component)] if component in self.upstream else [pintle_binary(), component]

    def kubeconfig(self, component):
        return self.server.pki.kubeconfig(f'{component}.conf', self.server.url, component)

    def start_component(self, component, *flags):
        process = Process([*self.program(component), *flags], self.folder / f'{component}.log')
        self.managers.append(process)
        return process

    def start_managers(self):
        p = self.server.pki.path
        for component, flags in (
                ('kube-controller-manager', ['--use-service-account-credentials', f'--service-account-private-key-file={p("sa.key")}', f'--root-ca-file={p("ca.crt")}',
                                             f'--cluster-signing-cert-file={p("ca.crt")}', f'--cluster-signing-key-file={p("ca.key")}', '--allocate-node-cidrs=true',
                                             f'--cluster-cidr={POD_CIDR}', f'--service-cluster-ip-range={SERVICE_CIDR}']),
                ('kube-scheduler', [])):
            config = self.kubeconfig(component)
            self.start_component(component, f'--kubeconfig={config}', f'--authentication-kubeconfig={config}', f'--authorization-kubeconfig={config}',
                                 '--bind-address=127.0.0.1', '--leader-elect=true', *flags)

    def start_proxy(self):
        self.start_component('kube-proxy', f'--kubeconfig={self.kubeconfig("kube-proxy")}', '--proxy-mode=nftables', f'--cluster-cidr={POD_CIDR}',
                             f'--hostname-override={self.name}', '--conntrack-max-per-core=0', '--conntrack-min=0')

    def start_kubelet(self):
        for controller in pathlib.Path('/sys/fs/cgroup').iterdir():     # upstream's kubelet wants its cgroup root to exist
            if controller.is_dir() and not controller.is_symlink():
                (controller / self.cgroup.lstrip('/')).mkdir(exist_ok=True)
        (self.folder / 'resolv.conf').write_text('')
        config = {'apiVersion': 'kubelet.config.k8s.io/v1beta1', 'kind': 'KubeletConfiguration', 'containerRuntimeEndpoint': f'unix://{self.folder}/containerd.sock',
                  'podLogsDir': f'{self.folder}/pod-logs', 'cgroupRoot': self.cgroup, 'cgroupDriver': 'cgroupfs', 'failSwapOn': False, 'failCgroupV1': False,
                  'clusterDNS': ['10.96.0.10'], 'clusterDomain': 'cluster.local', 'resolvConf': f'{self.folder}/resolv.conf',
                  'authentication': {'anonymous': {'enabled': False}, 'webhook': {'enabled': True}, 'x509': {'clientCAFile': self.server.pki.ca}},
                  'authorization': {'mode': 'Webhook'}, 'logging': {'verbosity': 2}}
        path = self.folder / 'kubelet.yaml'
        path.write_text(yaml.safe_dump(config))
        self.kubelet = Process([*self.program('kubelet'), f'--config={path}', f'--kubeconfig={self.kubeconfig("kubelet")}', f'--root-dir={self.folder}/kubelet',
                                f'--hostname-override={self.name}', f'--node-ip={NODE_IP}'], self.folder / 'kubelet.log')

    # --- what tests ask -----------------------------------------------------------------------------------------------------
    def kubectl(self, *args, **kw):
        return self.server.kubectl(*args, **kw)

    def json(self, *args):
        return json.loads(self.kubectl(*args, '-o', 'json'))

    def items(self, kind, namespace):
        return self.json('-n', namespace, 'get', kind)['items']

    def logs_tail(self, chars=2500):
        files = [self.server.folder / 'apiserver.log', *(self.folder / f'{c}.log' for c in COMPONENTS[1:])]
        return '\n'.join(f'--- {f.name}\n{f.read_text(errors="replace")[-chars:]}' for f in files if f.exists())
