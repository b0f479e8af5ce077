"""Extenders of the scheduler (KubeSchedulerConfiguration.extenders): programs over HTTP that filter, score, choose victims and bind. The same walk with
upstream's scheduler, where it is there, on the same API server: what it is asked and what becomes of the pods must be the same."""
import contextlib
import http.server
import json
import pathlib
import sys
import threading

import pytest
import yaml

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.cluster import ApiServer, Process, pintle_binary, wait_for  # noqa: E402
from support.peers import PEERS, lacking  # noqa: E402

GPUS, CARD = ('example.com/gpu', 'example.com/link', 'example.com/slot'), 'example.com/card'


class Extender:
    """Answers what `verbs` says; keeps what it was asked, as (verb, nodes)."""

    def __init__(self):
        self.verbs, self.asked, outer = {}, [], self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers['Content-Length'])))
                verb = self.path.strip('/')
                names = body.get('NodeNames') or [n['metadata']['name'] for n in (body.get('Nodes') or {}).get('items') or []]
                outer.asked.append((verb, tuple(sorted(names))))
                status, answer = outer.verbs[verb](body)
                data = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header('Content-Length', str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                pass
        self.server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self.url = f'http://127.0.0.1:{self.server.server_port}/'
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def pod(name, priority=None, **resources):
    limits = {name: v for k, v in resources.items() for name in (GPUS if k == 'gpu' else [CARD] if k == 'card' else [k])}
    return {'apiVersion': 'v1', 'kind': 'Pod', 'metadata': {'name': name, 'annotations': {'note': 'whole'}},
            'spec': {'terminationGracePeriodSeconds': 0, 'containers': [{'name': 'c', 'image': 'x', 'resources': {'limits': limits, 'requests': limits}}],
                     **({'priorityClassName': priority} if priority else {})}}


class World:
    def __init__(self, server, folder, upstream):
        self.server, self.upstream = server, upstream
        self.names, self.nodes, self.binder, self.down = Extender(), Extender(), Extender(), 'http://127.0.0.1:9/'
        gpu, link, slot = ([{'name': name, 'ignoredByScheduler': True}] for name in GPUS)
        config = {'apiVersion': 'kubescheduler.config.k8s.io/v1', 'kind': 'KubeSchedulerConfiguration', 'leaderElection': {'leaderElect': False},
                  'podMaxBackoffSeconds': 2, 'clientConnection': {'kubeconfig': server.pki.kubeconfig('scheduler.conf', server.url, 'kube-scheduler')},
                  'extenders': [
                      {'urlPrefix': self.names.url, 'filterVerb': 'filter', 'prioritizeVerb': 'prioritize', 'preemptVerb': 'preempt', 'weight': 1,
                       'nodeCacheCapable': True, 'managedResources': gpu},
                      {'urlPrefix': self.nodes.url, 'filterVerb': 'filter', 'managedResources': link},
                      {'urlPrefix': self.down, 'filterVerb': 'filter', 'ignorable': True, 'httpTimeout': '2s', 'managedResources': slot},
                      {'urlPrefix': self.binder.url, 'bindVerb': 'bind', 'managedResources': [{'name': CARD, 'ignoredByScheduler': True}]}]}
        path = folder / 'scheduler.yaml'
        path.write_text(yaml.safe_dump(config))
        program = [str(PEERS / 'kube-scheduler')] if upstream else [pintle_binary(), 'kube-scheduler']
        self.process = Process([*program, f'--config={path}', '--secure-port=0'], folder / 'scheduler.log')

    def get(self, name):
        return json.loads(self.server.kubectl('get', 'pod', name, '-o', 'json'))

    def node_of(self, name):
        wait_for(lambda: self.get(name)['spec'].get('nodeName'), f'{name} has a node', self.process, timeout_s=60, pause_s=0.05)
        return self.get(name)['spec']['nodeName']

    def refusal(self, name):
        def told():
            found = [c for c in self.get(name)['status'].get('conditions', []) if c['type'] == 'PodScheduled' and c['status'] == 'False']
            return found and (found[0]['reason'], found[0]['message'])
        wait_for(told, f'{name} is refused', self.process, timeout_s=60, pause_s=0.05)
        return told()

    def create(self, manifest):
        self.server.kubectl('create', '-f', '-', stdin=json.dumps(manifest))

    def walk(self):
        kubectl, out = self.server.kubectl, {}
        for name in ('n1', 'n2', 'n3'):
            kubectl('create', '-f', '-', stdin=json.dumps({'apiVersion': 'v1', 'kind': 'Node', 'metadata': {'name': name, 'annotations': {'note': 'whole'}}}))
            kubectl('patch', 'node', name, '--subresource=status', '--type=merge', '-p', json.dumps({'status': {'allocatable': {'cpu': '4', 'memory': '8Gi', 'pods': '20'}}}))
        kubectl('create', 'priorityclass', 'high', '--value=1000')
        seen = {}

        def pass_nodes(body):
            items = body['Nodes']['items']
            seen['annotations'] = {body['Pod']['metadata']['annotations']['note'], *(n['metadata']['annotations']['note'] for n in items)}
            seen['members'] = sorted(body)
            return 200, {'Nodes': {'items': items}}
        self.names.verbs['filter'] = lambda body: (200, {'nodenames': [n for n in body['NodeNames'] if n != 'n1'], 'failedNodes': {'n1': 'n1 has no driver'}})
        self.names.verbs['prioritize'] = lambda body: (200, [{'host': 'n2', 'score': 1}, {'Host': 'n3', 'Score': 10}])
        self.nodes.verbs['filter'] = pass_nodes
        self.create(pod('scored', cpu='1', gpu='1'))
        out['scored'] = self.node_of('scored')
        out['seen'] = seen
        out['asked'] = [(verb, nodes) for verb, nodes in self.names.asked + self.nodes.asked]

        self.create(pod('plain', cpu='100m'))
        self.node_of('plain')
        assert len(self.names.asked) == 2, 'a pod without its resource is none of its business'

        self.nodes.verbs['filter'] = lambda body: (200, {'Nodes': {'items': []}, 'FailedNodes': {'n2': 'no gpu'}, 'FailedAndUnresolvableNodes': {'n3': 'broken'}})
        self.create(pod('refused', cpu='1', gpu='1'))
        out['refused'] = self.refusal('refused')
        kubectl('delete', 'pod', 'refused')

        self.nodes.verbs['filter'] = lambda body: (500, {})
        self.create(pod('failing', cpu='1', gpu='1'))
        out['failing'] = self.refusal('failing')[0]
        self.nodes.verbs['filter'] = pass_nodes
        out['failing, later'] = self.node_of('failing')

        def bind(body):
            self.server.kubectl('create', '--raw', f'/api/v1/namespaces/{body["PodNamespace"]}/pods/{body["PodName"]}/binding', '-f', '-', stdin=json.dumps(
                {'apiVersion': 'v1', 'kind': 'Binding', 'metadata': {'name': body['PodName'], 'uid': body['PodUID']}, 'target': {'kind': 'Node', 'name': body['Node']}}))
            return 200, {}
        self.binder.verbs['bind'] = bind
        self.create(pod('bound', cpu='100m', card='1'))
        self.node_of('bound')
        out['bound'] = [verb for verb, _ in self.binder.asked]

        for node in ('n1', 'n2', 'n3'):
            filler = pod(f'filler-{node}', cpu='2900m')
            filler['spec']['nodeSelector'] = {}
            filler['spec']['affinity'] = {'nodeAffinity': {'requiredDuringSchedulingIgnoredDuringExecution': {'nodeSelectorTerms': [
                {'matchFields': [{'key': 'metadata.name', 'operator': 'In', 'values': [node]}]}]}}}
            if node != 'n3':
                self.create(filler)
                self.node_of(f'filler-{node}')
        self.names.verbs['filter'] = lambda body: (200, {'NodeNames': body['NodeNames']})
        offered = []

        def preempt(body):
            victims = body['NodeNameToMetaVictims']
            offered.append(sorted(victims))
            return 200, {'NodeNameToMetaVictims': {'n2': victims['n2']}}
        self.names.verbs['preempt'] = preempt
        self.create(pod('urgent', 'high', cpu='3500m', gpu='1'))
        out['urgent'] = self.node_of('urgent')
        out['offered'] = offered[0]
        out['survivors'] = sorted(p['metadata']['name'] for p in json.loads(kubectl('get', 'pods', '-o', 'json'))['items'])
        return out


def walk(folder, upstream):
    folder.mkdir()
    with ApiServer(flags=['--disable-admission-plugins=ServiceAccount,TaintNodesByCondition']) as server, contextlib.ExitStack() as stack:
        server.pki.issue('kube-scheduler', '/CN=system:kube-scheduler')
        world = World(server, folder, upstream)
        stack.callback(world.process.stop)      # upstream's, which leads nobody, ends with 1
        for extender in (world.names, world.nodes, world.binder):
            stack.callback(extender.close)
        return world.walk()


@pytest.fixture(scope='module')
def ours(tmp_path_factory):
    return walk(tmp_path_factory.mktemp('extenders') / 'ours', False)


def test_what_extenders_say_counts(ours):
    assert ours['scored'] == 'n3'
    assert ours['seen'] == {'annotations': {'whole'}, 'members': ['NodeNames', 'Nodes', 'Pod']}
    assert ours['asked'] == [('filter', ('n1', 'n2', 'n3')), ('prioritize', ('n2', 'n3')), ('filter', ('n2', 'n3'))]
    assert ours['refused'] == ('Unschedulable', '0/3 nodes are available: 1 broken, 1 n1 has no driver, 1 no gpu. '
                               'no new claims to deallocate, preemption: 0/3 nodes are available: 1 Preemption is not helpful for scheduling, 2 No preemption victims found for incoming pod.')
    assert ours['failing'] == 'SchedulerError' and ours['failing, later'] == 'n3'
    assert ours['bound'] == ['bind']
    assert ours['urgent'] == 'n2' and 'filler-n2' not in ours['survivors'] and 'filler-n1' in ours['survivors']


def test_as_upstream(ours, tmp_path):
    if reason := lacking('kube-scheduler'):
        pytest.skip(reason)
    assert walk(tmp_path / 'upstream', True) == ours
