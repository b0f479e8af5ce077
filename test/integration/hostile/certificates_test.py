"""Who may become whom by certificates: a holder of a join token, and a node, ask for the certificates of others."""
import base64
import itertools
import ssl
import subprocess

import pytest

from support.cluster import run, wait_for
from support.hostile import User, context_of

REQUESTS = '/apis/certificates.k8s.io/v1/certificatesigningrequests'
CLIENT, SERVING, ANYONE = 'kubernetes.io/kube-apiserver-client-kubelet', 'kubernetes.io/kubelet-serving', 'kubernetes.io/kube-apiserver-client'
numbers = itertools.count()


class Key:
    """A key on disk, and requests for certificates of it."""

    def __init__(self, folder):
        self.folder, self.path = folder, str(folder / f'{next(numbers)}.key')
        run('openssl', 'ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', self.path)

    def request(self, node, names=()):
        """`names`: 'DNS:x' and 'IP:y', in a section of a file, where a comma is a comma."""
        config = self.folder / f'{next(numbers)}.cnf'
        lines = ['[req]', 'distinguished_name=dn', 'prompt=no', 'utf8=yes', 'req_extensions=ext' if names else '', '[dn]', 'O=system:nodes', f'CN=system:node:{node}', '[ext]']
        if names:
            lines += ['subjectAltName=@names', '[names]'] + [f'{kind}.{i}="{name}"' for i, (kind, name) in enumerate(n.split(':', 1) for n in names)]
        config.write_text('\n'.join(lines) + '\n')
        return run('openssl', 'req', '-new', '-key', self.path, '-config', str(config))


def ask_for(cluster, user, signer, request, usage='client auth'):
    body = {'apiVersion': 'certificates.k8s.io/v1', 'kind': 'CertificateSigningRequest', 'metadata': {'generateName': 'hostile-'},
            'spec': {'request': base64.b64encode(request.encode()).decode(), 'signerName': signer, 'usages': ['digital signature', usage]}}
    answer = cluster.ask(user, 'POST', REQUESTS, body)
    assert answer.status == 201, answer
    return answer.json()['metadata']['name']


def status(cluster, name):
    return cluster.ask(cluster.admin, 'GET', f'{REQUESTS}/{name}').json()['status']


def outcome(cluster, name):
    """('Issued', certificate) or (reason of the denial or failure, None)."""
    found = []

    def decided():
        now = status(cluster, name)
        if now.get('certificate'):
            found.append(('Issued', base64.b64decode(now['certificate']).decode()))
        found.extend((c['reason'], None) for c in now.get('conditions', []) if c['type'] in ('Denied', 'Failed'))
        return found
    wait_for(decided, f'a decision on {name}', cluster.process)
    return found[0]


@pytest.fixture
def key(tmp_path):
    return lambda: Key(tmp_path)


def token_user(cluster):
    wait_for((cluster.data / 'token').exists, 'the join token', cluster.process)
    token = (cluster.data / 'token').read_text().strip()
    return User('token', (), ssl.create_default_context(cafile=cluster.ca), headers={'Authorization': f'Bearer {token}'})


def make_node(cluster, name, addresses=()):
    """A registered node, with what it says of its addresses; its user."""
    user = cluster.node(name)
    cluster.make('/api/v1/nodes', {'apiVersion': 'v1', 'kind': 'Node', 'metadata': {'name': name}})
    patch = {'status': {'addresses': [{'type': t, 'address': a} for t, a in addresses]}}
    answer = cluster.ask(user, 'PATCH', f'/api/v1/nodes/{name}/status', patch, {'Content-Type': 'application/merge-patch+json'})
    assert answer.status == 200, answer
    return user


def test_the_names_of_nodes_belong_to_the_first_key(bounded_cluster, key):
    token, first, second = token_user(bounded_cluster), key(), key()
    assert outcome(bounded_cluster, ask_for(bounded_cluster, token, CLIENT, first.request('agent0')))[0] == 'Issued'
    assert outcome(bounded_cluster, ask_for(bounded_cluster, token, CLIENT, second.request('agent0')))[0] == 'NodeNameTaken'
    assert outcome(bounded_cluster, ask_for(bounded_cluster, token, CLIENT, second.request('agent1')))[0] == 'Issued'
    assert outcome(bounded_cluster, ask_for(bounded_cluster, token, CLIENT, first.request('agent1')))[0] == 'NodeNameTaken'


def test_a_token_does_not_make_its_holder_a_node_that_is_there(bounded_cluster, key):
    token, thief = token_user(bounded_cluster), key()
    node = make_node(bounded_cluster, 'settled')
    assert outcome(bounded_cluster, ask_for(bounded_cluster, token, CLIENT, thief.request('settled')))[0] == 'NodeNameTaken'
    renewed = key()
    assert outcome(bounded_cluster, ask_for(bounded_cluster, node, CLIENT, renewed.request('settled')))[0] == 'Issued'
    assert outcome(bounded_cluster, ask_for(bounded_cluster, token, CLIENT, thief.request('settled')))[0] == 'NodeNameTaken'
    answer = bounded_cluster.ask(bounded_cluster.admin, 'DELETE', '/api/v1/nodes/settled')
    assert answer.status == 200, answer
    wait_for(lambda: bounded_cluster.ask(bounded_cluster.admin, 'GET', '/api/v1/namespaces/kube-system/configmaps/node-key.settled').status == 404, 'the name is free', bounded_cluster.process)
    assert outcome(bounded_cluster, ask_for(bounded_cluster, token, CLIENT, thief.request('settled')))[0] == 'Issued'


def test_a_node_cannot_say_which_key_a_name_belongs_to(bounded_cluster):
    node = make_node(bounded_cluster, 'curious')
    path = '/api/v1/namespaces/kube-system/configmaps'
    assert bounded_cluster.ask(node, 'GET', f'{path}/node-key.agent0').status == 403
    body = {'apiVersion': 'v1', 'kind': 'ConfigMap', 'metadata': {'name': 'node-key.victim'}, 'data': {'key': 'mine'}}
    assert bounded_cluster.ask(node, 'POST', path, body).status == 403


def test_a_token_holder_may_do_nothing_else(bounded_cluster, key):
    token = token_user(bounded_cluster)
    name = ask_for(bounded_cluster, token, ANYONE, key().request('x'))
    approve = {'status': {'conditions': [{'type': 'Approved', 'status': 'True', 'reason': 'Me'}]}}
    merge = {'Content-Type': 'application/merge-patch+json'}
    assert bounded_cluster.ask(token, 'PATCH', f'{REQUESTS}/{name}/approval', approve, merge).status == 403
    for path in ('/api/v1/secrets', '/api/v1/nodes', '/api/v1/pods', '/api/v1/namespaces/kube-system/configmaps', '/api/v1/namespaces/kube-system/secrets/bootstrap-token-abcdef'):
        assert bounded_cluster.ask(token, 'GET', path).status == 403, path
    # No request in another's name is approved by itself: not a serving certificate, not an administrator's.
    serving = ask_for(bounded_cluster, token, SERVING, key().request('x', ['DNS:x']), 'server auth')
    later = ask_for(bounded_cluster, token, CLIENT, key().request('sentinel'))
    assert outcome(bounded_cluster, later)[0] == 'Issued'
    assert 'conditions' not in status(bounded_cluster, serving) and 'conditions' not in status(bounded_cluster, name)


LIES = [('Hostname', 'kubernetes.default.svc'), ('Hostname', 'kubernetes'), ('InternalDNS', 'web.default.svc.cluster.local'), ('InternalIP', '10.43.0.1'), ('InternalIP', '127.0.0.1'),
        ('InternalIP', '::1'), ('InternalIP', '169.254.169.254'), ('InternalIP', '224.0.0.1'), ('InternalIP', '0.0.0.0'), ('Hostname', 'localhost'), ('Hostname', 'a,DNS:kubernetes')]


@pytest.mark.parametrize('kind, name', LIES)
def test_a_node_cannot_be_certified_as_the_api_server_or_a_service(bounded_cluster, key, kind, name):
    node = make_node(bounded_cluster, 'liar', [('InternalIP', '10.0.9.1'), (kind, name)])
    wanted = ('IP:' if kind == 'InternalIP' else 'DNS:') + name
    request = ask_for(bounded_cluster, node, SERVING, key().request('liar', ['IP:10.0.9.1', wanted]), 'server auth')
    assert outcome(bounded_cluster, request)[0] == 'NameNotAllowed'


def test_a_node_cannot_be_certified_as_another(bounded_cluster, key):
    make_node(bounded_cluster, 'elder', [('InternalIP', '10.0.9.2'), ('Hostname', 'elder-host')])
    node = make_node(bounded_cluster, 'thief', [('InternalIP', '10.0.9.3'), ('InternalIP', '10.0.9.2'), ('Hostname', 'elder'), ('InternalDNS', 'elder-host')])
    asked = [ask_for(bounded_cluster, node, SERVING, key().request('thief', ['IP:10.0.9.3', name]), 'server auth') for name in ('IP:10.0.9.2', 'DNS:elder', 'DNS:elder-host', 'IP:10.0.9.4')]
    honest = ask_for(bounded_cluster, node, SERVING, key().request('thief', ['IP:10.0.9.3', 'DNS:thief']), 'server auth')
    assert outcome(bounded_cluster, honest)[0] == 'Issued'
    assert all('conditions' not in status(bounded_cluster, name) for name in asked)


def test_serving_certificates_are_good_for_kubelets_alone(bounded_cluster, key, tmp_path):
    node = make_node(bounded_cluster, 'honest', [('InternalIP', '10.0.9.5')])
    verdict, certificate = outcome(bounded_cluster, ask_for(bounded_cluster, node, SERVING, key().request('honest', ['IP:10.0.9.5']), 'server auth'))
    assert verdict == 'Issued'
    leaf = tmp_path / 'leaf.crt'
    leaf.write_text(certificate)
    pki = bounded_cluster.data / 'pki'
    assert run('openssl', 'verify', '-CAfile', str(pki / 'kubelet-serving-ca.crt'), str(leaf)).strip().endswith(': OK')
    assert subprocess.run(['openssl', 'verify', '-CAfile', str(pki / 'ca.crt'), str(leaf)], capture_output=True).returncode != 0
    # And its authority makes no clients of the API server: nobody there trusts it.
    run('openssl', 'req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/O=system:masters/CN=root', '-keyout', str(tmp_path / 'r.key'), '-out', str(tmp_path / 'r.csr'))
    (tmp_path / 'ext').write_text('extendedKeyUsage=clientAuth\n')
    run('openssl', 'x509', '-req', '-in', str(tmp_path / 'r.csr'), '-CA', str(pki / 'kubelet-serving-ca.crt'), '-CAkey', str(pki / 'kubelet-serving-ca.key'), '-set_serial', '7',
        '-days', '2', '-extfile', str(tmp_path / 'ext'), '-out', str(tmp_path / 'r.crt'))
    root = User('root', (), context_of(bounded_cluster.ca, str(tmp_path / 'r.crt'), str(tmp_path / 'r.key')))
    assert bounded_cluster.ask(root, 'GET', '/version').status == 401


def test_a_comma_in_a_name_stays_in_the_name(bounded_cluster, key, tmp_path):
    name = ask_for(bounded_cluster, bounded_cluster.admin, ANYONE, key().request('x', ['DNS:a,DNS:kubernetes', 'DNS:b']))
    approve = {'status': {'conditions': [{'type': 'Approved', 'status': 'True', 'reason': 'Read', 'message': 'm'}]}}
    answer = bounded_cluster.ask(bounded_cluster.admin, 'PATCH', f'{REQUESTS}/{name}/approval', approve, {'Content-Type': 'application/merge-patch+json'})
    assert answer.status == 200, answer
    verdict, certificate = outcome(bounded_cluster, name)
    assert verdict == 'Issued'
    leaf = tmp_path / 'leaf.crt'
    leaf.write_text(certificate)
    checked = {host: run('openssl', 'x509', '-in', str(leaf), '-noout', '-checkhost', host) for host in ('kubernetes', 'b')}
    assert 'does NOT match' in checked['kubernetes'] and 'does match' in checked['b']
