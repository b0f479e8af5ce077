"""HorizontalPodAutoscalers. The metrics API is a custom resource of its group, and each scenario writes the pods' figures."""
import yaml

GROUP = 'metrics.k8s.io'
CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
CPU = '{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}}'


def _definition(c, group, plural, kind, subresources='', version='v1beta1', list_kind=''):
    """Makes a CustomResourceDefinition, if another scenario has not yet."""
    text = f'''
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {{name: {plural}.{group}, annotations: {{api-approved.kubernetes.io: "unapproved, for tests"}}}}
spec:
  group: {group}
  scope: Namespaced
  names: {{plural: {plural}, kind: {kind}, listKind: {list_kind or f"{kind}List"}, singular: {kind.lower()}}}
  versions:
  - name: {version}
    served: true
    storage: true
    schema: {{openAPIV3Schema: {{type: object, x-kubernetes-preserve-unknown-fields: true}}}}{subresources}
'''
    c.client.call('POST', CRDS, yaml.safe_load(text), ok=(201, 409))
    path = f'/apis/{group}/{version}/namespaces/{c.namespace}/{plural}'

    def served():
        try:
            return c.client.call('GET', path, ok=(200, 404)).get('kind') == (list_kind or f'{kind}List')
        except ValueError:   # a page that is no JSON
            return False
    c.wait(served, f'{kind} is served')
    return path


def _metrics_api(c):
    return _definition(c, GROUP, 'pods', 'PodMetrics')


def _measured(c, *amounts, resource='cpu', app='d'):
    """The first pods of the target use so much each."""
    path = _metrics_api(c)
    for pod, amount in zip(sorted(p['metadata']['name'] for p in c.list('Pod', f'app={app}')), amounts):
        c.client.call('POST', path, {'apiVersion': f'{GROUP}/v1beta1', 'kind': 'PodMetrics', 'metadata': {'name': pod, 'labels': {'app': app}},
                                     'timestamp': '2100-01-01T00:00:00Z', 'window': '10s', 'containers': [{'name': 'c', 'usage': {resource: amount}}]})


def _target(c, replicas, way='', requests='cpu: 100m', name='d', app='d'):
    c.make(f'''
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  replicas: {replicas}
  selector: {{matchLabels: {{app: {app}}}}}
  template:
    metadata: {{labels: {{app: {app}}}, annotations: {{hollow: "{way}"}}}}
    spec:
      terminationGracePeriodSeconds: 1
      containers: [{{name: c, image: "registry.example/c:1", resources: {{requests: {{{requests}}}}}}}]
''')
    count = 'replicas' if way else 'readyReplicas'
    c.wait(lambda: c.status('Deployment', name).get(count, 0) == replicas, f'{replicas} pods')
    if way:
        c.settle()


def _autoscaler(c, metrics=CPU, low=1, high=10, behavior='', name='h', target='{apiVersion: apps/v1, kind: Deployment, name: d}'):
    c.make(f'''
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {{name: {name}}}
spec: {{scaleTargetRef: {target}, minReplicas: {low}, maxReplicas: {high}, metrics: [{metrics}]{behavior}}}
''')


def _looked(c, name='h'):
    c.wait(lambda: c.status('HorizontalPodAutoscaler', name).get('conditions'), 'it looked')


def _scaled(c, size):
    c.wait(lambda: c.get('Deployment', 'd')['spec']['replicas'] == size, f'scaled to {size}')
    c.wait(lambda: c.status('HorizontalPodAutoscaler', 'h').get('currentReplicas') == size, f'{size} are told')


# Before others serve these APIs.
def metrics_of_apis_that_are_not_there(c):
    _target(c, 2)
    _autoscaler(c, '{type: External, external: {metric: {name: queue, selector: {matchLabels: {q: jobs}}}, target: {type: AverageValue, averageValue: 10}}}, '
                   '{type: Pods, pods: {metric: {name: qps}, target: {type: AverageValue, averageValue: 10}}}, '
                   '{type: Object, object: {metric: {name: hits}, describedObject: {apiVersion: apps/v1, kind: Deployment, name: d}, target: {type: Value, value: 10}}}')
    _looked(c)


def one_of_two_metrics(c):
    _target(c, 2)
    _measured(c, '90m', '90m')
    _autoscaler(c, CPU + ', {type: External, external: {metric: {name: queue}, target: {type: Value, value: 10}}}')
    _scaled(c, 4)


def grows(c):
    _target(c, 2)
    _measured(c, '90m', '90m')
    _autoscaler(c)
    _scaled(c, 4)


def grows_no_faster_than_it_may(c):
    _target(c, 1)
    _measured(c, '5')
    _autoscaler(c)
    _scaled(c, 4)


def shrinks(c):
    _target(c, 4)
    _measured(c, *['10m'] * 4)
    _autoscaler(c)
    _scaled(c, 1)


def stays_within_the_tolerance(c):
    _target(c, 2)
    _measured(c, '53m', '53m')
    _autoscaler(c)
    _looked(c)


def a_tolerance_of_its_own(c):
    _target(c, 2)
    _measured(c, '53m', '53m')
    _autoscaler(c, behavior=', behavior: {scaleUp: {tolerance: "0.01"}}')
    _scaled(c, 3)


def without_metrics(c):
    _target(c, 2)
    _metrics_api(c)
    _autoscaler(c)
    _looked(c)


def some_pods_without_metrics(c):
    _target(c, 4)
    _measured(c, '10m', '10m')
    _autoscaler(c)
    _looked(c)


def some_pods_without_metrics_growing(c):
    _target(c, 3)
    _measured(c, '90m', '90m')
    _autoscaler(c)
    _scaled(c, 4)


def unready_pods(c):
    _target(c, 2, way='unready')
    _measured(c, '90m', '90m')
    _autoscaler(c)
    _looked(c)


def without_requests(c):
    _target(c, 2, requests='memory: 1Mi')
    _measured(c, '90m', '90m')
    _autoscaler(c)
    _looked(c)


def memory_on_average(c):
    _target(c, 2)
    _measured(c, '64Mi', '64Mi', resource='memory')
    _autoscaler(c, '{type: Resource, resource: {name: memory, target: {type: AverageValue, averageValue: 32Mi}}}')
    _scaled(c, 4)


def a_container(c):
    _target(c, 2)
    _measured(c, '75m', '75m')
    _autoscaler(c, '{type: ContainerResource, containerResource: {name: cpu, container: c, target: {type: Utilization, averageUtilization: 50}}}')
    _scaled(c, 3)


def a_container_that_is_not_there(c):
    _target(c, 2)
    _measured(c, '75m', '75m')
    _autoscaler(c, '{type: ContainerResource, containerResource: {name: cpu, container: e, target: {type: Utilization, averageUtilization: 50}}}')
    _looked(c)


def slowed_by_a_behavior(c):
    _target(c, 2)
    _measured(c, '500m', '500m')
    _autoscaler(c, behavior=', behavior: {scaleUp: {policies: [{type: Pods, value: 1, periodSeconds: 600}]}}')
    _scaled(c, 3)


def kept_from_shrinking_by_a_behavior(c):
    _target(c, 3)
    _measured(c, *['10m'] * 3)
    _autoscaler(c, behavior=', behavior: {scaleDown: {selectPolicy: Disabled, stabilizationWindowSeconds: 0}}')
    _looked(c)


def shrinks_step_by_step(c):
    _target(c, 4)
    _measured(c, *['10m'] * 4)
    _autoscaler(c, behavior=', behavior: {scaleDown: {stabilizationWindowSeconds: 0, policies: [{type: Pods, value: 1, periodSeconds: 600}]}}')
    _scaled(c, 3)


def held_by_a_window(c):
    _target(c, 2)
    _measured(c, '10m', '10m')
    _autoscaler(c, behavior=', behavior: {scaleDown: {stabilizationWindowSeconds: 600}}')
    _looked(c)


def below_its_least(c):
    _target(c, 1)
    _measured(c, '50m')
    _autoscaler(c, low=3)
    _scaled(c, 3)


def above_its_most(c):
    _target(c, 4)
    _measured(c, *['50m'] * 4)
    _autoscaler(c, high=2)
    _scaled(c, 2)


def fewer_than_its_least_are_asked_for(c):
    _target(c, 3)
    _measured(c, *['1m'] * 3)
    _autoscaler(c, low=2)
    _scaled(c, 2)


def more_than_its_most_are_asked_for(c):
    _target(c, 2)
    _measured(c, '500m', '500m')
    _autoscaler(c, high=3)
    _scaled(c, 3)


def paused(c):
    _target(c, 0)
    _metrics_api(c)
    _autoscaler(c)
    _looked(c)


def two_for_the_same_pods(c):
    _target(c, 2)
    _measured(c, '50m', '50m')
    _autoscaler(c)
    c.wait(lambda: c.conditions('HorizontalPodAutoscaler', 'h').get('ScalingActive') == 'True', 'the first is active')
    _autoscaler(c, name='other')
    for name in ('h', 'other'):
        c.wait(lambda: c.conditions('HorizontalPodAutoscaler', name).get('ScalingActive') == 'False', 'none is active')


def a_target_that_is_not_there(c):
    _autoscaler(c)
    _looked(c)


def a_kind_that_is_not_there(c):
    _autoscaler(c, target='{apiVersion: none.example.com/v1, kind: Nothing, name: d}')
    _looked(c)


def a_kind_without_a_scale(c):
    c.make('{apiVersion: v1, kind: ConfigMap, metadata: {name: d}}')
    _autoscaler(c, target='{apiVersion: v1, kind: ConfigMap, name: d}')
    _looked(c)


def _custom(c, selector=''):
    """A custom resource with eleven replicas."""
    path = _definition(c, 'autoscalers.example.com', 'things', 'Thing', subresources='''
    subresources:
      status: {}
      scale: {specReplicasPath: .spec.replicas, statusReplicasPath: .status.replicas, labelSelectorPath: .status.selector}''')
    c.client.call('POST', path, {'apiVersion': 'autoscalers.example.com/v1beta1', 'kind': 'Thing', 'metadata': {'name': 't'}, 'spec': {'replicas': 11}})
    c.client.call('PATCH', f'{path}/t/status', {'status': {'replicas': 11, **({'selector': selector} if selector else {})}}, 'application/merge-patch+json')
    return f'{path}/t'


def a_custom_resource(c):
    thing = _custom(c, 'app=d')
    _target(c, 2)
    _measured(c, '90m', '90m')
    _autoscaler(c, target='{apiVersion: autoscalers.example.com/v1beta1, kind: Thing, name: t}')
    c.wait(lambda: c.client.call('GET', thing)['spec']['replicas'] == 4, 'scaled')


def a_custom_resource_without_a_selector(c):
    thing = _custom(c)
    _autoscaler(c, high=20, target='{apiVersion: autoscalers.example.com/v1beta1, kind: Thing, name: t}')
    c.wait(lambda: c.conditions('HorizontalPodAutoscaler', 'h').get('ScalingActive') == 'False', 'it looked')
    c.observe(c.client.call('GET', thing)['spec'])


def a_most_that_changes(c):
    _target(c, 4)
    _measured(c, *['50m'] * 4)
    _autoscaler(c)
    _looked(c)
    c.patch('HorizontalPodAutoscaler', 'h', {'spec': {'maxReplicas': 3}})
    _scaled(c, 3)


# Last: from now on there are such APIs.
def a_metric_from_outside(c):
    _target(c, 2)
    path = _definition(c, 'external.metrics.k8s.io', 'orders', 'ExternalMetricValue')
    for name, value in (('a', '15'), ('b', '5')):
        c.client.call('POST', path, {'apiVersion': 'external.metrics.k8s.io/v1beta1', 'kind': 'ExternalMetricValue', 'metadata': {'name': name, 'labels': {'q': 'jobs'}},
                                     'metricName': 'orders', 'metricLabels': {}, 'timestamp': '2100-01-01T00:00:00Z', 'value': value})
    _autoscaler(c, '{type: External, external: {metric: {name: orders, selector: {matchLabels: {q: jobs}}}, target: {type: AverageValue, averageValue: 7}}}')
    _scaled(c, 3)


def a_metric_of_the_namespace(c):
    _target(c, 2)
    # The answer about one object is a list of one value: a custom resource that looks like it.
    path = _definition(c, 'custom.metrics.k8s.io', 'metrics', 'MetricValueList', version='v1beta2', list_kind='MetricValueListList')
    c.client.call('POST', path, {'apiVersion': 'custom.metrics.k8s.io/v1beta2', 'kind': 'MetricValueList', 'metadata': {'name': 'hits'}, 'items': [
        {'describedObject': {'kind': 'Namespace', 'name': c.namespace, 'apiVersion': 'v1'}, 'metric': {'name': 'hits'}, 'timestamp': '2100-01-01T00:00:00Z', 'value': '15'}]})
    _autoscaler(c, '{type: Object, object: {metric: {name: hits}, describedObject: {apiVersion: v1, kind: Namespace, name: any}, target: {type: Value, value: 10}}}')
    _scaled(c, 3)
