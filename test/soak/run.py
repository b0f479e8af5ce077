#!/usr/bin/env python3
"""Churn of every kind on one control plane for some minutes: its resident memory before, during and after, and what holds it.

Fails when the memory does not come back to --max-mib within --settle seconds of quiet, or when anything was answered otherwise than meant."""
import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
sys.path.insert(0, str(HERE))
from churn import KINDS  # noqa: E402
from client import Client  # noqa: E402
from support.cluster import Process, free_port, wait_for  # noqa: E402

KINDS_TWICE = ['objects']  # two churners: most of what a cluster does
SAMPLE_S = 2
GONE_TIMEOUT_S = 300


class ControlPlane:
    """`pintle server --disable-agent` with its data in a folder of its own."""

    def __init__(self, binary, folder):
        self.port, self.data = free_port(), pathlib.Path(folder) / 'data'
        args = [binary, 'server', '--disable-agent', '--disable=dns', f'--data-dir={self.data}', '--bind-address=127.0.0.1', '--node-ip=127.0.0.1',
                '--node-name=server', f'--https-listen-port={self.port}']
        self.process = Process(args, pathlib.Path(folder) / 'pintle.log')
        pki = self.data / 'pki'
        self.files = {'ca': str(pki / 'ca.crt'), 'cert': str(pki / 'admin.crt'), 'key': str(pki / 'admin.key')}
        wait_for((self.data / 'admin.kubeconfig').exists, 'the administrator\'s kubeconfig', self.process)
        self.client = Client(self.port, self.files)
        wait_for(lambda: self.client.ask('GET', '/readyz') == (200, b'ok'), 'readyz', self.process)

    def memory(self):
        """MiB resident, and of those MiB that are no file's."""
        status = pathlib.Path(f'/proc/{self.process.pid}/status').read_text()
        return tuple(int(re.search(rf'{name}:\s+(\d+)', status)[1]) / 1024 for name in ('VmRSS', 'RssAnon'))

    def held(self):
        """What /metrics says of the memory, by series, in MiB; the largest first."""
        page = self.client.ask('GET', '/metrics')[1].decode()
        found = re.findall(r'^(pintle_(?:cache|heap)_bytes\{[^}]*\}) (\S+)$', page, re.M)
        return sorted(((name, float(value) / 2**20) for name, value in found if float(value) >= 2**17), key=lambda one: -one[1])

    def objects(self):
        page = self.client.ask('GET', '/metrics')[1].decode()
        return int(sum(float(v) for v in re.findall(r'^apiserver_resource_objects\{[^}]*\} (\S+)$', page, re.M)))


def start_churner(plane, kind, number):
    namespace = f'soak-{number}'
    plane.client.json('POST', '/api/v1/namespaces', {'apiVersion': 'v1', 'kind': 'Namespace', 'metadata': {'name': namespace, 'labels': {'soak': 'yes'}}})
    wait_for(lambda: plane.client.ask('GET', f'/api/v1/namespaces/{namespace}/serviceaccounts/default')[0] == 200, 'its service account')
    config = json.dumps({'port': plane.port, **plane.files, 'namespace': namespace, 'seed': number})
    return subprocess.Popen([sys.executable, str(HERE / 'churn.py'), config, kind], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def clean(plane):
    """Removes what the churners left: their namespaces, and the events of what is gone."""
    for one in plane.client.json('GET', '/api/v1/namespaces?labelSelector=soak%3Dyes')['items']:
        plane.client.ask('DELETE', f'/api/v1/namespaces/{one["metadata"]["name"]}')
    wait_for(lambda: not plane.client.json('GET', '/api/v1/namespaces?labelSelector=soak%3Dyes')['items'], 'the namespaces\' end', plane.process,
             timeout_s=GONE_TIMEOUT_S, pause_s=1)


def say(what, **figures):
    print(f'soak: {what:28}' + '  '.join(f'{k} {v:,.1f}' if isinstance(v, float) else f'{k} {v:,}' for k, v in figures.items()), flush=True)


def churn(plane, minutes):
    """Returns the churners' counts and the most memory seen."""
    children = [start_churner(plane, kind, number) for number, kind in enumerate(KINDS + KINDS_TWICE)]
    until, most, said = time.monotonic() + minutes * 60, 0.0, time.monotonic()
    try:
        while time.monotonic() < until:
            resident, _ = plane.memory()
            most = max(most, resident)
            if time.monotonic() - said >= 30:
                said = time.monotonic()
                say('during', resident=resident, most=most, objects=plane.objects())
            for child in children:
                if child.poll() is not None:
                    raise RuntimeError(f'a churner ended: {child.args[-1]}: {child.stdout.read()}')
            time.sleep(SAMPLE_S)
        counts = [json.loads(child.communicate('end\n', timeout=GONE_TIMEOUT_S)[0].splitlines()[-1]) for child in children]
    finally:
        for child in children:
            child.kill()
            child.wait()
    return dict(zip(KINDS + [f'{k} (2)' for k in KINDS_TWICE], counts)), most


def settle(plane, seconds, max_mib):
    """Samples until the memory is small enough, but for at least half the time: it must stay so."""
    began, resident = time.monotonic(), 0.0
    while (took := time.monotonic() - began) < seconds:
        resident, _ = plane.memory()
        if resident <= max_mib and took >= seconds / 2:
            break
        time.sleep(SAMPLE_S)
    return resident, time.monotonic() - began


def main():
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument('--pintle', required=True)
    args.add_argument('--minutes', type=float, default=30)
    args.add_argument('--settle', type=float, default=420, help='seconds of quiet afterwards: history is kept for 300')
    args.add_argument('--max-mib', type=float, default=80, help='what may be resident then')
    args.add_argument('--profile', help='a file for the heap profile of the end: go tool pprof -top FILE')
    o = args.parse_args()
    with tempfile.TemporaryDirectory(prefix='pintle-soak-') as folder:
        plane = ControlPlane(str(pathlib.Path(o.pintle).resolve()), folder)
        try:
            time.sleep(12)  # what only the start needed has been given back
            resident, anonymous = plane.memory()
            before = plane.objects()
            say('before', resident=resident, anonymous=anonymous, objects=before)
            counts, most = churn(plane, o.minutes)
            for kind, count in counts.items():
                say(f'churn: {kind}', requests=count['requests'], wrong=count['wrong'])
                for line in count['first']:
                    print('   ', line)
            clean(plane)
            say('cleaned', resident=plane.memory()[0], objects=plane.objects())
            for name, mib in plane.held()[:12]:
                print(f'    {mib:9.1f} MiB  {name}')
            after, took_s = settle(plane, o.settle, o.max_mib)
            say('after', resident=after, anonymous=plane.memory()[1], most=most, objects=plane.objects(), seconds=took_s)
            for name, mib in plane.held()[:12]:
                print(f'    {mib:9.1f} MiB  {name}')
            if o.profile:
                pathlib.Path(o.profile).write_bytes(plane.client.ask('GET', '/debug/pprof/heap')[1])
        finally:
            status = plane.process.stop()
        wrong = sum(count['wrong'] for count in counts.values())
        if wrong or status != 0 or after > o.max_mib:
            sys.exit(f'soak: failed: {wrong} wrong answers, exit status {status}, {after:.1f} MiB resident (limit {o.max_mib:.0f})')
        print('soak: passed')


main()
