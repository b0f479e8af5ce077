"""metrics-server from its own manifests: an API that this server fetches through a cluster IP, filled from what the kubelet measures."""
import json
import re

import pytest
from conftest import program
from support.go_module import module_folder
from support.nodes import await_true, condition
from support.program_image import push_program

MODULE = 'sigs.k8s.io/metrics-server'
NAMESPACE = 'metrics-test'
# Kubelets here serve with a certificate that they signed themselves, as kubeadm's do; scraping every 10 s is the least it allows, and a kubelet has less time than that.
ARGUMENTS = [{'op': 'add', 'path': '/spec/template/spec/containers/0/args/-', 'value': '--kubelet-insecure-tls'},
             {'op': 'add', 'path': '/spec/template/spec/containers/0/args/-', 'value': '--kubelet-request-timeout=8s'},
             {'op': 'replace', 'path': '/spec/template/spec/containers/0/args/4', 'value': '--metric-resolution=10s'},
             {'op': 'replace', 'path': '/spec/template/spec/containers/0/readinessProbe/initialDelaySeconds', 'value': 1},
             {'op': 'replace', 'path': '/spec/template/spec/containers/0/readinessProbe/periodSeconds', 'value': 1}]
BUSY = {'apiVersion': 'apps/v1', 'kind': 'Deployment', 'metadata': {'name': 'busy', 'namespace': NAMESPACE}, 'spec': {
    'selector': {'matchLabels': {'app': 'busy'}}, 'template': {'metadata': {'labels': {'app': 'busy'}}, 'spec': {'terminationGracePeriodSeconds': 0, 'containers': [
        {'name': 'spin', 'image': 'busybox:1.36', 'command': ['sh', '-c', 'while :; do :; done'], 'resources': {'requests': {'cpu': '50m'}, 'limits': {'cpu': '300m'}}},
        {'name': 'rest', 'image': 'busybox:1.36', 'command': ['sleep', '1000'], 'resources': {'requests': {'cpu': '10m'}}}]}}}}


@pytest.fixture(scope='module')
def metrics(cluster):
    folder = module_folder('metrics-server', MODULE)
    version = folder.name.rpartition('@')[2]
    push_program(cluster.registry, f'registry.k8s.io/metrics-server/metrics-server:{version}', program('metrics-server'), at='/metrics-server')
    manifests = cluster.kubectl('kustomize', str(folder / 'manifests/overlays/release'))
    cluster.kubectl.apply(manifests)
    cluster.kubectl('-n', 'kube-system', 'patch', 'deployment', 'metrics-server', '--type=json', '-p', json.dumps(ARGUMENTS))
    cluster.kubectl('create', 'namespace', NAMESPACE)
    cluster.kubectl.apply(BUSY)
    await_true('v1beta1.metrics.k8s.io is available', lambda: condition(cluster.kubectl.json('get', 'apiservice', 'v1beta1.metrics.k8s.io'), 'Available') == 'True', timeout_s=90)
    yield cluster
    cluster.kubectl('delete', 'namespace', NAMESPACE, '--wait=false')
    cluster.kubectl('delete', '-f', '-', input=manifests)


def rows(text):
    return {line.split()[0]: line.split()[1:] for line in text.splitlines()}


def milli(cpu):
    return int(re.fullmatch(r'(\d+)m', cpu)[1])


def mebi(memory):
    return int(re.fullmatch(r'(\d+)Mi', memory)[1])


def test_its_service_has_a_cluster_ip(metrics):
    service = metrics.kubectl.json('-n', 'kube-system', 'get', 'service', 'metrics-server')
    assert service['spec']['clusterIP'].startswith('10.43.')
    # The API server is in the node's namespace: it asks the address of the endpoint, not a name that it could not resolve.
    available = next(c for c in metrics.kubectl.json('get', 'apiservice', 'v1beta1.metrics.k8s.io')['status']['conditions'] if c['type'] == 'Available')
    assert available['reason'] == 'Passed'


def test_discovery(metrics):
    resources = json.loads(metrics.kubectl('get', '--raw', '/apis/metrics.k8s.io/v1beta1'))['resources']
    assert {r['name']: (r['kind'], r['namespaced']) for r in resources} == {'nodes': ('NodeMetrics', False), 'pods': ('PodMetrics', True)}
    assert 'pods' in metrics.kubectl('api-resources', '--api-group=metrics.k8s.io', '--no-headers')


def test_kubectl_top_nodes(metrics):
    shown = await_true('kubectl top nodes', lambda: rows(metrics.kubectl('top', 'nodes', '--no-headers')), timeout_s=60)
    assert list(shown) == ['server']
    cpu, cpu_share, memory, memory_share = shown['server']
    assert milli(cpu) > 100 and mebi(memory) > 50, 'a container spins on this node'
    assert int(cpu_share.rstrip('%')) <= 100 and int(memory_share.rstrip('%')) <= 100


def test_kubectl_top_pods(metrics):
    def top(*args):
        return metrics.kubectl('-n', NAMESPACE, 'top', 'pods', '--no-headers', *args)
    spent = await_true('the spinning pod is measured', lambda: [line.split() for line in top('--containers').splitlines()], timeout_s=60)
    by_container = {container: milli(cpu) for _, container, cpu, _ in spent}
    assert set(by_container) == {'spin', 'rest'}
    await_true('it spins at its limit', lambda: 200 <= milli(next(line.split() for line in top('--containers').splitlines() if ' spin ' in line)[2]) <= 350, timeout_s=60)
    assert by_container['rest'] < 50
    assert set(rows(top('-l', 'app=busy'))) == set(rows(top())) and top('-l', 'app=other') == ''
    assert 'busy-' in metrics.kubectl('top', 'pods', '-A', '--sort-by=cpu', '--no-headers').splitlines()[0]


def test_rights_are_this_servers(metrics):
    """The aggregated view role lets readers read; metrics-server asks this server who may."""
    metrics.kubectl('-n', NAMESPACE, 'create', 'serviceaccount', 'reader')
    reader = f'--as=system:serviceaccount:{NAMESPACE}:reader'
    answered = metrics.kubectl.try_json('-n', NAMESPACE, 'get', 'pods.metrics.k8s.io', reader)
    assert answered is None
    metrics.kubectl('-n', NAMESPACE, 'create', 'rolebinding', 'reader', '--clusterrole=view', f'--serviceaccount={NAMESPACE}:reader')
    await_true('the view role covers metrics', lambda: metrics.kubectl.try_json('-n', NAMESPACE, 'get', 'pods.metrics.k8s.io', reader) is not None, timeout_s=30)
