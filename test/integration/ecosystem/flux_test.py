"""Flux's source and kustomize controllers from their own manifests: what a git repository says is applied, kept so, and pruned."""
import shutil

import pytest
import yaml
from conftest import program
from support.git_server import GitServer
from support.go_module import module_folder
from support.nodes import await_true, condition
from support.program_image import push_program

NAMESPACE, TARGET = 'flux-system', 'fleet'
DEFINITION = {'apiVersion': 'apiextensions.k8s.io/v1', 'kind': 'CustomResourceDefinition', 'metadata': {'name': 'ships.fleet.example.com'}, 'spec': {
    'group': 'fleet.example.com', 'scope': 'Namespaced', 'names': {'plural': 'ships', 'singular': 'ship', 'kind': 'Ship'}, 'versions': [
        {'name': 'v1', 'served': True, 'storage': True, 'schema': {'openAPIV3Schema': {'type': 'object', 'properties': {'spec': {'type': 'object', 'properties': {
            'masts': {'type': 'integer', 'maximum': 5}, 'name': {'type': 'string'}}}}}}}]}}
SHIP = {'apiVersion': 'fleet.example.com/v1', 'kind': 'Ship', 'metadata': {'name': 'flag'}, 'spec': {'masts': 3, 'name': '${owner}'}}
WEB = {'apiVersion': 'apps/v1', 'kind': 'Deployment', 'metadata': {'name': 'web'}, 'spec': {'selector': {'matchLabels': {'app': 'web'}}, 'template': {
    'metadata': {'labels': {'app': 'web'}}, 'spec': {'terminationGracePeriodSeconds': 0, 'containers': [
        {'name': 'web', 'image': 'busybox:1.36', 'command': ['sleep', '1000'], 'envFrom': [{'configMapRef': {'name': 'settings'}}]}]}}}}


def kustomization(*resources):
    return yaml.safe_dump({'apiVersion': 'kustomize.config.k8s.io/v1beta1', 'kind': 'Kustomization', 'namespace': TARGET, 'resources': list(resources),
                           'configMapGenerator': [{'name': 'settings', 'literals': ['level=info']}]})


def config_map(name, **data):
    return yaml.safe_dump({'apiVersion': 'v1', 'kind': 'ConfigMap', 'metadata': {'name': name}, 'data': data})


class Flux:
    def __init__(self, cluster, git):
        self.cluster, self.git = cluster, git

    def get(self, kind, name, namespace=TARGET):
        return self.cluster.kubectl.try_json('-n', namespace, 'get', '--show-managed-fields', kind, name)

    def kustomization(self, name, **spec):
        self.cluster.kubectl.apply({'apiVersion': 'kustomize.toolkit.fluxcd.io/v1', 'kind': 'Kustomization', 'metadata': {'name': name, 'namespace': NAMESPACE}, 'spec': {
            'interval': '10m', 'retryInterval': '2s', 'timeout': '60s', 'prune': True, 'wait': True, 'sourceRef': {'kind': 'GitRepository', 'name': 'fleet'}, **spec}})

    def await_applied(self, commit, name='fleet'):
        def applied():
            status = self.get('kustomization', name, NAMESPACE)['status']
            assert condition({'status': status}, 'Ready') == 'True' and status.get('lastAppliedRevision') == f'main@sha1:{commit}', status.get('conditions')
            return True
        await_true(f'{name} has applied {commit}', applied, timeout_s=60)

    def ready(self, name):
        return next((c for c in self.get('kustomization', name, NAMESPACE).get('status', {}).get('conditions', []) if c['type'] == 'Ready'), {})


@pytest.fixture(scope='module')
def flux(cluster, tmp_path_factory):
    overlay, resources = tmp_path_factory.mktemp('flux'), []
    for kind in ('source', 'kustomize'):
        folder = module_folder(f'flux-{kind}', f'github.com/fluxcd/{kind}-controller')
        push_program(cluster.registry, f'docker.io/fluxcd/{kind}-controller:{folder.name.rpartition("@")[2]}', program(f'flux-{kind}-controller'), at=f'/usr/local/bin/{kind}-controller')
        shutil.copytree(folder / 'config', overlay / kind)
        resources += [f'{kind}/{part}' for part in ('crd', 'rbac', 'manager')]
    (overlay / 'kustomization.yaml').write_text(yaml.safe_dump({'apiVersion': 'kustomize.config.k8s.io/v1beta1', 'kind': 'Kustomization', 'namespace': NAMESPACE, 'resources': resources}))
    manifests = cluster.kubectl('kustomize', str(overlay))
    for namespace in (NAMESPACE, TARGET):
        cluster.kubectl('create', 'namespace', namespace)
    cluster.kubectl('apply', '--server-side', '-f', '-', input=manifests)
    for kind in ('source', 'kustomize'):
        cluster.kubectl('-n', NAMESPACE, 'rollout', 'status', f'deployment/{kind}-controller', '--timeout=90s')
    with GitServer(tmp_path_factory.mktemp('git'), cluster.network.host_ip) as git:
        yield Flux(cluster, git)
        for kind in ('kustomizations', 'gitrepositories'):
            cluster.kubectl('-n', NAMESPACE, 'delete', kind, '--all', '--timeout=60s')
    cluster.kubectl('delete', '-f', '-', input=manifests)
    cluster.kubectl('delete', 'namespace', NAMESPACE, TARGET)


@pytest.fixture(scope='module')
def fleet(flux):
    """The repository, synced once."""
    flux.commit = flux.git.commit('the fleet', {'app/kustomization.yaml': kustomization('web.yaml', 'ship.yaml', 'definition.yaml', 'old.yaml'), 'app/web.yaml': yaml.safe_dump(WEB),
                                                'app/definition.yaml': yaml.safe_dump(DEFINITION), 'app/ship.yaml': yaml.safe_dump(SHIP), 'app/old.yaml': config_map('old', a='1')})
    flux.cluster.kubectl('-n', NAMESPACE, 'create', 'configmap', 'facts', '--from-literal=owner=nelson')
    flux.cluster.kubectl.apply({'apiVersion': 'source.toolkit.fluxcd.io/v1', 'kind': 'GitRepository', 'metadata': {'name': 'fleet', 'namespace': NAMESPACE},
                                'spec': {'interval': '2s', 'url': flux.git.url, 'ref': {'branch': 'main'}}})
    flux.kustomization('fleet', path='./app', postBuild={'substituteFrom': [{'kind': 'ConfigMap', 'name': 'facts'}]})
    flux.await_applied(flux.commit)
    return flux


def test_a_commit_is_applied(fleet):
    """The definition before its objects, and health awaited."""
    assert fleet.get('ship', 'flag')['spec'] == {'masts': 3, 'name': 'nelson'}
    web = fleet.get('deployment', 'web')
    assert web['status']['availableReplicas'] == 1 and web['metadata']['labels']['kustomize.toolkit.fluxcd.io/name'] == 'fleet'
    assert {f['manager'] for f in web['metadata']['managedFields'] if f['operation'] == 'Apply'} == {'kustomize-controller'}
    source = fleet.get('gitrepository', 'fleet', NAMESPACE)
    assert source['status']['artifact']['revision'] == f'main@sha1:{fleet.commit}' and condition(source, 'ArtifactInStorage') == 'True'
    entries = {e['id'] for e in fleet.get('kustomization', 'fleet', NAMESPACE)['status']['inventory']['entries']}
    assert {'fleet_web_apps_Deployment', 'fleet_flag_fleet.example.com_Ship', '_ships.fleet.example.com_apiextensions.k8s.io_CustomResourceDefinition'} < entries and len(entries) == 5
    assert 'ReconciliationSucceeded' in fleet.cluster.kubectl('-n', NAMESPACE, 'events', '--for=kustomization/fleet')
    shown = fleet.cluster.kubectl('-n', NAMESPACE, 'get', 'kustomization', 'fleet', '--no-headers').split()
    assert shown[2] == 'True' and shown[-1] == f'main@sha1:{fleet.commit}'


def test_a_new_commit_changes_and_prunes(fleet):
    changed = {**SHIP, 'spec': {'masts': 4}}
    commit = fleet.git.commit('one mast more, nothing old', {'app/ship.yaml': yaml.safe_dump(changed), 'app/kustomization.yaml': kustomization('web.yaml', 'ship.yaml', 'definition.yaml', 'new.yaml'),
                                                             'app/old.yaml': None, 'app/new.yaml': config_map('new', b='2')})
    fleet.await_applied(commit)
    assert fleet.get('ship', 'flag')['spec'] == {'masts': 4}, 'a field that the repository gave up is removed'
    assert fleet.get('configmap', 'old') is None and fleet.get('configmap', 'new')['data'] == {'b': '2'}


def test_drift_is_corrected(fleet):
    kubectl = fleet.cluster.kubectl
    kubectl('-n', TARGET, 'patch', 'ship', 'flag', '--type=merge', '-p', '{"spec":{"masts":1}}')
    kubectl('-n', TARGET, 'delete', 'configmap', 'new')
    kubectl('-n', NAMESPACE, 'annotate', 'kustomization', 'fleet', 'reconcile.fluxcd.io/requestedAt=now', '--overwrite')
    await_true('the ship is as committed', lambda: fleet.get('ship', 'flag')['spec']['masts'] == 4)
    await_true('the map is back', lambda: fleet.get('configmap', 'new'))


def test_what_the_server_refuses_is_told(fleet):
    """A dry run fails, nothing is applied, and the next commit mends it."""
    broken = fleet.git.commit('too many masts', {'app/ship.yaml': yaml.safe_dump({**SHIP, 'spec': {'masts': 9}}), 'app/new.yaml': config_map('new', b='3')})
    await_true('the refusal is told', lambda: 'spec.masts in body should be less than or equal to 5' in fleet.ready('fleet').get('message', ''))
    assert fleet.ready('fleet')['status'] == 'False' and fleet.get('kustomization', 'fleet', NAMESPACE)['status']['lastAttemptedRevision'].endswith(broken)
    assert fleet.get('ship', 'flag')['spec'] == {'masts': 4}
    fleet.await_applied(fleet.git.commit('five', {'app/ship.yaml': yaml.safe_dump({**SHIP, 'spec': {'masts': 5}})}))
    assert fleet.get('ship', 'flag')['spec'] == {'masts': 5} and fleet.get('configmap', 'new')['data'] == {'b': '3'}


def test_a_tenant_has_its_own_rights(fleet):
    """The controller impersonates the service account that a Kustomization names."""
    kubectl = fleet.cluster.kubectl
    commit = fleet.git.commit('a tenant', {'tenant/map.yaml': config_map('theirs', c='3')})
    kubectl('-n', NAMESPACE, 'create', 'serviceaccount', 'tenant')
    fleet.kustomization('tenant', path='./tenant', targetNamespace=TARGET, serviceAccountName='tenant')
    await_true('it may not', lambda: f'User "system:serviceaccount:{NAMESPACE}:tenant" cannot patch resource "configmaps"' in fleet.ready('tenant').get('message', ''))
    kubectl('-n', TARGET, 'create', 'rolebinding', 'tenant', '--clusterrole=admin', f'--serviceaccount={NAMESPACE}:tenant')
    fleet.await_applied(commit, 'tenant')
    assert fleet.get('configmap', 'theirs')['data'] == {'c': '3'}


def test_the_end_of_a_kustomization(fleet):
    """Its finalizer removes all that it had applied, as an impersonated tenant and as itself."""
    fleet.cluster.kubectl('-n', NAMESPACE, 'delete', 'kustomizations', '--all', '--timeout=60s')
    for kind, name in (('configmap', 'theirs'), ('configmap', 'new'), ('deployment', 'web'), ('crd', 'ships.fleet.example.com')):
        await_true(f'{kind} {name} is gone', lambda kind=kind, name=name: fleet.get(kind, name) is None)
