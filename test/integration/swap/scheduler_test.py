"""Pintle's scheduler in the place of upstream's: on Pintle's API server and on upstream's, the same pods go to the same
nodes wherever there is one best, and those that cannot be placed are told the same."""
import json
import pathlib
import sys
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from support.cluster import ApiServer, Process, pintle_binary, wait_for  # noqa: E402
from support.peers import PEERS, lacking  # noqa: E402

SETTLE_S = 60


def node(name, cpu, memory, labels=(), taints=(), unschedulable=False, images=()):
    amounts = {'cpu': cpu, 'memory': memory, 'pods': '20', 'example.com/card': '2' if name == 'large' else '0'}
    return {'apiVersion': 'v1', 'kind': 'Node', 'metadata': {'name': name, 'labels': {'kubernetes.io/hostname': name, **dict(labels)}},
            'spec': {'taints': list(taints), 'unschedulable': unschedulable},
            'status': {'allocatable': amounts, 'capacity': amounts, 'images': [{'names': [i], 'sizeBytes': 900 << 20} for i in images]}}


NODES = [
    node('small', '1', '1Gi', {'zone': 'a'}),
    node('large', '8', '16Gi', {'zone': 'a', 'disk': 'ssd'}),
    node('other', '4', '8Gi', {'zone': 'b'}, images=['registry.example/big:1']),
    node('tainted', '16', '64Gi', {'zone': 'b'}, taints=[{'key': 'dedicated', 'value': 'x', 'effect': 'NoSchedule'}]),
    node('cordoned', '16', '64Gi', {'zone': 'a'}, unschedulable=True),
]


def pod(name, cpu=None, memory=None, **spec):
    requests = {k: v for k, v in (('cpu', cpu), ('memory', memory)) if v}
    requests.update(spec.pop('requests', {}))
    labels = spec.pop('labels', {})
    ports = spec.pop('ports', [])
    image = spec.pop('image', 'registry.example/app:1')
    container = {'name': 'c', 'image': image, 'ports': ports, 'resources': {'requests': requests, 'limits': {k: v for k, v in requests.items() if '/' in k}}}
    return {'apiVersion': 'v1', 'kind': 'Pod', 'metadata': {'name': name, 'labels': labels}, 'spec': {'containers': [container], 'terminationGracePeriodSeconds': 0, **spec}}


def affinity(kind, app, key='kubernetes.io/hostname'):
    return {kind: {'requiredDuringSchedulingIgnoredDuringExecution': [{'labelSelector': {'matchLabels': {'app': app}}, 'topologyKey': key}]}}


def terms(*requirements):
    return {'nodeAffinity': {'requiredDuringSchedulingIgnoredDuringExecution': {'nodeSelectorTerms': [{'matchExpressions': list(requirements)}]}}}


# One after the other, each once the one before is placed or refused.
PODS = [
    pod('named', nodeSelector={'disk': 'ssd'}, cpu='100m'),
    pod('least', cpu='500m', memory='512Mi'),
    pod('big', cpu='6', memory='1Gi'),
    pod('too-big', cpu='7', memory='1Gi'),
    pod('tolerates', cpu='10', tolerations=[{'key': 'dedicated', 'operator': 'Exists'}]),
    pod('card', requests={'example.com/card': '2'}),
    pod('no-card', requests={'example.com/card': '1'}),
    pod('port', ports=[{'containerPort': 80, 'hostPort': 8080}], nodeSelector={'kubernetes.io/hostname': 'other'}),
    pod('port-again', ports=[{'containerPort': 80, 'hostPort': 8080}], nodeSelector={'kubernetes.io/hostname': 'other'}),
    pod('zone-b', affinity=terms({'key': 'zone', 'operator': 'In', 'values': ['b']}), labels={'app': 'leader'}),
    pod('follows', affinity=affinity('podAffinity', 'leader', 'zone'), labels={'app': 'follower'}),
    pod('refuses', affinity=affinity('podAntiAffinity', 'leader', 'zone'), nodeSelector={'zone': 'b'}),
    pod('image', image='registry.example/big:1', cpu='10m', memory='10Mi'),
    pod('nowhere', nodeSelector={'disk': 'tape'}),
    pod('by-name', affinity={'nodeAffinity': {'requiredDuringSchedulingIgnoredDuringExecution': {'nodeSelectorTerms': [
        {'matchFields': [{'key': 'metadata.name', 'operator': 'In', 'values': ['small']}]}]}}}),
    pod('claims', volumes=[{'name': 'v', 'persistentVolumeClaim': {'claimName': 'absent'}}]),
    pod('gated', schedulingGates=[{'name': 'example.com/hold'}]),
    pod('important', cpu='7', priorityClassName='important', nodeSelector={'disk': 'ssd'}),
]


class Cluster:
    def __init__(self, upstream_server, upstream_scheduler):
        self.server = ApiServer(upstream=PEERS if upstream_server else None, flags=['--disable-admission-plugins=ServiceAccount,TaintNodesByCondition'])
        self.upstream_scheduler = upstream_scheduler

    def __enter__(self):
        s = self.server.__enter__()
        s.pki.issue('kube-scheduler', '/CN=system:kube-scheduler')
        kubeconfig = s.pki.kubeconfig('scheduler.conf', s.url, 'kube-scheduler')
        program = [str(PEERS / 'kube-scheduler')] if self.upstream_scheduler else [pintle_binary(), 'kube-scheduler']
        self.scheduler = Process([*program, f'--kubeconfig={kubeconfig}', '--secure-port=0', '--leader-elect=true'], s.folder / 'scheduler.log')
        s.processes.append(self.scheduler)
        return self

    def __exit__(self, *args):
        self.server.__exit__(*args)

    def objects(self, kind):
        return json.loads(self.server.kubectl('get', kind, '-o', 'json'))['items']

    def outcome(self, name):
        """Where the pod went, or why it did not; None: not decided yet."""
        got = json.loads(self.server.kubectl('get', 'pod', name, '-o', 'json'))
        if got['spec'].get('nodeName'):
            return got['spec']['nodeName']
        for condition in got['status'].get('conditions', []):
            if condition['type'] == 'PodScheduled' and condition['status'] == 'False':
                return f'{condition["reason"]}: {condition["message"]}'
        return None

    def place(self, manifest, settled=lambda outcome: outcome is not None):
        self.server.kubectl('create', '-f', '-', stdin=json.dumps(manifest))
        name = manifest['metadata']['name']
        try:
            wait_for(lambda: settled(self.outcome(name)), f'{name} is decided', self.scheduler, timeout_s=SETTLE_S, pause_s=0.05)
        except RuntimeError as e:
            raise RuntimeError(f'{e}\n{self.outcome(name)}\n{self.scheduler.tail()}') from None
        return self.outcome(name)

    def walk(self):
        kubectl = self.server.kubectl
        for manifest in NODES:
            # Upstream's status is a subresource of its own.
            kubectl('create', '-f', '-', stdin=json.dumps(manifest))
            kubectl('patch', 'node', manifest['metadata']['name'], '--subresource=status', '--type=merge', '-p', json.dumps({'status': manifest['status']}))
        kubectl('create', 'priorityclass', 'important', '--value=1000')
        placed = {}
        for manifest in PODS:
            name = manifest['metadata']['name']
            settled = (lambda o: o is not None and ':' not in o) if name == 'important' else (lambda o: o is not None)
            placed[name] = self.place(manifest, settled)
        kubectl('uncordon', 'cordoned')
        for name in ('too-big', 'refuses'):
            kubectl('get', 'pod', name)
        wait_for(lambda: ':' not in self.outcome('too-big'), 'room is found on the uncordoned node', self.scheduler, timeout_s=SETTLE_S, pause_s=0.1)
        placed['too-big, later'] = self.outcome('too-big')
        kubectl('patch', 'pod', 'gated', '--type=json', '-p', '[{"op":"remove","path":"/spec/schedulingGates"}]')
        wait_for(lambda: ':' not in (self.outcome('gated') or ':'), 'the gate is gone', self.scheduler, timeout_s=SETTLE_S, pause_s=0.1)
        placed['survivors'] = sorted(p['metadata']['name'] for p in self.objects('pods'))
        time.sleep(2)   # events are written in the background
        told = sorted({(e['involvedObject']['name'], e['type'], e['reason'], e['message']) for e in self.objects('events') if e['reason'] in ('Scheduled', 'FailedScheduling')})
        return placed, told


# Where several nodes are as good, chance decides: only that the pod was placed is compared.
BY_CHANCE = {'gated', 'follows', 'zone-b', 'least', 'card', 'too-big, later'}


def comparable(placed):
    return {name: ('placed' if name in BY_CHANCE and ':' not in outcome else outcome) for name, outcome in placed.items()}


@pytest.fixture(scope='module')
def upstream():
    if reason := lacking('kube-apiserver', 'kube-scheduler', 'etcd'):
        pytest.skip(reason)
    with Cluster(upstream_server=True, upstream_scheduler=True) as cluster:
        return cluster.walk()


@pytest.mark.parametrize('upstream_server', [False, True], ids=['pintle-server', 'upstream-server'])
def test_pods_go_where_upstream_sends_them(upstream, upstream_server):
    with Cluster(upstream_server, upstream_scheduler=False) as cluster:
        placed, told = cluster.walk()
    assert comparable(placed) == comparable(upstream[0])
    kinds = lambda events: {(name, kind, reason) for name, kind, reason, _ in events}
    assert kinds(told) == kinds(upstream[1])
