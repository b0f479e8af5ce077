"""The Python client library, unmodified: lists, watches, updates, patches and conflicts."""
import pytest
from kubernetes import client, config, watch


@pytest.fixture(scope='module')
def core(server):
    return client.CoreV1Api(config.new_client_from_config(server.kubeconfig))


def config_map(name, **data):
    return client.V1ConfigMap(metadata=client.V1ObjectMeta(name=name, labels={'made-by': 'python'}), data=data)


def test_create_list_update_delete(core, ns):
    core.create_namespaced_config_map(ns.name, config_map('a', level='info'))
    listed = core.list_namespaced_config_map(ns.name, label_selector='made-by=python')
    assert [m.metadata.name for m in listed.items] == ['a']
    changed = listed.items[0]
    changed.data['level'] = 'debug'
    assert core.replace_namespaced_config_map('a', ns.name, changed).data == {'level': 'debug'}
    with pytest.raises(client.ApiException) as stale:
        core.replace_namespaced_config_map('a', ns.name, changed)
    assert stale.value.status == 409
    assert core.patch_namespaced_config_map('a', ns.name, {'data': {'level': None, 'port': '1'}}).data == {'port': '1'}
    core.delete_namespaced_config_map('a', ns.name)
    with pytest.raises(client.ApiException) as gone:
        core.read_namespaced_config_map('a', ns.name)
    assert gone.value.status == 404


def test_watch_resumes_from_a_list(core, ns):
    start = core.list_namespaced_config_map(ns.name).metadata.resource_version
    for name in ('a', 'b'):
        core.create_namespaced_config_map(ns.name, config_map(name))
    core.delete_namespaced_config_map('a', ns.name)
    seen = []
    for event in watch.Watch().stream(core.list_namespaced_config_map, ns.name, resource_version=start, timeout_seconds=30):
        seen.append((event['type'], event['object'].metadata.name))
        if len(seen) == 3:
            break
    assert seen == [('ADDED', 'a'), ('ADDED', 'b'), ('DELETED', 'a')]


def test_pages(core, ns):
    for i in range(7):
        core.create_namespaced_config_map(ns.name, config_map(f'c{i}'))
    names, token = [], None
    while True:
        page = core.list_namespaced_config_map(ns.name, limit=3, _continue=token)
        names += [m.metadata.name for m in page.items]
        token = page.metadata._continue
        if not token:
            break
    assert names == [f'c{i}' for i in range(7)]
