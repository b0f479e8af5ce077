"""What single components of `pintle server` and `pintle agent` are told: flags, files, pieces of containerd's configuration, a DNS server of
one's own; and `pintle status`, asked from another network namespace."""
import base64
import json
import os
import subprocess

import pytest
from support.cluster import pintle_binary
from support.nodes import NodeCluster, await_true, condition
from support.registry import Registry, build_images

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason='needs root')

PAUSE = 'registry.k8s.io/pause:3.10.2'
BUSYBOX = 'registry.k8s.io/e2e-test-images/busybox:1.37.0-1'
ISSUER = 'https://issuer.example.com'
DNS = '10.43.0.53'

SCHEDULER = """apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
profiles:
- schedulerName: default-scheduler
- schedulerName: other
"""
PROXY = """apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: nftables
healthzBindAddress: 127.0.0.1:10266
clusterCIDR: 10.42.0.0/16
"""
RUNTIME = """[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.sandboxed]
  runtime_type = "io.containerd.runc.v2"
"""


@pytest.fixture(scope='module')
def cluster(tmp_path_factory):
    build_images('basic')
    folder = tmp_path_factory.mktemp('settings')
    (folder / 'scheduler.yaml').write_text(SCHEDULER)
    (folder / 'proxy.yaml').write_text(PROXY)
    pieces = folder / 'containerd.d'
    pieces.mkdir()
    (pieces / '10-sandboxed.toml').write_text(RUNTIME)
    flags = [f'--kube-apiserver-arg=service-account-issuer={ISSUER}', f'--kube-scheduler-arg=config={folder}/scheduler.yaml', f'--kube-proxy-arg=config={folder}/proxy.yaml',
             '--kubelet-arg=max-pods=42', f'--containerd-config-dir={pieces}', '--disable=dns', f'--cluster-dns={DNS}']
    registry = Registry(tmp_path_factory.mktemp('registry'), '10.94.0.1:5000')
    try:
        with NodeCluster(agents=1, registry=registry.url, flags=flags, agent_flags=['--kubelet-arg=max-pods=43'], subnet='10.94.0.0/24',
                         before_start=lambda: registry.start().push([BUSYBOX, PAUSE])) as c:
            yield c
    finally:
        registry.stop()


def test_each_kubelet_has_its_own_flags(cluster):
    capacity = {n['metadata']['name']: n['status']['capacity']['pods'] for n in cluster.kubectl.json('get', 'nodes')['items']}
    assert capacity == {'server': '42', 'agent0': '43'}


def test_tokens_are_of_the_issuer_that_was_named(cluster):
    await_true('the default account', lambda: cluster.kubectl.try_json('get', 'serviceaccount', 'default'))
    payload = cluster.kubectl('create', 'token', 'default').split('.')[1]
    assert json.loads(base64.urlsafe_b64decode(payload + '==='))['iss'] == ISSUER
    assert json.loads(cluster.kubectl('get', '--raw', '/.well-known/openid-configuration'))['issuer'] == ISSUER


def test_a_second_profile_a_further_runtime_and_a_dns_server_of_ones_own(cluster):
    cluster.kubectl.apply({'apiVersion': 'node.k8s.io/v1', 'kind': 'RuntimeClass', 'metadata': {'name': 'sandboxed'}, 'handler': 'sandboxed'})
    cluster.kubectl.apply({'apiVersion': 'v1', 'kind': 'Pod', 'metadata': {'name': 'p'},
                           'spec': {'schedulerName': 'other', 'runtimeClassName': 'sandboxed', 'nodeSelector': {'kubernetes.io/hostname': 'server'},
                                    'containers': [{'name': 'c', 'image': BUSYBOX, 'command': ['sleep', '1000']}]}})
    await_true('the pod Ready', lambda: condition(cluster.kubectl.json('get', 'pod', 'p'), 'Ready') == 'True')
    assert f'nameserver {DNS}' in cluster.kubectl('exec', 'p', '--', 'cat', '/etc/resolv.conf')
    assert cluster.kubectl.try_json('-n', 'kube-system', 'get', 'service', 'kube-dns') is None
    assert 'sandboxed' in cluster.server.ctr('containers', 'list') or 'sandboxed' in (cluster.server.data / 'containerd/config.toml').read_text()


def test_the_proxy_has_its_file(cluster):
    answer = subprocess.run(cluster.server.command('curl', '-s', '-o', '/dev/null', '-w', '%{http_code}', 'http://127.0.0.1:10266/healthz'), capture_output=True, text=True)
    assert answer.stdout == '200'


def test_status_asks_where_the_node_lives(cluster):
    done = subprocess.run([pintle_binary(), 'status', f'--data-dir={cluster.agents[0].data}'], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and 'UNHEALTHY' not in done.stdout, done.stdout + done.stderr
    assert {line.split('  ')[0] for line in done.stdout.splitlines()} >= {'pintle agent', 'containerd', 'kubelet', 'kube-proxy'}


@pytest.mark.parametrize('flag, message', [
    ('--kube-apiserver-arg=secure-port=1', '--kube-apiserver-arg: secure-port is settled by pintle server itself'),
    ('--kubelet-arg=max-pods=many', '--kubelet-arg: invalid argument "many" for --max-pods'),
    ('--kube-scheduler-arg=config=/none', '--kube-scheduler-arg: '),
    ('--kube-proxy-arg=proxy-mode=ipvs', '--kube-proxy-arg: '),
])
def test_mistakes_are_told_before_anything_is_made(tmp_path, flag, message):
    done = subprocess.run([pintle_binary(), 'server', f'--data-dir={tmp_path}/data', flag], capture_output=True, text=True, timeout=30)
    assert done.returncode == 1 and done.stderr.startswith(f'pintle server: {message}') and len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert not (tmp_path / 'data').exists()
