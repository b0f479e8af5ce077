"""What one churner does, over and over, in a namespace of its own, until it is told to end: a function for each kind of churn.

As a program: churn.py CONFIG KIND, CONFIG being JSON with port, ca, cert, key, namespace and seed. It ends when its standard input does, and
then writes one line of JSON: how many requests it made, and how many of them went wrong in a way it did not mean."""
import json
import random
import select
import socket
import sys
import time

from client import APPLY, MERGE, Client, tls_context

OBJECTS = 150     # of each resource at a time
BIG_BYTES = 700_000
TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io'
PROTOBUF = 'application/vnd.kubernetes.protobuf'
METADATA = 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io'


def container(i):
    return {'name': 'main', 'image': f'registry.example/app:v1.{i % 7}', 'command': ['/app', '--port=8080'],
            'env': [{'name': f'VALUE_{n}', 'value': 'x' * 40} for n in range(8)],
            'resources': {'requests': {'cpu': '100m', 'memory': '64Mi'}, 'limits': {'memory': '128Mi'}}}


def template(i):
    return {'metadata': {'labels': {'app': f'app-{i}'}}, 'spec': {'containers': [container(i)]}}


def role_rules(i):
    return [{'apiGroups': ['apps'], 'resources': [f'things{n}' for n in range(i % 5 + 1)], 'verbs': ['get', 'list', 'watch']}]


# resource: (path of the group version, kind, everything but metadata of number i)
RESOURCES = {
    'configmaps': ('/api/v1', 'ConfigMap', lambda i: {'data': {f'key-{n}': 'v' * (i % 300) for n in range(10)}}),
    'secrets': ('/api/v1', 'Secret', lambda i: {'stringData': {'password': 'p' * (i % 200)}}),
    'services': ('/api/v1', 'Service', lambda i: {'spec': {'selector': {'app': f'app-{i}'}, 'ports': [{'port': 80 + i}]}}),
    'serviceaccounts': ('/api/v1', 'ServiceAccount', lambda i: {}),
    'pods': ('/api/v1', 'Pod', lambda i: {'spec': {'containers': [container(i)]}}),
    'deployments': ('/apis/apps/v1', 'Deployment', lambda i: {
        'spec': {'replicas': i % 3, 'selector': {'matchLabels': {'app': f'app-{i}'}}, 'template': template(i)}}),
    'jobs': ('/apis/batch/v1', 'Job', lambda i: {'spec': {'suspend': i % 2 == 0, 'template': {'spec': {**template(i)['spec'], 'restartPolicy': 'Never'}}}}),
    'leases': ('/apis/coordination.k8s.io/v1', 'Lease', lambda i: {'spec': {'holderIdentity': f'holder-{i}', 'leaseDurationSeconds': 40}}),
    'roles': ('/apis/rbac.authorization.k8s.io/v1', 'Role', lambda i: {'rules': role_rules(i)}),
    'networkpolicies': ('/apis/networking.k8s.io/v1', 'NetworkPolicy', lambda i: {'spec': {'podSelector': {'matchLabels': {'app': f'app-{i}'}}}}),
}


class Churner:
    def __init__(self, config):
        self.port, self.namespace = config['port'], config['namespace']
        self.files = {k: config[k] for k in ('ca', 'cert', 'key')}
        self.client = Client(self.port, self.files)
        self.random = random.Random(config['seed'])
        self.requests, self.wrong = 0, []

    def path(self, resource, namespace=None):
        return f'{RESOURCES[resource][0]}/namespaces/{namespace or self.namespace}/{resource}'

    def body(self, resource, name, i):
        prefix, kind, rest = RESOURCES[resource]
        version = prefix.removeprefix('/apis/').removeprefix('/api/')
        return {'apiVersion': version, 'kind': kind, 'metadata': {'name': name, 'labels': {'app': f'app-{i}', 'soak': 'yes'}}, **rest(i)}

    def ask(self, method, path, body=None, expect=(200, 201, 202), **how):
        """Counts what is answered otherwise than meant; a server that is busy (429) is asked again later."""
        status, answer = self.client.ask(method, path, body, **how)
        self.requests += 1
        if status == 429:
            time.sleep(0.2)
        elif status not in expect:
            self.wrong.append(f'{method} {path}: {status} {answer[:200]!r}')
        return status, answer

    # --- kinds of churn, one round each ---------------------------------------------------------------------------------------
    def objects(self):
        """Objects of one resource are made, changed, read in every form, and removed, one by one or together."""
        resource = self.random.choice(sorted(RESOURCES))
        path, many = self.path(resource), range(self.random.randint(OBJECTS // 3, OBJECTS))
        for i in many:
            self.ask('POST', path, self.body(resource, f'o-{i}', i), expect=(201,))
        for _ in range(2):
            for i in many:
                self.ask('PATCH', f'{path}/o-{i}', {'metadata': {'annotations': {'changed': str(self.random.random())}}}, kind=MERGE)
        for i in self.random.sample(many, 20):
            self.ask('GET', f'{path}/o-{i}')
        self.read(path)
        # A Job is orphaned by default: it would stay until the controllers have been there, and the next round makes it again.
        at_once = '?propagationPolicy=Background'
        if self.random.random() < 0.5:
            self.ask('DELETE', path + at_once)
        else:
            for i in many:
                self.ask('DELETE', f'{path}/o-{i}{at_once}', expect=(200, 202, 404))
        self.ask('DELETE', path + at_once)

    def read(self, path):
        for accept in ('application/json', TABLE, PROTOBUF, METADATA):
            self.ask('GET', path, accept=accept)
        self.ask('GET', path, headers={'Accept-Encoding': 'gzip'})
        token = ''
        while True:
            status, answer = self.ask('GET', f'{path}?limit=40&continue={token}')
            token = json.loads(answer)['metadata'].get('continue', '') if status == 200 else ''
            if not token:
                break

    def apply(self):
        """Server-side apply by three managers over the same objects."""
        path = self.path('deployments')
        for i in range(30):
            for manager in ('one', 'two', 'three'):
                body = self.body('deployments', f'a-{i}', i)
                body['spec']['replicas'] = 0
                body['metadata']['annotations'] = {f'from-{manager}': str(self.random.random())}
                self.ask('PATCH', f'{path}/a-{i}?fieldManager={manager}&force=true', body, kind=APPLY)
        self.ask('DELETE', path)

    def big(self):
        """Objects near the largest that may be stored."""
        path = self.path('configmaps')
        for i in range(8):
            body = self.body('configmaps', f'big-{i}', i)
            body['data'] = {'blob': chr(97 + i) * self.random.randint(BIG_BYTES // 2, BIG_BYTES)}
            self.ask('POST', path, body, expect=(201,))
            self.ask('PATCH', f'{path}/big-{i}', {'data': {'more': 'z' * 1000}}, kind=MERGE)
            self.ask('GET', f'{path}/big-{i}')
        self.ask('GET', path)
        for i in range(8):
            self.ask('DELETE', f'{path}/big-{i}')

    def namespaces(self):
        """A namespace with a few objects in it comes and goes, and its controller empties it."""
        name = f'{self.namespace}-{self.random.randrange(10**9)}'
        self.ask('POST', '/api/v1/namespaces', {'apiVersion': 'v1', 'kind': 'Namespace', 'metadata': {'name': name, 'labels': {'soak': 'yes'}}})
        for resource in ('configmaps', 'deployments', 'services', 'secrets'):
            for i in range(5):
                self.ask('POST', self.path(resource, name), self.body(resource, f'n-{i}', i))
        self.ask('DELETE', f'/api/v1/namespaces/{name}')

    def watchers(self):
        """Watches of every form that come and go; some never read, some read a little, all break off."""
        open_ones = []
        for _ in range(25):
            resource = self.random.choice(sorted(RESOURCES))
            prefix = RESOURCES[resource][0]
            path = self.random.choice([f'{prefix}/{resource}', self.path(resource)]) + '?watch=1' + self.random.choice([
                '', '&allowWatchBookmarks=true', '&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan', '&labelSelector=soak%3Dyes'])
            accept = self.random.choice(['application/json', TABLE, 'application/vnd.kubernetes.protobuf;stream=watch'])
            stream = tls_context(self.files).wrap_socket(socket.create_connection(('127.0.0.1', self.port), timeout=60))
            stream.sendall(f'GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: {accept}\r\n\r\n'.encode())
            self.requests += 1
            open_ones.append((stream, self.random.random() < 0.7))
        until = time.monotonic() + self.random.uniform(1, 6)
        while time.monotonic() < until:
            ready, _, _ = select.select([s for s, reads in open_ones if reads], [], [], 0.2)
            for stream in ready:
                if not stream.recv(1 << 16):
                    open_ones = [(s, reads) for s, reads in open_ones if s is not stream]
                    stream.close()
        for stream, _ in open_ones:
            stream.close()

    def failures(self):
        """Requests that are refused, and clients that go away in the middle."""
        path = self.path('configmaps')
        for i in range(50):
            self.ask('GET', f'{path}/missing-{i}', expect=(404,))
            self.ask('POST', path, '{"kind": "ConfigMap", ' + '[' * 50, expect=(400,))
            self.ask('POST', path, self.body('configmaps', 'NOT VALID', i), expect=(422,))
            self.ask('PATCH', f'{path}/missing-{i}', {'data': {}}, kind=MERGE, expect=(404,))
            self.ask('POST', self.path('pods'), {'apiVersion': 'v1', 'kind': 'Pod', 'metadata': {'name': f'p-{i}'}, 'spec': {}}, expect=(422,))
            self.ask('GET', f'{path}?resourceVersion=1&watch=1&timeoutSeconds=1', expect=(200, 410))
            self.ask('PUT', f'{path}/x', self.body('configmaps', 'y', i), expect=(400, 404))
            self.ask('GET', '/apis/no.such.group/v1/things', expect=(404,))
        self.ask('POST', path, 'x' * (4 << 20), expect=(413,))
        self.client.close()
        for _ in range(10):
            stream = tls_context(self.files).wrap_socket(socket.create_connection(('127.0.0.1', self.port), timeout=60))
            stream.sendall(f'POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 900000\r\n\r\n'.encode() + b'{"a":"' * 1000)
            self.requests += 1
            stream.close()

    def documents(self):
        """Discovery, OpenAPI, metrics and all that is read whole."""
        for path in ('/apis', '/api/v1', '/openapi/v2', '/openapi/v3', '/openapi/v3/apis/apps/v1', '/metrics', '/version', '/readyz?verbose'):
            self.ask('GET', path)
        for resource, (prefix, _, _) in RESOURCES.items():
            self.ask('GET', f'{prefix}/{resource}')
        time.sleep(1)  # the largest documents there are: at a client's pace


KINDS = ['objects', 'apply', 'big', 'namespaces', 'watchers', 'failures', 'documents']


def main(config, kind):
    churner = Churner(json.loads(config))
    act = getattr(churner, kind)
    while not select.select([sys.stdin], [], [], 0)[0]:
        act()
    print(json.dumps({'requests': churner.requests, 'wrong': len(churner.wrong), 'first': churner.wrong[:3]}))


if __name__ == '__main__':
    main(*sys.argv[1:])
