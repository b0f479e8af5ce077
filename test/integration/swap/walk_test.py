"""The walk of examples/day-service with each of our components alone in an upstream cluster, and with each of upstream's alone in
ours: at every stop the cluster's objects are those of upstream's own walk, and so are the events that tell of it."""
import json
import os
import pathlib
import re
import sys
import urllib.request

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from support.mixed_cluster import COMPONENTS, DAY, MixedCluster  # noqa: E402
from support.peers import lacking  # noqa: E402
from support.normalise import differences, state  # noqa: E402
from support.cluster import ROOT  # noqa: E402
from support.kubelet_node import missing  # noqa: E402
from support.netns import own_network  # noqa: E402
from support.nodes import await_true, condition  # noqa: E402

EXAMPLE = ROOT / 'examples/day-service'
NAMESPACE = 'production'
KINDS = ['deployments', 'replicasets', 'pods', 'services', 'endpointslices', 'endpoints', 'ingresses', 'serviceaccounts', 'configmaps']
# Events that depend on who is faster: a probe may come before the server listens.
BY_CHANCE = {'Unhealthy'}
COMBINED = '(combined from similar events): '
# Features of upstream's kubelet that ours does not have, and so does not declare.
UNDECLARED = ['ExtendWebSocketsToKubelet']
# On cgroups of version 1 upstream's kubelet now and then takes the kernel's "no limit" for a limit of the pod.
NO_LIMIT = {'memory': '9007199254740988Ki'}


def absent():
    if os.geteuid() != 0:
        return 'root is needed'
    return missing() or lacking(*COMPONENTS, 'etcd')


pytestmark = pytest.mark.skipif(absent() is not None, reason=str(absent()))


def ask(url):
    with urllib.request.urlopen(url, timeout=5) as answer:
        return json.load(answer)


class Walk:
    def __init__(self, cluster):
        self.cluster, self.stops = cluster, {}

    def kubectl(self, *args, **kw):
        return self.cluster.kubectl('-n', NAMESPACE, *args, **kw)

    def items(self, kind):
        items = self.cluster.items(kind, NAMESPACE)
        for resources in (i['status'].get('resources', {}) for i in items if kind == 'pods'):
            if resources.get('limits') == NO_LIMIT:
                del resources['limits']
        return items

    def pods(self):
        return self.items('pods')

    def settled(self, count, version):
        """Everything has followed: no pod is on its way in or out, and whoever counts pods counts `count`."""
        pods, deployment = self.pods(), self.items('deployments')[0]
        status = deployment['status']
        counted = [status.get(k, 0) for k in ('replicas', 'updatedReplicas', 'readyReplicas', 'availableReplicas')]
        sets = [(s['spec']['replicas'], s['status'].get('availableReplicas', 0)) for s in self.items('replicasets')]
        ready = [e for s in self.items('endpointslices') for e in s['endpoints'] or [] if e['conditions']['ready']]
        all_pods = all('deletionTimestamp' not in p['metadata'] and condition(p, 'Ready') == 'True' and p['spec']['containers'][0]['image'] == f'{DAY}:{version}' for p in pods)
        return (len(pods) == count and all_pods and counted == [count] * 4 and status['observedGeneration'] == deployment['metadata']['generation']
                and sorted(sets)[-1] == (count, count) and all(s == (0, 0) for s in sorted(sets)[:-1]) and len(ready) == count == self.addresses())

    def addresses(self):
        return sum(len(s.get('addresses') or []) for e in self.items('endpoints') for s in e.get('subsets') or [])

    def stop(self, name, count, version='v1.2.3'):
        try:
            await_true(f'{name}: {count} pods of {version}', lambda: self.settled(count, version), timeout_s=90)
        except RuntimeError as e:
            raise RuntimeError(f'{e}\n{self.kubectl("get", "all,endpointslices,events", "-o", "wide")}\n{self.cluster.logs_tail()}') from None
        self.stops[name] = state({kind: self.items(kind) for kind in KINDS})

    def answers_by_all(self, count):
        ip = self.items('services')[0]['spec']['clusterIP']
        names = {p['metadata']['name'] for p in self.pods()}
        answered = set()

        def asked():
            answered.add(ask(f'http://{ip}/')['hostname'])
            return answered == names
        await_true(f'each of {count} pods answers', asked, interval_s=0.01)

    def events(self):
        """The events of each kind of object and reason, in every form that was seen; and the forms of those that were combined, which
        depends on how many there were."""
        told, combined = {}, {}
        for e in self.items('events'):
            message = re.sub(r'day-service-[a-z0-9]{6,10}', 'day-service-<hash>', e.get('message', ''))
            message = re.sub(r'(<hash>)-[a-z0-9]{5}\b', r'\1-<x>', message)
            message = re.sub(r'\b[0-9.]+(ms|s)\b', '<time>', message)
            message = re.sub(r'from \d to \d', 'from <n> to <n>', message)
            key = f'{e["involvedObject"]["kind"]} {e["involvedObject"].get("fieldPath", "")} {e["reason"]}'
            form = (e['type'], message, e.get('action', ''), e['source'].get('component', ''), e['source'].get('host', ''), e.get('reportingComponent', ''),
                    e.get('reportingInstance', ''), 'eventTime' if e.get('eventTime') else '', 'firstTimestamp' if e.get('firstTimestamp') else '')
            if e['reason'] not in BY_CHANCE:
                (combined if message.startswith(COMBINED) else told).setdefault(key, set()).add(form)
        return tuple({key: [list(form) for form in sorted(forms)] for key, forms in events.items()} for events in (told, combined))

    def node(self):
        """The node, once it tells of both images; a version says whose it is."""
        def listed():
            node = self.cluster.json('get', 'node', self.cluster.name)
            names = {name for image in node['status'].get('images', []) for name in image['names']}
            return node if {f'{DAY}:v1.2.3', f'{DAY}:v1.3.0'} <= names else None
        node = await_true('the node tells of its images', listed, timeout_s=90)
        if 'kubelet' not in self.cluster.upstream:
            node['status']['declaredFeatures'] = sorted(UNDECLARED + node['status'].get('declaredFeatures', []))
        info = node['status']['nodeInfo']
        info['kubeletVersion'] = info['kubeletVersion'].removesuffix('+pintle')
        return node

    def run(self):
        kubectl = self.kubectl
        kubectl('apply', '-f', str(EXAMPLE / '00-namespace.yaml'))
        # A pod is refused until the namespace has its account.
        await_true('the namespace is furnished', lambda: self.items('serviceaccounts') and self.items('configmaps'))
        kubectl('apply', '-f', str(EXAMPLE))
        self.stop('applied', 3)
        self.answers_by_all(3)
        victim = self.pods()[0]['metadata']['name']
        kubectl('delete', 'pod', victim, '--wait=false')
        await_true('the pod is gone', lambda: victim not in {p['metadata']['name'] for p in self.pods()})
        self.stop('replaced', 3)
        kubectl('scale', 'deployment/day-service', '--replicas=5')
        self.stop('scaled', 5)
        kubectl('set', 'image', 'deployment/day-service', f'day={DAY}:v1.3.0')
        self.stop('rolled', 5, 'v1.3.0')
        self.answers_by_all(5)
        kubectl('rollout', 'undo', 'deployment/day-service')
        self.stop('undone', 5)
        self.answers_by_all(5)
        pod = self.pods()[0]['metadata']['name']
        self.stops['logs'] = re.sub(r'\S*day-service\S*', '<name>', kubectl('logs', pod))
        assert kubectl('exec', pod, '--', 'hostname').strip() == pod
        self.stops['node'] = state({'nodes': [self.node()]})
        self.stops['events'], self.stops['combined'] = self.events()
        kubectl('delete', 'namespace', NAMESPACE, '--wait=false')
        await_true('the namespace has gone', lambda: self.cluster.kubectl('get', 'namespace', NAMESPACE, check=False).returncode == 1, timeout_s=90)
        await_true('no container is left', lambda: not self.cluster.running())
        await_true('no directory of a pod is left', lambda: not list((self.cluster.folder / 'kubelet/pods').iterdir()), timeout_s=150)
        return self.stops


def walked(upstream, images_folder):
    with own_network(), MixedCluster(upstream, images_folder) as cluster:
        return Walk(cluster).run()


@pytest.fixture(scope='module')
def images_folder(tmp_path_factory):
    return tmp_path_factory.mktemp('registry')


@pytest.fixture(scope='module')
def upstream(images_folder):
    return walked(COMPONENTS, images_folder)


def compare(wanted, got):
    both = wanted['combined'].keys() & got['combined'].keys()
    wanted, got = ({**walk, 'combined': {key: walk['combined'][key] for key in both}} for walk in (wanted, got))
    return [line for stop in wanted for line in differences(wanted[stop], got[stop], stop)]


def check_same(wanted, got):
    different = compare(wanted, got)
    assert not different, '\n' + '\n'.join(different)


def test_upstream_alone(upstream):
    assert {'applied', 'replaced', 'scaled', 'rolled', 'undone'} < upstream.keys()


@pytest.mark.parametrize('ours', COMPONENTS)
def test_ours_in_an_upstream_cluster(upstream, images_folder, ours):
    check_same(upstream, walked(set(COMPONENTS) - {ours}, images_folder))


@pytest.mark.parametrize('theirs', COMPONENTS)
def test_upstreams_in_our_cluster(upstream, images_folder, theirs):
    check_same(upstream, walked({theirs}, images_folder))


def test_ours_alone(upstream, images_folder):
    check_same(upstream, walked((), images_folder))
