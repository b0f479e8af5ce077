"""Helm 3 and Helm 4: a chart with definitions, hooks, look-ups and tests is installed, upgraded, rolled back, tested, uninstalled."""
import base64
import json
import pathlib
import subprocess

import pytest
from conftest import program
from support.nodes import await_true

CHART = str(pathlib.Path(__file__).resolve().parent / 'charts/shop')


class Helm:
    def __init__(self, binary, cluster, namespace, folder):
        self.binary, self.cluster, self.namespace = binary, cluster, namespace
        self.environment = {'HOME': str(folder), 'PATH': '/usr/bin:/bin', 'KUBECONFIG': cluster.server.kubeconfig}

    def tried(self, *args):
        return subprocess.run([self.binary, '--namespace', self.namespace, *args], capture_output=True, text=True, timeout=180, env=self.environment)

    def __call__(self, *args):
        done = self.tried(*args)
        assert done.returncode == 0, f'helm {" ".join(args)}: {done.stdout}{done.stderr}'
        return done.stdout

    def kubectl(self, *args):
        return self.cluster.kubectl('-n', self.namespace, *args)

    def value(self, kind, name, path):
        return self.kubectl('get', kind, name, '-o', f'jsonpath={{{path}}}')


@pytest.fixture(scope='module', params=['helm3', 'helm4'])
def helm(request, cluster, tmp_path_factory):
    made = Helm(program(request.param), cluster, f'shop-{request.param}', tmp_path_factory.mktemp(request.param))
    yield made
    cluster.kubectl('delete', 'namespace', made.namespace, '--ignore-not-found')
    cluster.kubectl('delete', 'crd', 'discounts.shop.example.com', '--ignore-not-found')


def password(helm):
    return base64.b64decode(helm.value('secret', 'corner-password', '.data.password')).decode()


def hook_log(helm, hook):
    return helm.kubectl('logs', f'job/corner-{hook}').strip()


def test_the_days_of_a_chart(helm):
    printed = helm('install', 'corner', CHART, '--create-namespace', '--wait', '--timeout=120s')
    assert 'corner says hello, revision 1.' in printed
    assert hook_log(helm, 'pre-install') == 'pre-install of revision 1'
    assert helm.value('discount', 'corner', '.spec') == '{"percent":10,"reason":"none given"}'
    assert helm.value('deployment', 'corner', '.status.availableReplicas') == '2'
    first = password(helm)
    assert int(base64.b64decode(helm.value('secret', 'corner-password', '.data.namespaces'))) >= 4

    tested = helm('test', 'corner', '--logs', '--timeout=60s')
    assert 'Succeeded' in tested and 'the shop answers' in tested

    helm('upgrade', 'corner', CHART, '--set=replicas=3,greeting=welcome,discount=25', '--wait', '--timeout=120s')
    assert hook_log(helm, 'post-upgrade') == 'post-upgrade of revision 2'
    assert helm.value('deployment', 'corner', '.status.availableReplicas') == '3'
    assert helm.value('discount', 'corner', '.spec.percent') == '25'
    assert helm.value('configmap', 'corner', '.data.greeting') == 'welcome'
    assert password(helm) == first

    refused = helm.tried('upgrade', 'corner', CHART, '--set=discount=13')
    assert refused.returncode != 0 and 'discounts are multiples of five' in refused.stderr
    failed = helm.tried('upgrade', 'corner', CHART, '--set=failMigration=true', '--wait', '--timeout=60s')
    assert failed.returncode != 0 and 'post-upgrade' in failed.stderr
    history = json.loads(helm('history', 'corner', '-o', 'json'))
    assert [h['status'] for h in history] == ['superseded', 'deployed', 'failed', 'failed']

    helm('rollback', 'corner', '1', '--wait', '--timeout=120s')
    assert hook_log(helm, 'pre-rollback') == 'pre-rollback of revision 1'
    await_true('two replicas', lambda: helm.value('deployment', 'corner', '.status.replicas') == '2')
    assert helm.value('discount', 'corner', '.spec.percent') == '10'
    assert password(helm) == first

    manifest = helm('get', 'manifest', 'corner')
    assert 'kind: Discount' in manifest
    assert [r['name'] for r in json.loads(helm('list', '-o', 'json'))] == ['corner']
    helm('uninstall', 'corner', '--wait', '--timeout=120s')
    assert json.loads(helm('list', '-o', 'json')) == []
    shown = 'deployments,services,secrets,discounts,pods'
    await_true('nothing is left', lambda: helm.kubectl('get', shown, '-l', 'app.kubernetes.io/instance=corner', '-o', 'name') == '')
    assert helm.kubectl('get', 'crd', 'discounts.shop.example.com', '-o', 'name')    # definitions stay, as Helm says


def test_a_chart_is_shown_before_it_is_there(helm):
    """--dry-run=server asks the server about each object and about what lookup finds, and leaves nothing."""
    shown = helm('install', 'maybe', CHART, '--dry-run=server', '--set=discount=20')
    assert 'percent: 20' in shown
    assert helm.kubectl('get', 'deployments', '-o', 'name') == ''
