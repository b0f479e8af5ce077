"""What a request says before its body, at its longest and deepest: selectors, queries, paths, Accept, tokens. Each answer comes at once,
and says what is wrong or simply answers; nobody else waits."""
import base64
import json
import urllib.parse

import pytest

from support.hostile import SLOWNESS, rule

HEAD_BYTES = 60_000          # of a request line or a header; all heads may have 64 KiB
ANSWER_MAX_S = 0.5
TIMES = 3
quote = urllib.parse.quote


def filled(piece, size=HEAD_BYTES):
    return piece * (size // len(piece))


def unsigned(claims_text):
    def part(text):
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip('=')
    return f'{part(json.dumps({"alg": "RS256", "kid": "x"}))}.{part(claims_text)}.{part("signature")}'


def bearer(token):
    return {'Authorization': f'Bearer {token}'}


# name: what is added to the list's query, or headers; the statuses that are right
QUERIES = {
    'values of one requirement': ('labelSelector=a+in+(' + filled('x,') + 'x)', {200}),
    'requirements': ('labelSelector=' + filled('a!=1,') + 'a', {400}),
    'parentheses': ('labelSelector=' + filled('('), {400}),
    'no end': ('labelSelector=a+in+(' + filled('x,'), {400}),
    'fields': ('fieldSelector=' + filled('metadata.name!=x,') + 'metadata.name!=y', {200, 400}),
    'backslashes': ('fieldSelector=metadata.name%3D' + filled('%5C'), {200, 400}),
    'parameters': (filled('a&'), {200}),
    'one parameter': (filled('limit=1&'), {200}),
    'broken escapes': ('labelSelector=' + filled('%zz'), {200, 400}),
    'a page of nothing': ('limit=1&continue=' + base64.urlsafe_b64encode(filled('[', 40_000).encode()).decode(), {400}),
    'a page that nests': ('continue=' + base64.urlsafe_b64encode(('{"v":"meta.k8s.io/v1","rv":1,"start":' + filled('{"a":', 30_000)).encode()).decode(), {400}),
    'a version without end': ('resourceVersion=' + filled('9'), {400}),
    'a negative limit': ('limit=-9223372036854775808', {400, 422, 200}),
    'a number too large': ('limit=' + filled('9'), {400}),
    'a manager': ('fieldManager=' + filled('m'), {200}),
}
HEADERS = {
    'clauses of Accept': ({'Accept': filled('application/json;q=0.1,')}, {200, 406}),
    'parameters of Accept': ({'Accept': 'application/json' + filled(';a=b')}, {200, 406}),
    'a token of dots': (bearer(filled('.')), {401}),
    'a token of nothing': (bearer(filled('x')), {401}),
    'claims that nest': (bearer(unsigned(filled('[', 40_000))), {401}),
    'claims that nest in objects': (bearer(unsigned('{"iss":"kubernetes/serviceaccount","aud":' + filled('{"a":', 40_000))), {401}),
    'an audience of thousands': (bearer(unsigned('{"iss":"https://kubernetes.default.svc","aud":[' + filled('"a",', 40_000) + '"b"]}')), {401}),
    'a bootstrap token': (bearer('abcdef.' + filled('0')), {401}),
    'basic': ({'Authorization': 'Basic ' + filled('A')}, {401}),
    'protocols with tokens': ({'Sec-WebSocket-Protocol': filled('base64url.bearer.authorization.k8s.io.eHg,', 50_000) + 'x'}, {200, 400, 401}),
    'an impersonated user': ({'Impersonate-User': filled('u')}, {403}),
    'a user agent': ({'User-Agent': filled('(')}, {200}),
    'encodings': ({'Accept-Encoding': filled('gzip;q=0.1,')}, {200, 406}),
}
PATHS = {
    'slashes': ('/' + filled('/'), {301, 404, 403}),
    'dots': ('/api/v1/' + filled('%2e%2e/'), {404, 403, 400}),
    'segments': ('/api/v1/namespaces/' + filled('a/'), {404, 403}),
    'a name': ('/api/v1/namespaces/x/configmaps/' + filled('n'), {404, 403, 400}),
    'an escape at the end': ('/api/v1/' + filled('%', 30_000), {400, 404, 403}),
    'watches': ('/api/v1/' + filled('watch/'), {404, 403}),
}


@pytest.fixture(scope='module')
def tenant(running_server):
    ns = running_server.namespace()
    user = running_server.user(rule('configmaps', 'get list'), namespace=ns)
    user.path = f'/api/v1/namespaces/{ns}/configmaps'
    return user


def check(server, user, path, headers, wanted):
    with server.attack(limit_s=5):
        for _ in range(TIMES):
            answer = server.ask(user, 'GET', path, headers=headers)
            assert answer.status in wanted, answer
            assert answer.seconds < ANSWER_MAX_S * SLOWNESS, answer


@pytest.mark.parametrize('name', QUERIES)
def test_queries(bounded_server, tenant, name):
    query, wanted = QUERIES[name]
    check(bounded_server, tenant, f'{tenant.path}?{query}', {}, wanted)


@pytest.mark.parametrize('name', HEADERS)
def test_headers(bounded_server, tenant, name):
    headers, wanted = HEADERS[name]
    user = tenant
    if 'Authorization' in headers or 'Sec-WebSocket-Protocol' in headers:
        user = bounded_server.anonymous()
        wanted = wanted | {403}
    check(bounded_server, user, tenant.path, headers, wanted)


@pytest.mark.parametrize('piece', ['\r\n', '\n', '\r', 'GET / HTTP/1.1\r\n', 'a: b\r\n', ' '])
def test_bytes_that_are_no_head(bounded_server, piece):
    with bounded_server.attack(limit_s=5):
        for _ in range(TIMES):
            with bounded_server.raw(bounded_server.anonymous()) as raw:
                raw.send(filled(piece) + '\r\n\r\n')
                assert raw.answer().status in (400, 431)


@pytest.mark.parametrize('name', PATHS)
def test_paths(bounded_server, tenant, name):
    path, wanted = PATHS[name]
    check(bounded_server, tenant, path, {}, wanted)
