#!/usr/bin/env python3
"""Measures Pintle's API server beside upstream's (with etcd) through apiload, and prints the figures side by side.

One server at a time, the same client, the same machine. Load is bounded by the counts below."""
import argparse
import json
import pathlib
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.cluster import ApiServer  # noqa: E402

STEPS = ['create', 'get', 'update', 'list', 'watch']


def measure(server, apiload, pods, watchers):
    """Returns {figure: value} of one started server."""
    pids = ','.join(str(p.pid) for p in server.processes)
    usage = lambda: (sum(p.rss_mib() for p in server.processes), sum(p.cpu_s() for p in server.processes))
    rss, cpu0 = usage()
    time.sleep(20)  # idle CPU is measured over time
    rss_after, cpu1 = usage()
    out = {'ready (s)': server.ready_s, 'idle resident (MiB)': max(rss, rss_after), 'idle CPU (ms/s)': (cpu1 - cpu0) / 20 * 1000}
    for step in STEPS:
        _, before = usage()
        done = subprocess.run([apiload, '-kubeconfig', server.kubeconfig, '-pids', pids, '-pods', str(pods), '-watchers', str(watchers), step],
                              capture_output=True, text=True, timeout=900)
        if done.returncode != 0:
            raise RuntimeError(f'apiload {step}: {done.stderr[-2000:]}')
        rss, after = usage()
        figures = {line.split()[0]: float(line.split()[1]) for line in done.stdout.splitlines()}
        if any(v for k, v in figures.items() if k.endswith('.errors')):
            raise RuntimeError(f'apiload {step} had errors:\n{done.stdout}{done.stderr}')
        out |= {k: v for k, v in figures.items() if k.endswith(('.rate', '.p50', '.p99', '.best', '.size'))}
        requests = {'create': pods, 'get': pods, 'update': pods, 'list': 30, 'watch': watchers * 500}[step]
        out[f'{step}.cpu (µs/op)'] = (after - before) / requests * 1e6
        out[f'{step}.rss (MiB)'] = rss
    return out


def main():
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument('--pintle', required=True)
    args.add_argument('--peers', required=True)
    args.add_argument('--pods', type=int, default=10000)
    args.add_argument('--watchers', type=int, default=500)
    args.add_argument('--only', choices=['pintle', 'upstream'])
    args.add_argument('--json', help='also write the figures to this file')
    o = args.parse_args()
    peers = pathlib.Path(o.peers).resolve()
    apiload = str(peers / 'apiload')
    if not pathlib.Path(apiload).exists():
        sys.exit('bench: apiload is not built; it needs the go command')
    columns = {}
    if o.only != 'upstream':
        print('bench: measuring Pintle', flush=True)
        with ApiServer(binary=str(pathlib.Path(o.pintle).resolve())) as server:
            columns['pintle'] = measure(server, apiload, o.pods, o.watchers)
    if o.only != 'pintle' and (peers / 'kube-apiserver').exists() and (peers / 'etcd').exists():
        print('bench: measuring upstream', flush=True)
        with ApiServer(upstream=peers) as server:
            columns['upstream'] = measure(server, apiload, o.pods, o.watchers)
    names = list(columns)
    print(f'{"":32}' + ''.join(f'{n:>14}' for n in names) + ('       upstream/pintle' if len(names) == 2 else ''))
    for figure in next(iter(columns.values())):
        values = [columns[n][figure] for n in names]
        ratio = f'{values[1] / values[0]:>22.2f}' if len(values) == 2 and values[0] else ''
        print(f'{figure:32}' + ''.join(f'{v:>14.3f}' for v in values) + ratio)
    if o.json:
        pathlib.Path(o.json).write_text(json.dumps(columns, indent=1))


main()
