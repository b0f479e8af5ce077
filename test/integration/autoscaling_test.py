"""A fresh `pintle server`: an HorizontalPodAutoscaler follows the load of real pods, up and down, by the metrics that the box itself serves."""
import json
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.nodes import NodeCluster, await_true, condition  # noqa: E402
from support.registry import Registry, build_images  # noqa: E402

LOAD = 'while :; do [ -e /tmp/load ] || sleep 1; done'
SCALED_S = 120      # a look at the node, one of the autoscaler, and what the pod's start takes


def manifests():
    template = {'metadata': {'labels': {'app': 'worker'}}, 'spec': {'terminationGracePeriodSeconds': 0, 'containers': [
        {'name': 'worker', 'image': 'busybox:1.36', 'command': ['sh', '-c', LOAD], 'resources': {'requests': {'cpu': '100m'}, 'limits': {'cpu': '200m'}}}]}}
    behavior = {'scaleDown': {'stabilizationWindowSeconds': 0, 'policies': [{'type': 'Percent', 'value': 100, 'periodSeconds': 15}]}}
    return {'apiVersion': 'v1', 'kind': 'List', 'items': [
        {'apiVersion': 'apps/v1', 'kind': 'Deployment', 'metadata': {'name': 'worker'}, 'spec': {'replicas': 1, 'selector': {'matchLabels': {'app': 'worker'}}, 'template': template}},
        {'apiVersion': 'autoscaling/v2', 'kind': 'HorizontalPodAutoscaler', 'metadata': {'name': 'worker'}, 'spec': {
            'scaleTargetRef': {'apiVersion': 'apps/v1', 'kind': 'Deployment', 'name': 'worker'}, 'minReplicas': 1, 'maxReplicas': 3, 'behavior': behavior,
            'metrics': [{'type': 'Resource', 'resource': {'name': 'cpu', 'target': {'type': 'Utilization', 'averageUtilization': 50}}}]}}]}


@pytest.fixture(scope='module')
def cluster(tmp_path_factory):
    build_images('basic')
    registry = Registry(tmp_path_factory.mktemp('registry'), '10.96.9.1:5000')
    try:
        with NodeCluster(registry=registry.url, subnet='10.96.9.0/24', before_start=lambda: registry.start().push(), flags=[
                '--metrics-resolution=10s', '--kube-controller-manager-arg=horizontal-pod-autoscaler-sync-period=5s',
                '--kube-controller-manager-arg=horizontal-pod-autoscaler-cpu-initialization-period=10s']) as c:
            await_true('the service account', lambda: c.kubectl('get', 'serviceaccount', 'default', '-o', 'name'))
            c.kubectl.apply(json.dumps(manifests()))
            yield c
    finally:
        registry.stop()


def replicas(cluster):
    return cluster.kubectl.json('get', 'deployment', 'worker')['status'].get('readyReplicas')


def autoscaler(cluster):
    return cluster.kubectl.json('get', 'hpa', 'worker')


def test_an_autoscaler_follows_the_load(cluster):
    await_true('one pod is ready', lambda: replicas(cluster) == 1)
    await_true('its metrics are there', lambda: condition(autoscaler(cluster), 'ScalingActive') == 'True', timeout_s=SCALED_S)
    pod = cluster.kubectl.json('get', 'pods', '-l', 'app=worker')['items'][0]['metadata']['name']
    cluster.kubectl('exec', pod, '--', 'touch', '/tmp/load')
    await_true('three pods are ready', lambda: replicas(cluster) == 3, timeout_s=SCALED_S)
    scaled = autoscaler(cluster)
    assert condition(scaled, 'ScalingLimited') == 'True' and scaled['status']['desiredReplicas'] == 3
    cluster.kubectl('exec', pod, '--', 'rm', '/tmp/load')
    await_true('one pod is left', lambda: replicas(cluster) == 1, timeout_s=SCALED_S)
    told = [e['message'] for e in cluster.kubectl.json('get', 'events', '--field-selector=reason=SuccessfulRescale')['items']]
    assert any('New size: 3; reason: cpu resource utilization (percentage of request) above target' in t for t in told), told
    assert any('New size: 1; reason: All metrics below target' in t for t in told), told
