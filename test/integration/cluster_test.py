"""`pintle server` and two `pintle agent`s, each in a network namespace: joining, pods on every node that reach one another through
a Service, the kubelets' streams, and a server that stops and adopts what went on without it."""
import json
import pathlib
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.cluster import SLOWNESS, held_lines, run, sum_of_metric  # noqa: E402
from support.nodes import Node, NodeCluster, await_pods_ready, await_true, condition  # noqa: E402
from support.registry import Registry, build_images  # noqa: E402

DAY = '123456789.dkr.ecr.us-east-1.amazonaws.com/day:v1.2.3'
PAUSE = 'registry.k8s.io/pause:3.10.2'
EXAMPLE = pathlib.Path(__file__).resolve().parents[2] / 'examples/day-service'


@pytest.fixture(scope='module')
def cluster(tmp_path_factory):
    build_images('basic')
    registry = Registry(tmp_path_factory.mktemp('registry'), '10.95.0.1:5000')
    try:
        with NodeCluster(agents=2, registry=registry.url, subnet='10.95.0.0/24', before_start=lambda: registry.start().push([DAY, PAUSE])) as c:
            yield c
    finally:
        registry.stop()


def day_pods(cluster):
    items = cluster.kubectl.json('-n', 'production', 'get', 'pods', '-l', 'app=day')['items']
    return [p for p in items if 'deletionTimestamp' not in p['metadata']]


def await_ready(cluster, count):
    await_pods_ready(f'{count} pods Ready', lambda: day_pods(cluster), count, timeout_s=180)     # the first node test of a run: nothing is in any cache yet


def test_nodes_join_and_pods_run_everywhere(cluster):
    k = cluster.kubectl
    k('apply', '-f', str(EXAMPLE))
    k('-n', 'production', 'scale', 'deployment/day-service', '--replicas=6')
    await_ready(cluster, 6)
    assert {p['spec']['nodeName'] for p in day_pods(cluster)} == {'server', 'agent0', 'agent1'}


def test_nodes_keep_their_csi_nodes(cluster):
    """Each by its own identity, which may write no other's."""
    def owners():
        return {n['metadata']['name']: n['metadata']['ownerReferences'][0]['uid'] for n in cluster.kubectl.json('get', 'csinodes')['items']}
    await_true('a CSINode a node', lambda: owners() == {n['metadata']['name']: n['metadata']['uid'] for n in cluster.kubectl.json('get', 'nodes')['items']})


def test_nodes_tell_their_own_names_and_addresses(cluster):
    for node in cluster.nodes:
        addresses = cluster.kubectl.json('get', 'node', node.name)['status']['addresses']
        assert addresses == [{'type': 'InternalIP', 'address': node.ip}, {'type': 'Hostname', 'address': node.name}]


def test_the_service_is_answered_by_every_pod_from_every_node(cluster):
    ip = cluster.kubectl.json('-n', 'production', 'get', 'service', 'day-service')['spec']['clusterIP']
    names = {p['metadata']['name'] for p in day_pods(cluster)}
    for node in cluster.nodes:
        answered = set()

        def ask():
            answered.add(json.loads(run(*node.command('curl', '-s', '-m', '5', f'http://{ip}/')))['hostname'])
            return answered == names
        await_true(f'each pod answers {node.name}', ask, interval_s=0.01)


def test_cluster_dns_answers_on_agents(cluster):
    ip = cluster.kubectl.json('-n', 'production', 'get', 'service', 'day-service')['spec']['clusterIP']
    pod = next(p for p in day_pods(cluster) if p['spec']['nodeName'] == 'agent1')['metadata']['name']
    assert ip in cluster.kubectl('-n', 'production', 'exec', pod, '--', 'nslookup', 'day-service.production.svc.cluster.local')


def test_streams_reach_the_agents(cluster):
    for node in ('agent0', 'agent1'):
        pod = next(p for p in day_pods(cluster) if p['spec']['nodeName'] == node)['metadata']['name']
        await_true('the kubelet has its serving certificate', lambda: 'listens on 8001' in cluster.kubectl('-n', 'production', 'logs', pod))
        assert cluster.kubectl('-n', 'production', 'exec', pod, '--', 'hostname').strip() == pod


def test_a_server_that_stops_adopts_its_pods(cluster):
    before = {p['metadata']['uid']: p['status']['containerStatuses'][0]['containerID'] for p in day_pods(cluster)}
    assert cluster.server.stop() == 0
    cluster.server.start()
    await_true('the API server', lambda: cluster.kubectl('get', '--raw', '/readyz') == 'ok')
    cluster.await_ready()
    await_ready(cluster, 6)
    assert {p['metadata']['uid']: p['status']['containerStatuses'][0]['containerID'] for p in day_pods(cluster)} == before


def test_a_second_server_on_the_same_folder_is_refused(cluster):
    node = cluster.server
    done = subprocess.run(node.command(node.binary, 'server', f'--data-dir={node.data}', f'--node-ip={node.ip}'), capture_output=True, text=True, timeout=30)
    assert done.returncode == 1 and 'is in use by another process (pid ' in done.stderr


def test_a_second_machine_cannot_take_a_nodes_name(cluster):
    late = Node(cluster.network, 'late', 7, cluster.folder / 'late', ['--node-name=agent0', '--node-taint=lab/reserved=yes:NoSchedule'], join=cluster.server, mirror=cluster.agents[0].mirror)
    try:
        late.start()
        await_true('its end', lambda: late.process.child.poll() is not None)
        assert late.process.child.returncode == 1 and 'belongs to another key' in late.log_tail(), late.log_tail()
        assert condition(cluster.kubectl.json('get', 'node', 'agent0'), 'Ready') == 'True'
        late.flags.remove('--node-name=agent0')
        late.start()
        cluster.await_node(late)
        taints = cluster.kubectl.json('get', 'node', 'late')['spec']['taints']
        assert {'key': 'lab/reserved', 'value': 'yes', 'effect': 'NoSchedule'} in taints
    finally:
        late.clean()
        cluster.kubectl('delete', 'node', 'late', '--ignore-not-found')


def test_nothing_has_held_an_executor(cluster):
    """Last: of the server, which is the control plane and a node, and of the agents, which have no page of metrics but log it."""
    if SLOWNESS > 1:
        pytest.skip('a slow build')
    assert sum_of_metric(cluster.kubectl('get', '--raw', '/metrics'), 'pintle_executor_held_total') == 0
    for node in cluster.nodes:
        assert not held_lines(node.process.log.read_text(errors='replace')), node.name
