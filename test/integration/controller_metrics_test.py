"""The pages of the controller manager beside upstream's, both on our API server, after the same objects have come and gone: every family of upstream's
/metrics is there with its type, labels and bounds, or has a reason not to be, and /configz says the same."""
import json
import pathlib
import re
import ssl
import sys
import urllib.request

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / 'test/differential/controllers'))
import run  # noqa: E402
from clusters import ManagedCluster  # noqa: E402
from scenario import Scenario, in_parallel  # noqa: E402
from support.cluster import pintle_binary  # noqa: E402
from support.normalise import differences  # noqa: E402
from support.peers import PEERS, lacking  # noqa: E402

AT_A_TIME = 8
SCENARIOS = ['jobs.completes', 'jobs.indexed_completes', 'jobs.a_policy_fails_the_job', 'jobs.backoff_per_index', 'jobs.goes_when_its_time_to_live_ends',
             'jobs.an_unscheduled_pod_deleted', 'jobs.parallelism_lowered', 'others.endpoints_of_ready_and_not', 'others.endpoints_written_by_hand',
             'others.a_claim_binds', 'others.a_claim_that_nothing_serves', 'others.an_ephemeral_claim', 'autoscalers.grows', 'deployments.rolls',
             'attachments.attached_and_detached']

# Families of upstream's that ours has not, and why: names, or what they begin with.
LEFT_OUT = {
    'go_': 'of the runtime of Go',
    'process_network_': 'of a whole network namespace, not of the process',
    'process_virtual_memory_max_bytes': 'a limit of address space, which nothing here has',
    'aggregator_': 'of an API server\'s code that upstream links in; always 0', 'apiextensions_': 'the same',
    'apiserver_audit_': 'the same', 'apiserver_cel_': 'the same', 'apiserver_envelope_': 'the same', 'apiserver_kube_aggregator_': 'the same',
    'apiserver_storage_': 'the same', 'apiserver_validation_': 'the same', 'apiserver_webhooks_': 'the same',
    'apiserver_client_certificate_expiration_seconds': 'of the port\'s own users, as are the next six',
    'apiserver_delegated_': 'who reads the page', 'authenticated_user_requests': 'who reads the page', 'authentication_': 'who reads the page',
    'authorization_': 'who reads the page',
    'cardinality_enforcement_': 'of upstream\'s metrics library', 'disabled_metrics_total': 'the same', 'hidden_metrics_total': 'the same',
    'registered_metrics_total': 'the same', 'version_info': 'kubernetes_build_info says it; nothing is emulated',
    'daemonset_controller_stale_sync_skips_total': 'no round starts from before its own last write, so none is skipped',
    'replicaset_controller_stale_sync_skips_total': 'the same', 'job_controller_stale_sync_skips_total': 'the same',
    'statefulset_controller_stale_sync_skips_total': 'the same', 'garbagecollector_controller_stale_sync_skips_total': 'the same',
    'job_controller_jobs_by_external_controller_total': 'its label is any text that a user writes into spec.managedBy',
    'informer_': 'informers here hand each change on at once: nothing is queued',
    'rest_client_rate_limiter_duration_seconds': 'no request waits for a rate unless --kube-api-qps states one',
    'rest_client_exec_plugin_': 'nothing has run a credential plugin', 'rest_client_request_size_bytes': 'bodies are not measured',
    'rest_client_response_size_bytes': 'the same', 'rest_client_transport_': 'there is no cache of transports',
    'volume_operation_total_seconds': 'of provisioning and deletion inside the manager: drivers do both',
    'volume_operation_': 'the same',
}


def families(page):
    """{name: (type, label sets, bounds)} of a page of metrics."""
    types, labels, bounds = {}, {}, {}
    for line in page.splitlines():
        if line.startswith('# TYPE '):
            _, _, name, kind = line.split()
            types[name] = kind
        elif line and not line.startswith('#'):
            name, _, written = re.match(r'([\w:]+)(\{(.*)\})? ', line).groups()
            pairs = dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', written or ''))
            whole = re.sub('_(bucket|sum|count)$', '', name)
            name = whole if types.get(whole) == 'histogram' else name
            if 'le' in pairs and types.get(name) == 'histogram':
                bounds.setdefault(name, set()).add(float(f'{float(pairs.pop("le")):.9g}'))     # some of upstream's are products: 9.999999999999999e-06
            labels.setdefault(name, set()).add(tuple(sorted(pairs)))
    return {name: (kind, sorted(labels.get(name, ())), sorted(bounds.get(name, ()))) for name, kind in types.items()}


def pages(manager):
    """/metrics and /configz of a manager after the scenarios."""
    binary = pintle_binary()
    with ManagedCluster(binary, manager, [binary, 'kube-scheduler']) as cluster:
        chosen = {name: function for name, function in run.scenarios(SCENARIOS).items()}
        assert sorted(chosen) == sorted(SCENARIOS)

        def work(key):
            scenario = Scenario(cluster, re.sub('[^a-z0-9]+', '-', key.lower()))
            chosen[key](scenario)
            scenario.settle()
        in_parallel(work, list(chosen), AT_A_TIME)
        call = cluster.client.call
        call('POST', '/api/v1/namespaces/kube-system/serviceaccounts', {'metadata': {'name': 'reader'}})
        call('POST', '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', {
            'metadata': {'name': 'reader'}, 'roleRef': {'apiGroup': 'rbac.authorization.k8s.io', 'kind': 'ClusterRole', 'name': 'cluster-admin'},
            'subjects': [{'kind': 'ServiceAccount', 'name': 'reader', 'namespace': 'kube-system'}]})
        token = call('POST', '/api/v1/namespaces/kube-system/serviceaccounts/reader/token', {'spec': {}})['status']['token']
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE     # a certificate that the manager has made for itself

        def get(path):
            request = urllib.request.Request(f'https://127.0.0.1:{cluster.manager_port}{path}', headers={'Authorization': f'Bearer {token}'})
            return urllib.request.urlopen(request, context=context, timeout=20).read().decode()
        assert cluster.manager_ended() is None
        folder = str(cluster.server.folder)
        return families(get('/metrics')), json.loads(get('/configz').replace(folder, 'FOLDER'))


@pytest.fixture(scope='module')
def both():
    why = lacking('kube-controller-manager')
    if why:
        pytest.skip(why)
    return pages([str(PEERS / 'kube-controller-manager')]), pages([pintle_binary(), 'kube-controller-manager'])


def left_out(name):
    return any(name == one or (one.endswith('_') and name.startswith(one)) for one in LEFT_OUT)


def test_every_family_is_there(both):
    (upstream, _), (ours, _) = both
    assert len(upstream) > 100
    lacking_ones = [name for name in sorted(upstream) if name not in ours and not left_out(name)]
    assert not lacking_ones
    assert not [name for name in ours if name in upstream and left_out(name)], 'it is there: no reason is needed'


def test_types_labels_and_bounds_are_upstreams(both):
    (upstream, _), (ours, _) = both
    differing = [f'{name}: upstream {upstream[name]}, ours {ours[name]}' for name in sorted(upstream) if name in ours and upstream[name] != ours[name]]
    assert not differing, '\n'.join(differing)


def test_the_configuration_is_upstreams(both):
    (_, upstream), (_, ours) = both
    for page in (upstream, ours):   # upstream's order of these is that of a Go map: another each time
        next(iter(page.values()))['GarbageCollectorController']['GCIgnoredResources'].sort(key=lambda resource: (resource['Group'], resource['Resource']))
    assert differences(upstream, ours, 'configz') == []
