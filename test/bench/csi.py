"""A pod with a CSI volume, created to Ready, under our kubelet and under upstream's on the same driver and runtime: one at a time, and fifty at once.
csi.py [--single N] [--many N]; needs root and build/peers."""
import argparse
import json
import os
import pathlib
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'integration'))
from csi_volumes_test import MOUNT, bind, claimed, described, running  # noqa: E402
from kubelet_swap_test import start_upstream  # noqa: E402
from support.kubelet_node import KubeletNode  # noqa: E402
from support.netns import own_network  # noqa: E402
from support.nodes import await_true  # noqa: E402



def is_ready(pod):
    return any(c['type'] == 'Ready' and c['status'] == 'True' for c in pod['status'].get('conditions', []))


def pods(node, prefix):
    items = json.loads(node.server.kubectl('get', 'pods', '-o', 'json'))['items']
    return [p for p in items if p['metadata']['name'].startswith(prefix)]


def run(node, names):
    """Seconds from the creation of the first to Ready of all."""
    began = time.monotonic()
    for name in names:
        node.run_pod(name, MOUNT, volumes=claimed(name))
    prefix = names[0].rsplit('-', 1)[0] + '-'
    await_true('all are ready', lambda: sum(map(is_ready, pods(node, prefix))) == len(names), timeout_s=300, interval_s=0.02)
    took = time.monotonic() - began
    node.server.kubectl('delete', 'pod', *names, '--wait=false')
    await_true('all are gone', lambda: not pods(node, prefix), timeout_s=300)
    return took


def measure(node, who, single, many):
    for i in range(single + 1):
        bind(node, f'{who}-one-{i}')
    alone = [run(node, [f'{who}-one-{i}']) for i in range(single + 1)][1:]
    names = [f'{who}-many-{i}' for i in range(many)]
    for name in names:
        bind(node, name)
    together = run(node, names)
    print(f'{who}: one pod {statistics.median(alone):.2f} s (least {min(alone):.2f}, most {max(alone):.2f}); {many} at once {together:.1f} s', flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--single', type=int, default=10, help='how many one after the other')
    parser.add_argument('--many', type=int, default=50, help='how many at once')
    arguments = parser.parse_args()
    assert os.geteuid() == 0, 'needs root'
    with own_network(), KubeletNode('n1', config={'cgroupDriver': 'cgroupfs', 'authentication': {'anonymous': {'enabled': True}, 'webhook': {'enabled': False}}, 'authorization': {'mode': 'AlwaysAllow'}}) as node, \
            described(node, attachRequired=False), running(node):
        measure(node, 'pintle', arguments.single, arguments.many)
        node.stop_kubelet()
        start_upstream(node)
        await_true('upstream knows the driver', lambda: 'disk.csi.test' in node.server.kubectl('get', 'csinode', 'n1', '-o', 'yaml'))
        measure(node, 'upstream', arguments.single, arguments.many)


main()
