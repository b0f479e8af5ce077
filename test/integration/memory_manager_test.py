"""The memory manager of the node: Guaranteed pods get their memory from NUMA nodes, a record is kept that either kubelet takes over, a kubelet whose
reservations do not add up does not start."""
import json
import os
import shutil
import subprocess

import pytest
from kubelet_swap_test import start_upstream
from pod_config_test import FOREVER, ready
from support.device_plugin import program
from support.kubelet_node import KubeletNode, missing
from support.netns import own_network
from support.nodes import await_true
from support.peers import lacking

pytestmark = pytest.mark.skipif(missing() is not None or os.geteuid() != 0, reason=f'needs root, containerd, runc and CNI plugins: {missing()}')
STATIC = {'memoryManagerPolicy': 'Static', 'reservedMemory': [{'numaNode': 0, 'limits': {'memory': '101Mi'}}], 'kubeReserved': {'memory': '100Mi'},
          'evictionHard': {'memory.available': '1Mi'}, 'cgroupDriver': 'cgroupfs'}


@pytest.fixture(scope='module')
def node():
    with own_network(), KubeletNode('n1', config=dict(STATIC)) as made:
        await_true('the node', made.node)
        yield made


def wants(memory, guaranteed=True, **container):
    resources = {'requests': {'cpu': '10m', 'memory': memory}}
    return {'command': ['sh', '-c', f'grep Mems_allowed_list /proc/self/status; {FOREVER}'], **container,
            'resources': {**resources, 'limits': resources['requests']} if guaranteed else resources}


def record(node):
    """What of each container is on disk: its nodes, and the bytes of its memory."""
    entries = json.loads((node.folder / 'kubelet/memory_manager_state').read_text()).get('entries', {})
    return {(uid, c): [(b['numaAffinity'], b['type'], b['size']) for b in blocks] for uid, of in entries.items() for c, blocks in of.items()}


def delete(node, *names):
    node.server.kubectl('delete', 'pods', *names, '--wait=false', '--grace-period=1')
    for name in names:
        node.wait(name, lambda pod: pod is None)


def given(mib):
    return [([0], 'memory', mib << 20)]


@pytest.mark.skipif(lacking('kubelet') is not None, reason=str(lacking('kubelet')))
def test_kubelets_change_places(node):
    ours = node.run_pod('ours', wants('64Mi'), wait=ready)
    node.run_pod('burstable', wants('64Mi', guaranteed=False), wait=ready)
    assert record(node) == {(ours['metadata']['uid'], 'main'): given(64)}
    assert node.logs(ours).split() == ['Mems_allowed_list:', '0']
    if shutil.which('go'):
        done = subprocess.run([program(), f'-pod-resources={node.folder}/kubelet/pod-resources/kubelet.sock', '-pod=ours'], capture_output=True, text=True, check=True)
        assert json.loads(done.stdout)['get']['containers'][0]['memory'] == [{'memory_type': 'memory', 'size': 64 << 20, 'topology': {'nodes': [{}]}}]
    # More than there is.
    node.run_pod('toomuch', wants('1Ti'))
    refused = node.wait('toomuch', lambda p: p['status']['phase'] == 'Failed')['status']['reason']
    assert refused == 'OutOfmemory'
    assert node.stop_kubelet() == 0
    start_upstream(node)
    theirs = node.run_pod('theirs', wants('32Mi'), wait=ready)
    both = {(ours['metadata']['uid'], 'main'): given(64), (theirs['metadata']['uid'], 'main'): given(32)}
    assert record(node) == both
    node.stop_kubelet()
    node.start_kubelet()
    last = node.run_pod('last', wants('16Mi'), wait=ready)
    assert record(node) == {**both, (last['metadata']['uid'], 'main'): given(16)}
    for name in ('ours', 'theirs', 'burstable'):
        assert node.pod(name)['status']['containerStatuses'][0]['restartCount'] == 0
    delete(node, 'ours', 'theirs', 'last', 'burstable', 'toomuch')
    await_true('all of it is free', lambda: record(node) == {})


def test_init_containers_leave_theirs(node):
    init = [{'name': 'init', 'image': 'busybox:1.36', **wants('48Mi', command=['true'])}]
    pod = node.run_pod('inits', wants('32Mi'), initContainers=init, wait=ready)
    await_true('what is left', lambda: record(node) == {(pod['metadata']['uid'], 'main'): given(32)})
    state = json.loads((node.folder / 'kubelet/memory_manager_state').read_text())['machineState']['0']['memoryMap']['memory']
    assert state['reserved'] == 32 << 20 and state['systemReserved'] == 101 << 20
    delete(node, 'inits')


def test_what_does_not_go_together(node):
    assert node.stop_kubelet() == 0
    for change, why in (({'reservedMemory': [{'numaNode': 0, 'limits': {'memory': '100Mi'}}]},
                         'the total amount "100Mi" of type "memory" is not equal to the value "101Mi" determined by Node Allocatable feature'),
                        ({'reservedMemory': [{'numaNode': 7, 'limits': {'memory': '101Mi'}}]},
                         'the reserved memory configuration references a NUMA node 7 that does not exist on this machine'),
                        ({'memoryManagerPolicy': 'None', 'reservedMemory': []},
                         '[memorymanager] configured policy "None" differs from state checkpoint policy "Static", please drain this node and delete the memory manager checkpoint file')):
        node.config = {**STATIC, **change}
        node.start_kubelet()
        assert node.kubelet.child.wait(timeout=20) != 0
        # Quotes are escaped in the log.
        assert why in node.kubelet.tail().replace('\\"', '"'), node.kubelet.tail()
    node.config = dict(STATIC)
    node.start_kubelet()
    node.run_pod('again', wants('16Mi'), wait=ready)
    delete(node, 'again')
