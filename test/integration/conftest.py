"""One API server for the whole session, and a namespace of its own for each test.

PEERS=build/peers runs the same tests against upstream's API server, to check the tests themselves."""
import itertools
import json
import os
import pathlib
import sys

import pytest
import yaml

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.cluster import ApiServer  # noqa: E402

numbers = itertools.count()


@pytest.fixture(scope='session')
def server():
    with ApiServer(upstream=os.environ.get('PEERS')) as s:
        yield s
        if not s.upstream:
            s.check_held()


class Namespace:
    """kubectl bound to one namespace, with the default service account that no controller makes here."""

    def __init__(self, server, name):
        self.server, self.name = server, name

    def kubectl(self, *args, **kw):
        return self.server.kubectl('-n', self.name, *args, **kw)

    def json(self, *args):
        return json.loads(self.kubectl(*args, '-o', 'json'))

    def apply(self, *objects, flags=()):
        text = '\n---\n'.join(o if isinstance(o, str) else yaml.safe_dump(o) for o in objects)
        return self.kubectl('apply', *flags, '-f', '-', stdin=text)


@pytest.fixture
def ns(server):
    name = f'test-{next(numbers)}'
    server.kubectl('create', 'namespace', name)
    server.kubectl('-n', name, 'create', 'serviceaccount', 'default')
    yield Namespace(server, name)
    server.kubectl('delete', 'namespace', name, '--wait=false')
