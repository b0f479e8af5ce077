"""What webhooks cost a create: Pintle's API server beside upstream's, in turns, on one connection each, with the same webhook server on loopback.

build/venv/bin/python test/bench/webhooks.py [creates]. Prints a table of Markdown: the latency of a create under so many validating webhooks (upstream calls
them at once, as we do) and under one mutating webhook, what of it is the round trips, and the API server's own CPU."""
import pathlib
import statistics
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / 'test'), str(ROOT / 'test/integration')]
from policies_test import NS, Asker, config_map  # noqa: E402
from support.cluster import ApiServer  # noqa: E402
from support.nodes import await_true  # noqa: E402
from support.peers import PEERS  # noqa: E402
from support.webhook_server import WebhookServer, configuration, patch, webhook  # noqa: E402

PATH = f'/api/v1/namespaces/{NS}/configmaps'
CONFIGURATIONS = '/apis/admissionregistration.k8s.io/v1/{}webhookconfigurations'
# Name, kind of configuration, number of webhooks.
CASES = (('no webhook', None, 0), ('1 validating', 'Validating', 1), ('10 validating', 'Validating', 10), ('1 mutating', 'Mutating', 1))


def create(asker, name):
    obj = config_map(name, **{f'k{i}': 'v' * 20 for i in range(10)})
    began = time.perf_counter()
    status, body, _ = asker.ask('POST', PATH, obj)
    took = time.perf_counter() - began
    assert status == 201, body
    return took * 1000


def main(creates=300):
    with tempfile.TemporaryDirectory() as folder, WebhookServer(pathlib.Path(folder)) as hooks, ApiServer() as ours, ApiServer(upstream=str(PEERS)) as peer:
        servers = {'Pintle': ours, 'upstream': peer}
        askers = {name: Asker(server) for name, server in servers.items()}
        hooks.answers['/patch'] = lambda _: patch({'op': 'add', 'path': '/data/patched', 'value': 'yes'})
        for asker in askers.values():
            asker.make({'apiVersion': 'v1', 'kind': 'Namespace', 'metadata': {'name': NS}})
        print('| a create under | ' + ' | '.join(f'{name} p50 · p90 (ms) | CPU of the server (ms)' for name in askers) + ' |')
        print('|---|' + '---|---|' * len(askers))
        for case, kind, count in CASES:
            for asker in askers.values():
                if kind:
                    all_hooks = [webhook(f'h{i}', hooks.client('/patch' if kind == 'Mutating' else f'/h{i}')) for i in range(count)]
                    status, body, _ = asker.ask('POST', CONFIGURATIONS.format(kind.lower()), configuration(kind, 'bench', *all_hooks))
                    assert status == 201, body
            number = iter(range(10 ** 6))
            for name, asker in askers.items():
                def all_called():
                    hooks.taken()
                    create(asker, f'probe-{kind or "none"}-{next(number)}'.lower())
                    return len(hooks.taken()) == count
                await_true(f'{case} acts on {name}', all_called)
            took, cpu = {name: [] for name in askers}, {name: servers[name].server.cpu_s() for name in askers}
            for i in range(creates):
                for name, asker in askers.items():
                    took[name].append(create(asker, f'{kind or "none"}-{count}-{i}'.lower()))
            assert len(hooks.taken()) == creates * count * len(askers)
            row = [f'{statistics.median(t):.2f} · {statistics.quantiles(t, n=10)[8]:.2f} | {1000 * (servers[name].server.cpu_s() - cpu[name]) / creates:.2f}' for name, t in took.items()]
            print(f'| {case} | ' + ' | '.join(row) + ' |', flush=True)
            for name, asker in askers.items():
                if kind:
                    status, body, _ = asker.ask('DELETE', CONFIGURATIONS.format(kind.lower()) + '/bench')
                    assert status == 200, body


if __name__ == '__main__':
    main(*map(int, sys.argv[1:]))
