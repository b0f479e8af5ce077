#!/usr/bin/env python3
"""Custom resources: a thousand definitions with ten objects each, and ten thousand objects of 10 KB of one, beside upstream's server with its etcd.

Prints a table of Markdown. Requests go over a few HTTPS connections from this process, on the same cores as the servers."""
import argparse
import concurrent.futures
import http.client
import json
import pathlib
import sys
import threading
import time
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.cluster import ApiServer, wait_for  # noqa: E402

GROUP = 'bench.example.com'
CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
CONNECTIONS = 8


def definition(plural, kind):
    spec = {'type': 'object', 'properties': {'size': {'type': 'integer', 'minimum': 0}, 'mode': {'type': 'string', 'enum': ['a', 'b'], 'default': 'a'},
                                             'parts': {'type': 'array', 'items': {'type': 'object', 'properties': {'name': {'type': 'string'}, 'text': {'type': 'string'}}}}}}
    schema = {'type': 'object', 'properties': {'spec': spec, 'status': {'type': 'object', 'x-kubernetes-preserve-unknown-fields': True}}}
    return {'apiVersion': 'apiextensions.k8s.io/v1', 'kind': 'CustomResourceDefinition', 'metadata': {'name': f'{plural}.{GROUP}'},
            'spec': {'group': GROUP, 'scope': 'Namespaced', 'names': {'plural': plural, 'singular': kind.lower(), 'kind': kind, 'listKind': kind + 'List'},
                     'versions': [{'name': 'v1', 'served': True, 'storage': True, 'subresources': {'status': {}}, 'schema': {'openAPIV3Schema': schema}}]}}


class Connections:
    """One connection a thread."""

    def __init__(self, server):
        self.server, self.local = server, threading.local()

    def __call__(self, method, path, body=None):
        return self.exchange(method, path, body, lambda answer: answer.read())

    def size_of(self, path):
        """The bytes of an answer, which is thrown away as it comes: a client that keeps 100 MB measures its own page faults."""
        piece = bytearray(1 << 20)
        status, size = self.exchange('GET', path, None, lambda answer: sum(iter(lambda: answer.readinto(piece), 0)))
        assert status == 200, status
        return size

    def exchange(self, method, path, body, take):
        for attempt in (0, 1):
            if not hasattr(self.local, 'connection'):
                url = urllib.parse.urlparse(self.server.url)
                self.local.connection = http.client.HTTPSConnection(url.hostname, url.port, context=self.server.context, timeout=300)
            try:
                self.local.connection.request(method, path, None if body is None else json.dumps(body), {'Content-Type': 'application/json'})
                answer = self.local.connection.getresponse()
                return answer.status, take(answer)
            except (http.client.HTTPException, OSError):
                del self.local.connection
                if attempt:
                    raise


def everywhere(work, items):
    with concurrent.futures.ThreadPoolExecutor(CONNECTIONS) as pool:
        return list(pool.map(work, items))


def timed(work):
    began = time.monotonic()
    out = work()
    return out, time.monotonic() - began


def mib(server):
    return sum(p.rss_mib() for p in server.processes)


def many_definitions(server, definitions, objects):
    ask = Connections(server)
    idle = mib(server)
    names = [(f'things{i}', f'Thing{i}') for i in range(definitions)]

    def install(name):
        status, body = ask('POST', CRDS, definition(*name))
        assert status == 201, body

    def served(name):
        wait_for(lambda: ask('GET', f'/apis/{GROUP}/v1/{name[0]}')[0] == 200, name[0], server.server, timeout_s=600, pause_s=0.05)

    def fill(name):
        for i in range(objects):
            status, body = ask('POST', f'/apis/{GROUP}/v1/namespaces/default/{name[0]}',
                               {'apiVersion': f'{GROUP}/v1', 'kind': name[1], 'metadata': {'name': f'o{i}'}, 'spec': {'size': i, 'parts': [{'name': 'p', 'text': 'x' * 200}]}})
            assert status == 201, body
    _, install_s = timed(lambda: (everywhere(install, names), everywhere(served, names)))
    _, fill_s = timed(lambda: everywhere(fill, names))
    lists = [timed(lambda n=n: ask('GET', f'/apis/{GROUP}/v1/{n[0]}'))[1] for n in names[:: max(1, definitions // 100)]]
    return {f'install {definitions} definitions until each is served': f'{install_s:.1f} s', f'create {objects} objects of each': f'{fill_s:.1f} s',
            'a LIST of one of them': f'{1000 * sorted(lists)[len(lists) // 2]:.1f} ms', 'resident with all (idle before)': f'{mib(server):.0f} MiB ({idle:.0f})'}


def large_objects(server, count, size):
    ask = Connections(server)
    before = mib(server)
    assert ask('POST', CRDS, definition('larges', 'Large'))[0] == 201
    path = f'/apis/{GROUP}/v1/namespaces/default/larges'
    wait_for(lambda: ask('GET', path)[0] == 200, 'larges', server.server, timeout_s=60)
    parts = [{'name': f'part-{i}', 'text': 'x' * 80} for i in range(size // 110)]

    def make(i):
        status, body = ask('POST', path, {'apiVersion': f'{GROUP}/v1', 'kind': 'Large', 'metadata': {'name': f'o{i:05}'}, 'spec': {'size': i, 'parts': parts}})
        assert status == 201, body
    _, make_s = timed(lambda: everywhere(make, range(count)))
    size_of_list, first_s = timed(lambda: ask.size_of(path))
    list_s = min(timed(lambda: ask.size_of(path))[1] for _ in range(5))
    body = ask('GET', path)[1]
    assert len(body) == size_of_list and body.count(b'"kind":"Large"') == count, body[:300]

    def watch():
        url = urllib.parse.urlparse(server.url)
        connection = http.client.HTTPSConnection(url.hostname, url.port, context=server.context, timeout=300)
        connection.request('GET', path + '?watch=true&resourceVersion=0')
        answer = connection.getresponse()
        seen = 0
        while seen < count:
            seen += answer.read1(1 << 20).count(b'"type":"ADDED"')
        connection.close()
    _, watch_s = timed(watch)
    return {f'create {count} objects of {size // 1000} KB': f'{make_s:.1f} s', f'LIST of {size_of_list / 1e6:.0f} MB, first': f'{1000 * first_s:.0f} ms',
            'LIST, again (best of five)': f'{1000 * list_s:.0f} ms', 'a watch until it has them all': f'{1000 * watch_s:.0f} ms',
            'resident with all (before)': f'{mib(server):.0f} MiB ({before:.0f})'}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--pintle', required=True)
    parser.add_argument('--peers')
    parser.add_argument('--definitions', type=int, default=1000)
    parser.add_argument('--objects', type=int, default=10)
    parser.add_argument('--large', type=int, default=10000)
    parser.add_argument('--size', type=int, default=10000)
    args = parser.parse_args()
    columns = {'Pintle': {'binary': args.pintle}}
    if args.peers and (pathlib.Path(args.peers) / 'kube-apiserver').exists():
        columns['upstream'] = {'upstream': args.peers}
    figures = {}
    for name, how in columns.items():
        with ApiServer(**how) as server:
            figures[name] = many_definitions(server, args.definitions, args.objects)
        with ApiServer(**how) as server:
            figures[name].update(large_objects(server, args.large, args.size))
    print('| custom resources | ' + ' | '.join(columns) + ' |')
    print('|---|' + '---|' * len(columns))
    for row in figures['Pintle']:
        print(f'| {row} | ' + ' | '.join(figures[name].get(row, '') for name in columns) + ' |')


if __name__ == '__main__':
    main()
