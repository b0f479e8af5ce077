"""The static policy of CPUs, by the kernel's own word: who runs where, how those that share make room and get it back, restarts, the record
that upstream's kubelet and ours take over from one another, and a policy that is changed under pods."""
import json
import os
import pathlib
import re

import pytest
from kubelet_swap_test import start_upstream
from pod_config_test import FOREVER, ready
from support.device_plugin import device_plugin, pod_resources
from support.kubelet_node import KubeletNode, missing
from support.netns import own_network
from support.nodes import await_true
from support.peers import lacking

CPUS = sorted(os.sched_getaffinity(0))
pytestmark = [pytest.mark.skipif(missing() is not None or os.geteuid() != 0, reason=f'needs root, containerd, runc and CNI plugins: {missing()}'),
              pytest.mark.skipif(len(CPUS) < 2, reason='needs two CPUs')]
WHOLE = {'cpu': '1', 'memory': '32Mi'}


@pytest.fixture(scope='module')
def node():
    config = {'cgroupDriver': 'cgroupfs', 'cpuManagerPolicy': 'static', 'topologyManagerPolicy': 'single-numa-node', 'topologyManagerScope': 'pod', 'kubeReserved': {'cpu': f'{len(CPUS) * 1000 - 1500}m'}}
    with own_network(), KubeletNode('n1', config=config) as made:
        await_true('the node', made.node)
        yield made


def where(node, pod):
    """The CPUs that its container may run on."""
    container = pod['status']['containerStatuses'][0]['containerID'].split('//')[1]
    pid = next(line.split()[1] for line in node.ctr('tasks', 'list') if line.startswith(container))
    return re.search(r'Cpus_allowed_list:\s*(\S+)', pathlib.Path(f'/proc/{pid}/status').read_text())[1]


def quota(node, pod):
    container = pod['status']['containerStatuses'][0]['containerID'].split('//')[1]
    spec = json.loads('\n'.join(node.ctr('containers', 'info', container)))['Spec']
    return spec['linux']['resources']['cpu'].get('quota')


def state(node):
    return json.loads((node.folder / 'kubelet/cpu_manager_state').read_text())


def expand(text):
    parts = [part.split('-') for part in text.split(',')]
    return [cpu for part in parts for cpu in range(int(part[0]), int(part[-1]) + 1)]


def delete(node, *names):
    node.server.kubectl('delete', 'pods', *names, '--wait=false', '--grace-period=1')
    for name in names:
        node.wait(name, lambda pod: pod is None)


def test_whole_cpus_are_a_pods_own(node):
    shared = node.run_pod('shared', {'command': ['sh', '-c', FOREVER]}, wait=ready)
    assert expand(where(node, shared)) == CPUS
    own = node.run_pod('own', {'command': ['sh', '-c', FOREVER], 'resources': {'requests': WHOLE, 'limits': WHOLE}}, wait=ready)
    mine = expand(where(node, own))
    assert len(mine) == 1 and state(node)['entries'] == {own['metadata']['uid']: {'main': str(mine[0])}} and quota(node, own) == -1
    rest = [cpu for cpu in CPUS if cpu not in mine]
    await_true('those that share make room', lambda: expand(where(node, shared)) == rest)
    late = node.run_pod('late', {'command': ['sh', '-c', FOREVER]}, wait=ready)
    assert expand(where(node, late)) == rest
    said = pod_resources(node, 'own')
    assert said['get']['containers'] == [{'name': 'main', 'cpu_ids': mine}] and mine[0] in said['allocatable']['cpu_ids'] and len(said['allocatable']['cpu_ids']) < len(CPUS)
    # A restart moves nobody.
    assert node.stop_kubelet() == 0
    node.start_kubelet()
    again = node.run_pod('again', {'command': ['sh', '-c', FOREVER]}, wait=ready)
    assert [expand(where(node, p)) for p in (own, shared, again)] == [mine, rest, rest]
    delete(node, 'own')
    await_true('what was its own is shared again', lambda: all(expand(where(node, p)) == CPUS for p in (shared, late, again)))
    assert 'entries' not in state(node)
    delete(node, 'late', 'again', 'shared')


@pytest.mark.skipif(lacking('kubelet') is not None, reason=str(lacking('kubelet')))
def test_kubelets_change_places(node):
    own = node.run_pod('own', {'command': ['sh', '-c', FOREVER], 'resources': {'requests': WHOLE, 'limits': WHOLE}}, wait=ready)
    ours = state(node)
    assert quota(node, own) == -1
    assert node.stop_kubelet() == 0
    start_upstream(node)
    shared = node.run_pod('theirs', {'command': ['sh', '-c', FOREVER]}, wait=ready)
    assert state(node) == ours and expand(where(node, shared)) == expand(ours['defaultCpuSet'])
    assert pod_resources(node, 'own')['get']['containers'] == [{'name': 'main', 'cpu_ids': expand(where(node, own))}]
    delete(node, 'own')
    theirs = node.run_pod('own', {'command': ['sh', '-c', FOREVER], 'resources': {'requests': WHOLE, 'limits': WHOLE}}, wait=ready)
    assert list(state(node)['entries'].values()) == list(ours['entries'].values()) and quota(node, theirs) == -1
    node.stop_kubelet()
    node.start_kubelet()
    last = node.run_pod('last', {'command': ['sh', '-c', FOREVER]}, wait=ready)
    assert expand(where(node, last)) == expand(ours['defaultCpuSet']) and node.pod('own')['status']['containerStatuses'][0]['restartCount'] == 0
    delete(node, 'own', 'theirs', 'last')


def test_devices_out_of_reach_are_refused(node):
    """Devices of two NUMA nodes, of which this machine has the first alone: both at once are on no single node."""
    with device_plugin(node, 'a b'):
        await_true('the devices', lambda: node.node()['status']['allocatable'].get('pintle.test/device') == '2')
        node.run_pod('apart', {'resources': {'limits': {'pintle.test/device': '2'}}})
        status = node.wait('apart', lambda pod: pod['status']['phase'] == 'Failed')['status']
        why = 'Resources cannot be allocated with Topology locality'
        assert (status['reason'], status['message']) == ('TopologyAffinityError', f'Pod was rejected: {why}')
        assert ('Warning', 'TopologyAffinityError', why) in node.events('apart')
        near = {'pintle.test/device': '1', **WHOLE}
        pod = node.run_pod('near', {'command': ['sh', '-c', f'echo $DEVICES; {FOREVER}'], 'resources': {'limits': near, 'requests': near}}, wait=ready)
        assert node.logs(pod) == 'a\n'
        delete(node, 'apart', 'near')


def test_a_changed_policy_is_refused(node):
    assert node.stop_kubelet() == 0
    before = node.config
    node.config = {**before, 'cpuManagerPolicy': 'none'}
    node.start_kubelet()
    assert node.kubelet.child.wait(20) != 0
    assert 'differs from state checkpoint policy' in (node.folder / 'kubelet.log').read_text()
    node.config = {**before, 'cpuManagerPolicyOptions': {'align-by-socket': 'true'}}
    node.start_kubelet()
    assert node.kubelet.child.wait(20) != 0 and 'align-by-socket' in (node.folder / 'kubelet.log').read_text()
    node.config = before
    node.start_kubelet()
    node.run_pod('after', {'command': ['sh', '-c', FOREVER]}, wait=ready)
    delete(node, 'after')
