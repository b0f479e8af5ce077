"""kubectl as people use it, unmodified, against a running API server without controllers."""
import json
import re
import subprocess
import threading

import pytest
import yaml

from support.cluster import kubectl_binary

DEPLOYMENT = '''
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels: {app: web}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: nginx:1.27
        ports: [{containerPort: 80}]
'''
CONFIG = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {level: info, port: "8001"}\n'


def pod(name='p', **spec):
    return {'apiVersion': 'v1', 'kind': 'Pod', 'metadata': {'name': name, 'labels': {'app': name}}, 'spec': {'containers': [{'name': 'c', 'image': 'busybox'}], **spec}}


def test_apply_creates_then_changes_then_leaves_alone(ns):
    assert ns.apply(DEPLOYMENT) == 'deployment.apps/web created\n'
    assert ns.apply(DEPLOYMENT) == 'deployment.apps/web unchanged\n'
    assert ns.apply(DEPLOYMENT.replace('replicas: 3', 'replicas: 5')) == 'deployment.apps/web configured\n'
    got = ns.json('get', 'deployment', 'web')
    assert got['spec']['replicas'] == 5 and got['metadata']['generation'] == 2
    assert got['spec']['strategy'] == {'type': 'RollingUpdate', 'rollingUpdate': {'maxUnavailable': '25%', 'maxSurge': '25%'}}


def test_apply_removes_what_was_dropped(ns):
    ns.apply(CONFIG)
    ns.apply(CONFIG.replace('level: info, ', ''))
    assert ns.json('get', 'configmap', 'settings')['data'] == {'port': '8001'}


def test_get_in_every_output_form(ns):
    ns.apply(CONFIG)
    table = ns.kubectl('get', 'configmap')
    assert re.search(r'^NAME +DATA +AGE\nsettings +2 +\d+s\n$', table), table
    assert ns.kubectl('get', 'cm', '--no-headers', '-o', 'custom-columns=N:.metadata.name,L:.data.level') == 'settings   info\n'
    assert ns.kubectl('get', 'cm', 'settings', '-o', 'name') == 'configmap/settings\n'
    assert ns.kubectl('get', 'cm', 'settings', '-o', 'jsonpath={.data.port}') == '8001'
    assert ns.kubectl('get', 'cm', 'settings', '-o', 'go-template={{.data.level}}') == 'info'
    assert yaml.safe_load(ns.kubectl('get', 'cm', 'settings', '-o', 'yaml'))['data'] == {'level': 'info', 'port': '8001'}
    wide = ns.kubectl('get', 'cm', '-o', 'wide', '--show-labels')
    assert wide.splitlines()[0].split() == ['NAME', 'DATA', 'AGE', 'LABELS']


def test_get_pods_table(ns):
    ns.apply(pod('a'), pod('b', nodeName='n1'))
    lines = ns.kubectl('get', 'pods').splitlines()
    assert lines[0].split() == ['NAME', 'READY', 'STATUS', 'RESTARTS', 'AGE']
    assert lines[1].split()[:4] == ['a', '0/1', 'Pending', '0']
    wide = ns.kubectl('get', 'pods', '-o', 'wide').splitlines()
    assert wide[0].split() == ['NAME', 'READY', 'STATUS', 'RESTARTS', 'AGE', 'IP', 'NODE', 'NOMINATED', 'NODE', 'READINESS', 'GATES']
    assert wide[2].split()[6] == 'n1'


def test_get_all_and_several_kinds(ns):
    ns.apply(DEPLOYMENT, CONFIG)
    assert 'deployment.apps/web' in ns.kubectl('get', 'all')
    assert set(ns.kubectl('get', 'deploy,cm', '-o', 'name').split()) == {'deployment.apps/web', 'configmap/settings'}


def test_selectors(ns):
    ns.apply(pod('a'), pod('b', nodeName='n1'), pod('c'))
    assert ns.kubectl('get', 'pods', '-l', 'app in (a,c)', '-o', 'name').split() == ['pod/a', 'pod/c']
    assert ns.kubectl('get', 'pods', '--field-selector', 'spec.nodeName=n1', '-o', 'name').split() == ['pod/b']
    assert ns.kubectl('get', 'pods', '--field-selector', 'metadata.name!=b', '-o', 'name').split() == ['pod/a', 'pod/c']


def test_chunked_list_has_every_object(ns):
    ns.apply(*({'apiVersion': 'v1', 'kind': 'ConfigMap', 'metadata': {'name': f'c{i:02}'}} for i in range(25)))
    assert len(ns.kubectl('get', 'cm', '--chunk-size=7', '-o', 'name').split()) == 25


def test_describe(ns):
    ns.apply(DEPLOYMENT, CONFIG, pod())
    assert re.search(r'Replicas: +3 desired', ns.kubectl('describe', 'deployment', 'web'))
    assert 'level:\n----\ninfo' in ns.kubectl('describe', 'cm', 'settings')
    assert re.search(r'Status: +Pending', ns.kubectl('describe', 'pod', 'p'))


def test_explain(server):
    text = server.kubectl('explain', 'deployment.spec.strategy')
    assert 'FIELD: strategy <DeploymentStrategy>' in text and 'rollingUpdate\t<RollingUpdateDeployment>' in text
    assert 'GROUP:      apps' in text and 'VERSION:    v1' in text
    assert 'containers\t<[]Container> -required-' in server.kubectl('explain', 'pod.spec')
    assert 'hostPort' in server.kubectl('explain', 'pod.spec.containers.ports', '--recursive')


def test_patch_in_three_ways(ns):
    ns.apply(DEPLOYMENT)
    ns.kubectl('patch', 'deployment', 'web', '-p', '{"spec":{"template":{"spec":{"containers":[{"name":"web","image":"nginx:2"}]}}}}')
    ns.kubectl('patch', 'deployment', 'web', '--type=merge', '-p', '{"spec":{"paused":true}}')
    ns.kubectl('patch', 'deployment', 'web', '--type=json', '-p', '[{"op":"replace","path":"/spec/replicas","value":9}]')
    spec = ns.json('get', 'deployment', 'web')['spec']
    assert (spec['template']['spec']['containers'][0]['image'], spec['paused'], spec['replicas']) == ('nginx:2', True, 9)
    assert spec['template']['spec']['containers'][0]['ports'] == [{'containerPort': 80, 'protocol': 'TCP'}]


def test_edit(ns, monkeypatch):
    ns.apply(CONFIG)
    monkeypatch.setenv('KUBE_EDITOR', 'sed -i s/info/debug/')
    assert 'edited' in ns.kubectl('edit', 'cm', 'settings')
    assert ns.json('get', 'cm', 'settings')['data']['level'] == 'debug'


def test_label_and_annotate(ns):
    ns.apply(CONFIG)
    assert ns.kubectl('label', 'cm', 'settings', 'tier=web') == 'configmap/settings labeled\n'
    assert ns.kubectl('label', 'cm', 'settings', 'tier=db', check=False).returncode != 0
    ns.kubectl('label', 'cm', 'settings', 'tier=db', '--overwrite')
    ns.kubectl('annotate', 'cm', 'settings', 'note=x')
    ns.kubectl('annotate', 'cm', 'settings', 'note-')
    meta = ns.json('get', 'cm', 'settings')['metadata']
    assert meta['labels'] == {'tier': 'db'} and 'note' not in meta['annotations']


def test_diff(ns):
    ns.apply(CONFIG)
    done = ns.kubectl('diff', '-f', '-', stdin=CONFIG.replace('info', 'warn'), check=False)
    assert done.returncode == 1 and '-  level: info' in done.stdout and '+  level: warn' in done.stdout
    assert ns.kubectl('diff', '-f', '-', stdin=CONFIG, check=False).returncode == 0


def test_server_side_apply_owns_and_conflicts(ns):
    ns.apply(CONFIG, flags=('--server-side', '--field-manager=one'))
    mine = CONFIG.replace('info', 'debug')
    done = ns.kubectl('apply', '--server-side', '--field-manager=two', '-f', '-', stdin=mine, check=False)
    assert done.returncode != 0 and 'conflict with "one"' in done.stderr and '.data.level' in done.stderr
    ns.apply(mine, flags=('--server-side', '--field-manager=two', '--force-conflicts'))
    got = json.loads(ns.kubectl('get', 'cm', 'settings', '-o', 'json', '--show-managed-fields'))
    owners = {m['manager']: m for m in got['metadata']['managedFields']}
    assert got['data']['level'] == 'debug'
    assert 'f:level' in owners['two']['fieldsV1']['f:data'] and 'f:level' not in owners['one']['fieldsV1'].get('f:data', {})
    assert owners['two']['operation'] == 'Apply'


def test_server_side_apply_drops_fields_of_its_own(ns):
    ns.apply(CONFIG, flags=('--server-side',))
    ns.apply(CONFIG.replace('level: info, ', ''), flags=('--server-side',))
    assert ns.json('get', 'cm', 'settings')['data'] == {'port': '8001'}


def test_dry_run_stores_nothing(ns):
    assert 'created (server dry run)' in ns.apply(CONFIG, flags=('--dry-run=server',))
    assert ns.kubectl('get', 'cm', 'settings', check=False).returncode == 1


def test_unknown_fields_are_refused_or_warned_of(ns):
    bad = CONFIG + 'bogus: 1\n'
    done = ns.kubectl('apply', '-f', '-', stdin=bad, check=False)
    assert done.returncode == 1 and 'unknown field "bogus"' in done.stderr
    done = ns.kubectl('apply', '--validate=warn', '-f', '-', stdin=bad, check=False)
    assert done.returncode == 0 and 'Warning: unknown field "bogus"' in done.stderr


def test_wait_and_watch(ns):
    ns.apply(CONFIG)
    watch = subprocess.Popen([kubectl_binary(), '--kubeconfig', ns.server.kubeconfig, '-n', ns.name, 'get', 'cm', '--watch', '--output-watch-events', '--no-headers'],
                             stdout=subprocess.PIPE, text=True)
    try:
        assert watch.stdout.readline().split()[:2] == ['ADDED', 'settings']
        ns.kubectl('label', 'cm', 'settings', 'a=b')
        assert watch.stdout.readline().split()[:2] == ['MODIFIED', 'settings']
        waiting = threading.Thread(target=lambda: ns.kubectl('wait', '--for=delete', 'cm/settings', '--timeout=30s'))
        waiting.start()
        ns.kubectl('delete', 'cm', 'settings')
        assert watch.stdout.readline().split()[:2] == ['DELETED', 'settings']
        waiting.join(30)
        assert not waiting.is_alive()
    finally:
        watch.terminate()
        watch.wait()


def test_wait_for_a_condition(ns):
    ns.apply(DEPLOYMENT)
    status = {'status': {'observedGeneration': 1, 'conditions': [{'type': 'Available', 'status': 'True', 'reason': 'R', 'message': ''}]}}
    ns.kubectl('patch', 'deployment', 'web', '--subresource=status', '--type=merge', '-p', json.dumps(status))
    assert 'condition met' in ns.kubectl('wait', '--for=condition=Available', 'deployment/web', '--timeout=10s')


def test_delete_by_name_label_and_all(ns):
    ns.apply(pod('a'), pod('b'), pod('c'), CONFIG)
    assert 'pod "a" ' in ns.kubectl('delete', 'pod', 'a')
    ns.kubectl('delete', 'pods', '-l', 'app=b')
    ns.kubectl('delete', 'pods', '--all', '--grace-period=0', '--force')
    assert ns.json('get', 'pods')['items'] == []
    assert ns.kubectl('delete', 'cm', 'none', '--ignore-not-found') == ''
    assert 'NotFound' in ns.kubectl('delete', 'cm', 'none', check=False).stderr


def test_a_bound_pod_is_deleted_gracefully(ns):
    ns.apply(pod('a', nodeName='n1'))
    ns.kubectl('delete', 'pod', 'a', '--wait=false')
    meta = ns.json('get', 'pod', 'a')['metadata']
    assert meta['deletionGracePeriodSeconds'] == 30 and meta['deletionTimestamp']
    ns.kubectl('delete', 'pod', 'a', '--grace-period=0', '--force')
    assert ns.kubectl('get', 'pod', 'a', check=False).returncode == 1


def test_finalizers_hold_an_object(ns):
    ns.apply({'apiVersion': 'v1', 'kind': 'ConfigMap', 'metadata': {'name': 'held', 'finalizers': ['example.com/hold']}})
    ns.kubectl('delete', 'cm', 'held', '--wait=false')
    assert ns.json('get', 'cm', 'held')['metadata']['deletionTimestamp']
    ns.kubectl('patch', 'cm', 'held', '--type=merge', '-p', '{"metadata":{"finalizers":null}}')
    assert ns.kubectl('get', 'cm', 'held', check=False).returncode == 1


def test_create_subcommands(ns):
    for args in (['configmap', 'c', '--from-literal=a=b'], ['secret', 'generic', 's', '--from-literal=p=x'], ['deployment', 'd', '--image=i'], ['job', 'j', '--image=i'],
                 ['cronjob', 'cj', '--image=i', '--schedule=* * * * *'], ['service', 'clusterip', 'svc', '--tcp=80:8080'], ['service', 'nodeport', 'np', '--tcp=80'],
                 ['serviceaccount', 'sa'], ['role', 'r', '--verb=get', '--resource=pods'], ['rolebinding', 'rb', '--role=r', '--user=jane'], ['quota', 'q', '--hard=pods=9'],
                 ['poddisruptionbudget', 'pdb', '--selector=a=b', '--min-available=1'], ['ingress', 'in', '--rule=a.example/=svc:80']):
        assert 'created' in ns.kubectl('create', *args), args
    service = ns.json('get', 'service', 'np')
    assert 30000 <= service['spec']['ports'][0]['nodePort'] <= 32767 and service['spec']['clusterIP'].startswith('10.96.')
    assert ns.json('get', 'secret', 's')['data'] == {'p': 'eA=='}
    assert 'token' not in ns.kubectl('get', 'sa', 'sa', '-o', 'name')
    assert ns.kubectl('create', 'token', 'sa').count('.') == 2


def test_replace_and_stale_resource_version(ns):
    ns.apply(CONFIG)
    got = ns.json('get', 'cm', 'settings')
    got['data']['level'] = 'one'
    ns.kubectl('replace', '-f', '-', stdin=json.dumps(got))
    got['data']['level'] = 'two'
    done = ns.kubectl('replace', '-f', '-', stdin=json.dumps(got), check=False)
    assert done.returncode == 1 and 'Conflict' in done.stderr


def test_scale(ns):
    ns.apply(DEPLOYMENT)
    assert ns.kubectl('scale', 'deployment', 'web', '--replicas=7') == 'deployment.apps/web scaled\n'
    assert ns.kubectl('scale', 'deployment', 'web', '--current-replicas=2', '--replicas=9', check=False).returncode == 1
    assert ns.json('get', 'deployment', 'web')['spec']['replicas'] == 7


def test_set_image_and_rollout_pause(ns):
    ns.apply(DEPLOYMENT)
    ns.kubectl('set', 'image', 'deployment/web', 'web=nginx:9')
    ns.kubectl('rollout', 'pause', 'deployment/web')
    spec = ns.json('get', 'deployment', 'web')['spec']
    assert spec['paused'] and spec['template']['spec']['containers'][0]['image'] == 'nginx:9'


def test_expose(ns):
    ns.apply(DEPLOYMENT)
    ns.kubectl('expose', 'deployment', 'web', '--port=80')
    assert ns.json('get', 'service', 'web')['spec']['selector'] == {'app': 'web'}


def test_auth_can_i(server, ns):
    ns.kubectl('create', 'role', 'reader', '--verb=get,list', '--resource=pods')
    ns.kubectl('create', 'rolebinding', 'reader', '--role=reader', '--user=jane')
    assert ns.kubectl('auth', 'can-i', 'delete', 'nodes', check=False).stdout == 'yes\n'
    assert ns.kubectl('auth', 'can-i', 'list', 'pods', '--as=jane') == 'yes\n'
    done = ns.kubectl('auth', 'can-i', 'delete', 'pods', '--as=jane', check=False)
    assert (done.returncode, done.stdout) == (1, 'no\n')
    assert re.search(r'^pods +\[\] +\[\] +\[get list\]', ns.kubectl('auth', 'can-i', '--list', '--as=jane'), re.M)
    assert 'jane' in server.kubectl('auth', 'whoami', '--as=jane')


def test_forbidden_and_bad_token(ns):
    done = ns.kubectl('get', 'pods', '--as=nobody', check=False)
    assert done.returncode == 1 and 'Error from server (Forbidden): pods is forbidden: User "nobody" cannot list resource "pods"' in done.stderr


def test_api_resources_and_versions(server):
    text = server.kubectl('api-resources', '--no-headers')
    assert re.search(r'^pods +po +v1 +true +Pod$', text, re.M) and re.search(r'^deployments +deploy +apps/v1 +true +Deployment$', text, re.M)
    assert len(text.splitlines()) >= 60
    assert {'v1', 'apps/v1', 'batch/v1', 'autoscaling/v1', 'autoscaling/v2'} <= set(server.kubectl('api-versions').split())
    assert json.loads(server.kubectl('version', '-o', 'json'))['serverVersion']['minor'].startswith('36')


@pytest.mark.parametrize('path', ['/healthz', '/livez', '/readyz'])
def test_raw_health(server, path):
    assert server.kubectl('get', '--raw', path) == 'ok'


def test_raw_metrics(server):
    assert 'apiserver_request_total{' in server.kubectl('get', '--raw', '/metrics')


def test_events(ns):
    ns.apply(pod())
    ns.apply({'apiVersion': 'v1', 'kind': 'Event', 'metadata': {'name': 'e'}, 'involvedObject': {'kind': 'Pod', 'name': 'p', 'namespace': ns.name}, 'reason': 'Tested', 'message': 'm', 'type': 'Normal',
              'firstTimestamp': '2026-01-02T03:04:05Z', 'lastTimestamp': '2026-01-02T03:04:05Z', 'count': 1})
    assert 'Tested' in ns.kubectl('events')
    assert 'Tested' in ns.kubectl('get', 'events')


def test_unbound_pod_binding(ns):
    ns.apply(pod())
    binding = {'apiVersion': 'v1', 'kind': 'Binding', 'metadata': {'name': 'p'}, 'target': {'kind': 'Node', 'name': 'n1'}}
    ns.kubectl('create', '--raw', f'/api/v1/namespaces/{ns.name}/pods/p/binding', '-f', '-', stdin=json.dumps(binding))
    assert ns.json('get', 'pod', 'p')['spec']['nodeName'] == 'n1'


def test_invalid_objects_name_the_field(ns):
    done = ns.kubectl('apply', '-f', '-', stdin=json.dumps(pod(restartPolicy='Sometimes')), check=False)
    assert done.returncode == 1 and 'spec.restartPolicy: Unsupported value: "Sometimes"' in done.stderr
    done = ns.kubectl('apply', '-f', '-', stdin=CONFIG.replace('settings', 'Not_Valid'), check=False)
    assert done.returncode == 1 and 'metadata.name: Invalid value: "Not_Valid"' in done.stderr
