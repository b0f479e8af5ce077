"""A `pintle server` with its node in a network namespace, and the projects that are installed on it. `make ecosystem` builds them."""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from support.cluster import ROOT  # noqa: E402
from support.nodes import NodeCluster  # noqa: E402
from support.registry import Registry, build_images  # noqa: E402

PROGRAMS = ROOT / 'build/ecosystem'


def program(name):
    """A project's program; a test without it is skipped with a line."""
    path = PROGRAMS / name
    if not path.exists():
        pytest.skip(f'{name} is not built: make ecosystem')
    return str(path)


@pytest.fixture(scope='session')
def cluster(tmp_path_factory):
    build_images('basic')
    registry = Registry(tmp_path_factory.mktemp('registry'), '10.89.0.1:5000')
    try:
        with NodeCluster(registry=registry.url, subnet='10.89.0.0/24', before_start=lambda: registry.start().push()) as c:
            c.registry = registry
            yield c
    finally:
        registry.stop()
