"""Each of API server, controller manager and scheduler, ours and upstream's, in all eight combinations: two hundred mixed workloads (mixed.py) are
made, changed and in part undone, and at each stop objects, status, conditions, who manages which fields, and events are those of upstream's own
three. A difference stays only with a reason in matrix.yaml."""
import itertools
import json
import os
import pathlib
import re
import sys
import time

import pytest
import yaml

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import mixed  # noqa: E402
from mixed import APPS, CRONS, DAEMONS, GONE, JOBS, LIMITS, NAMESPACES, OWNERS, PODS, SCALERS, SETS  # noqa: E402
from support.cluster import SLOWNESS, ApiServer, Process, free_port, pintle_binary, wait_for  # noqa: E402
from support.hollow_nodes import Client, HollowNode  # noqa: E402
from support.normalise import differences, event_line, managers, normalise  # noqa: E402
from support.peers import PEERS, lacking  # noqa: E402

QUIET_S, WAIT_S = 5, 90
MERGE, JSON_PATCH = 'application/merge-patch+json', 'application/json-patch+json'
GROUPS = {
    '/api/v1': ['pods', 'services', 'endpoints', 'configmaps', 'serviceaccounts', 'replicationcontrollers', 'resourcequotas', 'limitranges', 'persistentvolumeclaims', 'namespaces', 'nodes', 'persistentvolumes'],
    '/apis/apps/v1': ['deployments', 'replicasets', 'statefulsets', 'daemonsets', 'controllerrevisions'], '/apis/batch/v1': ['jobs', 'cronjobs'],
    '/apis/policy/v1': ['poddisruptionbudgets'], '/apis/discovery.k8s.io/v1': ['endpointslices'], '/apis/autoscaling/v2': ['horizontalpodautoscalers'],
    '/apis/scheduling.k8s.io/v1': ['priorityclasses'], '/apis/storage.k8s.io/v1': ['storageclasses', 'volumeattachments']}
BASE = {plural: base for base, plurals in GROUPS.items() for plural in plurals}
PLURAL = {'Endpoints': 'endpoints', 'PriorityClass': 'priorityclasses', 'StorageClass': 'storageclasses'}
SYSTEM = {'default', 'kube-system', 'kube-public', 'kube-node-lease'}
# Their words tell of the way there, which is chance: how many pods a step took, where a pod went, how often it was tried.
WAYS = {'ScalingReplicaSet', 'Scheduled', 'FailedScheduling', 'SuccessfulCreate', 'SuccessfulDelete', 'Preempted'}
# Told by a look that may come too late, or when a minute or two have passed in which nothing came.
BY_CHANCE = {'NoPods', 'WaitForFirstConsumer', 'WaitForPodScheduled', 'FailedAttachVolume'}
TRIED, COMBINED = 'nodes are available', '(combined from similar events)'
COMPONENTS = 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'


def plural(kind):
    return PLURAL.get(kind, kind.lower() + 's')


def has_condition(obj, kind, status='True'):
    return any(c['type'] == kind and c['status'] == status for c in obj.get('status', {}).get('conditions', []))


class Cluster:
    """`ours`: which of COMPONENTS."""

    def __init__(self, ours):
        self.ours = ours
        self.server = ApiServer(upstream=None if 'kube-apiserver' in ours else PEERS)
        self.nodes, self.running, self.observed, self.stops = [], [], [], {}

    def __enter__(self):
        try:
            self.server.start()
            self.client = self.client_of('admin')
            self.start('kube-controller-manager', '--use-service-account-credentials', f'--service-account-private-key-file={self.server.pki.path("sa.key")}',
                       f'--root-ca-file={self.server.pki.ca}', '--horizontal-pod-autoscaler-sync-period=2s', '--kube-api-qps=200', '--kube-api-burst=400')
            self.start('kube-scheduler', '--kube-api-qps=200', '--kube-api-burst=400')
            for i, (node, labels, taints, cpu) in enumerate(mixed.NODES):
                self.nodes.append(HollowNode(node, self.client_of(node, f'/O=system:nodes/CN=system:node:{node}'), i, labels, taints, cpu))
                self.nodes[-1].start()
            return self
        except BaseException:
            self.close()
            raise

    def __exit__(self, *_):
        self.close()

    def client_of(self, user, subject=None):
        pki = self.server.pki
        if subject:
            pki.issue(user, subject)
        return Client('127.0.0.1', self.server.port, pki.ca, pki.path(f'{user}.crt'), pki.path(f'{user}.key'))

    def start(self, component, *flags):
        server, program = self.server, [pintle_binary(), component] if component in self.ours else [str(PEERS / component)]
        server.pki.issue(component, f'/CN=system:{component}')
        config = server.pki.kubeconfig(f'{component}.conf', server.url, component)
        self.running.append(Process([*program, f'--kubeconfig={config}', f'--authentication-kubeconfig={config}', f'--authorization-kubeconfig={config}', '--bind-address=127.0.0.1',
                                     f'--secure-port={free_port()}', f'--cert-dir={server.folder}/{component}', '--leader-elect=false', *flags], server.folder / f'{component}.log'))

    def close(self):
        for node in self.nodes:
            node.stopping.set()
        for process in reversed(self.running):
            process.stop(timeout_s=60)
        self.server.stop()

    # Objects.

    def path(self, resource, namespace=None, named='', sub=''):
        scope = f'/namespaces/{namespace}' if namespace else ''
        return f'{BASE[resource]}{scope}/{resource}' + (f'/{named}' if named else '') + (f'/{sub}' if sub else '')

    def make(self, obj):
        meta = obj['metadata']
        return self.client.call('POST', self.path(plural(obj['kind']), meta.get('namespace')), obj)

    def get(self, resource, namespace, named):
        return self.client.call('GET', self.path(resource, namespace, named), ok=(200, 404))

    def list(self, resource, namespace=None):
        return self.client.call('GET', self.path(resource, namespace))['items']

    def patch(self, resource, namespace, named, change, kind=MERGE, sub=''):
        return self.client.call('PATCH', self.path(resource, namespace, named, sub), change, kind)

    def delete(self, resource, namespace, named, propagation='Background'):
        self.client.call('DELETE', self.path(resource, namespace, named), {'apiVersion': 'v1', 'kind': 'DeleteOptions', 'propagationPolicy': propagation})

    def wait(self, condition, what, timeout_s=WAIT_S):
        """What never comes is noted: the other clusters may well agree."""
        until = time.monotonic() + timeout_s * SLOWNESS
        while not condition():
            if time.monotonic() > until:
                self.observed.append(f'never: {what}')
                return
            time.sleep(0.2)

    def everything(self):
        found = {resource: self.list(resource) for resource in BASE}
        return {resource: [o for o in items if o['metadata'].get('namespace', 'mix').startswith('mix') and o['metadata']['name'] not in SYSTEM] for resource, items in found.items()}

    def settle(self, what):
        def versions():
            return {(o['metadata']['uid'], o['metadata']['resourceVersion']) for items in self.everything().values() for o in items}
        seen, since, until = versions(), time.monotonic(), time.monotonic() + 2 * WAIT_S * SLOWNESS
        while time.monotonic() - since < QUIET_S:
            time.sleep(0.5)
            now = versions()
            if now != seen:
                seen, since = now, time.monotonic()
            if time.monotonic() > until:
                self.observed.append(f'never: quiet, {what}')
                break
        self.stops[what] = self.state()

    def state(self):
        events = [e for e in self.client.call('GET', '/api/v1/events')['items'] if e['metadata']['namespace'].startswith('mix')]
        return {**self.everything(), 'events': events, 'observed': list(self.observed)}

    # The walk.

    def walk(self):
        ready = lambda: all(n['spec'].get('taints', []) == taints for n, (_, _, taints, _) in zip(sorted(self.list('nodes'), key=lambda n: n['metadata']['name']), sorted(mixed.NODES)))  # noqa: E731
        wait_for(lambda: len(self.list('nodes')) == len(mixed.NODES) and ready(), 'the nodes are ready', self.server.server)
        for namespace in [*NAMESPACES, *GONE]:
            self.make(mixed.make('Namespace', None, namespace))
        wait_for(lambda: all(self.get('serviceaccounts', n, 'default')['kind'] == 'ServiceAccount' for n in [*NAMESPACES, *GONE]), 'the default service accounts', self.server.server)
        for obj in [*mixed.cluster_wide(), *mixed.first()]:
            self.make(obj)
        self.wait(lambda: all(q.get('status', {}).get('used') for q in self.list('resourcequotas', LIMITS)), 'the quotas are counted')
        for obj in mixed.limited():
            self.make(obj)
        self.make_owned()
        self.await_first()
        self.settle('made')
        self.change()
        self.settle('changed')
        self.undo()
        self.settle('undone')
        ended = [p.tail(2000) for p in self.running if p.child.poll() is not None]
        assert not ended, ended
        return self.stops

    def make_owned(self):
        uids = {}
        for owned, owners in mixed.owned():
            obj = mixed.make('ConfigMap', OWNERS, owned)
            obj['metadata']['ownerReferences'] = [{'apiVersion': 'v1', 'kind': 'ConfigMap', 'name': o, 'uid': uids[o], 'blockOwnerDeletion': True} for o in owners]
            uids[owned] = self.make(obj)['metadata']['uid']

    def await_first(self):
        def ended(one):
            return has_condition(one, 'Complete') or has_condition(one, 'Failed')
        for one in ('fails', 'fails-twice', 'index-fails', 'indexes-fail', 'policy-failjob', 'policy-count', 'policy-index', 'enough', 'one-index', 'too-long'):
            self.wait(lambda n=one: ended(self.get('jobs', JOBS, n)), f'job {one} has ended')
        self.wait(lambda: has_condition(self.get('deployments', APPS, 'late'), 'Progressing', 'False'), 'the late deployment says so')
        done = {'due': lambda c: c['status'].get('lastSuccessfulTime'), 'busy': lambda c: c['status'].get('active'),
                'fails': lambda c: any(has_condition(j, 'Failed') for j in self.list('jobs', CRONS))}
        for one, condition in done.items():
            self.wait(lambda n=one, c=condition: c(self.get('cronjobs', CRONS, n)), f'cron job {one} has run')
            self.patch('cronjobs', CRONS, one, {'spec': {'suspend': True}})
        self.wait(lambda: all(h['status'].get('conditions') for h in self.list('horizontalpodautoscalers', SCALERS)), 'the autoscalers have looked')

    def image(self, resource, namespace, named, version=2):
        self.patch(resource, namespace, named, [{'op': 'replace', 'path': '/spec/template/spec/containers/0/image', 'value': f'registry.example/app:{version}'}], JSON_PATCH)

    def scale(self, resource, namespace, named, replicas):
        self.patch(resource, namespace, named, {'spec': {'replicas': replicas}}, sub='scale')

    def evict(self, named):
        self.client.call('POST', self.path('pods', PODS, named, 'eviction'), {'apiVersion': 'policy/v1', 'kind': 'Eviction', 'metadata': {'name': named, 'namespace': PODS}}, ok=(200, 201, 429))

    def change(self):
        for one in [*(f'rolling-{i}' for i in range(5)), *(f'recreate-{i}' for i in range(3)), 'web-1', 'web-2', 'forgets', 'remembers', 'slow', 'paused', 'far', 'important']:
            self.image('deployments', APPS, one)
        self.patch('deployments', APPS, 'paused', {'spec': {'paused': False}})
        for one, replicas in (('web-4', 3), ('web-5', 0), ('web-6', 5), ('web-7', 1), ('even', 3), ('nowhere', 1)):
            self.scale('deployments', APPS, one, replicas)
        self.patch('deployments', APPS, 'late', {'spec': {'template': {'metadata': {'annotations': {'hollow': None}}}}})
        self.scale('replicasets', APPS, 'set-1', 3)
        self.scale('replicationcontrollers', APPS, 'old-2', 0)
        released = next(p for p in self.list('pods', APPS) if p['metadata']['labels'].get('app') == 'set-2')
        self.patch('pods', APPS, released['metadata']['name'], {'metadata': {'labels': {'app': 'released'}}})
        for one, propagation in (('orphaned', 'Orphan'), ('ended', 'Background'), ('ended-first', 'Foreground')):
            self.delete('deployments', APPS, one, propagation)
        self.delete('services', APPS, 'web-3')

        for one, replicas in (('db-1', 3), ('db-3', 1), ('from-five', 3), ('keeps-none', 1), ('parallel-0', 4), ('stuck', 1)):
            self.scale('statefulsets', SETS, one, replicas)
        for one in ('parallel-2', 'parted', 'by-hand', 'db-2', 'few-revisions', 'slow'):
            self.image('statefulsets', SETS, one)
        self.delete('statefulsets', SETS, 'ended')
        self.delete('statefulsets', SETS, 'orphaned', 'Orphan')

        for one in ('general', 'three', 'surges', 'slow', 'by-hand'):
            self.image('daemonsets', DAEMONS, one)
        self.delete('daemonsets', DAEMONS, 'orphaned', 'Orphan')
        self.delete('daemonsets', DAEMONS, 'ended')

        for one, spec in (('resumed', {'suspend': False}), ('to-suspend', {'suspend': True}), ('shrinks', {'parallelism': 1}), ('grows', {'parallelism': 3}), ('elastic', {'parallelism': 3, 'completions': 3})):
            self.patch('jobs', JOBS, one, {'spec': spec})
        self.delete('jobs', JOBS, 'ended', 'Foreground')
        self.delete('jobs', JOBS, 'orphaned', 'Orphan')
        self.delete('cronjobs', CRONS, 'ended')

        self.patch('pods', PODS, 'gated-on', [{'op': 'remove', 'path': '/spec/schedulingGates'}], JSON_PATCH)
        self.make(mixed.pod('alone-2', labels={'app': 'alone'}, affinity=mixed.apart('alone'), nodeSelector={mixed.HOST: 'general-1'}))
        self.make(mixed.pod('port-2', ports=[{'containerPort': 80, 'hostPort': 8080}], nodeSelector={mixed.HOST: 'general-0'}))
        self.make(mixed.make('PersistentVolumeClaim', PODS, 'data', {'accessModes': ['ReadWriteOnce'], 'storageClassName': 'mix-now', 'resources': {'requests': {'storage': '1Gi'}}}))
        self.make(mixed.pod('high', cpu='1500m', priorityClassName='mix-high', **mixed.only_on('small')))
        self.make(mixed.pod('polite', cpu='1500m', priorityClassName='mix-polite', **mixed.only_on('tiny')))
        self.evict('evicted')
        self.evict('guarded')
        self.delete('pods', PODS, 'plain-gone')

        for one, propagation in (('owner-0', 'Background'), ('owner-1', 'Foreground'), ('owner-3', 'Orphan'), ('owner-4', 'Foreground')):
            self.delete('configmaps', OWNERS, one, propagation)
        self.scale('deployments', LIMITS, 'greedy', 2)
        self.patch('configmaps', GONE[2], 'note', {'metadata': {'finalizers': ['example.com/hold']}})
        for namespace in GONE:
            self.delete('namespaces', None, namespace)
        leaving = next(taints for node, _, taints, _ in mixed.NODES if node == 'leaving')
        self.patch('nodes', None, 'leaving', {'spec': {'taints': [*leaving, {'key': 'example.com/leave', 'value': 'now', 'effect': 'NoExecute'}]}})
        self.patch('nodes', None, 'general-5', {'spec': {'unschedulable': True}})
        self.wait(lambda: all(self.get('namespaces', None, n)['kind'] == 'Status' for n in GONE[:2]), 'two namespaces have gone')
        self.wait(lambda: has_condition(self.get('namespaces', None, GONE[2]), 'NamespaceFinalizersRemaining'), 'the third says what it waits for')
        self.wait(lambda: self.get('pods', PODS, 'high')['spec'].get('nodeName'), 'the important pod has a place')

    def undo(self):
        for one in ('rolling-0', 'web-1', 'remembers', 'recreate-1'):
            self.image('deployments', APPS, one, 1)
        for one in ('parallel-2', 'few-revisions'):
            self.image('statefulsets', SETS, one, 1)
        self.image('daemonsets', DAEMONS, 'three', 1)
        self.patch('jobs', JOBS, 'to-suspend', {'spec': {'suspend': False}})
        self.delete('pods', PODS, 'port')
        self.delete('pods', PODS, 'alone')
        leaving = next(taints for node, _, taints, _ in mixed.NODES if node == 'leaving')
        self.patch('nodes', None, 'leaving', {'spec': {'taints': leaving}})
        self.patch('nodes', None, 'general-5', {'spec': {'unschedulable': None}})
        self.patch('configmaps', GONE[2], 'note', {'metadata': {'finalizers': None}})
        self.scale('statefulsets', SETS, 'db-1', 0)
        self.delete('persistentvolumeclaims', LIMITS, 'one')
        self.wait(lambda: self.get('namespaces', None, GONE[2])['kind'] == 'Status', 'the third namespace has gone')
        for one in ('port-2', 'alone-2'):
            self.wait(lambda n=one: self.get('pods', PODS, n)['status'].get('phase') == 'Running', f'{one} has a place')


def formed(resource, obj):
    """What is compared of an object: nothing that is drawn, neither its place nor which of equal volumes a claim got."""
    out = json.loads(re.sub(r'csi-[0-9a-f]{64}', 'csi-<hash>', re.sub(r'mix-(now|later)-\d', r'mix-\1-<n>', json.dumps(obj))))
    if resource == 'pods':
        out['metadata'].get('labels', {}).pop(mixed.ZONE, None)
        for condition in out['status'].get('conditions', []):
            if condition['type'] == 'PodScheduled' and TRIED in condition.get('message', ''):
                condition['message'] = TRIED   # how the nodes stood when it was tried last
    if resource == 'endpointslices':
        out['ports'] = sorted(out.get('ports') or [], key=repr)
        for endpoint in out.get('endpoints') or []:
            endpoint.pop('zone', None)
    fields = dict(m.split(': ', 1) for m in managers(out))
    return normalise(out) | {'managers': {who: dict.fromkeys(what.split()) for who, what in fields.items()}}


def told(event):
    """An event as a line: with its words, unless they tell of the way there."""
    return f'{event["metadata"]["namespace"]}: {event_line(event | ({"message": ""} if event["reason"] in WAYS or COMBINED in event["message"] else {}))}'


def paired(wanted, got):
    """Pairs of those of one name that are not the same, each with the one that is most like it; None: there is none."""
    left = [x for x in got]
    rest = []
    for x in wanted:
        if x in left:
            left.remove(x)
        else:
            rest.append(x)
    for x in rest:
        best = min(left, key=lambda y: len(differences(x, y)), default=None)
        if best is not None:
            left.remove(best)
        yield x, best
    yield from ((None, y) for y in left)


def lines(wanted, got):
    """Differences of two walks, a line each: of objects by name, of events as sets."""
    out = []
    for stop in wanted:
        a, b = ({told(e) for e in walk[stop]['events'] if e['reason'] not in BY_CHANCE} for walk in (wanted, got))
        out += [f'{stop}: events: only upstream: {x}' for x in sorted(a - b)] + [f'{stop}: events: only here: {x}' for x in sorted(b - a)]
        a, b = (set(walk[stop]['observed']) for walk in (wanted, got))
        out += [f'{stop}: observed: only upstream: {x}' for x in sorted(a - b)] + [f'{stop}: observed: only here: {x}' for x in sorted(b - a)]
        for resource in BASE:
            found = {}
            for i, walk in enumerate((wanted, got)):
                for obj in walk[stop][resource]:
                    one = formed(resource, obj)
                    found.setdefault(f'{one["metadata"].get("namespace", "")}/{one["metadata"]["name"]}', ([], []))[i].append(one)
            for key, (a, b) in sorted(found.items()):
                for x, y in paired(a, b):
                    where = f'{stop}: {resource} {key}'
                    out += [f'{where}: only here'] if x is None else [f'{where}: only upstream'] if y is None else differences(x, y, where)
    return out


def walked(ours):
    kept = os.environ.get('MATRIX_KEEP')   # a folder: what was seen stays there, to be compared again
    with Cluster(ours) as cluster:
        stops = cluster.walk()
    if kept:
        (pathlib.Path(kept) / f'{"+".join(sorted(ours)) or "upstream"}.json').write_text(json.dumps(stops))
    return stops


@pytest.fixture(scope='module')
def upstream():
    if reason := lacking(*COMPONENTS, 'etcd'):
        pytest.skip(reason)
    return walked(())


def unexplained(found):
    reasons = [re.compile(one['difference']) for one in yaml.safe_load((pathlib.Path(__file__).parent / 'matrix.yaml').read_text())]
    return [line[:600] for line in found if not any(r.search(line) for r in reasons)]


def test_there_are_two_hundred_workloads():
    assert sum(o['kind'] in mixed.WORKLOADS for o in [*mixed.first(), *mixed.limited()]) >= 200


@pytest.mark.parametrize('ours', [c for n in (1, 2, 3) for c in itertools.combinations(COMPONENTS, n)], ids=lambda ours: '+'.join(c.removeprefix('kube-') for c in ours))
def test_the_same_state_with_ours_in_place_of(upstream, ours):
    different = unexplained(lines(upstream, walked(ours)))
    assert not different, f'{len(different)} differences:\n' + '\n'.join(different)
