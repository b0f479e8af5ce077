"""Definitions of custom resources and what comes of them, by plain requests."""
import json
import threading
import urllib.error
import urllib.request

from support.nodes import await_true

CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'


class Client:
    def __init__(self, server):
        self.server = server

    def __call__(self, path, method='GET', body=None, content_type='application/json', **headers):
        """(status, document) of a request as the administrator."""
        data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(self.server.url + path, data=data, method=method, headers={'Content-Type': content_type, **headers})
        try:
            with urllib.request.urlopen(request, context=self.server.context, timeout=60) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as e:
            text = e.read()
            return e.code, json.loads(text) if text.startswith(b'{') else {'message': text.decode()}

    def define(self, crd):
        name = crd['metadata']['name']
        status, old = self(f'{CRDS}/{name}')
        if status == 200:
            crd = {**crd, 'metadata': old['metadata']}
            assert self(f'{CRDS}/{name}', 'PUT', crd)[0] == 200
        else:
            status, answer = self(CRDS, 'POST', crd)
            assert status == 201, answer
        served = [v['name'] for v in crd['spec']['versions'] if v['served']]
        plural = crd['spec']['names']['plural']
        await_true(f'{name} served', lambda: all(self(f"/apis/{crd['spec']['group']}/{v}/{plural}")[0] != 404 for v in served))
        return name

    def undefine(self, name):
        self(f'{CRDS}/{name}', 'DELETE')
        await_true(f'{name} gone', lambda: self(f'{CRDS}/{name}')[0] == 404)


class Watch:
    """Events of a watch, as (type, object) in `seen`, until it ends."""

    def __init__(self, server, path):
        self.seen, self.over = [], threading.Event()
        self.answer = urllib.request.urlopen(server.url + path, context=server.context, timeout=60)
        self.thread = threading.Thread(target=self.read)
        self.thread.start()

    def read(self):
        try:
            for line in self.answer:
                event = json.loads(line)
                self.seen.append((event['type'], event['object']))
        except (OSError, ValueError, AttributeError):
            pass
        self.over.set()

    def kinds(self):
        return [(t, o.get('metadata', {}).get('name')) for t, o in self.seen]
