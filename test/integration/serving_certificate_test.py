"""The serving certificate that a component makes for itself: where it lies, and that one which is no good is not served."""
import os
import pathlib
import ssl
import stat
import subprocess

import pytest

from support.cluster import ApiServer, Process, free_port, pintle_binary, run, wait_for


def served(port):
    """The PEM text of what the port shows, once it listens."""
    return ssl.get_server_certificate(('127.0.0.1', port), timeout=10)


def is_good_for_a_month(pem):
    return subprocess.run(['openssl', 'x509', '-noout', '-checkend', str(30 * 24 * 3600)], input=pem, text=True, capture_output=True).returncode == 0


def make_pair(folder, days, name='apiserver'):
    folder.mkdir(parents=True, exist_ok=True)
    key, crt = folder / f'{name}.key', folder / f'{name}.crt'
    run('openssl', 'req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=kept', '-keyout', str(key), '-out', f'{crt}.csr')
    run('openssl', 'x509', '-req', '-in', f'{crt}.csr', '-signkey', str(key), '-days', str(days), '-out', str(crt))
    return crt, key


class Alone:
    """A kube-apiserver without a certificate, over `data`."""

    def __init__(self, data, *flags):
        self.port = free_port()
        self.process = Process([pintle_binary(), 'kube-apiserver', '--bind-address=127.0.0.1', f'--secure-port={self.port}', f'--data-dir={data}', *flags], data.parent / 'log')

    def __enter__(self):
        wait_for(lambda: served(self.port), 'a certificate', self.process)
        return self

    def __exit__(self, *_):
        assert self.process.stop() == 0


def test_an_expired_certificate_is_made_anew(tmp_path):
    crt, _ = make_pair(tmp_path / 'data/tls', -1)
    before = crt.read_text()
    with Alone(tmp_path / 'data') as server:
        assert served(server.port) == crt.read_text() != before
        assert is_good_for_a_month(crt.read_text())
        assert 'made anew' in server.process.tail() and 'it has expired' in server.process.tail()


def test_a_certificate_of_another_key_is_made_anew(tmp_path):
    crt, key = make_pair(tmp_path / 'data/tls', 90)
    before = crt.read_text()
    key.write_text(make_pair(tmp_path / 'other', 90)[1].read_text())
    with Alone(tmp_path / 'data') as server:
        assert served(server.port) == crt.read_text() != before
        assert 'it does not belong to its key' in server.process.tail()
    assert stat.S_IMODE(os.stat(key).st_mode) == 0o600


def test_a_good_certificate_is_kept(tmp_path):
    crt, _ = make_pair(tmp_path / 'data/tls', 90)
    before = crt.read_text()
    with Alone(tmp_path / 'data') as server:
        assert served(server.port) == before == crt.read_text()


def test_cert_dir_counts_beside_data_dir(tmp_path):
    crt, _ = make_pair(tmp_path / 'certificates', 90)
    with Alone(tmp_path / 'data', f'--cert-dir={tmp_path}/certificates') as server:
        assert served(server.port) == crt.read_text()
    assert not (tmp_path / 'data/tls').exists()


@pytest.mark.parametrize('component', ['kube-controller-manager', 'kube-scheduler'])
def test_a_component_keeps_its_own(running, tmp_path, component):
    port = free_port()
    args = [pintle_binary(), component, '--bind-address=127.0.0.1', f'--secure-port={port}', '--leader-elect=true', f'--cert-dir={tmp_path}/pki',
            f'--kubeconfig={running.kubeconfig}', '--leader-elect-resource-name=nobody']
    shown = []
    for _ in range(2):
        process = Process(args, tmp_path / 'log')
        try:
            wait_for(lambda: served(port), 'a certificate', process)
            shown.append(served(port))
        finally:
            process.stop()
    assert shown[0] == shown[1] == pathlib.Path(tmp_path, 'pki', f'{component}.crt').read_text()


@pytest.fixture(scope='module')
def running():
    with ApiServer() as s:
        yield s
