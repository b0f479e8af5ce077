"""Evictions of a pod that budgets share: with one it goes by what the budget allows, with two nobody can say, whatever they allow."""
import json


def budget(name, minimum):
    return {'apiVersion': 'policy/v1', 'kind': 'PodDisruptionBudget', 'metadata': {'name': name}, 'spec': {'minAvailable': minimum, 'selector': {'matchLabels': {'app': 'web'}}}}


def evict(ns, pod):
    """The status code and message that the eviction is answered with; None: it is let through."""
    body = json.dumps({'apiVersion': 'policy/v1', 'kind': 'Eviction', 'metadata': {'name': pod, 'namespace': ns.name}})
    done = ns.kubectl('create', '--raw', f'/api/v1/namespaces/{ns.name}/pods/{pod}/eviction', '-f', '-', stdin=body, check=False)
    return None if done.returncode == 0 else done.stderr


def allow(ns, name, count):
    """What the disruption controller would write, which does not run here."""
    status = {'status': {'observedGeneration': 1, 'disruptionsAllowed': count, 'currentHealthy': 2, 'desiredHealthy': 1, 'expectedPods': 2}}
    ns.kubectl('patch', 'pdb', name, '--subresource=status', '--type=merge', '-p', json.dumps(status))


def test_two_budgets_on_one_pod(ns):
    for name in ('a', 'b'):
        ns.apply({'apiVersion': 'v1', 'kind': 'Pod', 'metadata': {'name': name, 'labels': {'app': 'web'}}, 'spec': {
            'nodeName': 'none', 'terminationGracePeriodSeconds': 0, 'containers': [{'name': 'c', 'image': 'registry.example/c:1'}]}})
        ns.kubectl('patch', 'pod', name, '--subresource=status', '--type=merge', '-p', '{"status":{"phase":"Running","conditions":[{"type":"Ready","status":"True"}]}}')
    ns.apply(budget('one', 1), budget('two', 1))
    for name in ('one', 'two'):
        allow(ns, name, 1)
    said = evict(ns, 'a')
    assert 'InternalError' in said and 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.' in said
    assert {one['metadata']['name'] for one in ns.json('get', 'pods')['items']} == {'a', 'b'}
    assert all(one['status']['disruptionsAllowed'] == 1 for one in ns.json('get', 'pdb')['items'])
    ns.kubectl('delete', 'pdb', 'two')
    assert evict(ns, 'a') is None
    assert ns.json('get', 'pdb', 'one')['status']['disruptionsAllowed'] == 0
    assert 'TooManyRequests' in evict(ns, 'b')
