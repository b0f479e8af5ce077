"""Dynamic resource allocation, its control side: ResourceSlices that kubectl makes stand for drivers, nobody prepares anything on a node, and what is looked
at is which pods get nodes and what becomes of claims, statuses, events and conditions. The same walk with upstream's scheduler and controller manager, where
they are there, on the same API server must end the same."""
import contextlib
import json
import os
import pathlib
import re
import sys

import pytest
import yaml

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.cluster import ApiServer, Process, free_port, pintle_binary, wait_for  # noqa: E402
from support.nodes import NodeCluster, await_true  # noqa: E402
from support.peers import PEERS, lacking  # noqa: E402

DRIVER, NODES = 'gpu.example.com', ('n1', 'n2')
UID = re.compile(r'[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}')
CONTROLLERS = 'resourceclaim-controller,device-taint-eviction-controller,garbage-collector-controller,serviceaccount-controller'


def node(name):
    return {'apiVersion': 'v1', 'kind': 'Node', 'metadata': {'name': name, 'labels': {'kubernetes.io/hostname': name}}}


def device_slice(name, devices, pool=None, count=1, driver=DRIVER, generation=1, **spec):
    return {'apiVersion': 'resource.k8s.io/v1', 'kind': 'ResourceSlice', 'metadata': {'name': name},
            'spec': {'driver': driver, 'pool': {'name': pool or name, 'generation': generation, 'resourceSliceCount': count}, **({'devices': devices} if devices else {}), **spec}}


def device(name, **attributes):
    return {'name': name, 'attributes': {k: {'string' if isinstance(v, str) else 'int': v} for k, v in attributes.items()}}


def device_class(name, expression=None, **spec):
    selectors = {'selectors': [{'cel': {'expression': expression}}]} if expression else {}
    return {'apiVersion': 'resource.k8s.io/v1', 'kind': 'DeviceClass', 'metadata': {'name': name}, 'spec': {**selectors, **spec}}


def claim(name, *requests, **devices):
    return {'apiVersion': 'resource.k8s.io/v1', 'kind': 'ResourceClaim', 'metadata': {'name': name}, 'spec': {'devices': {'requests': list(requests), **devices}}}


def request(name='r', device_class='gpu', **exactly):
    return {'name': name, 'exactly': {'deviceClassName': device_class, **exactly}}


def pod(name, *claims, resources=None, **spec):
    return {'apiVersion': 'v1', 'kind': 'Pod', 'metadata': {'name': name},
            'spec': {'terminationGracePeriodSeconds': 0, 'tolerations': [{'operator': 'Exists'}],
                     'resourceClaims': [{'name': f'c{i}', 'resourceClaimName': c} if isinstance(c, str) else {'name': f'c{i}', **c} for i, c in enumerate(claims)],
                     'containers': [{'name': 'c', 'image': 'x', **({'resources': {'limits': resources, 'requests': resources}} if resources else {})}], **spec}}


SLICES = [
    device_slice('gpus-n1', [device('g0', model='small', numa=0), device('g1', model='big', numa=0), device('g2', model='big', numa=1)], nodeName='n1'),
    device_slice('gpus-n2', [device('g0', model='small', numa=0)], nodeName='n2'),
    device_slice('parts', [{'name': 'whole', 'consumesCounters': [{'counterSet': 's', 'counters': {'memory': {'value': '40Gi'}}}]},
                           *[{'name': f'half{i}', 'consumesCounters': [{'counterSet': 's', 'counters': {'memory': {'value': '20Gi'}}}]} for i in (1, 2)]],
                 driver='part.example.com', count=2, allNodes=True),
    device_slice('counters', None, pool='parts', driver='part.example.com', count=2, allNodes=True, sharedCounters=[{'name': 's', 'counters': {'memory': {'value': '40Gi'}}}]),
    device_slice('shared', [{'name': 'nic', 'allowMultipleAllocations': True, 'capacity': {
        'bandwidth': {'value': '10G', 'requestPolicy': {'default': '1G', 'validRange': {'min': '1G', 'step': '1G'}}}}}], driver='nic.example.com', allNodes=True),
    device_slice('slow', [{**device('d'), 'bindingConditions': ['attached'], 'bindingFailureConditions': ['lost'], 'bindsToNode': True}], driver='slow.example.com', allNodes=True),
    device_slice('per-device', [{**device('d1'), 'nodeName': 'n1'}, {**device('d2'), 'nodeName': 'n2'}], driver='each.example.com', perDeviceNodeSelection=True),
]
CLASSES = [device_class('gpu', f'device.driver == "{DRIVER}"', config=[{'opaque': {'driver': DRIVER, 'parameters': {'mode': 'class'}}}]),
           device_class('big', f'device.driver == "{DRIVER}" && device.attributes["{DRIVER}"].model == "big"', extendedResourceName='example.com/big'),
           device_class('broken', f'device.attributes["{DRIVER}"].nothing == 1'),
           *[device_class(name, f'device.driver == "{name}.example.com"') for name in ('part', 'nic', 'slow', 'half', 'each')]]


class World:
    def __init__(self, server, folder, upstream):
        self.server = server
        config = {'apiVersion': 'kubescheduler.config.k8s.io/v1', 'kind': 'KubeSchedulerConfiguration', 'leaderElection': {'leaderElect': False}, 'podMaxBackoffSeconds': 2,
                  'clientConnection': {'kubeconfig': self.config('kube-scheduler')}}
        path = folder / 'scheduler.yaml'
        path.write_text(yaml.safe_dump(config))
        scheduler = [str(PEERS / 'kube-scheduler')] if upstream else [pintle_binary(), 'kube-scheduler']
        manager = [str(PEERS / 'kube-controller-manager')] if upstream else [pintle_binary(), 'kube-controller-manager']
        self.scheduler = Process([*scheduler, f'--config={path}', '--secure-port=0'], folder / 'scheduler.log')
        kubeconfig = self.config('kube-controller-manager')
        self.manager = Process([*manager, f'--kubeconfig={kubeconfig}', f'--authentication-kubeconfig={kubeconfig}', f'--authorization-kubeconfig={kubeconfig}',
                                '--use-service-account-credentials', f'--service-account-private-key-file={server.pki.path("sa.key")}', '--leader-elect=false',
                                f'--controllers={CONTROLLERS}', '--bind-address=127.0.0.1', f'--secure-port={free_port()}', f'--cert-dir={folder}/certs'], folder / 'manager.log')

    def config(self, name):
        self.server.pki.issue(name, f'/CN=system:{name}')
        return self.server.pki.kubeconfig(f'{name}.conf', self.server.url, name)

    def stop(self):
        self.scheduler.stop()
        self.manager.stop()

    def create(self, *manifests):
        for manifest in manifests:
            self.server.kubectl('create', '-f', '-', stdin=json.dumps(manifest))

    def get(self, kind, name):
        return json.loads(self.server.kubectl('get', kind, name, '-o', 'json'))

    def all(self, kind):
        return json.loads(self.server.kubectl('get', kind, '-o', 'json'))['items']

    def wait(self, condition, what):
        wait_for(condition, what, self.scheduler, timeout_s=60, pause_s=0.05)

    def node_of(self, name):
        self.wait(lambda: self.get('pod', name)['spec'].get('nodeName'), f'{name} has a node')
        return self.get('pod', name)['spec']['nodeName']

    def refusal(self, name):
        def told():
            found = [c for c in self.get('pod', name)['status'].get('conditions', []) if c['type'] == 'PodScheduled' and c['status'] == 'False']
            return found and (found[0]['reason'], found[0]['message'])
        self.wait(told, f'{name} is refused')
        return told()

    def state(self, name):
        """A claim without what is drawn."""
        got = self.get('resourceclaim', name)
        text = UID.sub('UID', json.dumps({'status': got.get('status', {}), 'finalizers': got['metadata'].get('finalizers', [])}))
        return json.loads(re.sub(r'"\d{4}-\d\d-\d\dT[0-9:]+Z"', '"TIME"', text))

    def events(self, name, reason):
        return sorted({e['message'] for e in self.all('events') if e['involvedObject'].get('name') == name and e['reason'] == reason})

    def delete(self, kind, *names):
        self.server.kubectl('delete', kind, *names, '--grace-period=0', '--force')

    # --- the walk ---
    def walk(self):
        for name in NODES:
            self.create(node(name))
            self.server.kubectl('patch', 'node', name, '--subresource=status', '--type=merge', '-p', json.dumps({'status': {'allocatable': {'cpu': '4', 'memory': '8Gi', 'pods': '50'}}}))
        self.create(*CLASSES, *SLICES)
        out = {}
        for step in (self.structured, self.refused, self.extended, self.binding_conditions, self.templates, self.taints):
            out[step.__name__] = step()
        return out

    def structured(self):
        """Which node and devices different claims get, and what their status says."""
        cases = {
            'one': claim('one', request()),
            'listed': claim('listed', {'name': 'r', 'firstAvailable': [{'name': 'best', 'deviceClassName': 'big', 'count': 2}, {'name': 'rest', 'deviceClassName': 'gpu'}]},
                            constraints=[{'requests': ['r'], 'distinctAttribute': f'{DRIVER}/numa'}],
                            config=[{'requests': ['r/best'], 'opaque': {'driver': DRIVER, 'parameters': {'mode': 'best'}}}, {'opaque': {'driver': DRIVER, 'parameters': {'for': 'all'}}}]),
            'halves': claim('halves', request(device_class='part', count=2)),
            'nic': claim('nic', request(device_class='nic', capacity={'requests': {'bandwidth': '2500M'}})),
            'nic-again': claim('nic-again', request(device_class='nic')),
            'each': claim('each', request(device_class='each', allocationMode='All')),
            'admin': claim('admin', request(allocationMode='All', adminAccess=True)),
        }
        self.server.kubectl('label', 'namespace', 'default', 'resource.kubernetes.io/admin-access=true', '--overwrite')
        out = {}
        for name, manifest in cases.items():
            self.create(manifest, pod(name, name, nodeSelector={'kubernetes.io/hostname': 'n1'}))
            self.node_of(name)
            out[name] = self.state(name)
        self.create(pod('second', 'one'))
        out['the same node'] = self.node_of('second')
        out['users'] = len(self.state('one')['status']['reservedFor'])
        self.delete('pod', 'one', 'second', *[n for n in cases if n != 'one'])
        self.wait(lambda: not any('allocation' in c.get('status', {}) for c in self.all('resourceclaims')), 'all claims are free')
        out['freed'] = self.state('one')
        self.delete('resourceclaim', *cases)
        return out

    def refused(self):
        cases = {'too-many': claim('too-many', request(count=9)), 'no-class': claim('no-class', request(device_class='none')),
                 'broken': claim('broken', request(device_class='broken')), 'half': claim('half', request(device_class='half')),
                 'half-all': claim('half-all', request(device_class='half', allocationMode='All')),
                 'unmatched': claim('unmatched', request(device_class='big', count=2), constraints=[{'matchAttribute': f'{DRIVER}/numa'}])}
        self.create(device_slice('half-told', [device('d')], driver='half.example.com', count=2, allNodes=True))
        for name, manifest in cases.items():
            self.create(manifest, pod(name, name))
        out = {name: self.refusal(name) for name in cases}
        out['event'] = self.events('too-many', 'FailedScheduling')
        self.create(pod('early', 'late'))
        self.create(claim('late', request()))
        out['early'] = self.node_of('early') in NODES
        self.create(device_class('none', 'device.driver == "nobody"'))
        self.wait(lambda: 'cannot allocate' in self.refusal('no-class')[1], 'no-class was tried again')
        out['no-class, later'] = self.refusal('no-class')
        self.delete('pod', 'early', *cases)
        self.delete('resourceclaim', 'late', *cases)
        self.delete('resourceslice', 'half-told')
        return out

    def extended(self):
        self.create(pod('ext', resources={'example.com/big': '2'}), pod('implicit', resources={'deviceclass.resource.kubernetes.io/part': '1'}))
        out = {'node': self.node_of('ext'), 'implicit': self.node_of('implicit') in NODES}
        status = self.get('pod', 'ext')['status']['extendedResourceClaimStatus']
        out['mappings'] = status['requestMappings']
        got = self.get('resourceclaim', status['resourceClaimName'])
        out['name'] = got['metadata']['generateName']
        out['annotations'], out['spec'], out['claim'] = got['metadata']['annotations'], got['spec'], self.state(status['resourceClaimName'])
        self.create(pod('ext-2', resources={'example.com/big': '1'}))
        out['no more'] = self.refusal('ext-2')
        self.delete('pod', 'ext')
        out['then'] = self.node_of('ext-2')
        self.delete('pod', 'ext-2', 'implicit')
        self.wait(lambda: not self.all('resourceclaims'), 'their claims went')
        return out

    def condition(self, name, kind):
        result = self.get('resourceclaim', name)['status']['allocation']['devices']['results'][0]
        self.server.kubectl('patch', 'resourceclaim', name, '--subresource=status', '--type=merge', '-p', json.dumps({'status': {'devices': [
            {'driver': result['driver'], 'pool': result['pool'], 'device': result['device'],
             'conditions': [{'type': kind, 'status': 'True', 'reason': 'Told', 'message': 'by the test', 'lastTransitionTime': '2026-01-01T00:00:00Z'}]}]}}))

    def binding_conditions(self):
        self.create(claim('slow', request(device_class='slow')), pod('slow', 'slow'))
        self.wait(lambda: self.events('slow', 'BindingConditionsPending'), 'it waits')
        out = {'event': [re.sub('n[12]$', 'NODE', m) for m in self.events('slow', 'BindingConditionsPending')], 'bound early': self.get('pod', 'slow')['spec'].get('nodeName')}
        self.condition('slow', 'lost')
        out['lost'] = self.refusal('slow')
        self.wait(lambda: 'devices' not in self.get('resourceclaim', 'slow')['status'] and 'allocation' in self.get('resourceclaim', 'slow')['status'], 'it was allocated again')
        self.condition('slow', 'attached')
        out['bound'] = self.node_of('slow') in NODES
        self.delete('pod', 'slow')
        self.wait(lambda: 'allocation' not in self.get('resourceclaim', 'slow').get('status', {}), 'it is free')
        self.delete('resourceclaim', 'slow')
        return out

    def templates(self):
        self.create(pod('made', {'resourceClaimTemplateName': 't'}))
        self.wait(lambda: self.events('made', 'FailedResourceClaimCreation'), 'it is said')
        out = {'said': self.events('made', 'FailedResourceClaimCreation'), 'condition': self.get('pod', 'made')['status'].get('conditions')}
        self.create({'apiVersion': 'resource.k8s.io/v1', 'kind': 'ResourceClaimTemplate', 'metadata': {'name': 't'},
                     'spec': {'metadata': {'labels': {'a': 'b'}}, 'spec': {'devices': {'requests': [request()]}}}})
        self.node_of('made')
        name = self.get('pod', 'made')['status']['resourceClaimStatuses'][0]['resourceClaimName']
        meta = self.get('resourceclaim', name)['metadata']
        out['meta'] = [meta['generateName'], meta['labels'], meta['annotations'], [(o['kind'], o['name'], o.get('controller'), o.get('blockOwnerDeletion')) for o in meta['ownerReferences']]]
        self.server.kubectl('patch', 'pod', 'made', '--subresource=status', '--type=merge', '-p', '{"status": {"phase": "Succeeded"}}')
        self.wait(lambda: not self.all('resourceclaims'), 'the claim of a pod that has ended goes')
        self.delete('pod', 'made')
        return out

    def taints(self):
        self.create(claim('t1', request(device_class='nic')), claim('t2', request(device_class='nic', tolerations=[{'operator': 'Exists', 'effect': 'NoExecute'}])), pod('t1', 't1'), pod('t2', 't2'))
        for name in ('t1', 't2'):
            self.node_of(name)
        taint = [{'op': 'add', 'path': '/spec/devices/0/taints', 'value': [{'key': 'broken', 'effect': 'NoExecute'}]}]
        self.server.kubectl('patch', 'resourceslice', 'shared', '--type=json', '-p', json.dumps(taint))
        self.wait(lambda: 't1' not in [p['metadata']['name'] for p in self.all('pods') if 'deletionTimestamp' not in p['metadata']], 't1 was evicted')
        self.wait(lambda: self.events('t1', 'DeviceTaintManagerEviction'), 'it is said')
        out = {'said': self.events('t1', 'DeviceTaintManagerEviction'), 'stays': [p['metadata']['name'] for p in self.all('pods') if 'deletionTimestamp' not in p['metadata']]}
        self.create(claim('t3', request(device_class='nic')), pod('t3', 't3'))
        out['no more'] = self.refusal('t3')
        return out


def walk(folder, upstream):
    folder.mkdir()
    with ApiServer(flags=['--disable-admission-plugins=ServiceAccount,TaintNodesByCondition']) as server, contextlib.ExitStack() as stack:
        world = World(server, folder, upstream)
        stack.callback(world.stop)
        return world.walk()


@pytest.fixture(scope='module')
def ours(tmp_path_factory):
    return walk(tmp_path_factory.mktemp('devices') / 'ours', False)


def test_claims_get_devices(ours):
    found = ours['structured']

    def devices(name):
        return [r['device'] for r in found[name]['status']['allocation']['devices']['results']]
    assert devices('one') == ['g0'] and devices('listed') == ['g1', 'g2'] and devices('halves') == ['half1', 'half2'] and devices('each') == ['d1']
    assert found['one']['finalizers'] == ['resource.kubernetes.io/delete-protection']
    assert found['nic']['status']['allocation']['devices']['results'][0]['consumedCapacity'] == {'bandwidth': '3G'}
    assert found['nic-again']['status']['allocation']['devices']['results'][0]['consumedCapacity'] == {'bandwidth': '1G'}
    assert all(r['adminAccess'] for r in found['admin']['status']['allocation']['devices']['results']) and devices('admin') == ['g0', 'g1', 'g2']
    assert found['the same node'] == 'n1' and found['users'] == 2 and found['freed'] == {'status': {}, 'finalizers': []}


def test_what_users_are_told(ours):
    found = ours['refused']
    none_fits = '0/2 nodes are available: 2 cannot allocate all claims. still not schedulable, preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.'
    assert found['too-many'] == found['half'] == found['unmatched'] == found['no-class, later'] == ('Unschedulable', none_fits)
    assert found['event'] == [none_fits] and found['early']
    assert 'device class none does not exist' in found['no-class'][1]
    assert found['broken'][0] == 'SchedulerError' and 'class broken: selector #0: CEL runtime error: no such key: nothing' in found['broken'][1]
    assert 'asks for all devices, but resource pool half.example.com/half-told is currently being updated' in found['half-all'][1]


def test_extended_resources(ours):
    found = ours['extended']
    assert found['node'] == 'n1' and found['implicit'] and found['then'] == 'n1' and found['no more'][0] == 'Unschedulable'
    assert found['mappings'] == [{'containerName': 'c', 'resourceName': 'example.com/big', 'requestName': 'container-0-request-0'}]


def test_binding_waits_for_conditions(ours):
    found = ours['binding_conditions']
    assert found['bound early'] is None and found['bound']
    assert 'device binding failed: claim=slow, reason=Told, message="by the test"' in found['lost'][1]


def test_claims_of_templates(ours):
    assert ours['templates']['meta'][0] == 'made-c0-' and ours['templates']['condition'] is None


def test_devices_that_are_tainted(ours):
    assert ours['taints']['said'] == ['Marking for deletion'] and ours['taints']['stays'] == ['t2'] and ours['taints']['no more'][0] == 'Unschedulable'


def test_as_upstream(ours, tmp_path):
    if reason := lacking('kube-scheduler', 'kube-controller-manager'):
        pytest.skip(reason)
    upstream = walk(tmp_path / 'upstream', True)
    for step in ours:
        for part in ours[step]:
            assert upstream[step][part] == ours[step][part], f'{step}: {part}'


@pytest.mark.skipif(os.geteuid() != 0, reason='needs root')
def test_pintle_server_has_it_all():
    with NodeCluster(agents=0, flags=['--disable=dns']) as cluster:
        cluster.kubectl.apply(node('far'))
        cluster.kubectl('patch', 'node', 'far', '--subresource=status', '--type=merge', '-p', '{"status": {"allocatable": {"cpu": "4", "memory": "8Gi", "pods": "50"}}}')
        cluster.kubectl.apply(device_class('gpu', f'device.driver == "{DRIVER}"'))
        cluster.kubectl.apply(device_slice('far', [device('g0')], nodeName='far'))
        cluster.kubectl.apply({'apiVersion': 'resource.k8s.io/v1', 'kind': 'ResourceClaimTemplate', 'metadata': {'name': 't', 'namespace': 'default'},
                               'spec': {'spec': {'devices': {'requests': [request()]}}}})
        await_true('the default account', lambda: cluster.kubectl.try_json('get', 'serviceaccount', 'default'))
        cluster.kubectl.apply(pod('p', {'resourceClaimTemplateName': 't'}))
        await_true('p has a node', lambda: cluster.kubectl.json('get', 'pod', 'p')['spec'].get('nodeName') == 'far')
        held = cluster.kubectl.json('get', 'resourceclaims')['items'][0]
        assert held['status']['allocation']['devices']['results'][0]['device'] == 'g0' and held['status']['reservedFor'][0]['name'] == 'p'
        cluster.kubectl('patch', 'resourceslice', 'far', '--type=json', '-p', json.dumps([{'op': 'add', 'path': '/spec/devices/0/taints', 'value': [{'key': 'k', 'effect': 'NoExecute'}]}]))
        await_true('p is evicted', lambda: 'deletionTimestamp' in (found := cluster.kubectl.try_json('get', 'pod', 'p') or {'metadata': {'deletionTimestamp': ''}})['metadata'])
        cluster.kubectl('delete', 'pod', 'p', '--force', '--grace-period=0', '--ignore-not-found')
        await_true('its claim went', lambda: not cluster.kubectl.json('get', 'resourceclaims')['items'])
