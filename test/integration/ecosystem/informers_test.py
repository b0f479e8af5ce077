"""Informers and watches that begin with what is there (WatchList), and those that list first: Go's client, Java's two and Python's, unmodified."""
import json
import os
import subprocess

import pytest
import yaml
from conftest import program
from kubernetes import client, config, watch
from support.cluster import ApiServer
from support.line import Line

DEFINITION = {'apiVersion': 'apiextensions.k8s.io/v1', 'kind': 'CustomResourceDefinition', 'metadata': {'name': 'kites.kites.example.com'}, 'spec': {
    'group': 'kites.example.com', 'scope': 'Namespaced', 'names': {'plural': 'kites', 'singular': 'kite', 'kind': 'Kite'}, 'versions': [
        {'name': 'v1', 'served': True, 'storage': True, 'schema': {'openAPIV3Schema': {'type': 'object', 'x-kubernetes-preserve-unknown-fields': True}}}]}}


@pytest.fixture(scope='module')
def kites(server):
    server.kubectl('apply', '-f', '-', stdin=yaml.safe_dump(DEFINITION))
    server.kubectl('wait', 'crd', 'kites.kites.example.com', '--for=condition=Established')
    yield
    server.kubectl('delete', 'crd', 'kites.kites.example.com')


@pytest.mark.parametrize('encoding', ['json', 'protobuf', 'cbor'])
@pytest.mark.parametrize('start', ['watchlist', 'list'])
def test_go_informers(server, kites, ns, start, encoding):
    """CBOR is only what the client would also read: a server that does not enable it answers in JSON."""
    arguments = [f'-watchlist={start == "watchlist"}', *(['-proto'] if encoding == 'protobuf' else [])]
    features = {'KUBE_FEATURE_WatchListClient': str(start == 'watchlist').lower(), 'KUBE_FEATURE_ClientsAllowCBOR': str(encoding == 'cbor').lower()}
    done = subprocess.run([program('informers'), '-kubeconfig', server.kubeconfig, '-namespace', ns.name, *arguments], capture_output=True, text=True, timeout=120, env={**os.environ, **features})
    assert (done.returncode, done.stdout) == (0, 'ok\n'), done.stderr


@pytest.fixture(scope='module')
def restarted(tmp_path_factory):
    """A server that may be stopped and started, with the kites' definition."""
    with ApiServer(folder=tmp_path_factory.mktemp('restarted'), upstream=os.environ.get('PEERS')) as own:
        own.kubectl('apply', '-f', '-', stdin=yaml.safe_dump(DEFINITION))
        own.kubectl('wait', 'crd', 'kites.kites.example.com', '--for=condition=Established')
        yield own


class Informers:
    """The Java program. It says where it is, and goes on when told to."""

    def __init__(self, *arguments, errors):
        self.errors = errors
        with open(errors, 'wb') as file:
            self.child = subprocess.Popen([program('informers-java'), *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=file, text=True)

    def says(self, expected):
        line = self.child.stdout.readline().strip()     # the program's own limits end it
        assert line == expected, f'{line or "nothing"} instead of {expected}: {self.errors.read_text(errors="replace")[:4000]}'

    def tell(self, order):
        self.child.stdin.write(order + '\n')
        self.child.stdin.flush()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.kill()
        self.child.communicate()


@pytest.mark.parametrize('start', ['watchlist', 'list'])
@pytest.mark.parametrize('library', ['official', 'fabric8', 'fabric8-http'])
def test_java_informers(restarted, tmp_path, library, start):
    """fabric8's client asks for WatchList itself, over a WebSocket or not; the official one is given a lister that does. Then both find
    out what changed while they were cut off and the server began anew."""
    namespace = f'{library}-{start}'
    restarted.kubectl('create', 'namespace', namespace)
    with Line(restarted.port) as line:
        followed = restarted.pki.kubeconfig(f'{namespace}.conf', f'https://127.0.0.1:{line.port}')
        arguments = [f'--client={library}', f'--start={start}', f'--namespace={namespace}', f'--kubeconfig={restarted.kubeconfig}', f'--followed={followed}']
        with Informers(*arguments, errors=tmp_path / 'errors') as informers:
            informers.says('away')
            line.cut()
            informers.tell('cut')
            informers.says('changed')
            restarted.stop()
            restarted.start()
            line.join()
            informers.tell('back')
            informers.says('ok')


@pytest.fixture(scope='module')
def core(server):
    return client.CoreV1Api(config.new_client_from_config(server.kubeconfig))


def create(core, ns, *names, **labels):
    for name in names:
        core.create_namespaced_config_map(ns.name, client.V1ConfigMap(metadata=client.V1ObjectMeta(name=name, labels=labels), data={'a': name}))


def follow(call, *args, until, **options):
    """(type, name) of each event up to the first that `until` says yes to."""
    seen = []
    for event in watch.Watch().stream(call, *args, timeout_seconds=30, **options):
        found = event['object'] if isinstance(event['object'], dict) else event['object'].to_dict()
        seen.append((event['type'], found['metadata'].get('name')))
        if until(event):
            return seen, found['metadata']
    raise AssertionError(f'the watch ended after {seen}')


def is_bookmark(event):
    return event['type'] == 'BOOKMARK'


def test_python_watch_with_initial_events(core, ns):
    create(core, ns, 'b', 'a', 'c', team='blue')
    create(core, ns, 'other')
    options = {'send_initial_events': True, 'resource_version_match': 'NotOlderThan', 'allow_watch_bookmarks': True}
    seen, mark = follow(core.list_namespaced_config_map, ns.name, until=is_bookmark, **options)
    assert seen[-1][0] == 'BOOKMARK' and sorted(seen[:-1]) == [('ADDED', n) for n in ('a', 'b', 'c', 'other')]
    assert mark['annotations'] == {'k8s.io/initial-events-end': 'true'}
    # The bookmark's revision is one to go on from: nothing twice, nothing lost.
    create(core, ns, 'late', team='blue')
    core.delete_namespaced_config_map('other', ns.name)
    resumed, _ = follow(core.list_namespaced_config_map, ns.name, until=lambda e: e['type'] == 'DELETED', resource_version=mark.get('resource_version') or mark['resourceVersion'])
    assert resumed == [('ADDED', 'late'), ('DELETED', 'other')]
    picked, _ = follow(core.list_namespaced_config_map, ns.name, until=is_bookmark, label_selector='team=blue', **options)
    assert sorted(n for _, n in picked[:-1]) == ['a', 'b', 'c', 'late']
    named, _ = follow(core.list_namespaced_config_map, ns.name, until=is_bookmark, field_selector='metadata.name=a', **options)
    assert named[:-1] == [('ADDED', 'a')]


def test_python_watch_of_what_is_to_come(core, ns):
    """sendInitialEvents=false: no object that is there, then what changes."""
    create(core, ns, 'a')
    start = core.list_namespaced_config_map(ns.name).metadata.resource_version
    create(core, ns, 'b')
    seen, _ = follow(core.list_namespaced_config_map, ns.name, until=lambda e: e['object'].metadata.name == 'b', send_initial_events=False, resource_version_match='NotOlderThan',
                     resource_version=start, allow_watch_bookmarks=True)
    assert seen == [('ADDED', 'b')]


def test_python_dynamic_watch_of_a_custom_resource(server, kites, core, ns):
    customs = client.CustomObjectsApi(core.api_client)
    for name in ('x', 'y'):
        customs.create_namespaced_custom_object('kites.example.com', 'v1', ns.name, 'kites', {'apiVersion': 'kites.example.com/v1', 'kind': 'Kite', 'metadata': {'name': name}})
    seen, _ = follow(customs.list_namespaced_custom_object, 'kites.example.com', 'v1', ns.name, 'kites', until=lambda e: e['object']['metadata']['name'] == 'y')
    assert seen == [('ADDED', 'x'), ('ADDED', 'y')]


@pytest.mark.parametrize('options, refusal', [
    ({'send_initial_events': True}, 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan'),
    ({'resource_version_match': 'NotOlderThan', 'resource_version': '0'}, 'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided'),
    ({'send_initial_events': True, 'resource_version_match': 'Exact', 'resource_version': '1'}, 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan'),
    ({'send_initial_events': True, 'resource_version_match': 'NotOlderThan'}, None)])
def test_what_a_watch_may_ask(core, ns, options, refusal):
    if refusal is None:
        create(core, ns, 'a')
        assert follow(core.list_namespaced_config_map, ns.name, until=lambda e: e['type'] == 'ADDED', **options)[0] == [('ADDED', 'a')], 'bookmarks are no condition'
        return
    with pytest.raises(client.ApiException) as answered:
        follow(core.list_namespaced_config_map, ns.name, until=is_bookmark, **options)
    assert answered.value.status == 422 and refusal in json.loads(answered.value.body)['message']
