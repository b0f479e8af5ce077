#!/usr/bin/env python3
"""What workloads that nobody touches cost: the CPU of `pintle server --disable-agent` over --seconds, by thread, with nothing in it, with NODES hollow nodes
(their leases and statuses alone), and with --workloads Deployments of --pods pods that are all ready. Each figure is the least of --times.

Needs build/test/bench/hollow_nodes (ninja -C build hollow_nodes)."""
import argparse
import collections
import pathlib
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
from scale import Counter, Plane, deployment  # noqa: E402
from support.cluster import ROOT, Process, pintle_binary, wait_for  # noqa: E402

NAMESPACES = 20


def threads(pid):
    """{name: seconds of CPU}, threads of one name together; by schedstat, which counts nanoseconds."""
    out = collections.Counter()
    for task in pathlib.Path(f'/proc/{pid}/task').iterdir():
        try:
            name = (task / 'comm').read_text().strip()
            schedstat = (task / 'schedstat').read_text().split()
        except FileNotFoundError:
            continue
        out[name.rstrip('0123456789/-')] += int(schedstat[0]) / 1e9
    return out


def measure(plane, seconds, times):
    """The quietest of `times` stretches."""
    best = None
    for _ in range(times):
        before = threads(plane.process.pid)
        time.sleep(seconds)
        used = {name: s - before[name] for name, s in threads(plane.process.pid).items()}
        if best is None or sum(used.values()) < sum(best.values()):
            best = used
    return best


def tell(what, plane, used, seconds):
    total = sum(used.values())
    parts = ', '.join(f'{name} {s * 1000:.0f}' for name, s in sorted(used.items(), key=lambda one: -one[1]) if s >= 0.001)
    print(f'idle: {what:52} {total * 1000:8.0f} ms of CPU in {seconds} s ({100 * total / seconds:.2f} %), resident {plane.memory():.1f} MiB; ms by thread: {parts}', flush=True)
    return total


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument('--nodes', type=int, default=100)
    args.add_argument('--workloads', type=int, default=1000)
    args.add_argument('--pods', type=int, default=5000)
    args.add_argument('--seconds', type=int, default=60)
    args.add_argument('--times', type=int, default=2)
    args.add_argument('--settle', type=int, default=90, help='seconds between the last pod and the measurement: node lifecycle and leases find their pace')
    args.add_argument('--hollow', default=str(ROOT / 'build/test/bench/hollow_nodes'))
    args.add_argument('--hold', action='store_true', help='wait for Enter before the end, for a profiler')
    args.add_argument('flag', nargs='*', help='of pintle server')
    o = args.parse_args()
    replicas = o.pods // o.workloads
    with tempfile.TemporaryDirectory(prefix='pintle-idle-') as folder:
        plane, hollow = Plane(pintle_binary(), folder, o.flag), None
        try:
            ask, client = Counter(plane), plane.client
            time.sleep(20)
            tell('empty', plane, measure(plane, o.seconds, o.times), o.seconds)
            hollow = Process([o.hollow, f'--kubeconfig={plane.kubeconfig}', f'--nodes={o.nodes}', '--zone=zone-a'], pathlib.Path(folder) / 'hollow.log')
            wait_for(lambda: ask.count('/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases') >= o.nodes, 'a lease of every node', plane.process, timeout_s=300)
            time.sleep(o.settle)
            alone = tell(f'{o.nodes} nodes', plane, measure(plane, o.seconds, o.times), o.seconds)
            namespaces = [f'load-{i}' for i in range(NAMESPACES)]
            for namespace in namespaces:
                client.json('POST', '/api/v1/namespaces', {'metadata': {'name': namespace}})
            wait_for(lambda: all(ask.count(f'/api/v1/namespaces/{n}/serviceaccounts') for n in namespaces), 'service accounts', plane.process)
            for i in range(o.workloads):
                client.json('POST', f'/apis/apps/v1/namespaces/{namespaces[i % NAMESPACES]}/deployments', deployment(f'd-{i}', replicas, 300))
            wait_for(lambda: ask.ready(namespaces) >= o.workloads * replicas, 'all pods ready', plane.process, timeout_s=900)
            time.sleep(o.settle)
            loaded = tell(f'and {o.workloads:,} Deployments, {o.workloads * replicas:,} pods', plane, measure(plane, o.seconds, o.times), o.seconds)
            print(f'idle: the workloads cost {(loaded - alone) * 1000:.0f} ms of CPU in {o.seconds} s')
            if o.hold:
                print(f'idle: pid {plane.process.pid}; Enter ends it', flush=True)
                sys.stdin.readline()
        finally:
            if hollow is not None:
                hollow.stop()
            plane.process.stop()


if __name__ == '__main__':
    main()
