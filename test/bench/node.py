#!/usr/bin/env python3
"""A whole node's figures, Pintle's beside upstream's in one run: start to Ready, one pod and fifty from creation to Ready, a Deployment from
0 to 20, and what an idle node takes. What containerd alone takes for the same containers stands beside them (cri_bench).

Run on a quiet machine, as root. One node at a time, in a network namespace of its own, with the same containerd, images and plugins. Times are
seen by a watch, as a client sees them. Resident memory and CPU are those of all processes but containerd's."""
import argparse
import contextlib
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import urllib3

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from kubernetes import client, config  # noqa: E402
from support.cluster import ROOT  # noqa: E402
from support.kubelet_node import missing  # noqa: E402
from support.mixed_cluster import COMPONENTS, PEERS, MixedCluster  # noqa: E402
from support.netns import own_network  # noqa: E402
from support.nodes import NodeCluster, await_true  # noqa: E402
from support.registry import Registry, build_images  # noqa: E402

PAUSE = 'registry.k8s.io/pause:3.10.2'
SUBNET, GATEWAY = '10.97.0.0/24', '10.97.0.1'
NAMESPACE = 'default'
ONE_POD_RUNS = 10
SETTLE_S = 5          # what came of deletions


class ReadyTimes:
    """When each pod was first seen Ready."""

    def __init__(self, api):
        self.seen = {}
        self.stream = api.list_namespaced_pod(NAMESPACE, watch=True, timeout_seconds=600, _preload_content=False)
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        with contextlib.suppress(urllib3.exceptions.ProtocolError):     # close(); a watch that breaks before is missed by whoever waits
            for line in self.stream:
                pod = json.loads(line)['object']
                if any(c['type'] == 'Ready' and c['status'] == 'True' for c in pod['status'].get('conditions', [])):
                    self.seen.setdefault(pod['metadata']['name'], time.monotonic())

    def close(self):
        """An API server that stops waits for its open watches."""
        with contextlib.suppress(OSError):      # it is gone already
            self.stream.shutdown()
        self.thread.join()


def pod(name):
    return {'metadata': {'name': name}, 'spec': {'terminationGracePeriodSeconds': 0, 'containers': [{'name': 'c', 'image': PAUSE, 'imagePullPolicy': 'IfNotPresent'}]}}


class Workload:
    """The same steps against any node. `containerd`: the socket of its runtime."""

    def __init__(self, kubeconfig, containerd):
        config.load_kube_config(kubeconfig)
        self.api, self.apps, self.containerd = client.CoreV1Api(), client.AppsV1Api(), containerd
        await_true('the default service account', lambda: any(a.metadata.name == 'default' for a in self.api.list_namespaced_service_account(NAMESPACE).items))
        self.ready = ReadyTimes(self.api)

    def create(self, names):
        """Creates pods; the time of each from before its creation until it was Ready."""
        began = {}
        for name in names:
            began[name] = time.monotonic()
            self.api.create_namespaced_pod(NAMESPACE, pod(name))
        await_true('the pods are Ready', lambda: all(n in self.ready.seen for n in names), interval_s=0.01)
        return [self.ready.seen[n] - began[n] for n in names], max(self.ready.seen[n] for n in names) - min(began.values())

    def running(self):
        return subprocess.run(['ctr', '--address', self.containerd, '-n', 'k8s.io', 'tasks', 'list', '-q'], capture_output=True, text=True, check=True).stdout.split()

    def remove_all(self):
        """Returns when neither the API nor the runtime knows of a pod: what is still being ended would slow what comes next."""
        self.api.delete_collection_namespaced_pod(NAMESPACE, grace_period_seconds=0)
        await_true('the pods are gone', lambda: not self.api.list_namespaced_pod(NAMESPACE).items and not self.running())

    def scale_up(self, replicas):
        labels = {'app': 'bench'}
        template = {'metadata': {'labels': labels}, 'spec': pod('x')['spec']}
        self.apps.create_namespaced_deployment(NAMESPACE, {'metadata': {'name': 'bench'}, 'spec': {'replicas': 0, 'selector': {'matchLabels': labels}, 'template': template}})
        known, began = set(self.ready.seen), time.monotonic()
        self.apps.patch_namespaced_deployment_scale('bench', NAMESPACE, {'spec': {'replicas': replicas}})
        await_true('the Deployment is up', lambda: len(set(self.ready.seen) - known) >= replicas, interval_s=0.01)
        seconds = max(self.ready.seen[n] for n in set(self.ready.seen) - known) - began
        self.apps.delete_namespaced_deployment('bench', NAMESPACE, propagation_policy='Foreground')
        self.remove_all()
        return seconds


def measure(workload, processes, ready_s, idle_s):
    """{figure: value} of one node that is Ready."""
    out = {'node Ready (s)': ready_s}
    workload.create(['first'])
    times = [workload.create([f'one{i}'])[0][0] for i in range(ONE_POD_RUNS)]
    out['one pod, median (s)'], out['one pod, worst (s)'] = statistics.median(times), max(times)
    workload.remove_all()
    out['0 to 20 (s)'] = statistics.median(workload.scale_up(20) for _ in range(3))
    times, out['50 pods, all Ready (s)'] = workload.create([f'fifty{i}' for i in range(50)])
    out['50 pods, median (s)'] = statistics.median(times)
    workload.remove_all()
    time.sleep(SETTLE_S)
    cpu = sum(p.cpu_s() for p in processes)
    time.sleep(idle_s)
    out['idle resident (MiB)'] = sum(p.rss_mib() for p in processes)
    out['idle CPU (% of a core)'] = (sum(p.cpu_s() for p in processes) - cpu) / idle_s * 100
    workload.ready.close()
    return out


def runtime_alone(containerd, pods):
    """Seconds that containerd takes for pods of one container, all at once and nobody else asking."""
    logs = tempfile.mkdtemp(prefix='pintle-bench-')
    try:
        done = subprocess.run([str(ROOT / 'build/cri_bench'), f'unix://{containerd}', PAUSE, str(pods), str(pods), logs], capture_output=True, text=True, check=True)
        return float(done.stdout)
    finally:
        shutil.rmtree(logs)


def measure_pintle(idle_s):
    registry = Registry(None, f'{GATEWAY}:5000')
    try:
        with NodeCluster(registry=registry.url, subnet=SUBNET, before_start=lambda: registry.start().push([PAUSE])) as cluster:
            containerd = str(cluster.server.data / 'containerd/containerd.sock')
            workload = Workload(cluster.server.kubeconfig, containerd)
            figures = measure(workload, [cluster.server.process], cluster.server_ready_s, idle_s)
            alone = {'0 to 20 (s)': statistics.median(runtime_alone(containerd, 20) for _ in range(3)), '50 pods, all Ready (s)': runtime_alone(containerd, 50),
                     'one pod, median (s)': statistics.median(runtime_alone(containerd, 1) for _ in range(ONE_POD_RUNS))}
            return figures, alone
    finally:
        registry.stop()


def measure_upstream(idle_s):
    with own_network(), tempfile.TemporaryDirectory(prefix='pintle-registry-') as images, MixedCluster(COMPONENTS, images) as cluster:
        workload = Workload(cluster.server.kubeconfig, f'{cluster.folder}/containerd.sock')
        return measure(workload, [*cluster.server.processes, *cluster.managers, cluster.kubelet], cluster.ready_s, idle_s)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument('--idle', type=int, default=60, help='seconds over which an idle node is watched')
    arguments.add_argument('--only', choices=['pintle', 'upstream'])
    arguments.add_argument('--json', help='also write the figures to this file')
    given = arguments.parse_args()
    if os.geteuid() != 0 or missing():
        print(f'bench: the node is left out: {missing() or "root is needed"}')
        return
    build_images('basic')
    columns = {}
    if given.only != 'upstream':
        print('bench: measuring a Pintle node', flush=True)
        columns['pintle'], columns['containerd alone'] = measure_pintle(given.idle)
    if given.only != 'pintle':
        lacking = [name for name in (*COMPONENTS, 'etcd') if not (PEERS / name).exists()]
        if lacking:
            print(f'bench: upstream\'s node is left out: {PEERS} lacks {", ".join(lacking)} (make peers)')
        else:
            print('bench: measuring an upstream node', flush=True)
            columns['upstream'] = measure_upstream(given.idle)
    print(f'{"":26}' + ''.join(f'{name:>18}' for name in columns))
    for figure in next(iter(columns.values())):
        print(f'{figure:26}' + ''.join(f'{column[figure]:>18.3f}' if figure in column else f'{"":18}' for column in columns.values()))
    if given.json:
        pathlib.Path(given.json).write_text(json.dumps(columns, indent=1))


if __name__ == '__main__':
    main()
