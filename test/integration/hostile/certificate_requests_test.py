"""Requests for certificates as any user with `create` may write them: DER that nests, thousands of names, texts that are no PEM."""
import base64
import subprocess

import pytest

from support.hostile import SLOWNESS, rule

PATH = '/apis/certificates.k8s.io/v1/certificatesigningrequests'
ANSWER_MAX_S = 1.0
BODY_MAX = 1_500_000     # base64 in base64: what fits into a request


def pem(der):
    text = base64.b64encode(der).decode()
    lines = '\n'.join(text[i:i + 64] for i in range(0, len(text), 64))
    return f'-----BEGIN CERTIFICATE REQUEST-----\n{lines}\n-----END CERTIFICATE REQUEST-----\n'


def nested(tag, levels):
    """DER constructed values within one another, of a length without end each."""
    return bytes([tag, 0x80]) * levels


def nested_definite(levels):
    """The same with lengths, as long as they fit three bytes."""
    inner = b''
    for _ in range(levels):
        n = len(inner)
        inner = b'\x30' + (bytes([n]) if n < 128 else b'\x83' + n.to_bytes(3, 'big')) + inner
    return inner


def with_names(tmp_path, count):
    config = tmp_path / 'req.cnf'
    names = ','.join(f'DNS:n{i}.example.com' for i in range(count))
    config.write_text(f'[req]\ndistinguished_name=dn\nreq_extensions=ext\nprompt=no\n[dn]\nCN=system:node:x\nO=system:nodes\n[ext]\nsubjectAltName={names}\n')
    done = subprocess.run(['openssl', 'req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', str(tmp_path / 'k'), '-config', str(config)],
                          capture_output=True, text=True, check=True)
    return done.stdout


HOSTILE = {
    'sequences without end': pem(nested(0x30, 250_000)),
    'sequences': pem(nested_definite(3_000)),
    'sets without end': pem(nested(0x31, 250_000)),
    'zeros': pem(b'\x00' * 700_000),
    'a length of all': pem(b'\x30\x84\x7f\xff\xff\xff' + b'\x30' * 100_000),
    'heads of PEM': '-----BEGIN CERTIFICATE REQUEST-----\n' * 20_000,
    'headers of PEM': '-----BEGIN CERTIFICATE REQUEST-----\n' + 'Proc-Type: 4,ENCRYPTED\n' * 30_000,
    'dashes': '-' * 800_000,
    'nothing': '',
}


@pytest.fixture(scope='module')
def tenant(running_server):
    return running_server.user(rule('certificatesigningrequests', 'create', groups='certificates.k8s.io'))


def send(server, user, name, text):
    body = {'apiVersion': 'certificates.k8s.io/v1', 'kind': 'CertificateSigningRequest', 'metadata': {'generateName': 'hostile-'},
            'spec': {'request': base64.b64encode(text.encode()).decode(), 'signerName': 'kubernetes.io/kubelet-serving', 'usages': ['digital signature', 'server auth']}}
    assert len(text) < BODY_MAX, name
    return server.ask(user, 'POST', PATH, body)


@pytest.mark.parametrize('name', HOSTILE)
def test_no_request_is_taken_for_one(bounded_server, tenant, name):
    with bounded_server.attack(limit_s=10):
        for _ in range(3):
            answer = send(bounded_server, tenant, name, HOSTILE[name])
            assert answer.status == 422, answer
            assert answer.seconds < ANSWER_MAX_S * SLOWNESS, answer
            assert len(answer.body) < 20_000, 'what was wrong is not sent back whole'


def test_thousands_of_names(bounded_server, tenant, tmp_path):
    text = with_names(tmp_path, 5_000)
    with bounded_server.attack(limit_s=10):
        for _ in range(3):
            answer = send(bounded_server, tenant, 'names', text)
            assert answer.status in (201, 422), answer
            assert answer.seconds < ANSWER_MAX_S * SLOWNESS, answer
