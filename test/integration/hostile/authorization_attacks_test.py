"""What a user with some right tried, to get what the right is not for. The matrix (authorization_matrix_test.py) has the forms of paths
one by one; here are the attacks as they were run, for real."""
import itertools
import json

import pytest

from support.hostile import rule

numbers = itertools.count()
RBAC = '/apis/rbac.authorization.k8s.io/v1'
APPLY = {'Content-Type': 'application/apply-patch+yaml'}
POD = {'apiVersion': 'v1', 'kind': 'Pod', 'metadata': {'name': 'intruder'},
       'spec': {'containers': [{'name': 'c', 'image': 'i', 'securityContext': {'privileged': True}}]}}


def names(server, path):
    return {i['metadata']['name'] for i in server.ask(server.admin, 'GET', path).json()['items']}


def reader(server, ns):
    return server.user(rule('pods secrets configmaps', 'get list watch'), rule('deployments', 'get list watch', groups='apps'), namespace=ns)


def test_watch_paths_write_nothing(bounded_server):
    server, ns = bounded_server, bounded_server.namespace()
    server.make(f'/api/v1/namespaces/{ns}/secrets', {'metadata': {'name': 'kept'}})
    user = reader(server, ns)
    pods, secrets = f'/api/v1/watch/namespaces/{ns}/pods', f'/api/v1/watch/namespaces/{ns}/secrets'
    assert server.ask(user, 'POST', pods, POD).status == 405
    assert server.ask(user, 'DELETE', secrets).status == 405
    assert server.ask(user, 'DELETE', f'{secrets}/kept').status == 405
    assert server.ask(user, 'PUT', f'{secrets}/kept', {'metadata': {'name': 'kept'}, 'data': {'a': 'YQ=='}}).status == 405
    assert server.ask(user, 'PATCH', f'{secrets}/kept?fieldManager=x&force=1', {'apiVersion': 'v1', 'kind': 'Secret', 'metadata': {'name': 'kept'}}, APPLY).status == 405
    assert server.ask(user, 'POST', f'{pods}/intruder/exec').status in (403, 404)
    assert server.ask(user, 'POST', f'/api/v1/watch/namespaces/{ns}/serviceaccounts/default/token', {}).status == 403
    assert names(server, f'/api/v1/namespaces/{ns}/pods') == set()
    kept = server.ask(server.admin, 'GET', f'/api/v1/namespaces/{ns}/secrets/kept').json()
    assert 'data' not in kept and 'deletionTimestamp' not in kept['metadata']


def test_a_node_deletes_no_service(bounded_server):
    server, ns = bounded_server, bounded_server.namespace()
    server.make(f'/api/v1/namespaces/{ns}/services', {'metadata': {'name': 'kept'}, 'spec': {'ports': [{'port': 80}]}})
    node = server.node('n1')
    for path in (f'/api/v1/watch/namespaces/{ns}/services/kept', f'/api/v1/watch/namespaces/{ns}/services', '/api/v1/watch/services'):
        assert server.ask(node, 'DELETE', path).status == 405
    assert names(server, f'/api/v1/namespaces/{ns}/services') == {'kept'}


def test_rights_in_a_namespace_are_none_on_namespaces(bounded_server):
    """A path that names a namespace before `namespaces` was judged by the rights in the first and carried out on the second."""
    server, ns, other = bounded_server, bounded_server.namespace(), bounded_server.namespace()
    user = server.user(rule('* */*', '*', groups='*'), namespace=ns)
    doubled = f'/api/v1/namespaces/{ns}/namespaces'
    assert server.ask(user, 'GET', doubled).status == 404
    assert server.ask(user, 'POST', doubled, {'metadata': {'name': 'taken'}}).status == 404
    assert server.ask(user, 'DELETE', f'{doubled}/{other}').status == 404
    assert server.ask(user, 'PUT', f'{doubled}/{other}/finalize', {'metadata': {'name': other}}).status == 404
    assert server.ask(user, 'PATCH', f'{doubled}/{other}', {'metadata': {'labels': {'a': 'b'}}}, {'Content-Type': 'application/merge-patch+json'}).status == 404
    assert 'taken' not in names(server, '/api/v1/namespaces')
    assert server.ask(server.admin, 'GET', f'/api/v1/namespaces/{other}').json()['status']['phase'] == 'Active'


def test_who_lists_one_name_sees_that_one(bounded_server):
    server, ns = bounded_server, bounded_server.namespace()
    path = f'/api/v1/namespaces/{ns}/configmaps'
    for name in ('mine', 'other'):
        server.make(path, {'metadata': {'name': name}})
    user = server.user(rule('configmaps', 'list watch', names=['mine']), namespace=ns)

    def listed(query):
        answer = server.ask(user, 'GET', f'{path}?{query}')
        return {i['metadata']['name'] for i in answer.json()['items']} if answer.status == 200 else answer.status
    assert listed('fieldSelector=metadata.name%3Dmine') == {'mine'}
    assert listed('fieldSelector=metadata.name%3Dmine,metadata.name%3Dother') == set()
    assert listed('fieldSelector=metadata.name%3Dmine,metadata.namespace!%3Dx') == {'mine'}
    for query in ('', 'fieldSelector=metadata.name%3Dother', 'fieldSelector=metadata.name!%3Dother', 'fieldSelector=metadata.name%3Dmine%2Cx&limit=many',
                  'fieldSelector=metadata.name%3Dother&fieldSelector=metadata.name%3Dmine', 'fieldSelector=%20metadata.name%3Dmine',
                  'fieldSelector=metadata.name%3Dmine\\', 'labelSelector=((&fieldSelector=metadata.name%3Dmine', 'fieldSelector=metadata.name%3Dmine%2F..%2Fother'):
        assert listed(query) == 403, query


@pytest.mark.parametrize('name', ['x:victim', ':victim', 'victim:', 'Victim', ''])
def test_only_the_very_name_is_the_node(bounded_server, name):
    server = bounded_server
    server.make('/api/v1/nodes', {'metadata': {'name': 'victim'}})
    assert server.ask(server.node('victim'), 'GET', '/api/v1/nodes/victim').status == 200
    user = server.node(name)
    for method, path in (('GET', '/api/v1/nodes/victim'), ('GET', '/api/v1/services'), ('PUT', '/api/v1/nodes/victim/status'),
                         ('POST', '/apis/certificates.k8s.io/v1/certificatesigningrequests')):
        assert server.ask(user, method, path, None if method == 'GET' else {}).status == 403, (method, path)


def test_apply_creates_for_those_who_may_create(bounded_server):
    server, ns = bounded_server, bounded_server.namespace()
    path = f'/api/v1/namespaces/{ns}/configmaps'

    def apply(user, name, query=''):
        return server.ask(user, 'PATCH', f'{path}/{name}?fieldManager=m{query}', {'apiVersion': 'v1', 'kind': 'ConfigMap', 'metadata': {'name': name}, 'data': {'a': 'b'}}, APPLY)
    patcher = server.user(rule('configmaps', 'get patch'), namespace=ns)
    for query in ('', '&force=1', '&dryRun=All'):
        answer = apply(patcher, 'new', query)
        assert answer.status == 403 and 'cannot create resource' in answer.json()['message'], answer
    assert names(server, path) == set()
    # The name counts: create on one name does not give another.
    one = server.user(rule('configmaps', 'patch'), rule('configmaps', 'create', names=['one']), namespace=ns)
    assert apply(one, 'two').status == 403
    assert apply(one, 'one').status == 201
    assert apply(patcher, 'one').status in (200, 409)     # what exists is patched


def test_update_creates_for_those_who_may_create(bounded_server):
    server, ns = bounded_server, bounded_server.namespace()
    path = f'/apis/coordination.k8s.io/v1/namespaces/{ns}/leases'
    lease = {'apiVersion': 'coordination.k8s.io/v1', 'kind': 'Lease', 'metadata': {'name': 'held'}, 'spec': {'holderIdentity': 'x'}}
    updater = server.user(rule('leases', 'update', groups='coordination.k8s.io'), namespace=ns)
    answer = server.ask(updater, 'PUT', f'{path}/held', lease)
    assert answer.status == 403 and 'cannot create resource' in answer.json()['message'], answer
    assert names(server, path) == set()
    both = server.user(rule('leases', 'update create', groups='coordination.k8s.io'), namespace=ns)
    made = server.ask(both, 'PUT', f'{path}/held', lease)
    assert made.status == 201, made
    assert server.ask(updater, 'PUT', f'{path}/held', made.json()).status == 200


def words(stem, n):
    return ' '.join(f'{stem}{i}' for i in range(n))


def product(ns, verbs, groups, resources, names=0):
    return {'apiVersion': 'rbac.authorization.k8s.io/v1', 'kind': 'Role', 'metadata': {'name': f'r{next(numbers)}', 'namespace': ns},
            'rules': [{'verbs': words('v', verbs).split(), 'apiGroups': words('g', groups).split(), 'resources': words('r', resources).split(),
                       **({'resourceNames': words('n', names).split()} if names else {})}]}


@pytest.mark.parametrize('sizes', [(80, 80, 80, 0), (80, 80, 80, 80), (1, 1, 1, 100_000), (2000, 2000, 2000, 2000)])
def test_a_rule_is_not_multiplied_out(bounded_server, sizes):
    """1.8 KB of verbs, groups and resources were 512,000 rules in the escalation check: 522 MiB, and an answer of 31 MB."""
    server, ns = bounded_server, bounded_server.namespace()
    user = server.user(rule('roles', 'create update', groups='rbac.authorization.k8s.io'), rule('*', 'get list', groups='*'), namespace=ns)
    body = json.dumps(product(ns, *sizes))
    with server.attack(limit_s=5):
        for _ in range(3):
            answer = server.ask(user, 'POST', f'{RBAC}/namespaces/{ns}/roles', body)
            assert answer.status == 403 and len(answer.body) < 64 << 10, answer
    assert 'attempting to grant RBAC permissions not currently held' in answer.json()['message']


def test_what_is_missing_is_named(bounded_server):
    server, ns = bounded_server, bounded_server.namespace()
    user = server.user(rule('roles', 'create', groups='rbac.authorization.k8s.io'), rule('pods', 'get list'), namespace=ns)
    role = {'apiVersion': 'rbac.authorization.k8s.io/v1', 'kind': 'Role', 'metadata': {'name': 'more'}, 'rules': [rule('pods secrets', 'get list delete')]}
    answer = server.ask(user, 'POST', f'{RBAC}/namespaces/{ns}/roles', role)
    assert answer.status == 403
    lines = answer.json()['message'].splitlines()[1:]
    assert lines == ['{APIGroups:[""], Resources:["pods"], Verbs:["delete"]}', '{APIGroups:[""], Resources:["secrets"], Verbs:["get" "list" "delete"]}'], lines


def test_a_role_bound_many_times_is_listed_once(bounded_server):
    """Each binding repeated the whole role in a SelfSubjectRulesReview and in each judgement: 300 bindings of 300 KB."""
    server, ns = bounded_server, bounded_server.namespace()
    user = server.user(rule('configmaps', 'get'), namespace=ns)
    role = product(ns, 10, 10, 10, 20_000)
    role['rules'] += [rule('secrets', 'get')]
    server.make(f'{RBAC}/namespaces/{ns}/roles', role)
    for n in range(300):
        server.make(f'{RBAC}/namespaces/{ns}/rolebindings', {
            'metadata': {'name': f'b{n}'}, 'roleRef': {'apiGroup': 'rbac.authorization.k8s.io', 'kind': 'Role', 'name': role['metadata']['name']},
            'subjects': [{'apiGroup': 'rbac.authorization.k8s.io', 'kind': 'User', 'name': user.name}] * 10})
    review = {'apiVersion': 'authorization.k8s.io/v1', 'kind': 'SelfSubjectRulesReview', 'spec': {'namespace': ns}}
    with server.attack(limit_s=10):
        for _ in range(10):
            answer = server.ask(user, 'POST', '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews', review)
            assert answer.status == 201 and len(answer.body) < 2 << 20, answer
        assert server.ask(user, 'GET', f'/api/v1/namespaces/{ns}/secrets/none').status == 404
        assert server.ask(user, 'GET', f'/api/v1/namespaces/{ns}/pods/none').status == 403
    assert len([r for r in answer.json()['status']['resourceRules'] if 'secrets' in r['resources']]) == 1
