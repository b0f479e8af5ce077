"""An API server whose disk is full: writes are refused in one clear line, reads and watches go on, /readyz tells, nothing that was
acknowledged is lost, and all is well again once there is room."""
import json
import os
import subprocess
import sys
import pathlib
import urllib.error

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.cluster import ApiServer, run  # noqa: E402
from support.nodes import await_true  # noqa: E402

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason='needs root: it mounts a small file system')

WHY = 'no space left on device'


@pytest.fixture
def server(tmp_path):
    data = tmp_path / 'data'
    data.mkdir()
    run('mount', '-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', str(data))
    try:
        with ApiServer(folder=tmp_path) as s:
            yield s
    finally:
        run('umount', str(data))


def make(server, name, kib=1):
    """Creates a config map of that size; the error's text, or None."""
    body = {'apiVersion': 'v1', 'kind': 'ConfigMap', 'metadata': {'name': name, 'namespace': 'default'}, 'data': {'of': name, 'x': 'x' * (kib << 10)}}
    done = server.kubectl('create', '-f', '-', stdin=json.dumps(body), check=False)
    return None if done.returncode == 0 else done.stderr


def names(server):
    listed = json.loads(server.get('/api/v1/namespaces/default/configmaps'))['items']
    return {o['metadata']['name'] for o in listed if o['data'].get('of') == o['metadata']['name']}


def health(server, path):
    try:
        return 200, server.get(path).decode()
    except urllib.error.HTTPError as e:
        return e.code, e.read().decode()


def fill(path):
    with open(path, 'wb', buffering=0) as ballast:
        try:
            while True:
                ballast.write(b'x' * 4096)
        except OSError as e:
            assert e.strerror.lower() == WHY


def test_a_full_disk_refuses_writes_and_forgets_nothing(server):
    stored = {'before'}
    assert make(server, 'before') is None
    ballast = server.folder / 'data/ballast'
    fill(ballast)
    refused = {}
    while len(refused) < 3:
        name = f'during-{len(stored) + len(refused)}'
        error = make(server, name, kib=200)
        if error is None:
            stored.add(name)
        else:
            refused[name] = error
    for error in refused.values():
        assert error.startswith('Error from server (InternalError): ') and WHY in error and len(error.strip().splitlines()) == 1, error
    # What was there is read, and nothing else is.
    assert names(server) == stored
    status, text = health(server, '/readyz')
    assert status == 500 and '[-]etcd-readiness failed: reason withheld' in text
    assert health(server, '/livez') == (200, 'ok')
    store = json.loads(server.get('/api/v1/componentstatuses/etcd-0'))['conditions'][0]
    assert store['status'] == 'False' and WHY in store['message']
    log = server.server.log.read_text()
    assert log.count('The store cannot write') == 1 and WHY in log

    ballast.unlink()
    await_true('the server finds out without a write', lambda: health(server, '/readyz') == (200, 'ok'), timeout_s=10)
    assert make(server, 'after', kib=200) is None
    stored.add('after')
    assert names(server) == stored
    server.server.child.kill()
    server.server.child.wait()
    server.processes.clear()
    server.start()
    assert names(server) == stored


def test_a_server_does_not_start_on_a_full_disk(server):
    assert make(server, 'before') is None
    server.stop()
    ballast = server.folder / 'data/ballast'
    fill(ballast)
    with pytest.raises(RuntimeError, match='ended with 1 before readyz'):
        server.start()
    said = server.processes.pop().tail().strip().splitlines()[-1]
    assert said.startswith('kube-apiserver: ') and WHY in said
    ballast.unlink()
    server.start()
    assert names(server) == {'before'}
