"""`pintle server` with its node, nothing installed: kubectl top, its rights, its discovery; another server that takes the API over and gives it back."""
import json
import pathlib
import re
import sys

import pytest
import yaml

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.aggregated import AggregatedServer, namespace  # noqa: E402
from support.cluster import Pki  # noqa: E402
from support.nodes import NodeCluster, await_true  # noqa: E402
from support.registry import Registry, build_images  # noqa: E402

NAMESPACE = 'measured'
SERVICE = 'v1beta1.metrics.k8s.io'
ROOT = '/apis/metrics.k8s.io/v1beta1'
MEASURED_S = 60     # two looks, the second up to a period after the first


def pod(name, app, containers):
    return {'apiVersion': 'v1', 'kind': 'Pod', 'metadata': {'name': name, 'namespace': NAMESPACE, 'labels': {'app': app}}, 'spec': {
        'terminationGracePeriodSeconds': 0, 'containers': [{'name': n, 'image': 'busybox:1.36', 'command': ['sh', '-c', c], 'resources': {'limits': {'cpu': '200m', 'memory': '64Mi'}}} for n, c in containers.items()]}}


SPIN, REST = 'while :; do :; done', 'sleep 1000'


@pytest.fixture(scope='module')
def cluster(tmp_path_factory):
    build_images('basic')
    registry = Registry(tmp_path_factory.mktemp('registry'), '10.96.8.1:5000')
    try:
        with NodeCluster(registry=registry.url, subnet='10.96.8.0/24', flags=['--metrics-resolution=10s'], before_start=lambda: registry.start().push()) as c:
            c.kubectl('create', 'namespace', NAMESPACE)
            await_true('the service account', lambda: c.kubectl('-n', NAMESPACE, 'get', 'serviceaccount', 'default', '-o', 'name'))
            c.kubectl.apply(json.dumps({'apiVersion': 'v1', 'kind': 'List', 'items': [pod('busy', 'busy', {'spin': SPIN, 'rest': REST}), pod('calm', 'calm', {'rest': REST})]}))
            yield c
    finally:
        registry.stop()


def top(cluster, *args):
    return [line.split() for line in cluster.kubectl('top', *args, '--no-headers').splitlines()]


def milli(cpu):
    return int(re.fullmatch(r'(\d+)m', cpu)[1])


def mebi(memory):
    return int(re.fullmatch(r'(\d+)Mi', memory)[1])


def await_pods(cluster):
    return await_true('both pods are measured', lambda: len(rows := top(cluster, 'pods', '-n', NAMESPACE)) == 2 and rows, timeout_s=MEASURED_S)


def test_nodes(cluster):
    name, cpu, cpu_share, memory, memory_share = await_true('kubectl top nodes', lambda: top(cluster, 'nodes'), timeout_s=MEASURED_S)[0]
    assert name == 'server' and milli(cpu) > 0 and mebi(memory) > 20
    assert int(cpu_share.rstrip('%')) <= 105 and int(memory_share.rstrip('%')) <= 100, 'but for how the kernel rounds'
    assert top(cluster, 'node', 'server')[0][0] == 'server'
    assert [row[0] for row in top(cluster, 'nodes', '-l', 'kubernetes.io/hostname=server')] == ['server']
    with pytest.raises(RuntimeError, match='metrics not available yet'):    # kubectl's words for an empty list
        top(cluster, 'nodes', '-l', 'kubernetes.io/hostname=other')


def test_pods_and_their_containers(cluster):
    await_pods(cluster)
    spent = await_true('the spinning container is at its limit', lambda: (
        by := {(p, c): (milli(cpu), mebi(memory)) for _, p, c, cpu, memory in top(cluster, 'pods', '-A', '--containers')}) and 120 <= by['busy', 'spin'][0] <= 230 and by, timeout_s=MEASURED_S)
    assert set(spent) == {('busy', 'spin'), ('busy', 'rest'), ('calm', 'rest')}
    assert spent['busy', 'rest'][0] < 40 and all(memory < 64 for _, memory in spent.values())
    assert [row[0] for row in top(cluster, 'pod', 'busy', '-n', NAMESPACE)] == ['busy']


def test_sorted_and_selected(cluster):
    await_pods(cluster)
    assert top(cluster, 'pods', '-A', '--sort-by=cpu')[0][1] == 'busy'
    assert [row[0] for row in top(cluster, 'pods', '-n', NAMESPACE, '-l', 'app=calm')] == ['calm']
    assert [row[0] for row in top(cluster, 'pods', '-n', NAMESPACE, '--field-selector=metadata.name=busy')] == ['busy']
    assert top(cluster, 'pods', '-n', NAMESPACE, '-l', 'app=none') == []
    assert len(top(cluster, 'pods', '-n', NAMESPACE, '--sum', '--sort-by=memory')) == 4


def test_objects_and_tables(cluster):
    await_pods(cluster)
    measured = cluster.kubectl.json('-n', NAMESPACE, 'get', 'pods.metrics.k8s.io', 'busy')
    assert measured['kind'] == 'PodMetrics' and [c['name'] for c in measured['containers']] == ['rest', 'spin'] and measured['metadata']['labels'] == {'app': 'busy'}
    assert measured['window'].endswith('s') and measured['timestamp'].endswith('Z')
    assert measured['containers'][1]['usage']['cpu'].endswith('n') and measured['containers'][1]['usage']['memory'].endswith('Ki')
    assert cluster.kubectl('get', 'nodes.metrics.k8s.io').split()[:5] == ['NAME', 'CPU', 'MEMORY', 'SWAP', 'WINDOW']
    with pytest.raises(RuntimeError, match=r'podmetrics.metrics.k8s.io "measured/unmeasured" not found|pods "unmeasured" not found'):
        cluster.kubectl('top', 'pod', 'unmeasured', '-n', NAMESPACE)


def test_discovery(cluster):
    resources = json.loads(cluster.kubectl('get', '--raw', ROOT))['resources']
    assert [(r['name'], r['kind'], r['namespaced'], r['verbs']) for r in resources] == [('nodes', 'NodeMetrics', False, ['get', 'list']), ('pods', 'PodMetrics', True, ['get', 'list'])]
    assert 'metrics.k8s.io/v1beta1' in cluster.kubectl('api-versions').split()
    listed = cluster.kubectl('api-resources', '--api-group=metrics.k8s.io', '--no-headers')
    assert 'NodeMetrics' in listed and 'PodMetrics' in listed
    assert 'Its containers.' in cluster.kubectl('explain', 'podmetrics.containers', '--api-version=metrics.k8s.io/v1beta1')
    assert cluster.kubectl('get', 'apiservice', SERVICE, '--no-headers').split()[:3] == [SERVICE, 'Local', 'True']
    assert cluster.kubectl('get', 'pods', '-n', NAMESPACE, '-o', 'name').split() == ['pod/busy', 'pod/calm'], 'pods are still pods'


def test_rights(cluster):
    cluster.kubectl('-n', NAMESPACE, 'create', 'serviceaccount', 'reader')
    reader = f'--as=system:serviceaccount:{NAMESPACE}:reader'
    with pytest.raises(RuntimeError, match=r'pods.metrics.k8s.io is forbidden'):
        cluster.kubectl('top', 'pods', '-n', NAMESPACE, reader)
    cluster.kubectl('-n', NAMESPACE, 'create', 'rolebinding', 'reader', '--clusterrole=view', f'--serviceaccount={NAMESPACE}:reader')
    await_true('the view role covers metrics', lambda: len(top(cluster, 'pods', '-n', NAMESPACE, reader)) == 2)
    for refused in (['pods', '-A'], ['nodes']):
        with pytest.raises(RuntimeError, match=r'metrics.k8s.io is forbidden'):
            cluster.kubectl('top', *refused, reader)


@pytest.fixture
def other(cluster, tmp_path):
    """Another server of this API, in this process, and its objects as users apply them."""
    pki = Pki(tmp_path / 'pki')
    with AggregatedServer(pki, cluster.server.data / 'pki/front-proxy-ca.crt', cluster.network.host_ip, service='metrics-server', ns='other', group='metrics.k8s.io', version='v1beta1') as server:
        yield server


def reason(cluster):
    conditions = cluster.kubectl.json('get', 'apiservice', SERVICE).get('status', {}).get('conditions', [])
    return next((c['reason'] for c in conditions if c['type'] == 'Available'), None)


def openapi(cluster):
    document = json.loads(cluster.kubectl('get', '--raw', '/openapi/v2'), object_pairs_hook=lambda pairs: pairs)
    return [path for path, _ in dict(document)['paths'] if path.startswith(ROOT)]


def test_another_server_takes_over_and_gives_back(cluster, other):
    await_pods(cluster)
    own = openapi(cluster)
    assert f'{ROOT}/pods' in own
    service = other.api_service(groupPriorityMinimum=100, versionPriority=100)
    cluster.kubectl.apply(json.dumps(namespace('other')))
    cluster.kubectl.apply(yaml.safe_dump_all([other.service_object(), other.slice(), service]))
    await_true('the other server is available', lambda: reason(cluster) == 'Passed')
    assert 'flunders' in cluster.kubectl('get', '--raw', ROOT)
    await_true('discovery tells of the other', lambda: 'Flunder' in cluster.kubectl('api-resources', '--api-group=metrics.k8s.io', '--no-headers'))
    theirs = await_true('OpenAPI tells of the other alone', lambda: (paths := openapi(cluster)) and not set(paths) & {f'{ROOT}/pods', f'{ROOT}/nodes'} and paths)
    assert len(theirs) == len(set(theirs)) == 1
    with pytest.raises(RuntimeError):
        cluster.kubectl('top', 'nodes')

    # It stays another's over a new start.
    assert cluster.server.stop() == 0
    cluster.server.start()
    await_true('the API server', lambda: cluster.kubectl('get', '--raw', '/readyz') == 'ok')
    await_true('the other server is available', lambda: reason(cluster) == 'Passed')

    cluster.kubectl('delete', 'apiservice', SERVICE)
    cluster.kubectl('delete', 'clusterrole', 'system:aggregated-metrics-reader')
    await_true('this server\'s is back', lambda: reason(cluster) == 'Local')
    await_true('its role too', lambda: 'metrics.k8s.io' in cluster.kubectl('get', 'clusterrole', 'system:aggregated-metrics-reader', '-o', 'yaml'))
    await_true('and what it measures', lambda: top(cluster, 'nodes'), timeout_s=MEASURED_S)
    assert openapi(cluster) == own


def test_switched_off(cluster):
    """Last: a server that does not serve it takes away what stands for it."""
    assert cluster.server.stop() == 0
    cluster.server.flags += ['--disable=metrics-server']
    cluster.server.start()
    await_true('the API server', lambda: cluster.kubectl('get', '--raw', '/readyz') == 'ok')
    assert cluster.kubectl.try_json('get', 'apiservice', SERVICE) is None
    with pytest.raises(RuntimeError, match='Metrics API not available'):
        cluster.kubectl('top', 'nodes')
