"""Upstream's sample-apiserver behind this API server, unmodified: it learns from the ConfigMap whom to believe, asks this server what clients may do, and keeps
its objects in an etcd of its own. build/peers has it: test/peers/build."""
import contextlib
import json
import os
import subprocess

import pytest
import yaml

from support.aggregated import api_service, endpoint_slice, front_proxy_flags, namespace, service_object
from support.cluster import ROOT, ApiServer, Process, free_port, kubectl_binary, run, wait_for
from support.netns import own_network

ADDRESS = '203.0.113.10'
GROUP = 'wardle.example.com'
PEERS = ROOT / 'build/peers'

pytestmark = pytest.mark.skipif(not ((PEERS / 'sample-apiserver').exists() and (PEERS / 'etcd').exists()), reason='build/peers has no sample-apiserver: test/peers/build build/peers sample-apiserver etcd')


class Sample:
    """The sample server's processes, and the objects that lead to it."""

    def __init__(self, server, stack):
        self.server, self.port = server, free_port()
        pki, folder = server.pki, server.folder
        pki.issue('sample-serving', '/CN=sample', 'subjectAltName=DNS:backend.aggregated.svc\nextendedKeyUsage=serverAuth')
        client, peer = free_port(), free_port()
        url = f'http://127.0.0.1:{client}'
        etcd = Process([str(PEERS / 'etcd'), '--data-dir', f'{folder}/sample-etcd', '--listen-client-urls', url, '--advertise-client-urls', url, '--listen-peer-urls', f'http://127.0.0.1:{peer}',
                        '--initial-advertise-peer-urls', f'http://127.0.0.1:{peer}', '--initial-cluster', f'default=http://127.0.0.1:{peer}'], folder / 'sample-etcd.log')
        stack.callback(etcd.stop)
        self.process = Process([str(PEERS / 'sample-apiserver'), f'--etcd-servers={url}', f'--secure-port={self.port}', f'--bind-address={ADDRESS}', f'--tls-cert-file={pki.path("sample-serving.crt")}',
                                f'--tls-private-key-file={pki.path("sample-serving.key")}', *(f'--{name}kubeconfig={server.kubeconfig}' for name in ('', 'authentication-', 'authorization-'))],
                               folder / 'sample.log')
        stack.callback(self.process.stop)

    def objects(self):
        return yaml.safe_dump_all([namespace('aggregated'), service_object('aggregated', 'backend'), self.slice(),
                                   *(api_service(self.server.pki, GROUP, version, 'aggregated', 'backend') for version in ('v1alpha1', 'v1beta1'))])

    def slice(self):
        return endpoint_slice('aggregated', 'backend', ADDRESS, self.port)


@pytest.fixture(scope='module')
def world():
    with own_network(), contextlib.ExitStack() as stack:
        run('ip', 'addr', 'add', f'{ADDRESS}/32', 'dev', 'lo')
        server = ApiServer(upstream=os.environ.get('PEERS'))
        server.flags += [*front_proxy_flags(server.pki)[1], '--enable-aggregator-routing=true']
        stack.enter_context(server)
        sample = Sample(server, stack)
        server.kubectl('create', '-f', '-', stdin=sample.objects())

        def available():
            services = json.loads(server.kubectl('get', 'apiservices', f'v1alpha1.{GROUP}', f'v1beta1.{GROUP}', '-o', 'json'))['items']
            return all(c['status'] == 'True' for s in services for c in s['status']['conditions']) and all(s['status'].get('conditions') for s in services)
        wait_for(available, 'both versions available', sample.process, timeout_s=120)
        yield sample
        if not server.upstream:
            server.check_held()


def flunder(name, version='v1alpha1', **spec):
    spec['referenceType'] = 'Flunder'
    return json.dumps({'apiVersion': f'{GROUP}/{version}', 'kind': 'Flunder', 'metadata': {'name': name, 'labels': {'sample': 'yes'}}, 'spec': spec})


def test_flunders(world):
    kubectl = world.server.kubectl
    kubectl('create', '-f', '-', stdin=flunder('one', reference='x'))
    assert json.loads(kubectl('get', f'flunders.v1alpha1.{GROUP}', 'one', '-o', 'json'))['spec']['reference'] == 'x'
    assert json.loads(kubectl('get', 'flunders', 'one', '-o', 'json'))['spec'] == {'flunderReference': 'x', 'referenceType': 'Flunder'}, 'the preferred version'
    assert kubectl('get', 'flunders.v1beta1.wardle.example.com', '-A', '--no-headers').split()[:2] == ['default', 'one']
    kubectl('patch', 'flunder', 'one', '--type=merge', '-p', '{"spec":{"flunderReference":"y"}}')
    kubectl('annotate', 'flunder', 'one', 'a=b')
    kubectl('label', 'flunder', 'one', 'sample=still', '--overwrite')
    kubectl('apply', '--server-side', '-f', '-', stdin=flunder('applied', reference='z'))
    assert kubectl('get', 'flunders', '-l', 'sample=still', '-o', 'name') == f'flunder.{GROUP}/one\n'
    kubectl('delete', 'flunders', '--all')
    assert kubectl('get', 'flunders', '-o', 'name') == ''


def test_what_it_refuses_is_refused(world):
    kubectl = world.server.kubectl
    kubectl('create', '-f', '-', stdin=json.dumps({'apiVersion': f'{GROUP}/v1alpha1', 'kind': 'Fischer', 'metadata': {'name': 'strict'}, 'disallowedFlunders': ['banned']}))
    refused = lambda: kubectl('create', '-f', '-', stdin=flunder('banned', reference='x'), check=False)  # noqa: E731

    def is_refused():
        done = refused()
        if done.returncode == 0:
            kubectl('delete', 'flunder', 'banned')
        return done.returncode != 0 and 'this name may not be used, please change the resource name' in done.stderr
    wait_for(is_refused, 'the fischer counts')
    assert 'Invalid value' in kubectl('create', '-f', '-', stdin=flunder('Bad_Name'), check=False).stderr
    kubectl('delete', 'fischer', 'strict')


def test_watch(world):
    env = {'KUBECONFIG': world.server.kubeconfig, 'HOME': str(world.server.folder)}
    watch = subprocess.Popen([kubectl_binary(), 'get', 'flunders', '--watch', '-o', 'name'], stdout=subprocess.PIPE, text=True, env=env)
    try:
        for i in range(3):
            world.server.kubectl('create', '-f', '-', stdin=flunder(f'w{i}', reference='x'))
            assert watch.stdout.readline() == f'flunder.{GROUP}/w{i}\n'
    finally:
        watch.terminate()
        watch.wait(10)
        world.server.kubectl('delete', 'flunders', '--all')


def test_discovery_and_explain(world):
    kubectl = world.server.kubectl
    assert {line.split()[0] for line in kubectl('api-resources', f'--api-group={GROUP}', '--no-headers').splitlines()} == {'fischers', 'flunders'}
    wait_for(lambda: 'FlunderSpec' in kubectl('explain', 'flunder', f'--api-version={GROUP}/v1alpha1'), 'OpenAPI of the sample server', timeout_s=90)
    assert 'reference' in kubectl('explain', 'flunder.spec', f'--api-version={GROUP}/v1alpha1')


def test_rights_are_this_servers(world):
    kubectl = world.server.kubectl
    assert 'cannot list resource "flunders"' in kubectl('get', 'flunders', '--as=jane', check=False).stderr
    kubectl('create', 'clusterrole', 'reads-flunders', '--verb=get,list', f'--resource=flunders.{GROUP}')
    kubectl('create', 'clusterrolebinding', 'jane-reads-flunders', '--clusterrole=reads-flunders', '--user=jane')
    wait_for(lambda: kubectl('get', 'flunders', '--as=jane', check=False).returncode == 0, 'the rights of jane', timeout_s=30)
    assert 'cannot create resource "flunders"' in kubectl('create', '-f', '-', '--as=jane', '--validate=false', stdin=flunder('x'), check=False).stderr


def test_gone_and_back(world):
    """While it is down its group is stale and every other is served."""
    kubectl = world.server.kubectl
    kubectl('-n', 'aggregated', 'delete', 'endpointslice', 'backend-1')
    wait_for(lambda: 'EndpointsNotFound' in kubectl('get', 'apiservice', f'v1alpha1.{GROUP}'), 'it is unavailable')
    done = kubectl('get', 'flunders', check=False)
    assert done.returncode != 0 and kubectl('get', 'namespaces', '-o', 'name').count('namespace/') >= 4
    kubectl('create', '-f', '-', stdin=yaml.safe_dump(world.slice()))
    wait_for(lambda: kubectl('get', 'flunders', check=False).returncode == 0, 'it is back', timeout_s=60)
