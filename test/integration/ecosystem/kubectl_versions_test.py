"""kubectl of three minor versions with a custom resource: preferences, sets of applied objects, explain, wait, diff. PEERS=build/peers asks upstream's server."""
import base64
import hashlib
import json
import os
import re
import subprocess

import pytest
import yaml
from conftest import program
from support.cluster import kubectl_binary

VERSIONS = {'1.34': lambda: program('kubectl-1.34'), '1.35': lambda: program('kubectl-1.35'), '1.36': kubectl_binary}
GROUP = 'kites.example.com'
COLUMNS = [{'name': 'Colour', 'type': 'string', 'jsonPath': '.spec.colour'}, {'name': 'Tails', 'type': 'integer', 'jsonPath': '.spec.tails', 'priority': 1}]
SPEC = {'type': 'object', 'description': 'What the kite is to be.', 'required': ['colour'], 'properties': {
    'colour': {'type': 'string', 'enum': ['red', 'blue'], 'description': 'The colour of its sail.'}, 'tails': {'type': 'integer', 'default': 1},
    'lines': {'type': 'array', 'items': {'type': 'object', 'properties': {'metres': {'type': 'integer', 'description': 'How far it flies.'}}}}}}


def definition(plural, kind, spec, **more):
    names = {'plural': plural, 'singular': kind.lower(), 'kind': kind}
    version = {'name': 'v1', 'served': True, 'storage': True, 'subresources': {'status': {}}, 'additionalPrinterColumns': COLUMNS if kind == 'Kite' else [], 'schema': {'openAPIV3Schema': {
        'type': 'object', 'description': f'A {kind} of these tests.', 'properties': {'spec': spec, 'status': {'type': 'object', 'x-kubernetes-preserve-unknown-fields': True}}}}}
    return {'apiVersion': 'apiextensions.k8s.io/v1', 'kind': 'CustomResourceDefinition', 'metadata': {'name': f'{plural}.{GROUP}', **more},
            'spec': {'group': GROUP, 'scope': 'Namespaced', 'names': names, 'versions': [version]}}


def kite(name, **spec):
    return {'apiVersion': f'{GROUP}/v1', 'kind': 'Kite', 'metadata': {'name': name}, 'spec': {'colour': 'red', **spec}}


def config_map(name):
    return {'apiVersion': 'v1', 'kind': 'ConfigMap', 'metadata': {'name': name}, 'data': {'a': 'b'}}


@pytest.fixture(scope='module')
def definitions(server):
    made = [definition('kites', 'Kite', SPEC), definition('fleets', 'Fleet', {'type': 'object'}, labels={'applyset.kubernetes.io/is-parent-type': 'true'})]
    server.kubectl('apply', '-f', '-', stdin=yaml.safe_dump_all(made))
    server.kubectl('wait', 'crd', f'kites.{GROUP}', f'fleets.{GROUP}', '--for=condition=Established')
    yield
    server.kubectl('delete', 'crd', f'kites.{GROUP}', f'fleets.{GROUP}')


class Kubectl:
    def __init__(self, binary, version, server, namespace, folder):
        self.binary, self.version, self.namespace, self.folder = binary, version, namespace, folder
        self.environment = {'PATH': os.environ['PATH'], 'HOME': str(folder), 'KUBECONFIG': server.kubeconfig}

    def tried(self, *args, input=None, **environment):
        return subprocess.run([self.binary, *args], input=input, capture_output=True, text=True, timeout=120, env={**self.environment, **environment})

    def __call__(self, *args, input=None, **environment):
        done = self.tried('-n', self.namespace, *args, input=input, **environment)
        assert done.returncode == 0, f'kubectl {" ".join(args)}: {done.stdout}{done.stderr}'
        return done.stdout

    def apply(self, *objects, flags=(), **environment):
        return self('apply', *flags, '-f', '-', input=yaml.safe_dump_all(objects), **environment)


@pytest.fixture(params=VERSIONS)
def kubectl(request, server, definitions, ns, tmp_path):
    return Kubectl(VERSIONS[request.param](), request.param, server, ns.name, tmp_path)


def test_versions_agree(kubectl):
    shown = json.loads(kubectl('version', '-o', 'json'))
    assert shown['clientVersion']['gitVersion'].startswith(f'v{kubectl.version}.') and shown['serverVersion']['minor'] == '36'


def test_preferences(kubectl):
    """kuberc: defaults of options, aliases with arguments before and after; and the switch that turns it off."""
    preferences = {'apiVersion': 'kubectl.config.k8s.io/v1beta1', 'kind': 'Preference',
                   'defaults': [{'command': 'get', 'options': [{'name': 'output', 'default': 'name'}]}],
                   'aliases': [{'name': 'sails', 'command': 'get', 'prependArgs': ['kites'], 'options': [{'name': 'output', 'default': 'jsonpath={.items[*].spec.colour}'}]},
                               {'name': 'paint', 'command': 'create configmap', 'prependArgs': ['paint'], 'appendArgs': ['--from-literal=a=b']}]}
    path = kubectl.folder / '.kube/kuberc'
    path.parent.mkdir()
    path.write_text(yaml.safe_dump(preferences))
    kubectl.apply(kite('a'), kite('b', colour='blue'))
    assert kubectl('get', 'kites') == f'kite.{GROUP}/a\nkite.{GROUP}/b\n'
    assert kubectl('get', 'kites', '--no-headers', '-o', 'wide').split()[:3] == ['a', 'red', '1'], 'what is said counts more'
    assert kubectl.tried('sails', '-n', kubectl.namespace).stdout == 'red blue'
    assert kubectl.tried('paint', '-n', kubectl.namespace).stdout == 'configmap/paint created\n'
    assert kubectl('get', 'kites', KUBECTL_KUBERC='false').splitlines()[0].split() == ['NAME', 'COLOUR']
    assert kubectl.tried('sails', KUBECTL_KUBERC='false').returncode != 0
    elsewhere = kubectl.folder / 'elsewhere'
    elsewhere.write_text(yaml.safe_dump({**preferences, 'defaults': []}))
    assert kubectl('get', 'kites', f'--kuberc={elsewhere}').splitlines()[0].split() == ['NAME', 'COLOUR']


@pytest.mark.parametrize('parent', ['secret', 'configmap', 'custom'])
def test_sets_of_applied_objects(kubectl, parent):
    name = {'secret': 'day', 'configmap': 'configmaps/day', 'custom': f'fleets.{GROUP}/day'}[parent]
    if parent == 'custom':
        digest = base64.urlsafe_b64encode(hashlib.sha256(f'day.{kubectl.namespace}.Fleet.{GROUP}'.encode()).digest()).decode().rstrip('=')
        kubectl.apply({'apiVersion': f'{GROUP}/v1', 'kind': 'Fleet', 'metadata': {'name': 'day', 'labels': {'applyset.kubernetes.io/id': f'applyset-{digest}-v1'}, 'annotations': {
            'applyset.kubernetes.io/tooling': f'kubectl/v{kubectl.version}', 'applyset.kubernetes.io/contains-group-kinds': ''}}, 'spec': {}})

    def applied(*objects, **flags):
        return kubectl.apply(*objects, flags=['--prune', f'--applyset={name}', *flags.get('flags', [])], KUBECTL_APPLYSET='true')
    kubectl.apply(kite('stranger'))
    applied(kite('a'), kite('b'), config_map('m'))
    holder = json.loads(kubectl('get', {'custom': f'fleets.{GROUP}'}.get(parent, parent), 'day', '-o', 'json'))['metadata']
    assert holder['annotations']['applyset.kubernetes.io/contains-group-kinds'] == f'ConfigMap,Kite.{GROUP}'
    mark = f'applyset.kubernetes.io/part-of={holder["labels"]["applyset.kubernetes.io/id"]}'
    assert set(kubectl('get', 'kites,configmaps', '-l', mark, '-o', 'name').split()) == {f'kite.{GROUP}/a', f'kite.{GROUP}/b', 'configmap/m'}

    shown = applied(kite('a'), flags=['--dry-run=server'])
    assert f'kite.{GROUP}/b pruned (server dry run)' in shown and len(kubectl('get', 'kites', '-o', 'name').split()) == 3
    pruned = applied(kite('a'), kite('c'))
    assert f'kite.{GROUP}/b pruned' in pruned and 'configmap/m pruned' in pruned
    assert kubectl('get', 'kites', '-o', 'name').split() == [f'kite.{GROUP}/{n}' for n in ('a', 'c', 'stranger')]
    again = json.loads(kubectl('get', {'custom': f'fleets.{GROUP}'}.get(parent, parent), 'day', '-o', 'json'))['metadata']
    assert again['annotations']['applyset.kubernetes.io/contains-group-kinds'] == f'Kite.{GROUP}'

    assert 'configured' in kubectl.apply(kite('a'), flags=['--prune', '--applyset=other'], KUBECTL_APPLYSET='true')
    assert kubectl('get', 'kites', '-l', mark, '-o', 'name') == f'kite.{GROUP}/c\n', 'another set took the other one'


def test_explain(kubectl):
    shown = kubectl('explain', 'kite')
    assert f'GROUP:      {GROUP}' in shown and 'A Kite of these tests.' in shown
    assert re.search(r'colour\s+<string> -required-\s+enum: blue, red', kubectl('explain', 'kite.spec')) or re.search(r'colour\s+<string> -required-\s+enum: red, blue', kubectl('explain', 'kite.spec'))
    assert 'How far it flies.' in kubectl('explain', 'kites.spec.lines.metres')
    assert re.search(r'lines\s+<\[\]Object>\s+metres\s+<integer>', kubectl('explain', 'kites', '--recursive'))
    assert 'What the kite is to be.' in kubectl('explain', 'kite', f'--api-version={GROUP}/v1', '--output=plaintext-openapiv2')
    assert 'does not exist' in kubectl.tried('explain', 'kites.spec.wheels').stderr


def test_wait(kubectl):
    """For creation, a condition, a value and the end; each begins before what it waits for is so."""
    def waits(*args):
        return subprocess.Popen([kubectl.binary, '-n', kubectl.namespace, 'wait', '--timeout=30s', *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=kubectl.environment)

    def ended(process):
        out, err = process.communicate(timeout=40)
        assert process.returncode == 0, err
        return out
    creation = waits('kite/a', '--for=create')
    kubectl.apply(kite('a'))
    assert ended(creation) == f'kite.{GROUP}/a condition met\n'
    waiting = [waits('kite/a', '--for=condition=Flying'), waits('kites', '--all', '--for=condition=Landed=False'), waits('kite/a', '--for=jsonpath={.status.height}=30')]
    patch = {'status': {'height': 30, 'conditions': [{'type': 'Flying', 'status': 'True'}, {'type': 'Landed', 'status': 'False'}]}}
    kubectl('patch', 'kite', 'a', '--type=merge', '--subresource=status', '-p', json.dumps(patch))
    assert [ended(w) for w in waiting] == [f'kite.{GROUP}/a condition met\n'] * 3
    end = waits('kite/a', '--for=delete')
    kubectl('delete', 'kite', 'a')
    ended(end)
    late = kubectl.tried('-n', kubectl.namespace, 'wait', 'kite', '--all', '--for=condition=Flying', '--timeout=1s')
    assert late.returncode != 0 and 'no matching resources found' in late.stderr


@pytest.mark.parametrize('side', ['client', 'server'])
def test_diff(kubectl, side):
    flags = ['--server-side'] if side == 'server' else []
    kubectl.apply(kite('a', lines=[{'metres': 10}]), flags=flags)

    def diff(manifest):
        return kubectl.tried('-n', kubectl.namespace, 'diff', *flags, '-f', '-', input=yaml.safe_dump(manifest))
    same = diff(kite('a', lines=[{'metres': 10}]))
    assert (same.returncode, same.stdout) == (0, ''), same.stderr
    changed = diff(kite('a', colour='blue', lines=[{'metres': 20}]))
    lines = [line for line in changed.stdout.splitlines() if re.match(r'[+-] ', line)]
    assert changed.returncode == 1, changed.stderr
    assert {'-  colour: red', '+  colour: blue', '-  - metres: 10', '+  - metres: 20', '-  generation: 1', '+  generation: 2'} <= set(lines)
    assert all(re.match(r'[+-] +(- )?(colour|metres|generation|time)', line) for line in lines if 'kubectl.kubernetes.io' not in line and '{' not in line), lines
    new = diff(kite('b'))
    assert new.returncode == 1 and '+  tails: 1' in new.stdout, 'with the default that the schema gives'
    bad = diff(kite('a', colour='green'))
    assert bad.returncode > 1 and 'Unsupported value: "green"' in bad.stderr
    assert kubectl('get', 'kites', '-o', 'name') == f'kite.{GROUP}/a\n'
