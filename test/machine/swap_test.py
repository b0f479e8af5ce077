"""LimitedSwap under cgroup v2: what a container may swap follows from the share of the machine's memory that it asks for."""
import json

import pytest

from machine import Machine, parts
from support.cluster import pintle_binary
from support.nodes import Kubectl, await_true

IMAGE = 'docker.io/library/busybox:1.36'
MEMORY_MIB, SWAP_MIB = 2048, 1024
REQUEST_MIB, LIMIT_MIB = 128, 160


def pod(name, requests=None, limits=None, command=None):
    resources = {'requests': requests or {}, 'limits': limits or {}}
    container = {'name': 'main', 'image': IMAGE, 'command': command or ['sleep', '3600'], 'resources': resources,
                 'volumeMounts': [{'name': 'memory', 'mountPath': '/memory'}]}
    return {'apiVersion': 'v1', 'kind': 'Pod', 'metadata': {'name': name},
            'spec': {'terminationGracePeriodSeconds': 0, 'restartPolicy': 'Never', 'containers': [container],
                     'volumes': [{'name': 'memory', 'emptyDir': {'medium': 'Memory'}}]}}


BURSTABLE = {'requests': {'memory': f'{REQUEST_MIB}Mi'}, 'limits': {'memory': f'{LIMIT_MIB}Mi'}}
# More than the limit and less than limit and swap together: neither of the two file systems in memory takes as much alone.
HUNGRY = ['sh', '-c', f'dd if=/dev/zero of=/memory/full bs=1M count={LIMIT_MIB - 40} && dd if=/dev/zero of=/dev/shm/full bs=1M count=60 && '
                      'echo stored && sleep 3600']


@pytest.fixture(scope='module')
def machine():
    made = Machine(pintle_binary(), parts(), images=[IMAGE], memory_mib=MEMORY_MIB, swap_mib=SWAP_MIB)
    try:
        yield made.start()
    finally:
        made.stop()


def serve(machine):
    config = {'apiVersion': 'kubelet.config.k8s.io/v1beta1', 'kind': 'KubeletConfiguration', 'failSwapOn': False,
              'memorySwap': {'swapBehavior': 'LimitedSwap'}}
    machine.run(f"echo '{json.dumps(config)}' > /root/kubelet.json")
    return Kubectl(machine.serve('--kubelet-config=/root/kubelet.json', '--disable=dns,metrics-server'))


def swap_limit(machine, kubectl, name):
    """memory.swap.max of the pod's container."""
    status = kubectl.json('get', 'pod', name)['status']['containerStatuses'][0]
    found = machine.run(f'find /sys/fs/cgroup -type d -name "*{status["containerID"].rpartition("/")[2]}*"').split()
    return machine.run(f'cat {found[0]}/memory.swap.max').strip(), found[0]


def test_limited_swap(machine):
    machine.run('swapon /dev/vdc')
    kubectl = serve(machine)
    await_true('the node is ready', lambda: 'True' in kubectl('get', 'nodes', '-o', 'jsonpath={.items[*].status.conditions[?(@.type=="Ready")].status}'), 240, 1)
    pods = [pod('share', **BURSTABLE), pod('hungry', command=HUNGRY, **BURSTABLE),
            pod('guaranteed', requests={'memory': '64Mi', 'cpu': '100m'}, limits={'memory': '64Mi', 'cpu': '100m'}),
            pod('effortless'), pod('bounded', requests={'memory': '64Mi'}, limits={'memory': '64Mi'})]
    kubectl.apply({'apiVersion': 'v1', 'kind': 'List', 'items': pods})
    await_true('the pods run', lambda: kubectl('get', 'pods', '-o', 'jsonpath={.items[*].status.phase}').split() == ['Running'] * len(pods), 240, 1)
    total = int(machine.run("awk '/MemTotal/{print $2}' /proc/meminfo")) * 1024
    swap = int(machine.run("awk '/SwapTotal/{print $2}' /proc/meminfo")) * 1024
    share = int(REQUEST_MIB * 2**20 / total * swap)
    limit, _ = swap_limit(machine, kubectl, 'share')
    assert abs(int(limit) - share) <= 4096, (limit, share)
    for name in ('guaranteed', 'effortless', 'bounded'):
        assert swap_limit(machine, kubectl, name)[0] == '0', name
    await_true('what does not fit is swapped', lambda: 'stored' in kubectl('logs', 'hungry'), 120, 1)
    used = int(machine.run(f'cat {swap_limit(machine, kubectl, "hungry")[1]}/memory.swap.current'))
    assert used >= 16 * 2**20, used
