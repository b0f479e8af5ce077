"""The service proxy with real packets: one node in a network namespace of its own, with pods, a pod of another node and a
client outside the cluster, each in a namespace more. The API server runs on the node's loopback.

PROXY_PEER=build/peers/kube-proxy runs the same tests against upstream's proxy, to check the tests themselves."""
import collections
import json
import os
import pathlib
import subprocess
import time
import urllib.error
import urllib.request

import pytest
from support.cluster import ApiServer, Process, pintle_binary, run
from support.netns import Host, ask, inside, own_network
from support.nodes import await_true

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason='needs root for network namespaces')

NODE_IP = '192.168.77.1'
NODE = 'node-1'
CONFIG = {
    'apiVersion': 'kubeproxy.config.k8s.io/v1alpha1', 'kind': 'KubeProxyConfiguration', 'mode': 'nftables', 'hostnameOverride': NODE, 'clusterCIDR': '10.42.0.0/16',
    'nftables': {'minSyncPeriod': '10ms', 'syncPeriod': '30s'}, 'conntrack': {'maxPerCore': 0}, 'oomScoreAdj': -999, 'nodePortAddresses': ['primary']}


class World:
    """node-1 with pods d-p1 and d-p2; d-far is a pod of node-2; d-out is no part of the cluster."""

    def __init__(self, folder):
        self.folder = folder
        self.hosts = {}

    def up(self):
        run('ip', 'link', 'add', 'cni0', 'type', 'bridge')
        run('ip', 'addr', 'add', '10.42.0.1/24', 'dev', 'cni0')
        run('ip', 'link', 'set', 'cni0', 'up')
        run('sysctl', '-qw', 'net.ipv4.ip_forward=1')
        for index, (name, address, gateway, bridge) in enumerate((
                ('d-p1', '10.42.0.11/24', '10.42.0.1', 'cni0'), ('d-p2', '10.42.0.12/24', '10.42.0.1', 'cni0'),
                ('d-far', '10.42.1.11/24', '10.42.1.1', None), ('d-out', '192.168.77.100/24', NODE_IP, None))):
            host = Host(name, address, gateway, bridge).up(f'veth{index}')
            if bridge is None:
                run('ip', 'addr', 'add', f'{gateway}/24', 'dev', f'veth{index}')
            self.hosts[name] = host
        for name in ('d-p1', 'd-p2', 'd-far'):
            self.hosts[name].serve()
        # What is not translated dies here.
        run('ip', 'link', 'add', 'dead', 'type', 'bridge')
        run('ip', 'link', 'set', 'dead', 'up')
        run('ip', 'route', 'add', 'default', 'dev', 'dead', 'src', NODE_IP)

    def down(self):
        for host in self.hosts.values():
            host.down()

    def ask(self, source, address, port, protocol='tcp', **kw):
        return inside(source, lambda: ask(address, port, protocol, **kw))

    def answers(self, source, address, port, protocol='tcp', count=24):
        """How often each pod answered; and the client addresses that they saw."""
        names, clients = collections.Counter(), set()
        for _ in range(count):
            answer = self.ask(source, address, port, protocol)
            assert isinstance(answer, tuple), answer
            names[answer[0]] += 1
            clients.add(answer[1])
        return names, clients


class Cluster:
    def __init__(self, api, world, folder):
        self.api, self.world, self.folder = api, world, pathlib.Path(folder)
        self.proxy = None

    def start_proxy(self):
        config = self.folder / 'proxy.yaml'
        config.write_text(json.dumps({**CONFIG, 'clientConnection': {'kubeconfig': self.api.kubeconfig}}))
        peer = os.environ.get('PROXY_PEER')
        command = [peer] if peer else [pintle_binary(), 'kube-proxy']
        self.proxy = Process([*command, f'--config={config}', '-v=2'], self.folder / 'proxy.log')
        await_true('healthz', lambda: self.http('http://127.0.0.1:10256/healthz')[0] == 200, 30, 0.02)

    def http(self, url):
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return answer.status, answer.read().decode(), answer.headers
        except urllib.error.HTTPError as e:
            return e.code, e.read().decode(), e.headers

    def apply(self, *objects):
        self.api.kubectl('apply', '-f', '-', stdin=json.dumps({'apiVersion': 'v1', 'kind': 'List', 'items': list(objects)}))

    def set_ingress(self, name, *ips, **more):
        patch = {'status': {'loadBalancer': {'ingress': [{'ip': ip, **more} for ip in ips]}}}
        self.api.kubectl('patch', 'service', name, '--subresource=status', '--type=merge', '-p', json.dumps(patch))

    def remove(self, name):
        self.api.kubectl('delete', 'service', name, '--ignore-not-found')
        self.api.kubectl('delete', 'endpointslice', '-l', f'kubernetes.io/service-name={name}', '--ignore-not-found')


def service(name, ip, **spec):
    return {'apiVersion': 'v1', 'kind': 'Service', 'metadata': {'name': name}, 'spec': {'clusterIP': ip, 'ports': [{'name': 'web', 'port': 80, 'protocol': 'TCP'}], **spec}}


PODS = {'d-p1': ('10.42.0.11', NODE), 'd-p2': ('10.42.0.12', NODE), 'd-far': ('10.42.1.11', 'node-2')}


def endpoints(service_name, *pods, port=None, slice_name='a', **conditions):
    ports = [port or {'name': 'web', 'port': 8080, 'protocol': 'TCP'}]
    return {'apiVersion': 'discovery.k8s.io/v1', 'kind': 'EndpointSlice', 'metadata': {'name': f'{service_name}-{slice_name}', 'labels': {'kubernetes.io/service-name': service_name}},
            'addressType': 'IPv4', 'ports': ports,
            'endpoints': [{'addresses': [PODS[p][0]], 'nodeName': PODS[p][1], 'conditions': {'ready': True, **conditions}} for p in pods]}


@pytest.fixture(scope='module')
def cluster(tmp_path_factory):
    folder = tmp_path_factory.mktemp('proxy')
    with own_network():
        world = World(folder)
        try:
            world.up()
            with ApiServer(upstream=os.environ.get('PEERS')) as api:
                c = Cluster(api, world, folder)
                api.kubectl('create', '-f', '-', stdin=json.dumps({'apiVersion': 'v1', 'kind': 'Node', 'metadata': {'name': NODE, 'labels': {'topology.kubernetes.io/zone': 'a'}}}))
                api.kubectl('patch', 'node', NODE, '--subresource=status', '--type=merge', '-p', json.dumps({'status': {'addresses': [{'type': 'InternalIP', 'address': NODE_IP}]}}))
                c.start_proxy()
                try:
                    yield c
                finally:
                    status = c.proxy.stop()
                assert os.environ.get('PROXY_PEER') or status == 0, c.proxy.tail()
        finally:
            world.down()


@pytest.fixture
def world(cluster):
    return cluster.world


def test_cluster_ip_from_everywhere(cluster, world):
    cluster.apply(service('a', '10.96.1.1'), endpoints('a', 'd-p1', 'd-p2', 'd-far'))
    await_true('answers', lambda: isinstance(world.ask(None, '10.96.1.1', 80), tuple), 10, 0.02)
    names, clients = world.answers('d-p1', '10.96.1.1', 80, count=60)
    assert set(names) == {'d-p1', 'd-p2', 'd-far'}
    # A pod keeps its address, but where it reaches itself (its own address would be answered past the node).
    assert clients == {'10.42.0.11', '10.42.0.1'}
    assert set(world.answers(None, '10.96.1.1', 80, count=60)[0]) == {'d-p1', 'd-p2', 'd-far'}
    # From outside, the answer must come back through this node.
    names, clients = world.answers('d-out', '10.96.1.1', 80)
    assert '192.168.77.100' not in clients
    cluster.remove('a')


def test_no_endpoints_refuses_and_unknown_addresses_drop(cluster, world):
    cluster.apply(service('none', '10.96.1.2', type='NodePort', ports=[{'name': 'web', 'port': 80, 'nodePort': 30123}], externalIPs=['192.168.77.50']))
    await_true('refused', lambda: world.ask('d-p1', '10.96.1.2', 80) == 'refused', 10, 0.02)
    for source in (None, 'd-out'):
        assert world.ask(source, '10.96.1.2', 80) == 'refused'
        assert world.ask(source, NODE_IP, 30123) == 'refused'
    assert world.ask('d-p1', '192.168.77.50', 80) == 'refused'
    assert world.ask('d-p1', '10.96.1.2', 81) == 'refused'          # a port that the service does not have
    assert world.ask('d-p1', '10.96.200.200', 80, timeout_s=0.5) == 'timeout'   # an address that no service has
    cluster.apply(endpoints('none', 'd-p2'))
    await_true('answers', lambda: isinstance(world.ask('d-p1', '10.96.1.2', 80), tuple), 10, 0.02)
    assert world.ask('d-out', NODE_IP, 30123)[0] == 'd-p2'
    cluster.remove('none')
    await_true('gone', lambda: world.ask('d-p1', '10.96.1.2', 80, timeout_s=0.3) == 'timeout', 10, 0.02)


def test_node_port(cluster, world):
    cluster.apply(service('np', '10.96.1.3', type='NodePort', ports=[{'name': 'web', 'port': 80, 'nodePort': 30124}]), endpoints('np', 'd-p1', 'd-far'))
    await_true('answers', lambda: isinstance(world.ask('d-out', NODE_IP, 30124), tuple), 10, 0.02)
    names, clients = world.answers('d-out', NODE_IP, 30124)
    assert set(names) == {'d-p1', 'd-far'} and '192.168.77.100' not in clients
    assert set(world.answers('d-p2', NODE_IP, 30124)[0]) == {'d-p1', 'd-far'}
    assert set(world.answers(None, NODE_IP, 30124)[0]) == {'d-p1', 'd-far'}
    # Only the primary address serves node ports.
    assert world.ask('d-p1', '10.42.0.1', 30124) == 'refused'
    assert world.ask(None, '127.0.0.1', 30124) == 'refused'
    cluster.remove('np')


def test_external_policy_local(cluster, world):
    spec = dict(type='LoadBalancer', externalTrafficPolicy='Local', ports=[{'name': 'web', 'port': 80, 'nodePort': 30125}], healthCheckNodePort=32001)
    cluster.apply(service('local', '10.96.1.4', **spec), endpoints('local', 'd-p1', 'd-far'))
    cluster.set_ingress('local', '172.20.0.1')
    await_true('answers', lambda: isinstance(world.ask('d-out', '172.20.0.1', 80), tuple), 10, 0.02)
    for address, port in (('172.20.0.1', 80), (NODE_IP, 30125)):
        names, clients = world.answers('d-out', address, port)
        assert set(names) == {'d-p1'} and clients == {'192.168.77.100'}
    # What starts in the cluster goes to all endpoints.
    assert set(world.answers('d-p2', '172.20.0.1', 80)[0]) == {'d-p1', 'd-far'}
    assert set(world.answers(None, '172.20.0.1', 80)[0]) == {'d-p1', 'd-far'}
    status, body, headers = cluster.http(f'http://{NODE_IP}:32001/')
    assert status == 200 and json.loads(body) == {'service': {'namespace': 'default', 'name': 'local'}, 'localEndpoints': 1, 'serviceProxyHealthy': True}
    assert headers['Content-Type'] == 'application/json' and headers['X-Load-Balancing-Endpoint-Weight'] == '1' and headers['X-Content-Type-Options'] == 'nosniff'
    # The last local pod goes: dropped from outside, still answered inside.
    cluster.apply(endpoints('local', 'd-far'))
    await_true('unhealthy', lambda: cluster.http(f'http://{NODE_IP}:32001/')[0] == 503, 10, 0.02)
    assert world.ask('d-out', '172.20.0.1', 80, timeout_s=0.5) == 'timeout'
    assert world.ask('d-out', NODE_IP, 30125, timeout_s=0.5) == 'timeout'
    assert world.ask('d-p2', '172.20.0.1', 80)[0] == 'd-far'
    cluster.remove('local')
    await_true('closed', lambda: world.ask(None, NODE_IP, 32001) == 'refused', 10, 0.02)


def test_internal_policy_local(cluster, world):
    cluster.apply(service('inner', '10.96.1.5', internalTrafficPolicy='Local'), endpoints('inner', 'd-p2', 'd-far'))
    await_true('answers', lambda: isinstance(world.ask('d-p1', '10.96.1.5', 80), tuple), 10, 0.02)
    assert set(world.answers('d-p1', '10.96.1.5', 80)[0]) == {'d-p2'}
    cluster.apply(endpoints('inner', 'd-far'))
    await_true('dropped', lambda: world.ask('d-p1', '10.96.1.5', 80, timeout_s=0.3) == 'timeout', 10, 0.02)
    cluster.remove('inner')


def test_terminating_endpoints_are_the_last_resort(cluster, world):
    ending = dict(ready=False, serving=True, terminating=True)
    cluster.apply(service('ends', '10.96.1.6'), endpoints('ends', 'd-p1', **ending), endpoints('ends', 'd-p2', slice_name='b'))
    await_true('only the ready one', lambda: set(world.answers('d-p1', '10.96.1.6', 80)[0]) == {'d-p2'}, 10, 0.02)
    cluster.apply(endpoints('ends', 'd-p2', slice_name='b', ready=False, serving=False))
    await_true('the one that ends', lambda: world.ask('d-p2', '10.96.1.6', 80)[0] == 'd-p1', 10, 0.02)
    cluster.apply(endpoints('ends', 'd-p1', ready=False, serving=False, terminating=True))
    await_true('refused', lambda: world.ask('d-p2', '10.96.1.6', 80) == 'refused', 10, 0.02)
    cluster.remove('ends')


def test_session_affinity(cluster, world):
    spec = dict(sessionAffinity='ClientIP', sessionAffinityConfig={'clientIP': {'timeoutSeconds': 1}})
    cluster.apply(service('sticky', '10.96.1.7', **spec), endpoints('sticky', 'd-p1', 'd-p2', 'd-far'))
    await_true('answers', lambda: isinstance(world.ask('d-p1', '10.96.1.7', 80), tuple), 10, 0.02)
    first = set(world.answers(None, '10.96.1.7', 80)[0])
    assert len(first) == 1
    seen = set(first)
    for _ in range(12):   # forgotten after a second without a request
        time.sleep(1.1)
        seen.add(world.ask(None, '10.96.1.7', 80)[0])
        if len(seen) > 1:
            break
    assert len(seen) > 1
    # The pod goes: another takes its clients.
    cluster.apply(service('sticky', '10.96.1.7', sessionAffinity='ClientIP', sessionAffinityConfig={'clientIP': {'timeoutSeconds': 1000}}))
    (held,) = await_true('one pod', lambda: (lambda s: s if len(s) == 1 else None)(set(world.answers('d-p2', '10.96.1.7', 80, count=8)[0])), 10)
    others = [p for p in PODS if p != held]
    cluster.apply(endpoints('sticky', *others))
    await_true('another pod', lambda: world.ask('d-p2', '10.96.1.7', 80)[0] in others, 10, 0.02)
    # Without affinity again.
    cluster.apply(service('sticky', '10.96.1.7', sessionAffinity='None', sessionAffinityConfig=None))
    await_true('both', lambda: set(world.answers('d-p2', '10.96.1.7', 80)[0]) == set(others), 10)
    cluster.remove('sticky')


def test_load_balancer_source_ranges(cluster, world):
    cluster.apply(service('fw', '10.96.1.8', type='LoadBalancer', loadBalancerSourceRanges=['10.42.0.11/32']), endpoints('fw', 'd-p2'))
    cluster.set_ingress('fw', '172.20.0.2')
    await_true('answers', lambda: isinstance(world.ask('d-p1', '172.20.0.2', 80), tuple), 10, 0.02)
    assert world.ask('d-out', '172.20.0.2', 80, timeout_s=0.5) == 'timeout'
    assert isinstance(world.ask('d-p2', '10.96.1.8', 80), tuple)      # the cluster IP is open to all
    # A load balancer that proxies by itself: its address is not the node's business.
    cluster.set_ingress('fw', '172.20.0.2', ipMode='Proxy')
    await_true('left alone', lambda: world.ask('d-p1', '172.20.0.2', 80, timeout_s=0.3) == 'timeout', 10, 0.02)
    cluster.remove('fw')


def test_udp_flows_leave_dead_endpoints(cluster, world):
    port = {'name': 'dns', 'port': 53, 'protocol': 'UDP'}
    backend = {'name': 'dns', 'port': 8080, 'protocol': 'UDP'}
    cluster.apply(service('udp', '10.96.1.9', ports=[port]), endpoints('udp', 'd-p2', port=backend))
    ask_once = lambda: world.ask('d-p1', '10.96.1.9', 53, 'udp', timeout_s=0.3, source_port=5555)   # noqa: E731
    await_true('answers', lambda: isinstance(ask_once(), tuple), 10, 0.02)
    assert ask_once()[0] == 'd-p2'
    cluster.apply(endpoints('udp', 'd-far', port=backend))
    await_true('the new pod, on the same flow', lambda: ask_once()[0] == 'd-far', 10, 0.02)
    cluster.remove('udp')


def test_external_ips_and_traffic_hints(cluster, world):
    cluster.apply(service('ext', '10.96.1.10', externalIPs=['172.20.0.9']), endpoints('ext', 'd-p1', 'd-far'))
    await_true('answers', lambda: isinstance(world.ask('d-out', '172.20.0.9', 80), tuple), 10, 0.02)
    assert set(world.answers('d-out', '172.20.0.9', 80)[0]) == {'d-p1', 'd-far'}
    hinted = endpoints('ext', 'd-p1', 'd-far')
    hinted['endpoints'][0]['hints'] = {'forZones': [{'name': 'b'}]}
    hinted['endpoints'][1]['hints'] = {'forZones': [{'name': 'a'}]}
    cluster.apply(hinted)
    await_true('only the zone\'s pod', lambda: set(world.answers('d-p2', '10.96.1.10', 80, count=16)[0]) == {'d-far'}, 10)
    del hinted['endpoints'][0]['hints']   # incomplete hints count for nothing
    cluster.apply(hinted)
    await_true('every pod', lambda: set(world.answers('d-p2', '10.96.1.10', 80, count=16)[0]) == {'d-p1', 'd-far'}, 10)
    cluster.remove('ext')


def test_as_conformance_asks(cluster, world):
    """What the network conformance suite does to services, one after the other."""
    # Several slices: their endpoints add up, each with its own port.
    other = {'name': 'web', 'port': 8081, 'protocol': 'TCP'}
    world.hosts['d-p2'].serve(8081, 'tcp')
    cluster.apply(service('multi', '10.96.1.20'), endpoints('multi', 'd-p1'), endpoints('multi', 'd-p2', slice_name='b', port=other))
    await_true('both slices', lambda: set(world.answers('d-far', '10.96.1.20', 80)[0]) == {'d-p1', 'd-p2'}, 10, 0.02)
    cluster.remove('multi')
    # Several ports, in slices of their own.
    cluster.apply(service('ports', '10.96.1.21', ports=[{'name': 'a', 'port': 80}, {'name': 'b', 'port': 81}]), endpoints('ports', 'd-p1', port={'name': 'a', 'port': 8080}),
                  endpoints('ports', 'd-p2', slice_name='b', port={'name': 'b', 'port': 8081}))
    await_true('port a', lambda: world.ask('d-far', '10.96.1.21', 80)[0] == 'd-p1', 10, 0.02)
    await_true('port b', lambda: world.ask('d-far', '10.96.1.21', 81)[0] == 'd-p2', 10, 0.02)
    cluster.remove('ports')
    # One port number, two protocols, a node port too.
    cluster.apply(service('same', '10.96.1.22', type='NodePort', ports=[{'name': 't', 'port': 80, 'protocol': 'TCP', 'nodePort': 30222}, {'name': 'u', 'port': 80, 'protocol': 'UDP', 'nodePort': 30222}]),
                  endpoints('same', 'd-p1', port={'name': 't', 'port': 8080, 'protocol': 'TCP'}), endpoints('same', 'd-p2', slice_name='u', port={'name': 'u', 'port': 8080, 'protocol': 'UDP'}))
    for source, address, port in (('d-far', '10.96.1.22', 80), ('d-out', NODE_IP, 30222)):
        await_true('tcp', lambda: world.ask(source, address, port)[0] == 'd-p1', 10, 0.02)
        await_true('udp', lambda: world.ask(source, address, port, 'udp', timeout_s=0.3)[0] == 'd-p2', 10, 0.02)
    cluster.remove('same')
    # ClusterIP → ExternalName → NodePort → ExternalName.
    cluster.apply(service('kind', '10.96.1.23'), endpoints('kind', 'd-p1'))
    await_true('cluster IP', lambda: isinstance(world.ask('d-far', '10.96.1.23', 80), tuple), 10, 0.02)
    patch = lambda spec: cluster.api.kubectl('patch', 'service', 'kind', '--type=merge', '-p', json.dumps({'spec': spec}))   # noqa: E731
    patch({'type': 'ExternalName', 'externalName': 'example.org', 'clusterIP': None, 'clusterIPs': None, 'ipFamilies': None, 'ipFamilyPolicy': None})
    await_true('gone', lambda: world.ask('d-far', '10.96.1.23', 80, timeout_s=0.3) == 'timeout', 10, 0.02)
    patch({'type': 'NodePort', 'externalName': None, 'clusterIP': '10.96.1.24', 'ports': [{'name': 'web', 'port': 80, 'nodePort': 30223}]})
    await_true('node port', lambda: isinstance(world.ask('d-out', NODE_IP, 30223), tuple), 10, 0.02)
    await_true('cluster IP again', lambda: isinstance(world.ask('d-far', '10.96.1.24', 80), tuple), 10, 0.02)
    # Affinity switched on and off on a node port.
    cluster.apply(endpoints('kind', 'd-p1', 'd-p2', 'd-far'))
    await_true('spread', lambda: len(world.answers('d-out', NODE_IP, 30223)[0]) == 3, 10)
    patch({'sessionAffinity': 'ClientIP'})
    await_true('held', lambda: len(world.answers('d-out', NODE_IP, 30223)[0]) == 1, 10)
    patch({'sessionAffinity': 'None', 'sessionAffinityConfig': None})
    await_true('spread again', lambda: len(world.answers('d-out', NODE_IP, 30223)[0]) == 3, 10)
    patch({'type': 'ExternalName', 'externalName': 'example.org', 'clusterIP': None, 'clusterIPs': None, 'ipFamilies': None, 'ipFamilyPolicy': None, 'ports': [{'name': 'web', 'port': 80, 'nodePort': None}]})
    await_true('node port gone', lambda: world.ask('d-out', NODE_IP, 30223) == 'refused', 10, 0.02)
    cluster.remove('kind')
    # Endpoints that nobody selects, outside the cluster too.
    custom = endpoints('custom', 'd-p1')
    custom['endpoints'][0] = {'addresses': ['10.42.1.11']}
    cluster.apply(service('custom', '10.96.1.25'), custom)
    await_true('answers', lambda: world.ask('d-p1', '10.96.1.25', 80)[0] == 'd-far', 10, 0.02)
    cluster.remove('custom')


def test_changes_reach_the_kernel_alone(cluster, world):
    """A change writes what it touches: the other services' rules keep their handles."""
    cluster.apply(service('still', '10.96.1.11'), endpoints('still', 'd-p1'), service('moves', '10.96.1.12'), endpoints('moves', 'd-p1'))
    await_true('answers', lambda: isinstance(world.ask('d-p2', '10.96.1.12', 80), tuple) and isinstance(world.ask('d-p2', '10.96.1.11', 80), tuple), 10, 0.02)

    def rules(name):
        listed = json.loads(run('nft', '-j', '-a', 'list', 'table', 'ip', 'kube-proxy'))['nftables']
        return [r['rule']['handle'] for r in listed if 'rule' in r and f'/{name}/' in r['rule']['chain']]
    before = rules('still')
    cluster.apply(endpoints('moves', 'd-p2'))
    await_true('moved', lambda: world.ask('d-p1', '10.96.1.12', 80)[0] == 'd-p2', 10, 0.02)
    assert before and rules('still') == before
    cluster.remove('still')
    cluster.remove('moves')


@pytest.mark.skipif('PROXY_PEER' in os.environ, reason='of Pintle\'s proxy alone')
def test_restart_keeps_traffic_and_affinity(cluster, world):
    spec = dict(sessionAffinity='ClientIP', sessionAffinityConfig={'clientIP': {'timeoutSeconds': 1000}})
    cluster.apply(service('kept', '10.96.1.13', **spec), endpoints('kept', 'd-p1', 'd-p2', 'd-far'))
    await_true('answers', lambda: isinstance(world.ask('d-out', '10.96.1.13', 80), tuple), 10, 0.02)
    held = world.ask('d-p1', '10.96.1.13', 80)[0]
    assert cluster.proxy.stop() == 0
    assert world.ask('d-p1', '10.96.1.13', 80)[0] == held, 'rules stay without the proxy'
    cluster.remove('kept')
    cluster.apply(service('kept', '10.96.1.13', **spec), endpoints('kept', 'd-p1', 'd-p2', 'd-far'), service('new', '10.96.1.14'), endpoints('new', 'd-p1'))
    cluster.start_proxy()
    await_true('the new service', lambda: isinstance(world.ask('d-p2', '10.96.1.14', 80), tuple), 10, 0.02)
    for _ in range(10):
        assert world.ask('d-p1', '10.96.1.13', 80)[0] == held
    # Somebody takes the tables away: they come back at once.
    run('nft', 'flush', 'ruleset')
    await_true('healed', lambda: isinstance(world.ask('d-p2', '10.96.1.13', 80), tuple) and world.ask('d-p2', '10.96.1.14', 80)[0] == 'd-p1', 10, 0.02)
    cluster.apply(endpoints('new', 'd-p2'))
    await_true('changes', lambda: world.ask('d-p1', '10.96.1.14', 80)[0] == 'd-p2', 10, 0.02)
    cluster.remove('kept')
    cluster.remove('new')


def test_pages(cluster):
    status, body, _ = cluster.http('http://127.0.0.1:10256/healthz')
    page = json.loads(body)
    assert status == 200 and page['nodeEligible'] is True and page['healthy'] is True and set(page['status']) == {'IPv4', 'IPv6'}
    status, body, _ = cluster.http('http://127.0.0.1:10256/livez')
    assert status == 200 and 'nodeEligible' not in json.loads(body)
    taint = {'key': 'ToBeDeletedByClusterAutoscaler', 'value': '1', 'effect': 'NoSchedule'}
    cluster.api.kubectl('patch', 'node', NODE, '-p', json.dumps({'spec': {'taints': [taint]}}))
    await_true('not eligible', lambda: cluster.http('http://127.0.0.1:10256/healthz')[0] == 503, 10, 0.02)
    assert cluster.http('http://127.0.0.1:10256/livez')[0] == 200
    cluster.api.kubectl('patch', 'node', NODE, '-p', json.dumps({'spec': {'taints': None}}))
    await_true('eligible', lambda: cluster.http('http://127.0.0.1:10256/healthz')[0] == 200, 10, 0.02)
    assert cluster.http('http://127.0.0.1:10249/proxyMode')[1] == 'nftables'
    slice_ = endpoints('timed', 'd-p1')
    slice_['metadata']['annotations'] = {'endpoints.kubernetes.io/last-change-trigger-time': time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())}
    cluster.apply(service('timed', '10.96.1.15'), slice_)
    await_true('answers', lambda: isinstance(cluster.world.ask('d-p2', '10.96.1.15', 80), tuple), 10, 0.02)
    cluster.remove('timed')
    metrics = cluster.http('http://127.0.0.1:10249/metrics')[1]
    for name in ('kubeproxy_sync_proxy_rules_duration_seconds_count{ip_family="IPv4"}', 'kubeproxy_sync_proxy_rules_last_timestamp_seconds{ip_family="IPv6"}',
                 'kubeproxy_sync_proxy_rules_service_changes_total', 'kubeproxy_sync_proxy_rules_no_local_endpoints_total{ip_family="IPv4",traffic_policy="external"}',
                 'kubeproxy_proxy_healthz_total{code="503"}', 'kubeproxy_network_programming_duration_seconds_bucket'):
        assert name in metrics, name


@pytest.mark.skipif('PROXY_PEER' in os.environ, reason='of Pintle\'s proxy alone')
def test_cleanup_and_refusals(cluster):
    cluster.proxy.stop()
    run(pintle_binary(), 'kube-proxy', '--cleanup')
    assert 'kube-proxy' not in run('nft', 'list', 'tables')
    cluster.start_proxy()
    done = subprocess.run([pintle_binary(), 'kube-proxy', '--proxy-mode=ipvs', '--master=http://127.0.0.1:1'], capture_output=True, text=True)
    assert done.returncode == 1 and 'nftables only' in done.stderr
