"""--runtime-config and --feature-gates: what they switch, and what is refused at start."""
import ipaddress
import json
import subprocess
import sys

import pytest
import yaml

from support.cluster import ApiServer, pintle_binary

RULES = {'apiVersion': 'v1', 'kind': 'Pod', 'metadata': {'name': 'p'}, 'spec': {
    'restartPolicy': 'Never', 'automountServiceAccountToken': False,
    'containers': [{'name': 'c', 'image': 'x', 'restartPolicy': 'Never',
                    'restartPolicyRules': [{'action': 'Restart', 'exitCodes': {'operator': 'In', 'values': [42]}}]}]}}




def tolerating(value):
    return {'apiVersion': 'v1', 'kind': 'Pod', 'metadata': {'name': 'tolerating'}, 'spec': {
        'automountServiceAccountToken': False, 'containers': [{'name': 'c', 'image': 'x'}],
        'tolerations': [{'key': 'k', 'operator': 'Gt', 'value': value, 'effect': 'NoExecute'}]}}


@pytest.fixture(scope='module')
def switched():
    flags = ['--runtime-config=autoscaling/v1=false,batch/v1=false,apps/v1/daemonsets=false', '--feature-gates=ContainerRestartRules=false,TaintTolerationComparisonOperators=true,HPAScaleToZero=true']
    with ApiServer(flags=flags) as s:
        s.kubectl('create', 'serviceaccount', 'default', '-n', 'default')
        yield s


def test_versions_that_are_off_answer_404(switched):
    assert switched.status('/apis/batch/v1/jobs') == 404
    assert switched.status('/apis/batch/v1') == 404
    assert switched.status('/apis/batch') == 404
    assert switched.status('/apis/autoscaling/v1/horizontalpodautoscalers') == 404
    assert switched.status('/apis/autoscaling/v2/horizontalpodautoscalers') == 200
    assert switched.status('/apis/apps/v1/daemonsets') == 404
    assert switched.status('/apis/apps/v1/deployments') == 200


def test_discovery_and_openapi_follow(switched):
    names = switched.kubectl('api-resources', '-o', 'name').split()
    assert 'deployments.apps' in names and 'daemonsets.apps' not in names and 'jobs.batch' not in names
    groups = {g['name']: [v['version'] for v in g['versions']] for g in json.loads(switched.get('/apis'))['groups']}
    assert 'batch' not in groups and groups['autoscaling'] == ['v2']
    paths = json.loads(switched.get('/openapi/v2'))['paths']
    assert '/apis/apps/v1/deployments' in paths and '/apis/apps/v1/daemonsets' not in paths and '/apis/batch/' not in paths
    assert 'apis/batch/v1' not in json.loads(switched.get('/openapi/v3'))['paths']
    assert 'doesn\'t have a resource type "jobs"' in switched.kubectl('get', 'jobs', check=False).stderr


def test_an_autoscaler_to_zero_needs_a_metric_that_needs_no_pod(switched):
    def autoscaler(metric):
        return yaml.safe_dump({'apiVersion': 'autoscaling/v2', 'kind': 'HorizontalPodAutoscaler', 'metadata': {'name': 'zero'}, 'spec': {
            'scaleTargetRef': {'apiVersion': 'apps/v1', 'kind': 'Deployment', 'name': 'd'}, 'minReplicas': 0, 'maxReplicas': 3, 'metrics': [metric]}})
    cpu = {'type': 'Resource', 'resource': {'name': 'cpu', 'target': {'type': 'Utilization', 'averageUtilization': 50}}}
    queue = {'type': 'External', 'external': {'metric': {'name': 'queue'}, 'target': {'type': 'Value', 'value': '10'}}}
    refused = switched.kubectl('apply', '-f', '-', stdin=autoscaler(cpu), check=False).stderr
    assert 'spec.metrics: Forbidden: must specify at least one Object or External metric to support scaling to zero replicas' in refused
    switched.kubectl('apply', '-f', '-', stdin=autoscaler(queue))
    assert json.loads(switched.kubectl('get', 'hpa', 'zero', '-o', 'json'))['spec']['minReplicas'] == 0
    assert 'spec.metrics: Forbidden' in switched.kubectl('apply', '-f', '-', stdin=autoscaler(cpu), check=False).stderr


def test_fields_of_a_gate_that_is_off_are_dropped(switched):
    switched.kubectl('apply', '-f', '-', stdin=yaml.safe_dump(RULES))
    container = json.loads(switched.kubectl('get', 'pod', 'p', '-o', 'json'))['spec']['containers'][0]
    assert 'restartPolicyRules' not in container


def test_fields_of_a_gate_that_is_on_stay(ns):
    ns.apply(RULES)
    assert ns.json('get', 'pod', 'p')['spec']['containers'][0]['restartPolicyRules']


def test_tolerations_that_compare_need_their_gate(switched, ns):
    refused = ns.kubectl('apply', '-f', '-', stdin=yaml.safe_dump(tolerating('5')), check=False)
    assert 'spec.tolerations[0].operator: Unsupported value: "Gt": supported values: "Equal", "Exists", "Lt", "Gt"' in refused.stderr
    switched.kubectl('apply', '-f', '-', stdin=yaml.safe_dump(tolerating('5')))
    no_integer = switched.kubectl('create', '-f', '-', stdin=yaml.safe_dump(tolerating('05')), check=False)
    assert 'spec.tolerations[0].value: Invalid value: "05"' in no_integer.stderr


@pytest.mark.parametrize('component', ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler'])
def test_every_component_knows_its_gates(component):
    done = subprocess.run([pintle_binary(), component, '--feature-gates=Bogus=true'], capture_output=True, text=True, timeout=30)
    assert done.returncode == 1 and 'unrecognized feature gate: Bogus' in done.stderr


@pytest.mark.parametrize('component', ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler'])
def test_every_component_knows_its_tls_versions(component):
    done = subprocess.run([pintle_binary(), component, '--tls-min-version=VersionTLS99'], capture_output=True, text=True, timeout=30)
    assert done.returncode == 1 and '--tls-min-version must be VersionTLS12 or VersionTLS13' in done.stderr


@pytest.mark.parametrize('flag, message', [
    ('--runtime-config=api/all=false', 'invalid key with only api/all=false'),
    ('--runtime-config=v1=true', 'runtime-config invalid key v1'),
    ('--runtime-config=example.com/v1=true', 'unknown api groups example.com'),
    ('--runtime-config=apps/v7=true', 'group version apps/v7 that has not been registered'),
    ('--runtime-config=apps/v1=maybe', 'invalid value of apps/v1: maybe'),
    ('--feature-gates=Bogus=true', 'unrecognized feature gate: Bogus'),
    ('--feature-gates=SidecarContainers=false', 'feature gate SidecarContainers cannot be false: it is locked to true'),
    ('--feature-gates=MemoryQoS=maybe', 'invalid value of MemoryQoS=maybe'),
    ('--service-cluster-ip-range=10.96.0.0', '"10.96.0.0" is no address range'),
    ('--service-cluster-ip-range=10.96.0.0/16,10.97.0.0/16', 'one range, or one of IPv4 and one of IPv6'),
    ('--service-cluster-ip-range=10.96.0.1/32', 'no address for the service "kubernetes"'),
])
def test_refused_with_one_line(flag, message):
    done = subprocess.run([pintle_binary(), 'kube-apiserver', flag, '--data-dir='], capture_output=True, text=True, timeout=30)
    assert done.returncode == 1
    assert message in done.stderr and len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize('argument, message', [
    ('no-such-flag=1', '--kube-controller-manager-arg: unknown flag: --no-such-flag'),
    ('node-monitor-grace-period=soon', '--kube-controller-manager-arg: invalid argument "soon" for --node-monitor-grace-period'),
    ('secure-port=1', '--kube-controller-manager-arg: secure-port is settled by pintle server itself'),
    ('controllers=nobody', '--kube-controller-manager-arg: '),
])
def test_arguments_of_a_component_are_checked_before_anything_is_made(tmp_path, argument, message):
    done = subprocess.run([pintle_binary(), 'server', f'--data-dir={tmp_path}/data', f'--kube-controller-manager-arg={argument}'], capture_output=True, text=True, timeout=30)
    assert done.returncode == 1
    assert done.stderr.startswith(f'pintle server: {message}') and len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / 'data').exists()


if __name__ == '__main__':
    sys.exit(pytest.main([__file__]))


@pytest.mark.parametrize('flag, ranges, first', [
    ('fd00:10:96::1000/116', ['fd00:10:96::1000/116'], 'fd00:10:96::1001'),
    ('10.96.7.9/16', ['10.96.0.0/16'], '10.96.0.1'),
    ('10.96.0.255/24,fd00:10:96::/108', ['10.96.0.0/24', 'fd00:10:96::/108'], '10.96.0.1'),
])
def test_service_ranges_are_masked(flag, ranges, first):
    with ApiServer(flags=[f'--service-cluster-ip-range={flag}']) as s:
        kubernetes = json.loads(s.kubectl('get', 'service', 'kubernetes', '-n', 'default', '-o', 'json'))['spec']
        assert kubernetes['clusterIP'] == first
        assert json.loads(s.kubectl('get', 'servicecidr', 'kubernetes', '-o', 'json'))['spec']['cidrs'] == ranges
        service = {'apiVersion': 'v1', 'kind': 'Service', 'metadata': {'name': 's', 'namespace': 'default'}, 'spec': {'ports': [{'port': 80}]}}
        s.kubectl('apply', '-f', '-', stdin=yaml.safe_dump(service))
        address = json.loads(s.kubectl('get', 'service', 's', '-n', 'default', '-o', 'json'))['spec']['clusterIP']
        assert ipaddress.ip_address(address) in ipaddress.ip_network(ranges[0]) and address != first
