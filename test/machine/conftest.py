"""The machine of a file's tests; files that want another one make it themselves."""
import pytest

from machine import Machine, parts
from support.cluster import pintle_binary

IMAGE = 'docker.io/library/busybox:1.36'


@pytest.fixture(scope='module')
def machine():
    made = Machine(pintle_binary(), parts(), images=[IMAGE])
    try:
        yield made.start()
    finally:
        made.stop()
