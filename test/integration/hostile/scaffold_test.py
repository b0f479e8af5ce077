"""That the scaffold itself holds: users have their rights and no others, a neighbour is served, raw bytes are answered."""
import pytest

from support.hostile import Neighbour, rule


def check_users(server):
    ns = server.namespace()
    tenant = server.user(rule('configmaps', 'get list create'), namespace=ns)
    path = f'/api/v1/namespaces/{ns}/configmaps'
    assert server.ask(tenant, 'POST', path, {'metadata': {'name': 'c'}}).status == 201
    assert server.ask(tenant, 'GET', f'{path}/c').status == 200
    assert server.ask(tenant, 'DELETE', f'{path}/c').status == 403
    assert server.ask(tenant, 'GET', '/api/v1/namespaces/neighbour/configmaps').status == 403


def test_users_of_a_server(bounded_server):
    check_users(bounded_server)


def test_users_of_a_cluster(bounded_cluster):
    check_users(bounded_cluster)


def test_a_neighbour_is_served(bounded_server):
    with bounded_server.attack(limit_s=10) as neighbour:
        for _ in range(20):
            assert bounded_server.ask(bounded_server.admin, 'GET', '/api/v1/namespaces').status == 200
    assert isinstance(neighbour, Neighbour) and neighbour.answers > 0


def test_raw_bytes_are_answered(bounded_server):
    with bounded_server.raw(bounded_server.admin) as raw:
        raw.send('GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n')
        assert raw.answer().body == b'ok'
        raw.send('no request at all\r\n\r\n')
        assert raw.answer().status == 400


def test_another_process_is_noticed(bounded_server):
    before = bounded_server.pid
    bounded_server.pid = -1
    try:
        with pytest.raises(AssertionError):
            bounded_server.check_unharmed()
    finally:
        bounded_server.pid = before
