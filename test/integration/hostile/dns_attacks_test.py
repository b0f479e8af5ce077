"""Strangers at the cluster's DNS: `pintle cluster-dns` on every address of a namespace that has private and public ones."""
import os
import socket
import struct

import pytest
from support.cluster import ApiServer, Process, free_port, pintle_binary, run, wait_for
from support.netns import own_network

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason='needs root for a network namespace')

POD, STRANGER = '10.42.0.7', '203.0.113.7'
REFUSED = 5


def query(name, kind=1):
    labels = b''.join(bytes([len(part)]) + part.encode() for part in name.split('.'))
    return struct.pack('>HHHHHH', 7, 0x0100, 1, 0, 0, 0) + labels + b'\0' + struct.pack('>HH', kind, 1)


class Dns:
    def __init__(self, server, folder, *flags):
        self.port = free_port()
        self.process = Process([pintle_binary(), 'cluster-dns', f'--kubeconfig={server.kubeconfig}', f'--listen=0.0.0.0:{self.port}', '--upstream=127.0.0.1:1', *flags], folder / 'dns.log')
        wait_for(lambda: self.ask('127.0.0.1', 'kubernetes.default.svc.cluster.local') == 0, 'the first answer', self.process)

    def ask(self, source, name):
        """The reply's code by UDP from that address; None for silence."""
        packet = query(name)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.bind((source, 0))
            s.settimeout(3)
            s.sendto(packet, (source, self.port))
            try:
                reply = s.recv(4096)
            except TimeoutError:
                return None
        code = reply[3] & 15
        if code == REFUSED:
            assert len(reply) <= len(packet), 'a refusal is no larger than what was sent'
        return code

    def answers_tcp(self, source):
        packet = query('kubernetes.default.svc.cluster.local')
        with socket.create_connection((source, self.port), timeout=3, source_address=(source, 0)) as s:
            try:
                s.sendall(struct.pack('>H', len(packet)) + packet)
                return len(s.recv(4096)) > 0
            except ConnectionError:
                return False


@pytest.fixture(scope='module')
def server():
    with own_network():
        for address in (POD, STRANGER):
            run('ip', 'address', 'add', f'{address}/32', 'dev', 'lo')
        with ApiServer(flags=['--authorization-mode=AlwaysAllow']) as s:
            yield s


def test_strangers_are_refused(server, tmp_path):
    """Whoever reached the node was answered, and had other servers asked for him."""
    dns = Dns(server, tmp_path)
    name = 'kubernetes.default.svc.cluster.local'
    assert dns.ask(POD, name) == 0 and dns.answers_tcp(POD)
    assert dns.ask(STRANGER, name) == REFUSED and not dns.answers_tcp(STRANGER)
    assert dns.ask(STRANGER, 'example.com') == REFUSED
    assert dns.process.stop() == 0


def test_the_circle_can_be_named(server, tmp_path):
    dns = Dns(server, tmp_path, f'--allow-from={STRANGER},192.0.2.0/24')
    name = 'kubernetes.default.svc.cluster.local'
    assert dns.ask(STRANGER, name) == 0 and dns.answers_tcp(STRANGER)
    assert dns.ask(POD, name) == REFUSED and not dns.answers_tcp(POD)
    assert dns.process.stop() == 0


def test_one_client_leaves_room(server, tmp_path):
    """A client with every connection he can get: others still are answered by TCP."""
    dns = Dns(server, tmp_path)
    held = []
    try:
        for _ in range(600):
            held.append(socket.create_connection((POD, dns.port), timeout=3, source_address=(POD, 0)))
        assert dns.answers_tcp('127.0.0.1')
    finally:
        for s in held:
            s.close()
    assert dns.process.stop() == 0
