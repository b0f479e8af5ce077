"""Resource claims: made from templates, given devices by the scheduler (ours, under either manager), freed, and taken away where devices are tainted. A
ResourceSlice stands for the driver; nobody prepares anything on a node, and a hollow pod runs when it is bound."""
import yaml

SLICES = '/apis/resource.k8s.io/v1/resourceslices'
CLASSES = '/apis/resource.k8s.io/v1/deviceclasses'


def _devices(c, count=2, extended=''):
    """A pool that every node reaches, of a driver of the scenario's own, and a class that picks from it."""
    driver = f'{c.namespace}.example.com'
    c.client.call('POST', CLASSES, yaml.safe_load(f'''
apiVersion: resource.k8s.io/v1
kind: DeviceClass
metadata: {{name: {c.namespace}}}
spec: {{selectors: [{{cel: {{expression: "device.driver == '{driver}'"}}}}]{extended and f", extendedResourceName: {extended}"}}}
'''))
    return c.client.call('POST', SLICES, yaml.safe_load(f'''
apiVersion: resource.k8s.io/v1
kind: ResourceSlice
metadata: {{name: {c.namespace}}}
spec: {{driver: {driver}, pool: {{name: p, generation: 1, resourceSliceCount: 1}}, allNodes: true, devices: [{", ".join(f"{{name: d{i}}}" for i in range(count))}]}}
'''))


def _template(c, more=''):
    c.client.call('POST', f'/apis/resource.k8s.io/v1/namespaces/{c.namespace}/resourceclaimtemplates', yaml.safe_load(f'''
apiVersion: resource.k8s.io/v1
kind: ResourceClaimTemplate
metadata: {{name: t}}
spec: {{metadata: {{labels: {{from: template}}, annotations: {{note: kept}}}}, spec: {{devices: {{requests: [{{name: r, exactly: {{deviceClassName: {c.namespace}{more}}}}}]}}}}}}
'''))


def _pod(c, name, claims, restart='Always', **spec):
    c.make(yaml.safe_dump({'apiVersion': 'v1', 'kind': 'Pod', 'metadata': {'name': name},
                           'spec': {'restartPolicy': restart, 'terminationGracePeriodSeconds': 0, 'resourceClaims': claims,
                                    'containers': [{'name': 'c', 'image': 'x'}], **spec}}))


def _claim(c, name):
    c.make(f'{{apiVersion: resource.k8s.io/v1, kind: ResourceClaim, metadata: {{name: {name}}}, spec: {{devices: {{requests: [{{name: r, exactly: '
           f'{{deviceClassName: {c.namespace}}}}}]}}}}}}')


def _bound(c, name):
    c.wait(lambda: (c.get('Pod', name) or {}).get('spec', {}).get('nodeName'), f'{name} is bound')


def _state(c, name):
    status = c.status('ResourceClaim', name)
    return 'allocation' in status, len(status.get('reservedFor', []))


def claims_of_templates_are_made_and_freed(c):
    _devices(c)
    _template(c)
    _pod(c, 'p', [{'name': 'a', 'resourceClaimTemplateName': 't'}, {'name': 'b', 'resourceClaimTemplateName': 't'}])
    _bound(c, 'p')
    c.wait(lambda: len(c.status('Pod', 'p').get('resourceClaimStatuses', [])) == 2, 'the pod knows its claims')


def claims_go_with_pods_that_ended(c):
    _devices(c)
    _template(c)
    _pod(c, 'p', [{'name': 'a', 'resourceClaimTemplateName': 't'}], restart='Never')
    c.wait(lambda: c.status('Pod', 'p').get('phase') == 'Succeeded', 'p has ended')
    c.wait(lambda: not c.list('ResourceClaim'), 'its claim went')


def a_named_claim_is_freed_with_its_last_user(c):
    _devices(c)
    _claim(c, 'c')
    for name in ('p', 'q'):
        _pod(c, name, [{'name': 'a', 'resourceClaimName': 'c'}])
        _bound(c, name)
    c.wait(lambda: _state(c, 'c') == (True, 2), 'both use it')
    c.delete('Pod', 'p')
    c.wait(lambda: _state(c, 'c') == (True, 1), 'one uses it')
    c.delete('Pod', 'q')
    c.wait(lambda: _state(c, 'c') == (False, 0), 'it is free')


def a_template_that_is_not_there(c):
    _devices(c)
    _pod(c, 'p', [{'name': 'a', 'resourceClaimTemplateName': 't'}])
    c.wait(lambda: any(e['reason'] == 'FailedResourceClaimCreation' for e in c.list('Event')), 'it is said')
    _template(c)
    _bound(c, 'p')


def devices_run_out(c):
    _devices(c, count=1)
    for name in ('c', 'd'):
        _claim(c, name)
    _pod(c, 'p', [{'name': 'a', 'resourceClaimName': 'c'}])
    _bound(c, 'p')
    _pod(c, 'q', [{'name': 'a', 'resourceClaimName': 'd'}])
    c.wait(lambda: any(x.get('reason') == 'Unschedulable' for x in c.status('Pod', 'q').get('conditions', [])), 'q has to wait')
    c.observe([x['message'] for x in c.status('Pod', 'q')['conditions']])
    c.delete('Pod', 'p')
    _bound(c, 'q')


def a_claim_that_is_deleted_while_it_is_used(c):
    _devices(c)
    _claim(c, 'c')
    _pod(c, 'p', [{'name': 'a', 'resourceClaimName': 'c'}])
    _bound(c, 'p')
    c.delete('ResourceClaim', 'c')
    c.observe(bool(c.get('ResourceClaim', 'c')))
    c.delete('Pod', 'p')
    c.wait(lambda: not c.get('ResourceClaim', 'c'), 'it went')


def extended_resources(c):
    _devices(c, extended=f'{c.namespace}.example.com/gpu')
    _pod(c, 'p', [], restart='Never',
         containers=[{'name': 'c', 'image': 'x', 'resources': {kind: {f'{c.namespace}.example.com/gpu': '1'} for kind in ('requests', 'limits')}}])
    c.wait(lambda: c.status('Pod', 'p').get('phase') == 'Succeeded', 'p has ended')
    c.observe(len(c.status('Pod', 'p').get('extendedResourceClaimStatus', {}).get('requestMappings', [])))
    c.wait(lambda: not c.list('ResourceClaim'), 'its claim went')


def tainted_devices(c):
    slice_ = _devices(c)
    _template(c, ', tolerations: [{key: slow, operator: Exists, effect: NoExecute, tolerationSeconds: 3600}]')
    for name in ('p', 'q'):
        _pod(c, name, [{'name': 'a', 'resourceClaimTemplateName': 't'}])
        _bound(c, name)
    c.wait(lambda: all(c.status('Pod', name).get('phase') == 'Running' for name in 'pq'), 'both run')
    held = {claim['metadata']['ownerReferences'][0]['name']: claim['status']['allocation']['devices']['results'][0]['device'] for claim in c.list('ResourceClaim')}
    for device in slice_['spec']['devices']:
        key = 'broken' if device['name'] == held['p'] else 'slow'
        device['taints'] = [{'key': key, 'effect': 'NoExecute'}]
    c.client.call('PUT', f'{SLICES}/{c.namespace}', slice_)
    c.wait(lambda: not c.get('Pod', 'p'), 'p was evicted')
    c.wait(lambda: any(e['reason'] == 'DeviceTaintManagerEviction' for e in c.list('Event')), 'it is said')
    c.observe(bool(c.get('Pod', 'q')))
