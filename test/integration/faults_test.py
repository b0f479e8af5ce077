"""What breaks under a running cluster, and how it heals: containerd dies, an agent is killed, a node's cable is pulled, the server
is killed and stopped in the middle of a rollout. A server and two agents, each in a network namespace.

The tests stand in the order in which they run, as a kubelet calls its runtime down after 30 s: a silent node is looked at meanwhile."""
import base64
import json
import os
import pathlib
import shutil
import signal
import ssl
import sys
import threading
import urllib.request

import pytest
import yaml

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.cluster import run  # noqa: E402
from support.kubelet_node import missing  # noqa: E402
from support.load import Load  # noqa: E402
from support.nodes import NodeCluster, await_true, condition  # noqa: E402
from support.registry import Registry, build_images  # noqa: E402

pytestmark = pytest.mark.skipif(missing() is not None or os.geteuid() != 0, reason=f'needs root, containerd, runc and CNI plugins: {missing()}')

DAY = '123456789.dkr.ecr.us-east-1.amazonaws.com/day'
IMAGES = [f'{DAY}:v1.2.3', f'{DAY}:v1.3.0', 'registry.k8s.io/pause:3.10.2']
GRACE_S = 5     # --node-monitor-grace-period
# Upstream's runtime is down when it has said nothing for 30 s.
RUNTIME_SILENCE_S = 30


class FaultyCluster(NodeCluster):
    """Nodes that are heard of every second, and a containerd in front of the real one that a file keeps from starting."""

    def __init__(self, registry, folder):
        self.hold = folder / 'hold'
        self.path = folder / 'bin'
        kubelet = folder / 'kubelet.yaml'
        kubelet.write_text('apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\nnodeLeaseDurationSeconds: 4\nnodeStatusUpdateFrequency: 1s\n')
        self.path.mkdir()
        wrapper = self.path / 'containerd'
        wrapper.write_text(f'#!/bin/sh\n[ -e {self.hold} ] && exit 3\nexec {shutil.which("containerd")} "$@"\n')
        wrapper.chmod(0o755)
        flags = [f'--kubelet-config={kubelet}']
        manager = [f'--kube-controller-manager-arg=node-monitor-grace-period={GRACE_S}s', '--kube-controller-manager-arg=node-eviction-rate=10']
        super().__init__(agents=2, registry=registry.url, subnet='10.98.0.0/24', folder=folder / 'nodes', flags=flags + manager, agent_flags=flags,
                         before_start=lambda: registry.start().push(IMAGES))
        self.agents[0].env = {**os.environ, 'PATH': f'{self.path}:{os.environ["PATH"]}'}

    def api(self, path):
        """An answer of the API server, without the cost of a kubectl."""
        if not hasattr(self, 'context'):
            config = yaml.safe_load(pathlib.Path(self.server.kubeconfig).read_text())
            user, at = config['users'][0]['user'], config['clusters'][0]['cluster']
            pem = self.folder / 'admin.pem'
            pem.write_bytes(base64.b64decode(user['client-certificate-data']) + base64.b64decode(user['client-key-data']))
            self.context = ssl.create_default_context(cadata=base64.b64decode(at['certificate-authority-data']).decode())
            self.context.load_cert_chain(pem)
            self.url = at['server']
        with urllib.request.urlopen(self.url + path, context=self.context, timeout=5) as answer:
            return json.load(answer)

    def node(self, name):
        return self.api(f'/api/v1/nodes/{name}')

    def pods(self, app):
        return self.api(f'/api/v1/namespaces/default/pods?labelSelector=app%3D{app}')['items']

    def events(self, name):
        listed = self.api(f'/api/v1/events?fieldSelector=involvedObject.name%3D{name}')['items']
        return {(e['type'], e['reason'], e['message']) for e in listed}

    def ready_addresses(self, service):
        """The addresses that an EndpointSlice of the service calls ready."""
        slices = self.api(f'/apis/discovery.k8s.io/v1/namespaces/default/endpointslices?labelSelector=kubernetes.io%2Fservice-name%3D{service}')['items']
        return {address for s in slices for e in s['endpoints'] or [] if e['conditions']['ready'] for address in e['addresses']}


@pytest.fixture(scope='module')
def cluster(tmp_path_factory):
    build_images('basic')
    folder = tmp_path_factory.mktemp('faults')
    registry = Registry(folder / 'registry', '10.98.0.1:5000')
    try:
        with FaultyCluster(registry, folder) as c:
            c.kubectl.apply(workload('web', 6, {'minReadySeconds': 3, 'strategy': {'rollingUpdate': {'maxSurge': 1, 'maxUnavailable': 1}}}))
            c.kubectl.apply(service('web'))
            await_ready(c, 'web', 6)
            await_answers(c, 'web', c.nodes)
            yield c
    finally:
        registry.stop()


def workload(app, replicas, spec=None, **pod):
    container = {'name': 'day', 'image': f'{DAY}:v1.2.3', 'ports': [{'containerPort': 8001}], 'env': [{'name': 'DRAIN_MS', 'value': '6000'}],
                 'readinessProbe': {'httpGet': {'path': '/health', 'port': 8001}, 'periodSeconds': 1}}
    spread = {'maxSkew': 1, 'topologyKey': 'kubernetes.io/hostname', 'whenUnsatisfiable': 'ScheduleAnyway', 'labelSelector': {'matchLabels': {'app': app}}}
    template = {'metadata': {'labels': {'app': app}}, 'spec': {'containers': [container], 'topologySpreadConstraints': [spread], **pod}}
    return {'apiVersion': 'apps/v1', 'kind': 'Deployment', 'metadata': {'name': app},
            'spec': {'replicas': replicas, 'selector': {'matchLabels': {'app': app}}, 'template': template, **(spec or {})}}


def service(app):
    return {'apiVersion': 'v1', 'kind': 'Service', 'metadata': {'name': app}, 'spec': {'selector': {'app': app}, 'ports': [{'port': 80, 'targetPort': 8001}]}}


def is_deleted(pod):
    return 'deletionTimestamp' in pod['metadata']


def is_ready(pod):
    return condition(pod, 'Ready') == 'True' and not is_deleted(pod)


def await_ready(cluster, app, count):
    def ready():
        pods = [p for p in cluster.pods(app) if not is_deleted(p)]
        return pods if len(pods) == count and all(is_ready(p) for p in pods) else None
    return await_true(f'{count} pods of {app} Ready', ready)


def the_condition(obj, kind):
    return next((c for c in obj['status'].get('conditions', []) if c['type'] == kind), {})


def lives(pods):
    """What a restart must not change: each pod's container, how often it was started, and since when it is ready."""
    return {p['metadata']['name']: (p['status']['containerStatuses'][0]['containerID'], p['status']['containerStatuses'][0]['restartCount'],
                                    the_condition(p, 'Ready')['lastTransitionTime']) for p in pods}


def on(pods, node):
    return [p for p in pods if p['spec']['nodeName'] == node.name]


def container_of(pod):
    return pod['status']['containerStatuses'][0]['containerID'].removeprefix('containerd://')


def url_of(cluster, app):
    return f"http://{cluster.kubectl.json('get', 'service', app)['spec']['clusterIP']}/"


def await_answers(cluster, app, nodes):
    """The kernels of these nodes know the service."""
    url = url_of(cluster, app)
    for node in nodes:
        await_true(f'{app} answers {node.name}', lambda: run(*node.command('curl', '-sf', '-m', '2', url)))


def containerd_pid(node):
    return int((node.data / 'containerd/containerd.pid').read_text())


def await_answering(cluster):
    await_true('the API server', lambda: cluster.api('/api/v1/namespaces/default'), interval_s=0.05)


def test_containerd_that_dies_is_started_again(cluster):
    node = cluster.agents[0]
    before, since = lives(on(cluster.pods('web'), node)), the_condition(cluster.node(node.name), 'Ready')
    assert len(before) == 2
    old = containerd_pid(node)
    os.kill(old, signal.SIGKILL)
    await_true('another containerd', lambda: containerd_pid(node) != old and node.ctr('version'))
    cluster.kubectl.apply(workload('late', 1, nodeSelector={'kubernetes.io/hostname': node.name}))
    await_ready(cluster, 'late', 1)
    assert lives(on(cluster.pods('web'), node)) == before
    assert the_condition(cluster.node(node.name), 'Ready')['lastTransitionTime'] == since['lastTransitionTime']
    assert 'containerd has ended and is started again' in node.log_tail()


@pytest.fixture(scope='module')
def runtime_gone(cluster):
    """The first agent's containerd is dead and cannot be started; how its pods were before."""
    node = cluster.agents[0]
    before = on(cluster.pods('web'), node)
    pids = node.task_pids()
    cluster.hold.touch()
    os.kill(containerd_pid(node), signal.SIGKILL)
    yield before, pids
    cluster.hold.unlink(missing_ok=True)


# Both nodes are in trouble: the pods of this one can only be replaced on the server.
@pytest.mark.usefixtures('runtime_gone')
def test_a_node_that_falls_silent(cluster):
    node = cluster.agents[1]
    where = {'nodeAffinity': {'requiredDuringSchedulingIgnoredDuringExecution': {'nodeSelectorTerms': [
        {'matchExpressions': [{'key': 'kubernetes.io/hostname', 'operator': 'In', 'values': ['server', node.name]}]}]}}}
    patience = [{'key': 'node.kubernetes.io/unreachable', 'operator': 'Exists', 'effect': 'NoExecute', 'tolerationSeconds': 2}]
    cluster.kubectl.apply(workload('brief', 2, affinity=where, tolerations=patience))
    cluster.kubectl.apply(service('brief'))
    brief = on(await_ready(cluster, 'brief', 2), node)
    assert len(brief) == 1
    lost = brief[0]
    patient = on(cluster.pods('web'), node)[0]
    await_true('its endpoint', lambda: lost['status']['podIP'] in cluster.ready_addresses('brief'))

    cluster.network.set_link(node.name, up=False)
    silent = await_true('the node is Unknown', lambda: (lambda n: n if condition(n, 'Ready') == 'Unknown' else None)(cluster.node(node.name)), GRACE_S + 15)
    for kind in ('Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure'):
        it = the_condition(silent, kind)
        assert (it['status'], it['reason'], it['message']) == ('Unknown', 'NodeStatusUnknown', 'Kubelet stopped posting node status.')
    unreachable = [('node.kubernetes.io/unreachable', 'NoExecute'), ('node.kubernetes.io/unreachable', 'NoSchedule')]
    await_true('its taints', lambda: sorted((t['key'], t['effect']) for t in cluster.node(node.name)['spec'].get('taints', [])) == unreachable)
    assert all('timeAdded' in t for t in cluster.node(node.name)['spec']['taints'])
    await_true('the node\'s event', lambda: ('Normal', 'NodeNotReady', f'Node {node.name} status is now: NodeNotReady') in cluster.events(node.name))

    def seen(name, app):
        return next(p for p in cluster.pods(app) if p['metadata']['name'] == name)
    name = lost['metadata']['name']
    await_true('the pod is marked for deletion', lambda: is_deleted(seen(name, 'brief')), 15)
    marked = seen(name, 'brief')
    assert condition(marked, 'Ready') == 'False'
    disrupted = the_condition(marked, 'DisruptionTarget')
    assert (disrupted['status'], disrupted['reason'], disrupted['message']) == ('True', 'DeletionByTaintManager', 'Taint manager: deleting due to NoExecute taint')
    await_true('the pod\'s events', lambda: cluster.events(name) >= {('Warning', 'NodeNotReady', 'Node is not ready'),
                                                                     ('Normal', 'TaintManagerEviction', f'Marking for deletion Pod default/{name}')})
    replaced = await_ready(cluster, 'brief', 2)
    assert {p['spec']['nodeName'] for p in replaced} == {'server'}
    await_true('the endpoints', lambda: cluster.ready_addresses('brief') == {p['status']['podIP'] for p in replaced})
    with Load(cluster.server, url_of(cluster, 'brief')) as load:
        await_true('answers', lambda: len(cluster.pods('brief')) == 3)
    assert load.good > 0 and not load.failures
    # Who has more patience stays, and is not ready.
    waits = seen(patient['metadata']['name'], 'web')
    assert not is_deleted(waits) and condition(waits, 'Ready') == 'False'
    assert patient['status']['podIP'] not in cluster.ready_addresses('web')

    cluster.network.set_link(node.name, up=True)
    await_true('the node is ready', lambda: condition(cluster.node(node.name), 'Ready') == 'True', 30)
    assert the_condition(cluster.node(node.name), 'Ready')['reason'] == 'KubeletReady'
    await_true('its taints go', lambda: not cluster.node(node.name)['spec'].get('taints'))
    await_true('the event', lambda: ('Normal', 'NodeReady', f'Node {node.name} status is now: NodeReady') in cluster.events(node.name))
    await_true('the old pod goes', lambda: name not in {p['metadata']['name'] for p in cluster.pods('brief')}, 40)
    assert container_of(lost) not in node.task_pids()
    await_true('the patient pod is ready', lambda: is_ready(seen(patient['metadata']['name'], 'web')))
    after = seen(patient['metadata']['name'], 'web')
    assert container_of(after) == container_of(patient) and after['status']['containerStatuses'][0]['restartCount'] == 0
    await_true('its endpoint', lambda: after['status']['podIP'] in cluster.ready_addresses('web'))


def test_a_container_runtime_that_stays_away(cluster, runtime_gone):
    node = cluster.agents[0]
    before, pids = runtime_gone
    down = await_true('the node is not ready', lambda: (lambda n: n if condition(n, 'Ready') == 'False' else None)(cluster.node(node.name)), RUNTIME_SILENCE_S + 15)
    ready = the_condition(down, 'Ready')
    assert ready['reason'] == 'KubeletNotReady' and 'container runtime is down' in ready['message']
    await_true('its taints', lambda: {(t['key'], t['effect']) for t in cluster.node(node.name)['spec'].get('taints', [])} >= {('node.kubernetes.io/not-ready', 'NoSchedule')})
    await_true('the event', lambda: ('Normal', 'NodeNotReady', f'Node {node.name} status is now: NodeNotReady') in cluster.events(node.name))
    tries = node.process.log.read_text().count('containerd has ended and is started again')
    assert 4 <= tries <= 20, tries     # the pauses between them grow
    # Containers go on without it. One that ends meanwhile is found to have ended.
    lives_on, dies = before
    os.kill(pids[container_of(dies)], signal.SIGKILL)
    os.kill(pids[container_of(lives_on)], 0)
    cluster.hold.unlink()
    await_true('the node is ready', lambda: condition(cluster.node(node.name), 'Ready') == 'True', 30)
    await_true('the event', lambda: ('Normal', 'NodeReady', f'Node {node.name} status is now: NodeReady') in cluster.events(node.name))
    await_true('its taints go', lambda: not cluster.node(node.name)['spec'].get('taints'))
    after = {p['metadata']['name']: p for p in await_ready(cluster, 'web', 6)}
    same, again = after[lives_on['metadata']['name']], after[dies['metadata']['name']]
    assert container_of(same) == container_of(lives_on) and same['status']['containerStatuses'][0]['restartCount'] == 0
    assert again['status']['containerStatuses'][0]['restartCount'] == 1
    assert again['status']['containerStatuses'][0]['lastState']['terminated']['exitCode'] == 137


def test_a_killed_agent_adopts_its_pods(cluster):
    node = cluster.agents[0]
    before = lives(on(await_ready(cluster, 'web', 6), node))
    cluster.kubectl('delete', 'deployment', 'late', '--wait=false')
    with Load(cluster.server, url_of(cluster, 'web')) as load:
        assert node.stop(signal.SIGKILL) == -signal.SIGKILL
        renewed = cluster.api(f'/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/{node.name}')['spec']['renewTime']
        node.start()
        await_true('the kubelet is heard', lambda: cluster.api(f'/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/{node.name}')['spec']['renewTime'] > renewed)
        # It has seen its pods when it has ended the one that was deleted.
        await_true('the deleted pod goes', lambda: not cluster.pods('late'))
    assert lives(on(cluster.pods('web'), node)) == before
    assert condition(cluster.node(node.name), 'Ready') == 'True'
    assert load.good > 0 and not load.failures


class Availability:
    """The fewest pods of an app that were ever ready at once, while the context runs; what does not answer counts for nothing."""

    def __init__(self, cluster, app):
        self.cluster, self.app, self.fewest, self.looks = cluster, app, 1 << 30, 0
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        while not self.ended.wait(0.05):
            try:
                pods = self.cluster.pods(self.app)
            except OSError:
                continue
            self.looks += 1
            self.fewest = min(self.fewest, sum(is_ready(p) for p in pods))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()


def test_a_server_that_ends_in_the_middle_of_a_rollout(cluster):
    await_ready(cluster, 'web', 6)
    url = url_of(cluster, 'web')
    old = {p['metadata']['name'] for p in cluster.pods('web')}

    def updated():
        it = cluster.api('/apis/apps/v1/namespaces/default/deployments/web')
        seen = it['status']['observedGeneration'] == it['metadata']['generation']    # what it counts is not of the old rollout
        return it['status'].get('updatedReplicas', 0) if seen else 0

    def restart_when(count, sig, want):
        await_true(f'{count} pods are new', lambda: updated() >= count, interval_s=0.02)
        assert updated() < 6, 'the rollout was over before the server ended'
        assert cluster.server.stop(sig) == want
        cluster.server.start()
        await_answering(cluster)
    with Load(cluster.server, url) as near, Load(cluster.agents[1], url) as far, Availability(cluster, 'web') as available:
        cluster.kubectl('set', 'image', 'deployment/web', f'day={DAY}:v1.3.0')
        restart_when(2, signal.SIGKILL, -signal.SIGKILL)
        restart_when(4, signal.SIGTERM, 0)
        cluster.kubectl('rollout', 'status', 'deployment/web', '--timeout=60s')
        cluster.await_ready()
    assert not old & {p['metadata']['name'] for p in cluster.pods('web') if not is_deleted(p)}
    assert available.looks > 0 and available.fewest >= 5
    assert near.good > 0 and not near.failures
    assert far.good > 0 and not far.failures
