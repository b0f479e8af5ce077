#!/usr/bin/env python3
"""Measures scheduling: PODS pods on NODES hollow nodes, created before the scheduler starts; from its start until every
pod has a node, with its CPU time and memory. --services: Services select the pods, which are then spread over nodes and zones by default.
--upstream: upstream's scheduler; --upstream-server: upstream's API server."""
import argparse
import json
import pathlib
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.cluster import ROOT, ApiServer, Process, pintle_binary  # noqa: E402

def main():
    parse = argparse.ArgumentParser(description=__doc__)
    parse.add_argument('--nodes', type=int, default=1000)
    parse.add_argument('--pods', type=int, default=10000)
    parse.add_argument('--services', type=int, default=0, help='one for each app label of the pods, of which there are 100')
    parse.add_argument('--upstream', action='store_true')
    parse.add_argument('--upstream-server', action='store_true')
    parse.add_argument('--apiload', default=str(ROOT / 'build/peers/apiload'))
    args = parse.parse_args()
    peers = ROOT / 'build/peers'
    server = ApiServer(upstream=peers if args.upstream_server else None, flags=['--disable-admission-plugins=ServiceAccount', '--max-mutating-requests-inflight=1000', '--max-requests-inflight=2000'])
    with server:
        load = [args.apiload, '-kubeconfig', server.kubeconfig, '-nodes', str(args.nodes), '-pods', str(args.pods)]
        subprocess.run([*load, 'nodes', 'create'], check=True)
        services = [{'apiVersion': 'v1', 'kind': 'Service', 'metadata': {'name': f'app-{i}', 'namespace': 'apiload'}, 'spec': {'selector': {'app': f'app-{i}'}, 'ports': [{'port': 80}]}}
                    for i in range(args.services)]
        if services:
            server.kubectl('create', '-f', '-', stdin=json.dumps({'apiVersion': 'v1', 'kind': 'List', 'items': services}))
        server.pki.issue('kube-scheduler', '/CN=system:kube-scheduler')
        kubeconfig = server.pki.kubeconfig('scheduler.conf', server.url, 'kube-scheduler')
        program = [str(peers / 'kube-scheduler')] if args.upstream else [pintle_binary(), 'kube-scheduler']
        api_cpu = server.server.cpu_s()
        began = time.monotonic()
        scheduler = Process([*program, f'--kubeconfig={kubeconfig}', '--secure-port=0', '--leader-elect=false', '--kube-api-qps=100000', '--kube-api-burst=100000'], server.folder / 'scheduler.log')
        server.processes.append(scheduler)
        subprocess.run([*load, 'schedule'], check=True)
        print(f'scheduled {args.pods} pods on {args.nodes} nodes in {time.monotonic() - began:.2f} s; scheduler: {scheduler.cpu_s():.2f} s of CPU, {scheduler.rss_mib():.0f} MiB; '
              f'API server: {server.server.cpu_s() - api_cpu:.2f} s of CPU, {server.server.rss_mib():.0f} MiB', flush=True)
        if args.upstream:      # it ends with 1 when it is told to end
            server.processes.remove(scheduler)
            scheduler.stop()


if __name__ == '__main__':
    main()
