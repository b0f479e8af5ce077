"""`pintle kubelet --bootstrap-kubeconfig`: a kubelet whose kubeconfig has an expired certificate asks for another and goes on with that."""
import base64
import json
import os

import pytest

from support.cluster import ApiServer, Process, pintle_binary, run
from support.nodes import await_true

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason='needs root')
NODE = 'late'


def kubeconfig(path, server, user, ca):
    path.write_text(json.dumps({'apiVersion': 'v1', 'kind': 'Config', 'current-context': 'c', 'contexts': [{'name': 'c', 'context': {'cluster': 'c', 'user': 'u'}}],
                                'clusters': [{'name': 'c', 'cluster': {'server': server, 'certificate-authority': str(ca)}}], 'users': [{'name': 'u', 'user': user}]}))
    return path


def test_an_expired_certificate_is_asked_for_anew(tmp_path):
    with ApiServer(tmp_path / 'server') as server:
        pair = tmp_path / 'old.pem'
        run('openssl', 'req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', f'/O=system:nodes/CN=system:node:{NODE}', '-keyout', str(tmp_path / 'old.key'), '-out', str(tmp_path / 'old.csr'))
        run('openssl', 'x509', '-req', '-in', str(tmp_path / 'old.csr'), '-signkey', str(tmp_path / 'old.key'), '-days', '-1', '-out', str(tmp_path / 'old.crt'))
        pair.write_text((tmp_path / 'old.crt').read_text() + (tmp_path / 'old.key').read_text())
        old = kubeconfig(tmp_path / 'kubeconfig', server.url, {'client-certificate': str(pair), 'client-key': str(pair)}, server.pki.ca)
        pki = server.pki
        first = kubeconfig(tmp_path / 'bootstrap', server.url, {'client-certificate': pki.path('admin.crt'), 'client-key': pki.path('admin.key')}, pki.ca)
        kubelet = Process([pintle_binary(), 'kubelet', f'--kubeconfig={old}', f'--bootstrap-kubeconfig={first}', f'--hostname-override={NODE}', f'--root-dir={tmp_path}/root', f'--cert-dir={tmp_path}/pki',
                           f'--container-runtime-endpoint=unix://{tmp_path}/no.sock'], tmp_path / 'kubelet.log')
        try:
            request, = await_true('it asks', lambda: json.loads(server.kubectl('get', 'csr', '-o', 'json'))['items'])
            assert request['spec']['signerName'] == 'kubernetes.io/kube-apiserver-client-kubelet' and 'its client certificate has expired' in kubelet.tail()
            assert 'old.pem' in old.read_text(), 'the old one stays until there is a new one'
            name, signed = request['metadata']['name'], tmp_path / 'signed.pem'
            (tmp_path / 'request.pem').write_bytes(base64.b64decode(request['spec']['request']))
            server.kubectl('certificate', 'approve', name)
            run('openssl', 'x509', '-req', '-in', str(tmp_path / 'request.pem'), '-CA', pki.ca, '-CAkey', pki.ca_key, '-CAcreateserial', '-days', '2', '-out', str(signed))
            server.kubectl('patch', 'csr', name, '--subresource=status', '--type=merge', '-p', json.dumps({'status': {'certificate': base64.b64encode(signed.read_bytes()).decode()}}))
            await_true('the new kubeconfig', lambda: f'{tmp_path}/pki/' in old.read_text())
            assert signed.read_text().strip() in (tmp_path / 'pki/kubelet-client-current.pem').read_text() and old.stat().st_mode & 0o777 == 0o600
        finally:
            kubelet.stop()
