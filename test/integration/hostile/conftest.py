"""Servers with little memory, checked after every test that uses one; README.md tells how to write one."""
import pytest

from support.hostile import BoundedCluster, BoundedServer


@pytest.fixture(scope='module')
def running_server():
    with BoundedServer() as server:
        yield server


@pytest.fixture(scope='module')
def running_cluster():
    with BoundedCluster() as cluster:
        yield cluster


@pytest.fixture
def bounded_server(running_server):
    """`pintle kube-apiserver` with 256 MiB of address space: unharmed after the test."""
    yield running_server
    running_server.check_unharmed()


@pytest.fixture
def bounded_cluster(running_cluster):
    """`pintle server --disable-agent` with 256 MiB of address space: unharmed after the test."""
    yield running_cluster
    running_cluster.check_unharmed()
