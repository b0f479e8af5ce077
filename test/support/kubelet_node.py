"""A node of one process at a time: an API server without controllers, a containerd with images from a registry of ours, and the
kubelet alone. Everything runs in the caller's network namespace (support.netns.own_network)."""
import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

import yaml

from .cluster import ApiServer, Process, pintle_binary, wait_for
from .nodes import raise_inotify_limit, write_mirror
from .registry import Registry, build_images

PAUSE = 'registry.k8s.io/pause:3.10.2'
CONTAINERD = '''version = 2
root = "{folder}/root"
state = "{folder}/state"
disabled_plugins = ["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs", "io.containerd.internal.v1.opt"]
[grpc]
  address = "{folder}/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{pause}"
  restrict_oom_score_adj = true
  stream_server_address = "127.0.0.1"
  stream_server_port = "0"
{cri_settings}  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{folder}/cni"
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "{folder}/mirror"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "{snapshotter}"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
'''
CNI = {'cniVersion': '0.4.0', 'name': 'pods', 'plugins': [
    {'type': 'bridge', 'bridge': 'cni0', 'isGateway': True, 'hairpinMode': True,
     'ipam': {'type': 'host-local', 'ranges': [[{'subnet': '10.42.0.0/24'}]], 'routes': [{'dst': '0.0.0.0/0'}]}},
    {'type': 'portmap', 'capabilities': {'portMappings': True}}]}


def missing():
    """Why this machine cannot run it; None if it can."""
    for program in ('containerd', 'runc'):
        if not shutil.which(program):
            return f'{program} is not installed'
    return None if pathlib.Path('/usr/lib/cni/bridge').exists() else 'the CNI plugins are not installed'


def remove_cgroup(root):
    """Ends what still runs in a control group of ours (pods of a test that failed) and removes it; False: not yet."""
    groups = sorted([root, *(p for p in root.rglob('*') if p.is_dir())], key=lambda p: -len(p.parts))
    for group in groups:
        for pid in (group / 'cgroup.procs').read_text().split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
    try:
        for group in groups:
            group.rmdir()
    except OSError:     # what was killed takes a moment to go
        return False
    return True


class KubeletNode:
    """`disk_mib`: the kubelet's root is a file system of this size and of its own. `cri_settings`: lines of containerd's configuration. `programs`: a folder
    whose containerd and shim are used instead of the machine's."""

    cri_settings, programs = '', None       # of nodes that are made otherwise

    def __init__(self, name='node', config=None, flags=(), disk_mib=None, env=None, cri_settings='', programs=None):
        self.name, self.config, self.flags, self.disk_mib = name, config or {}, list(flags), disk_mib
        self.cri_settings, self.programs = cri_settings, programs
        self.env = {**os.environ, **env} if env else None
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix='pintle-kubelet-'))
        self.server = ApiServer(flags=['--authorization-mode=AlwaysAllow'])
        self.registry = Registry(images=build_images())
        self.containerd = self.kubelet = None
        self.cgroup = f'/{self.folder.name}'

    def __enter__(self):
        raise_inotify_limit()
        self.server.start()
        self.registry.start().push()
        for namespace in ('default', 'kube-system', 'kube-node-lease'):
            self.server.kubectl('create', 'namespace', namespace, check=False)
        self.server.kubectl('create', 'serviceaccount', 'default', check=False)
        (self.folder / 'cni').mkdir()
        (self.folder / 'cni/10-pods.conflist').write_text(json.dumps(CNI))
        write_mirror(self.folder / 'mirror', self.registry.url)
        self.start_containerd()
        if self.disk_mib:
            (self.folder / 'kubelet').mkdir()
            subprocess.run(['mount', '-t', 'tmpfs', '-o', f'size={self.disk_mib}m', 'kubelet-root', str(self.folder / 'kubelet')], check=True)
        self.start_kubelet()
        return self

    def __exit__(self, *_):
        self.server.kubectl('delete', 'pods', '--all', '-A', '--wait=false', '--grace-period=1', check=False)
        left = set()
        try:
            wait_for(lambda: not self.running(), 'the end of all pods', timeout_s=30)
        finally:
            with contextlib.suppress(subprocess.CalledProcessError):    # a test that ended containerd
                left = self.networks()
            for process in (self.kubelet, self.containerd):
                if process:
                    process.stop()
            self.registry.stop()
            self.server.stop()
            self.clean()
            # Sandboxes that the kubelet was not given the time to remove, or that a failed test left.
            for path in left:
                subprocess.run(['umount', '-l', path], capture_output=True)
                pathlib.Path(path).unlink(missing_ok=True)

    def networks(self):
        """The network namespaces of the sandboxes that containerd knows."""
        specs = (json.loads('\n'.join(self.ctr('containers', 'info', name)))['Spec'] for name in self.ctr('containers', 'list', '-q'))
        return {n['path'] for spec in specs for n in spec['linux']['namespaces'] if n['type'] == 'network' and n.get('path', '').startswith('/run/netns/')}

    def clean(self):
        for line in reversed(pathlib.Path('/proc/mounts').read_text().splitlines()):
            target = line.split()[1]
            if target.startswith(str(self.folder)):
                subprocess.run(['umount', '-l', target], capture_output=True)
        for controller in pathlib.Path('/sys/fs/cgroup').iterdir():
            below = controller / self.cgroup.lstrip('/')
            if below.is_dir():
                wait_for(lambda root=below: remove_cgroup(root), 'the control groups go', timeout_s=30)
        shutil.rmtree(self.folder, ignore_errors=True)

    def start_containerd(self):
        snapshotter = 'native' if subprocess.run(['stat', '-f', '-c', '%T', str(self.folder)], capture_output=True, text=True).stdout.strip() == 'overlayfs' else 'overlayfs'
        path = self.folder / 'containerd.toml'
        path.write_text(CONTAINERD.format(folder=self.folder, pause=PAUSE, snapshotter=snapshotter, cri_settings=self.cri_settings.format(folder=self.folder)))
        env = {**os.environ, 'PATH': f'{self.programs}:{os.environ["PATH"]}'} if self.programs else None
        program = f'{self.programs}/containerd' if self.programs else 'containerd'
        self.containerd = Process([program, '--config', str(path), '--log-level', 'warn'], self.folder / 'containerd.log', env=env)
        wait_for(lambda: self.crictl_ready(), 'containerd', self.containerd)

    def crictl_ready(self):
        return subprocess.run(['ctr', '--address', f'{self.folder}/containerd.sock', 'version'], capture_output=True).returncode == 0

    def running(self):
        """The containers that have a process, as containerd says."""
        done = subprocess.run(['ctr', '--address', f'{self.folder}/containerd.sock', '-n', 'k8s.io', 'tasks', 'list', '-q'], capture_output=True, text=True)
        return done.stdout.split()

    def start_kubelet(self):
        config = {'apiVersion': 'kubelet.config.k8s.io/v1beta1', 'kind': 'KubeletConfiguration', 'containerRuntimeEndpoint': f'unix://{self.folder}/containerd.sock',
                  'podLogsDir': f'{self.folder}/pod-logs', 'cgroupRoot': self.cgroup, 'failSwapOn': False, 'failCgroupV1': False, 'healthzPort': 0, 'logging': {'verbosity': 2}, **self.config}
        path = self.folder / 'kubelet.yaml'
        path.write_text(yaml.safe_dump(config))
        self.kubelet = Process([pintle_binary(), 'kubelet', f'--config={path}', f'--kubeconfig={self.server.kubeconfig}', f'--root-dir={self.folder}/kubelet',
                                f'--hostname-override={self.name}', '--node-ip=127.0.0.1', *self.flags], self.folder / 'kubelet.log', env=self.env)

    def stop_kubelet(self, sig=signal.SIGTERM):
        status = self.kubelet.stop(sig)
        self.kubelet = None
        return status

    # --- what tests say and ask -----------------------------------------------------------------------------------------
    def run_pod(self, name, *containers, wait=None, **spec):
        """Creates a pod on this node; containers are dicts (image busybox unless said)."""
        made = [{'name': f'c{i}' if i else 'main', 'image': 'busybox:1.36', 'imagePullPolicy': 'IfNotPresent', **c} for i, c in enumerate(containers)]
        pod = {'apiVersion': 'v1', 'kind': 'Pod', 'metadata': {'name': name}, 'spec': {
            'nodeName': self.name, 'terminationGracePeriodSeconds': 1, 'automountServiceAccountToken': False, 'containers': made, **spec}}
        self.server.kubectl('create', '-f', '-', stdin=json.dumps(pod))
        return self.wait(name, wait) if wait else None

    def pod(self, name):
        done = self.server.kubectl('get', 'pod', name, '-o', 'json', check=False)
        return json.loads(done.stdout) if done.returncode == 0 else None

    def wait(self, name, condition, timeout_s=40):
        """The pod once condition(pod) is true; None stands for a pod that is gone."""
        last = [None]

        def check():
            last[0] = self.pod(name)
            return condition(last[0])
        try:
            wait_for(check, f'{name}', timeout_s=timeout_s)
        except Exception as e:
            status = json.dumps((last[0] or {}).get('status'), indent=1)
            raise AssertionError(f'{name}: {e}\n{status}\n{self.events(name)}\n{self.kubelet.tail() if self.kubelet else ""}') from e
        return last[0]

    def node(self):
        return json.loads(self.server.kubectl('get', 'node', self.name, '-o', 'json'))

    def condition(self, kind):
        return next(c for c in self.node()['status']['conditions'] if c['type'] == kind)

    def ctr(self, *args):
        """The lines that containerd's own client prints."""
        return subprocess.run(['ctr', '--address', f'{self.folder}/containerd.sock', '-n', 'k8s.io', *args], capture_output=True, text=True, check=True).stdout.splitlines()

    def events(self, name):
        listed = json.loads(self.server.kubectl('get', 'events', '-A', '--field-selector', f'involvedObject.name={name}', '-o', 'json'))
        return [(e['type'], e['reason'], e['message']) for e in listed['items']]

    def logs(self, pod, container='main'):
        meta = pod['metadata']
        folder = self.folder / 'pod-logs' / f"{meta['namespace']}_{meta['name']}_{meta['uid']}" / container
        files = sorted(folder.glob('*.log'), key=lambda p: int(p.name.split('.')[0]))
        return ''.join(line.split(' ', 3)[3] for line in files[-1].read_text().splitlines(keepends=True)) if files else ''
