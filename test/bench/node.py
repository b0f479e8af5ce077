"""A node's figures: start to Ready, one pod and fifty from creation to Ready, a Deployment from 0 to 20, and what an idle node takes.

Run on a quiet machine, as root: test/bench/node.py [--idle SECONDS]. Times are seen by a watch, as a client sees them."""
import argparse
import pathlib
import statistics
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from kubernetes import client, config, watch  # noqa: E402
from support.nodes import NodeCluster, await_true, condition  # noqa: E402
from support.registry import Registry, build_images  # noqa: E402

PAUSE = 'registry.k8s.io/pause:3.10.2'
SUBNET, GATEWAY = '10.97.0.0/24', '10.97.0.1'


def is_ready(pod):
    return any(c.type == 'Ready' and c.status == 'True' for c in pod.status.conditions or [])


class ReadyTimes:
    """When each pod was first seen Ready."""

    def __init__(self, api):
        self.seen, self.ended = {}, False
        self.thread = threading.Thread(target=self.run, args=(api,), daemon=True)
        self.thread.start()

    def run(self, api):
        for event in watch.Watch().stream(api.list_namespaced_pod, 'default', timeout_seconds=600):
            pod = event['object']
            if is_ready(pod):
                self.seen.setdefault(pod.metadata.name, time.monotonic())


def pod(name):
    return {'metadata': {'name': name}, 'spec': {'terminationGracePeriodSeconds': 0, 'containers': [{'name': 'c', 'image': PAUSE, 'imagePullPolicy': 'IfNotPresent'}]}}


def create(api, ready, names):
    """Creates pods; the time of each from before its creation until it was Ready."""
    began = {}
    for name in names:
        began[name] = time.monotonic()
        api.create_namespaced_pod('default', pod(name))
    await_true('the pods are Ready', lambda: all(n in ready.seen for n in names), interval_s=0.01)
    return [ready.seen[n] - began[n] for n in names], max(ready.seen[n] for n in names) - min(began.values())


def remove_all(api):
    api.delete_collection_namespaced_pod('default', grace_period_seconds=0)
    await_true('the pods are gone', lambda: not api.list_namespaced_pod('default').items)


def scale_up(apps, ready, replicas):
    labels = {'app': 'bench'}
    template = {'metadata': {'labels': labels}, 'spec': pod('x')['spec']}
    apps.create_namespaced_deployment('default', {'metadata': {'name': 'bench'}, 'spec': {'replicas': 0, 'selector': {'matchLabels': labels}, 'template': template}})
    known, began = set(ready.seen), time.monotonic()
    apps.patch_namespaced_deployment_scale('bench', 'default', {'spec': {'replicas': replicas}})
    await_true('the Deployment is up', lambda: len(set(ready.seen) - known) >= replicas, interval_s=0.01)
    seconds = max(ready.seen[n] for n in set(ready.seen) - known) - began
    apps.delete_namespaced_deployment('bench', 'default', propagation_policy='Foreground')
    return seconds


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument('--idle', type=int, default=60, help='seconds over which an idle node is watched')
    given = arguments.parse_args()
    build_images('basic')
    registry = Registry(None, f'{GATEWAY}:5000')
    began = time.monotonic()
    try:
        with NodeCluster(registry=registry.url, subnet=SUBNET, before_start=lambda: registry.start().push([PAUSE])) as cluster:
            node = cluster.kubectl.json('get', 'node', 'server')
            assert condition(node, 'Ready') == 'True'
            print(f'namespaces, registry and node Ready: {time.monotonic() - began:.2f} s')
            process = cluster.server.process
            config.load_kube_config(cluster.server.kubeconfig)
            api, apps = client.CoreV1Api(), client.AppsV1Api()
            await_true('the default service account', lambda: cluster.kubectl.try_json('get', 'serviceaccount', 'default'))
            ready = ReadyTimes(api)
            create(api, ready, ['first'])
            times = [create(api, ready, [f'one{i}'])[0][0] for i in range(10)]
            print(f'one pod, created to Ready: median {statistics.median(times):.3f} s, worst {max(times):.3f} s')
            remove_all(api)
            times, whole = create(api, ready, [f'fifty{i}' for i in range(50)])
            print(f'fifty pods at once: all Ready after {whole:.2f} s, median {statistics.median(times):.2f} s')
            remove_all(api)
            print(f'a Deployment from 0 to 20: {scale_up(apps, ready, 20):.2f} s')
            await_true('the pods are gone', lambda: not api.list_namespaced_pod('default').items)
            time.sleep(5)      # what came of the deletions
            cpu = process.cpu_s()
            time.sleep(given.idle)
            used = process.cpu_s() - cpu
            print(f'idle over {given.idle} s: {process.rss_mib():.1f} MiB resident, {used:.2f} s of CPU ({used / given.idle * 100:.2f} % of a core)')
    finally:
        registry.stop()


if __name__ == '__main__':
    main()
