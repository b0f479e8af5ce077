"""A `pintle server` with its node in a network namespace, and the projects that are installed on it. `make ecosystem` builds them."""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from support.cluster import ROOT, run  # noqa: E402
from support.nodes import NodeCluster  # noqa: E402
from support.registry import Registry, build_images  # noqa: E402

PROGRAMS = ROOT / 'build/ecosystem'


def program(name):
    """A project's program; a test without it is skipped with a line."""
    path = PROGRAMS / name
    if not path.exists():
        pytest.skip(f'{name} is not built: make ecosystem')
    return str(path)


def free_network():
    """The first three numbers of a network that nothing on this machine leads to: another cluster may run beside."""
    taken = run('ip', 'route')
    return next(f'10.{n}.0' for n in range(90, 128) if f'10.{n}.0.' not in taken)


@pytest.fixture(scope='session')
def cluster(tmp_path_factory):
    build_images('basic')
    network = free_network()
    registry = Registry(tmp_path_factory.mktemp('registry'), f'{network}.1:5000')
    try:
        with NodeCluster(registry=registry.url, subnet=f'{network}.0/24', before_start=lambda: registry.start().push()) as c:
            c.registry = registry
            yield c
    finally:
        registry.stop()
