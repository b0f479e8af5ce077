"""Latency of a create under validating policies that all match it: Pintle's API server beside upstream's, in turns, on one connection each.

build/venv/bin/python test/bench/policies.py [creates]"""
import pathlib
import statistics
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / 'test'), str(ROOT / 'test/integration')]
from policies_test import NS, Asker, bound, config_map, policy  # noqa: E402
from support.cluster import ApiServer  # noqa: E402
from support.nodes import await_true  # noqa: E402
from support.peers import PEERS  # noqa: E402

COUNTS = (0, 1, 10, 100)
RULES = ('object.metadata.name.matches("^[a-z]([-a-z0-9]*[a-z0-9])?$")', 'has(object.data) && object.data.all(k, size(object.data[k]) < 100)',
         '!has(object.metadata.labels) || object.metadata.labels.all(k, k != "forbidden")')


def prepared(server):
    asker = Asker(server)
    asker.make({'apiVersion': 'v1', 'kind': 'Namespace', 'metadata': {'name': NS}})
    return asker


def in_force(asker, count):
    """Makes policies up to `count`, the last with a rule that tells when it acts."""
    have = asker.__dict__.setdefault('policies', 0)
    for i in range(have, count):
        for obj in bound(policy(f'p{i}', *RULES, f'object.metadata.name != "probe-{i}"')):
            asker.make(obj)
    asker.policies = count
    if count:
        await_true(f'{count} policies act', lambda: asker.ask('POST', f'/api/v1/namespaces/{NS}/configmaps?dryRun=All', config_map(f'probe-{count - 1}', a='b'))[0] == 422)


def create_ms(asker, name):
    obj = config_map(name, **{f'k{i}': 'v' * 20 for i in range(10)})
    began = time.perf_counter()
    status, body, _ = asker.ask('POST', f'/api/v1/namespaces/{NS}/configmaps', obj)
    took = time.perf_counter() - began
    assert status == 201, body
    return took * 1000


def main(creates=300):
    with ApiServer() as ours, ApiServer(upstream=str(PEERS)) as peer:
        askers = {'Pintle': prepared(ours), 'upstream': prepared(peer)}
        print('policies that match | Pintle p50, p90 (ms) | upstream p50, p90 (ms)')
        for count in COUNTS:
            took = {name: [] for name in askers}
            for asker in askers.values():
                in_force(asker, count)
            for i in range(creates):
                for name, asker in askers.items():
                    took[name].append(create_ms(asker, f'c{count}-{i}'))
            print(count, *(f'{statistics.median(t):.2f}, {statistics.quantiles(t, n=10)[8]:.2f}' for t in took.values()), sep=' | ', flush=True)


if __name__ == '__main__':
    main(*map(int, sys.argv[1:]))
