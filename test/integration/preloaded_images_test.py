"""A node without a registry: archives of images in DATA_DIR/images are loaded at its start, and nobody collects them."""
import gzip
import json
import os
import pathlib
import shutil
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.nodes import NodeCluster, await_true  # noqa: E402
from support.registry import build_images, image_archive  # noqa: E402

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason='needs root')

PINNED, PAUSE, OTHER = 'docker.io/library/busybox:1.36', 'registry.k8s.io/pause:3.10.2', 'docker.io/library/nginx:1.27'


@pytest.fixture(scope='module')
def cluster(tmp_path_factory):
    build_images('basic')
    archives = tmp_path_factory.mktemp('archives')
    image_archive(archives / 'basic.tar', [PINNED, PAUSE])

    def put():
        folder = cluster.server.data / 'images'
        folder.mkdir(parents=True)
        with open(archives / 'basic.tar', 'rb') as plain, gzip.open(folder / 'basic.tar.gz', 'wb', 1) as packed:
            shutil.copyfileobj(plain, packed)
        (folder / 'broken.tar').write_bytes(b'no archive at all')
        (folder / 'README').write_text('not read')
    # No registry and no mirror: whatever a pod would pull is not to be had.
    config = tmp_path_factory.mktemp('kubelet') / 'kubelet.yaml'
    config.write_text('apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\nevictionHard: {pid.available: "1"}\nimageGCHighThresholdPercent: 1\nimageGCLowThresholdPercent: 0\nimageMinimumGCAge: 1s\n')
    cluster = NodeCluster(subnet='10.96.4.0/24', flags=[f'--kubelet-config={config}'], before_start=put)
    with cluster:
        yield cluster


def pod(name):
    return {'apiVersion': 'v1', 'kind': 'Pod', 'metadata': {'name': name}, 'spec': {'restartPolicy': 'Never', 'containers': [{'name': 'main', 'image': 'busybox:1.36', 'command': ['echo', 'here']}]}}


def run(cluster, name):
    cluster.kubectl.apply(pod(name))
    await_true(f'{name} has run', lambda: cluster.kubectl.json('get', 'pod', name)['status'].get('phase') == 'Succeeded', timeout_s=60)
    cluster.kubectl('delete', 'pod', name)


def log(cluster):
    return (cluster.server.folder / 'pintle.log').read_text()


def test_pods_run_without_a_registry(cluster):
    run(cluster, 'first')
    said = log(cluster)
    assert 'Loading images' in said and 'basic.tar.gz' in said
    assert 'An archive of images is not loaded' in said and '/images/broken.tar' in said
    record = json.loads((cluster.server.data / 'images.json').read_text())
    assert record['archives']['basic.tar.gz']['images'] == [PINNED, PAUSE] and 'broken.tar' not in record['archives']
    assert f'{PINNED} ' in cluster.server.ctr('images', 'list', 'labels."io.cri-containerd.pinned"==pinned')


def test_they_are_loaded_once_and_again_when_one_is_gone(cluster):
    def start_anew():
        """What is logged until the node runs."""
        cluster.server.stop()
        before = len(log(cluster))
        cluster.server.start()
        return await_true('the node runs', lambda: 'The node runs' in log(cluster)[before:] and log(cluster)[before:])
    assert 'basic.tar.gz' not in start_anew()
    cluster.server.ctr('images', 'remove', '--sync', PINNED)
    assert 'basic.tar.gz' in start_anew()
    run(cluster, 'again')


def test_they_are_not_collected(cluster):
    """The disk of images counts as full: one that nobody uses goes, theirs stay as unused as it."""
    image_archive(cluster.server.folder / 'other.tar', [OTHER])
    cluster.server.ctr('images', 'import', str(cluster.server.folder / 'other.tar'))
    cluster.server.stop()
    cluster.server.start()
    cluster.await_ready()
    await_true('what nobody uses goes', lambda: OTHER not in cluster.server.ctr('images', 'list', '--quiet'), timeout_s=60)
    await_true('the node says that images were not enough', lambda: 'FreeDiskSpaceFailed' in cluster.kubectl('get', 'events'), timeout_s=30)
    assert {PINNED, PAUSE} <= set(cluster.server.ctr('images', 'list', '--quiet').split())
    run(cluster, 'still')
