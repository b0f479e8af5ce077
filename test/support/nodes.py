"""Nodes for tests and the demo: each in a network namespace of its own, so that nothing they do touches this machine's
network. The namespaces meet at a bridge in one more namespace, to which this machine has a leg too.

What a node sends elsewhere is refused at once: the bridge's namespace routes nothing out. Inside a node the pod range is
black-holed and the service range leads to a bridge without ports: what is not translated dies there (a black hole for the
service range would fail connects from the host before the kernel translates them)."""
import contextlib
import ipaddress
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
import uuid

from .cluster import Process, pintle_binary, run

POD_CIDR = '10.42.0.0/16'
SERVICE_CIDR = '10.43.0.0/16'
CGROUP_ROOT = pathlib.Path('/sys/fs/cgroup')


def await_true(what, check, timeout_s=60, interval_s=0.1):
    """Waits until check() answers something true, and returns that; fails with what it said last."""
    end = time.monotonic() + timeout_s
    while True:
        try:
            value = check()
            failure = f'{value!r}'
        except (AssertionError, LookupError, OSError, RuntimeError, ValueError, subprocess.SubprocessError) as e:
            value, failure = None, f'{type(e).__name__}: {e}'
        if value:
            return value
        if time.monotonic() > end:
            raise RuntimeError(f'{what}: not within {timeout_s} s; last: {failure[:2000]}')
        time.sleep(interval_s)


class Network:
    """The namespaces' bridge, and this machine's leg to it. `name` is short: it begins every link's and namespace's name."""

    def __init__(self, name, subnet='10.88.0.0/24', reach_cluster=False, pod_cidr=POD_CIDR, service_cidr=SERVICE_CIDR):
        assert len(name) <= 8, 'link names have 15 characters'
        self.name, self.subnet = name, ipaddress.ip_network(subnet)
        self.host_ip = str(self.subnet[1])
        self.gateway = str(self.subnet[254])
        self.bridge_ns = f'{name}-sw'
        self.reach_cluster, self.pod_cidr, self.service_cidr = reach_cluster, pod_cidr, service_cidr
        self.namespaces = []
        self.legs = {}      # of nodes, in the bridge's namespace

    def up(self):
        self.down()
        run('ip', 'netns', 'add', self.bridge_ns)
        self.in_bridge('ip', 'link', 'set', 'lo', 'up')
        self.in_bridge('ip', 'link', 'add', 'br0', 'type', 'bridge')
        self.in_bridge('ip', 'addr', 'add', f'{self.gateway}/{self.subnet.prefixlen}', 'dev', 'br0')
        self.in_bridge('ip', 'link', 'set', 'br0', 'up')
        self.in_bridge('ip', 'route', 'add', 'unreachable', 'default')
        self.in_bridge('sysctl', '-qw', 'net.ipv4.ip_forward=1')
        run('ip', 'link', 'add', self.name, 'type', 'veth', 'peer', 'name', 'host', 'netns', self.bridge_ns)
        self.in_bridge('ip', 'link', 'set', 'host', 'master', 'br0', 'up')
        run('ip', 'addr', 'add', f'{self.host_ip}/{self.subnet.prefixlen}', 'dev', self.name)
        run('ip', 'link', 'set', self.name, 'up')
        return self

    def in_bridge(self, *args):
        return run('ip', 'netns', 'exec', self.bridge_ns, *args)

    def add_node(self, name, ip):
        """A namespace with eth0 at `ip`; its name."""
        namespace = f'{self.name}-{name}'
        run('ip', 'netns', 'add', namespace)
        self.namespaces.append(namespace)
        leg = self.legs[name] = f'v{len(self.namespaces)}'
        self.in_bridge('ip', 'link', 'add', leg, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace)
        self.in_bridge('ip', 'link', 'set', leg, 'master', 'br0', 'up')

        def inside(*args):
            run('ip', 'netns', 'exec', namespace, *args)
        inside('ip', 'link', 'set', 'lo', 'up')
        inside('ip', 'addr', 'add', f'{ip}/{self.subnet.prefixlen}', 'dev', 'eth0')
        inside('ip', 'link', 'set', 'eth0', 'up')
        inside('ip', 'route', 'add', 'default', 'via', self.gateway)
        inside('ip', 'route', 'add', 'blackhole', self.pod_cidr)
        inside('ip', 'link', 'add', 'services', 'type', 'bridge')
        inside('ip', 'link', 'set', 'services', 'up')
        inside('ip', 'route', 'add', self.service_cidr, 'dev', 'services', 'src', ip, 'metric', '4000')
        inside('sysctl', '-qw', 'net.ipv4.ip_forward=1')
        if self.reach_cluster and len(self.namespaces) == 1:
            run('ip', 'route', 'add', self.pod_cidr, 'via', ip)
            run('ip', 'route', 'add', self.service_cidr, 'via', ip)
        return namespace

    def set_link(self, name, up):
        """Plugs a node's cable in, or pulls it: nobody is told."""
        self.in_bridge('ip', 'link', 'set', self.legs[name], 'up' if up else 'down')

    def down(self):
        """Removes every namespace and link of this name; what is not there is no error."""
        listed = subprocess.run(['ip', 'netns', 'list'], capture_output=True, text=True).stdout.split('\n')
        for line in listed:
            namespace = line.split(' ')[0]
            if namespace.startswith(f'{self.name}-'):
                subprocess.run(['ip', 'netns', 'delete', namespace], capture_output=True)
        subprocess.run(['ip', 'link', 'delete', self.name], capture_output=True)
        self.namespaces = []


def write_mirror(folder, url):
    """containerd hosts files that send every pull to the registry at `url` and nowhere else; the folder."""
    mirror_of(folder, '_default', url)
    return str(folder)


def mirror_of(folder, host, url):
    """In such a folder: pulls from `host` go to `url`."""
    one = pathlib.Path(folder) / host
    one.mkdir(parents=True, exist_ok=True)
    (one / 'hosts.toml').write_text(f'server = "{url}"\n[host."{url}"]\n  capabilities = ["pull", "resolve"]\n')


def raise_inotify_limit(instances=1024):
    path = pathlib.Path('/proc/sys/fs/inotify/max_user_instances')
    if int(path.read_text()) < instances:
        path.write_text(str(instances))


class Node:
    """`pintle server` (or, with `join`, `pintle agent`) in a namespace, with its data in `folder`."""

    def __init__(self, network, name, index, folder, flags=(), join=None, mirror=None, binary=None, env=None):
        self.network, self.name, self.index = network, name, index
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.data = self.folder / 'data'
        self.ip = str(network.subnet[10 + index])
        self.join, self.mirror = join, mirror
        self.flags, self.env = list(flags), env
        self.binary = binary or pintle_binary()
        self.cgroup = f'/{network.name}-{name}'
        self.kubeconfig = str(self.data / 'admin.kubeconfig') if not join else None
        self.namespace = None
        self.process = None

    def arguments(self):
        out = [f'--data-dir={self.data}', f'--node-name={self.name}', f'--node-ip={self.ip}', f'--cgroup-root={self.cgroup}']
        if self.join:
            out += [f'--server=https://{self.join.ip}:6443', f'--token={self.join.token()}']
        else:
            out += [f'--cluster-cidr={self.network.pod_cidr}', f'--service-cidr={self.network.service_cidr}']
        if self.mirror:
            out += [f'--registry-config-dir={self.mirror}']
        return out + self.flags

    def command(self, *args):
        """`args` as run in the node's network (its own /sys and mounts stay)."""
        return ['nsenter', f'--net=/run/netns/{self.namespace}', *args]

    def start(self):
        raise_inotify_limit()
        if self.namespace is None:
            self.namespace = self.network.add_node(self.name, self.ip)
        self.process = Process(self.command(self.binary, 'agent' if self.join else 'server', *self.arguments()), self.folder / 'pintle.log', env=self.env)
        return self

    def token(self):
        return await_true('the join token', lambda: (self.data / 'token').read_text().strip())

    def stop(self, sig=signal.SIGTERM):
        """Ends the process; its pods go on."""
        if self.process:
            status, self.process = self.process.stop(sig), None
            return status
        return None

    def clean(self):
        """Ends everything that the node made: pods, mounts, control groups, files."""
        with contextlib.suppress(RuntimeError):
            self.stop()
        done = subprocess.run(self.command(self.binary, 'uninstall', f'--data-dir={self.data}'), capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f'uninstall of {self.name}: {done.stdout}{done.stderr}')

    def ctr(self, *args):
        """Our containerd, asked directly."""
        return run('ctr', f'--address={self.data}/containerd/containerd.sock', '--namespace=k8s.io', *args)

    def task_pids(self):
        """The first process of each container and sandbox that runs, by its id."""
        rows = (line.split() for line in self.ctr('tasks', 'list').splitlines()[1:])
        return {row[0]: int(row[1]) for row in rows if row[2] == 'RUNNING'}

    def log_tail(self):
        return self.process.tail() if self.process else ''


class Kubectl:
    def __init__(self, kubeconfig, binary='kubectl'):
        self.base = [binary, f'--kubeconfig={kubeconfig}']

    def __call__(self, *args, input=None, timeout_s=120):
        """Standard output; a failure raises with both streams."""
        return run(*self.base, *args, input=input, timeout=timeout_s)

    def json(self, *args):
        return json.loads(self(*args, '-o', 'json'))

    def apply(self, manifest):
        text = manifest if isinstance(manifest, str) else json.dumps(manifest)
        return self('apply', '-f', '-', input=text)

    def try_json(self, *args):
        """None where the object is not there."""
        done = subprocess.run([*self.base, *args, '-o', 'json'], capture_output=True, text=True, timeout=60)
        return json.loads(done.stdout) if done.returncode == 0 else None


def condition(obj, kind):
    """The status of a condition, None if there is none."""
    return next((c['status'] for c in obj.get('status', {}).get('conditions', []) if c['type'] == kind), None)


def story(pod):
    """Where a pod stands, in one line: its node, phase, what is not true of it and what its containers wait for."""
    status = pod.get('status', {})
    missing = [f"{c['type']}={c['status']} {c.get('reason', '')} {c.get('message', '')}".strip() for c in status.get('conditions', []) if c['status'] != 'True']
    containers = [f"{c['name']} {json.dumps(c.get('state', {}))}, restarts {c['restartCount']}" for c in status.get('containerStatuses', [])]
    return f"{pod['metadata']['name']} on {pod['spec'].get('nodeName')}: {status.get('phase')}; {'; '.join(missing)}; {'; '.join(containers)}"


def await_pods_ready(what, pods, count, timeout_s=60):
    """Waits until pods() are `count`, all Ready; a failure tells of those that are not."""
    def check():
        found = pods()
        waiting = [story(p) for p in found if condition(p, 'Ready') != 'True']
        assert not waiting and len(found) == count, f'{len(found)} pods, of which these wait:\n' + '\n'.join(waiting)
        return True
    await_true(what, check, timeout_s)


class NodeCluster:
    """A server and agents, each in a namespace; a context manager that leaves nothing behind.

    `registry` is the URL of the mirror that every image comes from."""

    def __init__(self, agents=0, registry=None, flags=(), agent_flags=(), name=None, subnet='10.88.0.0/24', folder=None, server_runs_pods=True, before_start=None):
        self.folder = pathlib.Path(folder or tempfile.mkdtemp(prefix='pintle-nodes-'))
        self.network = Network(name or f'pt{uuid.uuid4().hex[:5]}', subnet)
        mirror = write_mirror(self.folder / 'mirror', registry) if registry else None
        server_flags = list(flags) + ([] if server_runs_pods else ['--disable-agent'])
        self.server = Node(self.network, 'server', 0, self.folder / 'server', server_flags, mirror=mirror)
        self.agents = [Node(self.network, f'agent{i}', i + 1, self.folder / f'agent{i}', agent_flags, join=self.server, mirror=mirror) for i in range(agents)]
        self.server_runs_pods = server_runs_pods
        self.before_start = before_start     # called when the network is up and no node is (a registry on network.host_ip)
        self.kubectl = None

    @property
    def nodes(self):
        return ([self.server] if self.server_runs_pods else []) + self.agents

    def __enter__(self):
        try:
            self.network.up()
            if self.before_start:
                self.before_start()
            began = time.monotonic()
            self.server.start()
            await_true('the administrator\'s kubeconfig', lambda: pathlib.Path(self.server.kubeconfig).exists())
            self.kubectl = Kubectl(self.server.kubeconfig)
            await_true('the API server', lambda: self.kubectl('get', '--raw', '/readyz') == 'ok')
            if self.server_runs_pods:
                self.await_node(self.server)
                self.server_ready_s = time.monotonic() - began
            for agent in self.agents:
                agent.start()
            self.await_ready()
        except BaseException:
            self.__exit__()
            raise
        return self

    def await_ready(self, timeout_s=60):
        for node in self.nodes:
            self.await_node(node, timeout_s)

    def await_node(self, node, timeout_s=60):
        await_true(f'node {node.name} Ready', lambda: condition(self.kubectl.json('get', 'node', node.name), 'Ready') == 'True', timeout_s, interval_s=0.02)

    def __exit__(self, *_):
        failures = []
        for node in [*self.agents, self.server]:
            if node.namespace is None:
                continue
            try:
                node.clean()
            except (RuntimeError, OSError) as e:
                failures.append(str(e))
        self.network.down()
        if os.environ.get('PINTLE_KEEP') is None and not failures:
            shutil.rmtree(self.folder, ignore_errors=True)
        if failures:
            raise RuntimeError('; '.join(failures))
