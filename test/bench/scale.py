#!/usr/bin/env python3
"""A cluster of NODES hollow nodes in three zones and PODS pods of Deployments on one `pintle server --disable-agent`: registered, made, bound, running;
then a zone is lost, another is drained in part, and the lost one comes back. Prints after each step the time it took, the server's CPU and resident memory,
and the 99th percentiles of what the API server answered meanwhile; at the end what its memory holds.

The pods tolerate a lost node for --tolerate seconds instead of 300. Needs build/test/bench/hollow_nodes (ninja -C build hollow_nodes)."""
import argparse
import collections
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
sys.path.insert(0, str(HERE.parent / 'soak'))
from client import Client, MERGE  # noqa: E402
from support.cluster import ROOT, Process, free_port, pintle_binary, wait_for  # noqa: E402

ZONES = ['zone-a', 'zone-b', 'zone-c']
STEP_TIMEOUT_S = 3600
WRITES, READS = {'POST', 'PUT', 'PATCH', 'DELETE'}, {'GET'}


class Plane:
    def __init__(self, binary, folder, flags):
        self.port, self.data = free_port(), pathlib.Path(folder) / 'data'
        args = [binary, 'server', '--disable-agent', '--disable=dns,metrics-server', f'--data-dir={self.data}', '--bind-address=127.0.0.1', '--node-ip=127.0.0.1',
                '--node-name=server', f'--https-listen-port={self.port}', *flags]
        self.process = Process(args, pathlib.Path(folder) / 'pintle.log')
        pki = self.data / 'pki'
        self.files = {'ca': str(pki / 'ca.crt'), 'cert': str(pki / 'admin.crt'), 'key': str(pki / 'admin.key')}
        self.kubeconfig = self.data / 'admin.kubeconfig'
        wait_for(self.kubeconfig.exists, 'the administrator\'s kubeconfig', self.process)
        self.client = Client(self.port, self.files, timeout_s=300)
        wait_for(lambda: self.client.ask('GET', '/readyz') == (200, b'ok'), 'readyz', self.process)
        self.before = self.page()

    def page(self):
        return self.client.ask('GET', '/metrics')[1].decode()

    def memory(self):
        return int(re.search(r'VmRSS:\s+(\d+)', pathlib.Path(f'/proc/{self.process.pid}/status').read_text())[1]) / 1024

    def count(self, resource):
        found = re.search(rf'^apiserver_resource_objects\{{group="[^"]*",resource="{resource}"\}} (\S+)$', self.page(), re.M)
        return int(float(found[1])) if found else 0


def buckets(page):
    """{class of request: {upper bound: count}}"""
    out = collections.defaultdict(lambda: collections.defaultdict(float))
    for labels, value in re.findall(r'^apiserver_request_duration_seconds_bucket\{([^}]*)\} (\S+)$', page, re.M):
        label = dict(re.findall(r'(\w+)="([^"]*)"', labels))
        verb = label['verb']
        if label.get('subresource') in ('proxy', 'exec', 'log', 'attach', 'portforward') or verb in ('WATCH', 'CONNECT'):
            continue
        kind = 'list' if verb == 'LIST' else 'write' if verb in WRITES else 'get' if verb in READS else None
        if kind:
            out[kind][float(label['le'].replace('+Inf', 'inf'))] += float(value)
    return out


def p99(before, after):
    out = {}
    for kind, now in after.items():
        total = now[float('inf')] - before[kind][float('inf')]
        if total:
            bound = next(le for le in sorted(now) if now[le] - before[kind][le] >= 0.99 * total)
            out[kind] = f'{bound:g} s of {int(total):,}'
    return out


class Steps:
    def __init__(self, plane):
        self.plane = plane

    def run(self, name, work, done, every_s=2):
        """Until `done()` is true."""
        plane = self.plane
        page, cpu, began = buckets(plane.page()), plane.process.cpu_s(), time.monotonic()
        work()
        while not done():
            if time.monotonic() - began > STEP_TIMEOUT_S or plane.process.child.poll() is not None:
                sys.exit(f'scale: {name} did not end: {done.__doc__}')
            time.sleep(every_s)
        took, used = time.monotonic() - began, plane.process.cpu_s() - cpu
        asked = p99(page, buckets(plane.page()))
        print(f'scale: {name:44} {took:8.1f} s  CPU {used:8.1f} s  resident {plane.memory():8.1f} MiB  99 % within: '
              + ', '.join(f'{kind} {asked[kind]}' for kind in sorted(asked)), flush=True)
        return took


def deployment(name, replicas, tolerate_s):
    gone = [{'key': f'node.kubernetes.io/{what}', 'operator': 'Exists', 'effect': 'NoExecute', 'tolerationSeconds': tolerate_s} for what in ('not-ready', 'unreachable')]
    return {'apiVersion': 'apps/v1', 'kind': 'Deployment', 'metadata': {'name': name}, 'spec': {
        'replicas': replicas, 'selector': {'matchLabels': {'app': name}}, 'template': {'metadata': {'labels': {'app': name, 'tier': 'load'}}, 'spec': {
            'tolerations': gone, 'terminationGracePeriodSeconds': 1,
            'containers': [{'name': 'main', 'image': 'registry.example/web:1', 'resources': {'requests': {'cpu': '100m', 'memory': '64Mi'}}, 'ports': [{'containerPort': 80}]}]}}}}


class Counter:
    """What stands how, by limited lists of metadata: no walk over all pods."""

    def __init__(self, plane):
        self.client = plane.client

    def count(self, path):
        answer = json.loads(self.client.ask('GET', path + ('&' if '?' in path else '?') + 'limit=1')[1])
        return len(answer.get('items', [])) + answer['metadata'].get('remainingItemCount', 0)

    def ready(self, namespaces):
        """Sum of the Deployments' ready replicas."""
        total = 0
        for namespace in namespaces:
            for one in self.client.json('GET', f'/apis/apps/v1/namespaces/{namespace}/deployments')['items']:
                total += one.get('status', {}).get('readyReplicas', 0)
        return total


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument('--nodes', type=int, default=5000)
    args.add_argument('--pods', type=int, default=150000)
    args.add_argument('--replicas', type=int, default=15)
    args.add_argument('--services', type=int, default=1000)
    args.add_argument('--drained', type=int, default=50, help='nodes')
    args.add_argument('--tolerate', type=int, default=30, help='seconds')
    args.add_argument('--hollow', default=str(ROOT / 'build/test/bench/hollow_nodes'))
    args.add_argument('--profile', help='a file for the heap profile with all pods running')
    args.add_argument('flag', nargs='*', help='of pintle server')
    o = args.parse_args()
    with tempfile.TemporaryDirectory(prefix='pintle-scale-') as folder:
        plane = Plane(pintle_binary(), folder, o.flag)
        hollow = {}

        def start_zone(i):
            per = o.nodes // len(ZONES)
            hollow[i] = Process([o.hollow, f'--kubeconfig={plane.kubeconfig}', f'--nodes={per if i + 1 < len(ZONES) else o.nodes - per * i}', f'--first={per * i}', f'--zone={ZONES[i]}'],
                                pathlib.Path(folder) / f'hollow-{i}.log')

        try:
            steps, ask, client = Steps(plane), Counter(plane), plane.client
            namespaces = [f'load-{i}' for i in range(50)]
            count = o.pods // o.replicas
            print(f'scale: idle: resident {plane.memory():.1f} MiB', flush=True)
            leases = lambda: ask.count('/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases') >= o.nodes  # noqa: E731
            leases.__doc__ = 'all nodes have a lease'
            steps.run(f'{o.nodes:,} nodes register', lambda: [start_zone(i) for i in range(len(ZONES))], leases)

            def make():
                for namespace in namespaces:
                    client.json('POST', '/api/v1/namespaces', {'metadata': {'name': namespace}})
                wait_for(lambda: all(ask.count(f'/api/v1/namespaces/{n}/serviceaccounts') for n in namespaces), 'service accounts', plane.process)
                for i in range(o.services):
                    client.json('POST', f'/api/v1/namespaces/{namespaces[i % 50]}/services', {'metadata': {'name': f'd-{i}'}, 'spec': {'selector': {'app': f'd-{i}'}, 'ports': [{'port': 80}]}})
                for i in range(count):
                    client.json('POST', f'/apis/apps/v1/namespaces/{namespaces[i % 50]}/deployments', deployment(f'd-{i}', o.replicas, o.tolerate))

            steps.run(f'{count:,} Deployments, {count * o.replicas:,} pods made', make, lambda: ask.count('/api/v1/pods') >= count * o.replicas)
            steps.run('all bound', lambda: None, lambda: ask.count('/api/v1/pods?fieldSelector=spec.nodeName%3D') == 0)
            steps.run('all running and ready', lambda: None, lambda: ask.ready(namespaces) >= count * o.replicas, every_s=5)
            steps.run('60 s of quiet', lambda: time.sleep(60), lambda: True)
            if o.profile:
                pathlib.Path(o.profile).write_bytes(client.ask('GET', '/debug/pprof/heap')[1])
            steps.run('10 whole LISTs of pods', lambda: [client.ask('GET', '/api/v1/pods', accept='application/vnd.kubernetes.protobuf') for _ in range(10)], lambda: True)

            def lose():
                hollow[0].stop()

            not_ready = lambda: sum(1 for n in client.json('GET', '/api/v1/nodes?labelSelector=topology.kubernetes.io%2Fzone%3Dzone-a')['items']  # noqa: E731
                                    if any(c['type'] == 'Ready' and c['status'] != 'True' for c in n['status']['conditions']))
            steps.run('a zone is lost: its nodes are not ready', lose, lambda: not_ready() >= o.nodes // len(ZONES), every_s=5)
            steps.run('it comes back: all ready again', lambda: start_zone(0), lambda: not_ready() == 0 and ask.ready(namespaces) >= count * o.replicas, every_s=5)
            first = o.nodes // len(ZONES)
            drained = [f'hollow-{i}' for i in range(first, first + o.drained)]

            def drain():
                for node in drained:
                    client.json('PATCH', f'/api/v1/nodes/{node}', {'spec': {'unschedulable': True}}, kind=MERGE)
                    for pod in client.json('GET', f'/api/v1/pods?fieldSelector=spec.nodeName%3D{node}')['items']:
                        meta = pod['metadata']
                        client.json('POST', f'/api/v1/namespaces/{meta["namespace"]}/pods/{meta["name"]}/eviction',
                                    {'apiVersion': 'policy/v1', 'kind': 'Eviction', 'metadata': {'name': meta['name'], 'namespace': meta['namespace']}})

            steps.run(f'{o.drained} nodes are drained: all ready elsewhere', drain,
                      lambda: all(ask.count(f'/api/v1/pods?fieldSelector=spec.nodeName%3D{n}') == 0 for n in drained) and ask.ready(namespaces) >= count * o.replicas, every_s=5)
            held = re.findall(r'^(pintle_(?:cache|heap)_bytes\{[^}]*\}) (\S+)$', plane.page(), re.M)
            for name, value in sorted(held, key=lambda one: -float(one[1]))[:12]:
                print(f'    {float(value) / 2**20:9.1f} MiB  {name}')
        finally:
            for one in hollow.values():
                one.stop()
            status = plane.process.stop()
        if status != 0:
            sys.exit(f'scale: the server ended with {status}')


if __name__ == '__main__':
    main()
