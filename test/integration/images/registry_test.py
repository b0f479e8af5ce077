"""The images of test/images, served by the registry and pulled by a real containerd through a mirror."""
import json
import os
import pathlib
import subprocess
import tempfile
import time

import pytest

from support.cluster import Process
from support.nodes import write_mirror
from support.registry import Registry, build_images, repository


@pytest.fixture(scope='module')
def registry():
    build_images('basic')
    with Registry() as made:
        made.push()
        yield made


def manifest(registry, name):
    path, tag = repository(name)
    _, body = registry.request('GET', f'/v2/{path}/manifests/{tag}', headers={'Accept': 'application/vnd.oci.image.manifest.v1+json'})
    return json.loads(body)


def test_what_is_built_is_served(registry):
    index = json.loads((registry.images / 'index.json').read_text())
    for name, descriptor in index.items():
        assert manifest(registry, name) == json.loads(registry.blob(descriptor['digest'])), name


def test_a_private_registry_asks_for_credentials():
    build_images('basic')
    with Registry(users={'user': 'secret'}) as private:
        private.push(['registry.k8s.io/pause:3.10.2'], as_name='private.example/pause:1')
        assert manifest(private, 'private.example/pause:1')
        for users in ({'user': 'wrong'}, None):
            private.users = users
            with pytest.raises(RuntimeError, match='401'):
                manifest(private, 'private.example/pause:1')


def test_an_image_that_is_removed_is_not_found(registry):
    registry.push(['registry.k8s.io/pause:3.10.2'], as_name='a.example/gone:1')
    registry.remove('a.example/gone:1')
    with pytest.raises(RuntimeError, match='404'):
        manifest(registry, 'a.example/gone:1')


class Containerd:
    """A containerd of our own, with nothing but images."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.socket = str(self.folder / 'containerd.sock')

    def __enter__(self):
        config = self.folder / 'config.toml'
        config.write_text(f'version = 2\nroot = "{self.folder}/root"\nstate = "{self.folder}/state"\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n'
                          f'[grpc]\naddress = "{self.socket}"\n[plugins."io.containerd.internal.v1.opt"]\npath = "{self.folder}/opt"\n')
        self.process = Process(['containerd', '--config', str(config)], self.folder / 'log')
        end = time.monotonic() + 30
        while self.ctr('version', check=False).returncode != 0:
            assert time.monotonic() < end, self.process.tail()
            time.sleep(0.05)
        return self

    def __exit__(self, *_):
        self.process.stop()

    def ctr(self, *args, check=True):
        done = subprocess.run(['ctr', '--address', self.socket, *args], capture_output=True, text=True, timeout=120)
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done


@pytest.mark.skipif(os.geteuid() != 0, reason='containerd unpacks layers as root')
def test_containerd_pulls_through_the_mirror(registry):
    with tempfile.TemporaryDirectory(prefix='pintle-ctr-') as folder, Containerd(folder) as containerd:
        hosts = write_mirror(pathlib.Path(folder) / 'hosts', registry.url)
        pull = ['images', 'pull', '--hosts-dir', hosts, '--snapshotter', 'native']
        for name in ('registry.k8s.io/pause:3.10.2', '123456789.dkr.ecr.us-east-1.amazonaws.com/day:v1.2.3'):
            containerd.ctr(*pull, name)
        missing = containerd.ctr(*pull, 'docker.io/library/nosuch:1', check=False)
        assert missing.returncode != 0 and 'not found' in missing.stdout + missing.stderr
