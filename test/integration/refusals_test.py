"""What refusals show of the values at fault, beside upstream's API server."""
import contextlib
import copy
import json
import re
import urllib.error
import urllib.request

from support import peers
from support.cluster import ApiServer

PODS, CONFIGMAPS = '/api/v1/namespaces/default/pods', '/api/v1/namespaces/default/configmaps'
JOBS, DEPLOYMENTS = '/apis/batch/v1/namespaces/default/jobs', '/apis/apps/v1/namespaces/default/deployments'
POD = {'containers': [{'name': 'c', 'image': 'i'}], 'nodeName': 'n'}
DRAWN = re.compile(r'[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}')


def ask(server, method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(server.url + path, data=data, method=method, headers={'Content-Type': 'application/json'})
    try:
        with urllib.request.urlopen(request, context=server.context, timeout=60) as answer:
            return json.loads(answer.read())
    except urllib.error.HTTPError as e:
        return json.loads(e.read())


def preconditions(server):
    """Of objects that live and of those that go already."""
    ask(server, 'POST', PODS, {'metadata': {'name': 'p'}, 'spec': POD})
    ask(server, 'POST', CONFIGMAPS, {'metadata': {'name': 'c', 'finalizers': ['example.com/x']}})
    for path in (f'{PODS}/p', f'{CONFIGMAPS}/c', '/api/v1/namespaces/default'):
        for _ in range(1 if path.endswith('default') else 2):
            for wrong in ({'uid': 'wrong'}, {'resourceVersion': '1'}):
                if 'uid' in wrong or not path.endswith('default'):
                    yield ask(server, 'DELETE', path, {'apiVersion': 'v1', 'kind': 'DeleteOptions', 'preconditions': wrong})
            if not path.endswith('default'):
                ask(server, 'DELETE', path)


def selectors(server):
    job = {'metadata': {'name': 'j'}, 'spec': {'suspend': True, 'template': {
        'metadata': {'labels': {'a': 'b'}}, 'spec': {'restartPolicy': 'Never', 'containers': POD['containers']}}}}
    made = ask(server, 'POST', JOBS, job)
    made['spec']['selector'] = {'matchLabels': {'q': 'w'}}
    yield ask(server, 'PUT', f'{JOBS}/j', made)
    made['spec']['template']['metadata']['labels']['job-name'] = 'other'
    yield ask(server, 'PUT', f'{JOBS}/j', made)
    job['metadata']['name'], job['spec']['selector'] = 'k', {'matchLabels': {'q': 'w'}}
    yield ask(server, 'POST', JOBS, job)
    deployment = {'metadata': {'name': 'd'}, 'spec': {'selector': {'matchLabels': {'a': 'b'}}, 'template': {
        'metadata': {'labels': {'a': 'c', 'e': 'f'}}, 'spec': {'containers': POD['containers']}}}}
    yield ask(server, 'POST', DEPLOYMENTS, deployment)
    deployment['spec']['template']['metadata']['labels'] = {'a': 'b'}
    made = ask(server, 'POST', DEPLOYMENTS, deployment)
    made['spec']['selector'] = {'matchExpressions': [{'key': 'a', 'operator': 'In', 'values': ['b', 'x']}]}
    yield ask(server, 'PUT', f'{DEPLOYMENTS}/d', made)


def told(server):
    ask(server, 'POST', '/api/v1/namespaces/default/serviceaccounts', {'metadata': {'name': 'default'}})
    out = []
    for one in [*preconditions(server), *selectors(server)]:
        assert one['kind'] == 'Status' and one['status'] == 'Failure', one
        shown = copy.deepcopy({name: one.get(name) for name in ('code', 'reason', 'message', 'details')})
        causes = shown['details'].get('causes', [])
        shown['details']['causes'] = [cause for i, cause in enumerate(causes) if cause not in causes[:i]]  # upstream looks at some things twice
        out.append(re.sub(r'in record \(\d+\)', 'in record (N)', DRAWN.sub('UID', json.dumps(shown, sort_keys=True))))
    return out


def test_values_at_fault():
    with contextlib.ExitStack() as stack:
        ours = told(stack.enter_context(ApiServer()))
        assert not any('{...}' in line for line in ours), ours
        assert sum('does not match the UID in record (UID)' in line for line in ours) == 4, ours
        if peers.lacking('kube-apiserver', 'etcd'):
            return
        theirs = told(stack.enter_context(ApiServer(upstream=peers.PEERS)))
    assert ours == theirs
