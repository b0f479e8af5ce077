"""The cluster's DNS with dig: names of services, endpoints and pods, by UDP and TCP, and what is forwarded to whom."""
import json
import re
import shutil
import socket
import struct
import subprocess
import threading

import pytest
from support.cluster import ApiServer, Process, free_port, pintle_binary, wait_for

pytestmark = pytest.mark.skipif(not shutil.which('dig'), reason='needs dig (bind9-dnsutils)')


class Upstream:
    """A DNS server that answers each A question with 192.0.2.7, names below "gone." with NXDOMAIN; counts the questions."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(('127.0.0.1', 0))
        self.address = f'127.0.0.1:{self.socket.getsockname()[1]}'
        self.asked = []
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            packet, client = self.socket.recvfrom(4096)
            at, labels = 12, []
            while packet[at]:
                labels.append(packet[at + 1:at + 1 + packet[at]].decode())
                at += 1 + packet[at]
            self.asked.append('.'.join(labels))
            gone = labels[-1] == 'gone'
            head = packet[:2] + struct.pack('>HHHHH', 0x8180 | (3 if gone else 0), 1, 0 if gone else 1, 0, 0)
            answer = b'' if gone else b'\xc0\x0c' + struct.pack('>HHIH', 1, 1, 300, 4) + bytes([192, 0, 2, 7])
            self.socket.sendto(head + packet[12:at + 5] + answer, client)


OBJECTS = [
    {'apiVersion': 'v1', 'kind': 'Namespace', 'metadata': {'name': 'shop'}},
    {'apiVersion': 'v1', 'kind': 'Service', 'metadata': {'name': 'web', 'namespace': 'shop'},
     'spec': {'clusterIP': '10.96.0.77', 'ports': [{'name': 'http', 'port': 80}]}},
    {'apiVersion': 'v1', 'kind': 'Service', 'metadata': {'name': 'db', 'namespace': 'shop'}, 'spec': {'clusterIP': 'None', 'ports': [{'name': 'sql', 'port': 5432}]}},
    {'apiVersion': 'v1', 'kind': 'Service', 'metadata': {'name': 'outside', 'namespace': 'shop'}, 'spec': {'type': 'ExternalName', 'externalName': 'www.example.com'}},
    {'apiVersion': 'discovery.k8s.io/v1', 'kind': 'EndpointSlice', 'metadata': {'name': 'db-1', 'namespace': 'shop', 'labels': {'kubernetes.io/service-name': 'db'}},
     'addressType': 'IPv4', 'ports': [{'name': 'sql', 'port': 5432, 'protocol': 'TCP'}],
     'endpoints': [{'addresses': ['10.42.0.5'], 'hostname': 'db-0', 'conditions': {'ready': True}}, {'addresses': ['10.42.0.6'], 'conditions': {'ready': False}}]},
]


@pytest.fixture(scope='module')
def dns(tmp_path_factory):
    folder = tmp_path_factory.mktemp('dns')
    upstream, stub = Upstream(), Upstream()
    server = ApiServer(flags=['--authorization-mode=AlwaysAllow'])
    with server:
        server.kubectl('create', 'namespace', 'shop', check=False)
        server.kubectl('apply', '-f', '-', stdin=json.dumps({'apiVersion': 'v1', 'kind': 'List', 'items': OBJECTS}))
        port, status = free_port(), free_port()
        process = Process([pintle_binary(), 'cluster-dns', f'--kubeconfig={server.kubeconfig}', f'--listen=127.0.0.1:{port}', f'--upstream={upstream.address}',
                           f'--stub-domain=corp={stub.address}', '--nameserver=10.96.0.10', f'--metrics-listen=127.0.0.1:{status}'], folder / 'dns.log')

        class Dns:
            pass
        dns = Dns()
        dns.server, dns.upstream, dns.stub, dns.process, dns.status = server, upstream, stub, process, f'http://127.0.0.1:{status}'

        def dig(*args):
            return subprocess.run(['dig', '@127.0.0.1', '-p', str(port), '+tries=1', '+timeout=6', *args], capture_output=True, text=True).stdout
        dns.dig = dig
        dns.short = lambda *args: sorted(dig('+short', *args).split('\n')[:-1])
        try:
            wait_for(lambda: dns.short('web.shop.svc.cluster.local') == ['10.96.0.77'], 'the first answer', process)
            yield dns
        finally:
            assert process.stop() == 0


def status_of(text):
    return re.search(r'status: (\w+)', text).group(1)


def flags_of(text):
    return re.search(r'flags: ([a-z ]+);', text).group(1).split()


def test_services(dns):
    answer = dns.dig('web.shop.svc.cluster.local')
    assert status_of(answer) == 'NOERROR' and 'aa' in flags_of(answer)
    assert dns.short('WEB.shop.SVC.cluster.local', '+tcp') == ['10.96.0.77']
    assert dns.short('db.shop.svc.cluster.local') == ['10.42.0.5']
    assert dns.short('db-0.db.shop.svc.cluster.local') == ['10.42.0.5']
    assert dns.short('_sql._tcp.db.shop.svc.cluster.local', 'SRV') == ['0 100 5432 db-0.db.shop.svc.cluster.local.']
    assert dns.short('_http._tcp.web.shop.svc.cluster.local', 'SRV') == ['0 100 80 web.shop.svc.cluster.local.']
    assert dns.short('kubernetes.default.svc.cluster.local') == ['10.96.0.1']
    assert dns.short('-x', '10.96.0.77') == ['web.shop.svc.cluster.local.']
    assert dns.short('-x', '10.42.0.5') == ['db-0.db.shop.svc.cluster.local.']
    assert dns.short('10-42-0-9.shop.pod.cluster.local') == ['10.42.0.9']
    assert dns.short('dns-version.cluster.local', 'TXT') == ['"1.1.0"']
    assert dns.short('cluster.local', 'NS') == ['ns.dns.cluster.local.']


def test_absent_names(dns):
    for name, kind, status in (('none.shop.svc.cluster.local', 'A', 'NXDOMAIN'), ('web.shop.svc.cluster.local', 'AAAA', 'NOERROR'),
                               ('web.none.svc.cluster.local', 'A', 'NXDOMAIN'), ('shop.svc.cluster.local', 'A', 'NOERROR')):
        answer = dns.dig(name, kind)
        assert status_of(answer) == status, name
        assert re.search(r'^cluster\.local\.\s+30\s+IN\s+SOA\s+ns\.dns\.cluster\.local\. hostmaster\.cluster\.local\. \d+ 7200 1800 86400 30$', answer, re.M), answer


def test_changes_show(dns):
    dns.server.kubectl('patch', 'endpointslice', 'db-1', '-n', 'shop', '--type=json', '-p', '[{"op":"replace","path":"/endpoints/1/conditions/ready","value":true}]')
    wait_for(lambda: dns.short('db.shop.svc.cluster.local') == ['10.42.0.5', '10.42.0.6'], 'the second endpoint')
    dns.server.kubectl('create', 'service', 'externalname', 'later', '-n', 'shop', '--external-name=web.shop.svc.cluster.local')
    wait_for(lambda: dns.short('later.shop.svc.cluster.local') == ['10.96.0.77', 'web.shop.svc.cluster.local.'], 'the new name')
    dns.server.kubectl('delete', 'service', 'later', '-n', 'shop')
    wait_for(lambda: status_of(dns.dig('later.shop.svc.cluster.local')) == 'NXDOMAIN', 'its end')


def test_forwarding(dns):
    assert dns.short('www.example.com') == ['192.0.2.7']
    assert dns.short('www.example.com') == ['192.0.2.7']
    assert dns.upstream.asked.count('www.example.com') == 1
    assert status_of(dns.dig('nobody.gone')) == 'NXDOMAIN'
    assert dns.short('host.corp') == ['192.0.2.7']
    assert dns.stub.asked == ['host.corp'] and 'host.corp' not in dns.upstream.asked
    assert dns.short('outside.shop.svc.cluster.local') == ['192.0.2.7', 'www.example.com.']
    assert dns.short('outside.shop.svc.cluster.local', 'CNAME') == ['www.example.com.']
    assert not [name for name in dns.upstream.asked if name.endswith('cluster.local')]


def test_long_answers(dns):
    endpoints = [{'addresses': [f'10.43.{i // 250}.{i % 250}'], 'conditions': {'ready': True}} for i in range(600)]
    many = [{'apiVersion': 'v1', 'kind': 'Service', 'metadata': {'name': 'many', 'namespace': 'shop'}, 'spec': {'clusterIP': 'None'}},
            {'apiVersion': 'discovery.k8s.io/v1', 'kind': 'EndpointSlice', 'metadata': {'name': 'many-1', 'namespace': 'shop', 'labels': {'kubernetes.io/service-name': 'many'}},
             'addressType': 'IPv4', 'endpoints': endpoints}]
    dns.server.kubectl('create', '-f', '-', stdin=json.dumps({'apiVersion': 'v1', 'kind': 'List', 'items': many}))
    name = 'many.shop.svc.cluster.local'
    wait_for(lambda: len(dns.short(name)) == 600, 'all of them by TCP, as dig falls back to it')
    answer = dns.dig(name, '+ignore', '+bufsize=1232')
    assert 'tc' in flags_of(answer)
    assert 60 < answer.count('10.43.') < 100


def test_status_pages(dns):
    import urllib.request
    assert urllib.request.urlopen(f'{dns.status}/ready').read() == b'OK'
    page = urllib.request.urlopen(f'{dns.status}/metrics').read().decode()
    assert re.search(r'coredns_dns_requests_total\{.*proto="udp".*type="A"\} \d+', page)
    assert re.search(r'coredns_dns_responses_total\{.*rcode="NXDOMAIN".*\} \d+', page)


def test_nonsense_costs_nothing(dns):
    target = ('127.0.0.1', int(re.search(r'listen=127.0.0.1:(\d+)', ' '.join(dns.process.args)).group(1)))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        for packet in (b'', b'x', b'\0' * 12, b'\xff' * 600, struct.pack('>HHHHHH', 1, 0x0100, 1, 0, 0, 0) + b'\xc0\x0c' + b'\0\1\0\1'):
            s.sendto(packet, target)
    with socket.create_connection(target) as s:
        s.sendall(b'\xff\xff' + b'x' * 100)
    assert dns.short('web.shop.svc.cluster.local') == ['10.96.0.77']
