"""An aggregated API server for tests: HTTPS, one group version, in this process. It believes a front proxy whose certificate its CA has signed,
keeps objects in a dict, and remembers what it was asked. `behaviour` makes it misbehave."""
import base64
import hashlib
import http.server
import json
import pathlib
import ssl
import threading
import urllib.parse

import yaml

from .cluster import Pki, run

GROUP = 'wardle.example.com'
DISCOVERY = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'
PATCH = 'io.k8s.apimachinery.pkg.apis.meta.v1.Patch'  # of this server too


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def log_message(self, *_):
        pass

    def answer(self, status, body=b'', content_type='application/json', **headers):
        body = body if isinstance(body, bytes) else (json.dumps(body) if not isinstance(body, str) else body).encode()
        self.send_response(status)
        for name, value in {'Content-Type': content_type, 'Content-Length': str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != 'HEAD':
            self.wfile.write(body)

    def serve(self):
        world = self.server.world
        length = int(self.headers.get('Content-Length') or 0)
        if self.headers.get('Transfer-Encoding') == 'chunked':
            self.body = b''
            while size := int(self.rfile.readline().split(b';')[0], 16):
                self.body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            self.body = self.rfile.read(length)
        certificate = self.connection.getpeercert() or {}
        names = [value for rdn in certificate.get('subject', ()) for key, value in rdn if key == 'commonName']
        url = urllib.parse.urlsplit(self.path)
        asked = {'method': self.command, 'path': url.path, 'query': url.query, 'headers': [list(h) for h in self.headers.items()], 'proxy': names[0] if names else '',
                 'body': self.body.decode(errors='replace')}
        world.asked.append(asked)
        if world.behaviour and world.behaviour(self, asked):
            return
        if not names:
            return self.answer(401, {'kind': 'Status', 'code': 401})
        self.route(asked, url)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = serve

    def route(self, asked, url):
        world = self.server.world
        root = f'/apis/{world.group}/{world.version}'
        if url.path == '/apis' and world.aggregated and 'APIGroupDiscoveryList' in (self.headers.get('Accept') or ''):
            if self.headers.get('If-None-Match') == '"one"':
                return self.answer(304)
            return self.answer(200, world.discovery(), DISCOVERY, ETag='"one"')
        if url.path == root:
            return self.answer(200, world.plain())
        if url.path.startswith('/openapi/'):
            return self.openapi(url)
        if not url.path.startswith(root + '/'):
            return self.answer(404, {'kind': 'Status', 'apiVersion': 'v1', 'status': 'Failure', 'reason': 'NotFound', 'code': 404})
        parts = url.path[len(root) + 1:].split('/')
        if parts[-1] == 'echo':
            return self.answer(200, asked)
        if parts[-1] == 'away':
            return self.answer(302, '', Location='https://elsewhere.example.com/')
        if parts[-1] == 'shell':
            return self.shell()
        if parts[0] == 'namespaces' and len(parts) >= 3 and parts[2] == 'flunders':
            return self.flunders(parts[1], parts[3] if len(parts) > 3 else '', urllib.parse.parse_qs(url.query))
        if parts == ['flunders']:
            return self.answer(200, world.listed(None))
        self.answer(404, {'kind': 'Status', 'apiVersion': 'v1', 'status': 'Failure', 'reason': 'NotFound', 'code': 404})

    def flunders(self, ns, name, query):
        world = self.server.world
        if self.command == 'POST':
            new = json.loads(self.body)
            new.setdefault('metadata', {}).update(namespace=ns, uid=f'uid-{len(world.objects)}', resourceVersion=str(len(world.objects) + 1), creationTimestamp='2026-01-01T00:00:00Z')
            world.objects[ns, new['metadata']['name']] = new
            return self.answer(201, new)
        if query.get('watch'):
            self.send_response(200)
            self.send_header('Content-Type', 'application/json')
            self.send_header('Transfer-Encoding', 'chunked')
            self.end_headers()
            for line in world.events:
                data = (json.dumps(line) + '\n').encode()
                self.wfile.write(b'%x\r\n%s\r\n' % (len(data), data))
                self.wfile.flush()
            world.watching.set()
            world.ended.wait(60)
            self.wfile.write(b'0\r\n\r\n')
            return None
        if not name:
            return self.answer(200, world.listed(ns))
        found = world.objects.get((ns, name))
        if found is None:
            return self.answer(404, {'kind': 'Status', 'apiVersion': 'v1', 'status': 'Failure', 'reason': 'NotFound', 'message': f'flunders "{name}" not found', 'code': 404})
        if self.command == 'DELETE':
            del world.objects[ns, name]
        return self.answer(200, found)

    def openapi(self, url):
        world = self.server.world
        if url.path == '/openapi/v2':
            return self.answer(200, world.openapi_v2(), ETag='"v2"')
        if url.path == '/openapi/v3':
            return self.answer(200, {'paths': {f'apis/{world.group}/{world.version}': {'serverRelativeURL': f'/openapi/v3/apis/{world.group}/{world.version}?hash={world.hash}'}}})
        return self.answer(200, world.openapi_v3())

    def shell(self):
        """Upgraded, the connection says back what it hears."""
        protocol = self.headers.get('Upgrade')
        if not protocol:
            return self.answer(400, 'no upgrade')
        self.send_response(101)
        self.send_header('Connection', 'Upgrade')
        self.send_header('Upgrade', protocol)
        if key := self.headers.get('Sec-WebSocket-Key'):
            digest = hashlib.sha1((key + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11').encode()).digest()
            self.send_header('Sec-WebSocket-Accept', base64.b64encode(digest).decode())
        self.end_headers()
        self.close_connection = True
        while data := self.connection.recv(4096):
            self.connection.sendall(data.upper())


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_):
        pass    # a client that went away, or a handshake that failed

    def finish_request(self, request, client_address):
        request.settimeout(120)
        request.do_handshake()
        super().finish_request(request, client_address)


class AggregatedServer:
    """Serves while the context lasts. `pki` makes its certificate; `front_proxy_ca` is the CA file of front proxies."""

    def __init__(self, pki, front_proxy_ca, address='127.0.0.1', service='backend', ns='aggregated', group=GROUP, version='v1', port=0):
        self.group, self.version, self.service, self.ns, self.pki = group, version, service, ns, pki
        self.asked, self.objects, self.events, self.behaviour, self.aggregated, self.hash = [], {}, [], None, True, 'A1'
        self.adds_kinds = False  # to a definition that the API server has, too
        self.watching, self.ended = threading.Event(), threading.Event()
        pki.issue(f'{service}-serving', f'/CN={service}', f'subjectAltName=DNS:{service}.{ns}.svc\nextendedKeyUsage=serverAuth')
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pki.path(f'{service}-serving.crt'), pki.path(f'{service}-serving.key'))
        context.load_verify_locations(front_proxy_ca)
        context.verify_mode = ssl.CERT_OPTIONAL
        self.server = Server((address, port), Handler)
        self.server.world = self
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.address, self.port = address, self.server.server_address[1]

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, kwargs={'poll_interval': 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.server.shutdown()
        self.server.server_close()

    def resource(self, plain=False):
        if plain:
            return [{'name': 'flunders', 'singularName': 'flunder', 'namespaced': True, 'kind': 'Flunder', 'verbs': ['create', 'delete', 'get', 'list', 'watch'], 'shortNames': ['fl']},
                    {'name': 'flunders/status', 'singularName': '', 'namespaced': True, 'kind': 'Flunder', 'verbs': ['get']}]
        kind = {'group': self.group, 'version': self.version, 'kind': 'Flunder'}
        return [{'resource': 'flunders', 'responseKind': kind, 'scope': 'Namespaced', 'singularResource': 'flunder', 'verbs': ['create', 'delete', 'get', 'list', 'watch'],
                 'shortNames': ['fl'], 'subresources': [{'subresource': 'status', 'responseKind': kind, 'verbs': ['get']}]}]

    def discovery(self):
        return {'kind': 'APIGroupDiscoveryList', 'apiVersion': 'apidiscovery.k8s.io/v2', 'metadata': {}, 'items': [
            {'metadata': {'name': self.group}, 'versions': [{'version': self.version, 'freshness': 'Current', 'resources': self.resource()}]}]}

    def plain(self):
        return {'kind': 'APIResourceList', 'apiVersion': 'v1', 'groupVersion': f'{self.group}/{self.version}', 'resources': self.resource(True)}

    def listed(self, ns):
        return {'kind': 'FlunderList', 'apiVersion': f'{self.group}/{self.version}', 'metadata': {'resourceVersion': '1'},
                'items': [o for (of, _), o in sorted(self.objects.items()) if ns in (None, of)]}

    def schema_name(self):
        return f'com.example.wardle.{self.version}.Flunder'

    def schema(self):
        return {'type': 'object', 'description': 'Flunder is what a flunder is.', 'properties': {'spec': {'type': 'string', 'description': 'spec says it all.'}},
                'x-kubernetes-group-version-kind': [{'group': self.group, 'version': self.version, 'kind': 'Flunder'}]}

    def openapi_v2(self):
        gvk = {'group': self.group, 'version': self.version, 'kind': 'Flunder'}
        return {'swagger': '2.0', 'info': {'title': 'wardle', 'version': '1'}, 'paths': {
            f'/apis/{self.group}/{self.version}/namespaces/{{namespace}}/flunders/{{name}}': {
                'parameters': [{'uniqueItems': True, 'type': 'string', 'description': 'name of it', 'name': 'name', 'in': 'path', 'required': True}, {'$ref': '#/parameters/pretty-1'}],
                'get': {'description': 'read it', 'produces': ['application/json', 'application/yaml'], 'schemes': ['https'], 'operationId': 'readFlunder', 'tags': ['t'],
                        'parameters': [{'uniqueItems': True, 'type': 'integer', 'name': 'limit', 'in': 'query'}],
                        'responses': {'200': {'description': 'OK', 'schema': {'$ref': '#/definitions/' + self.schema_name()}}, '401': {'description': 'Unauthorized'}},
                        'x-kubernetes-group-version-kind': gvk, 'x-kubernetes-action': 'get'},
                **({'patch': {'parameters': [{'name': 'body', 'in': 'body', 'required': True, 'schema': {'$ref': '#/definitions/' + PATCH}}],
                              'responses': {'200': {'description': 'OK', 'schema': {'$ref': '#/definitions/' + self.schema_name()}}}}} if self.adds_kinds else {}),
                'put': {'consumes': ['*/*'], 'produces': ['application/json'], 'parameters': [{'$ref': '#/parameters/body-1'}],
                        'responses': {'200': {'description': 'OK', 'schema': {'$ref': '#/definitions/' + self.schema_name()}}}, 'x-kubernetes-group-version-kind': gvk}}},
            'definitions': {self.schema_name(): self.schema(), PATCH: {'type': 'object', 'x-kubernetes-group-version-kind': [{**gvk, 'kind': 'Patch'}]}},
            'parameters': {'pretty-1': {'uniqueItems': True, 'type': 'string', 'name': 'pretty', 'in': 'query'},
                           'body-1': {'name': 'body', 'in': 'body', 'required': True, 'schema': {'$ref': '#/definitions/' + self.schema_name()}}}}

    def openapi_v3(self):
        gvk = {'group': self.group, 'version': self.version, 'kind': 'Flunder'}
        return {'openapi': '3.0.0', 'info': {'title': 'wardle', 'version': '1'}, 'paths': {
            f'/apis/{self.group}/{self.version}/namespaces/{{namespace}}/flunders/{{name}}': {'get': {
                'responses': {'200': {'description': 'OK', 'content': {'application/json': {'schema': {'$ref': '#/components/schemas/' + self.schema_name()}}}}},
                'x-kubernetes-group-version-kind': gvk, 'x-kubernetes-action': 'get'}}},
            'components': {'schemas': {self.schema_name(): self.schema()}}}

    def api_service(self, **spec):
        return api_service(self.pki, self.group, self.version, self.ns, self.service, **spec)

    def service_object(self):
        return service_object(self.ns, self.service)

    def slice(self, ready=True):
        return endpoint_slice(self.ns, self.service, self.address, self.port, ready)

    def registered(self):
        """All objects that lead here, as YAML."""
        return yaml.safe_dump_all([namespace(self.ns), self.service_object(), self.slice(), self.api_service()])


def namespace(name):
    return {'apiVersion': 'v1', 'kind': 'Namespace', 'metadata': {'name': name}}


def ca_bundle(pki):
    return base64.b64encode(pathlib.Path(pki.ca).read_bytes()).decode()


def api_service(pki, group, version, ns, service, **spec):
    return {'apiVersion': 'apiregistration.k8s.io/v1', 'kind': 'APIService', 'metadata': {'name': f'{version}.{group}'},
            'spec': {'group': group, 'version': version, 'groupPriorityMinimum': 2000, 'versionPriority': 15, 'caBundle': ca_bundle(pki), 'service': {'namespace': ns, 'name': service}, **spec}}


def service_object(ns, service):
    return {'apiVersion': 'v1', 'kind': 'Service', 'metadata': {'name': service, 'namespace': ns}, 'spec': {'ports': [{'name': 'https', 'port': 443, 'protocol': 'TCP'}]}}


def endpoint_slice(ns, service, address, port, ready=True):
    return {'apiVersion': 'discovery.k8s.io/v1', 'kind': 'EndpointSlice', 'addressType': 'IPv4',
            'metadata': {'name': f'{service}-1', 'namespace': ns, 'labels': {'kubernetes.io/service-name': service}},
            'endpoints': [{'addresses': [address], 'conditions': {'ready': ready}}], 'ports': [{'name': 'https', 'port': port, 'protocol': 'TCP'}]}


def front_proxy_flags(pki):
    """Makes a front proxy's CA and client certificate beside `pki`, and returns (CA file, flags of an API server that uses them)."""
    folder = pathlib.Path(pki.folder).parent / 'front-proxy'
    folder.mkdir(exist_ok=True)
    run('openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '30', '-subj', '/CN=front-proxy-ca',
        '-keyout', str(folder / 'ca.key'), '-out', str(folder / 'ca.crt'))
    proxies = Pki.of(folder, str(folder / 'ca.crt'), str(folder / 'ca.key'))
    proxies.issue('client', '/CN=front-proxy-client')
    proxies.issue('other', '/CN=other-proxy')
    return proxies, [f'--requestheader-client-ca-file={proxies.ca}', '--requestheader-allowed-names=front-proxy-client', '--requestheader-username-headers=X-Remote-User',
                     '--requestheader-uid-headers=X-Remote-Uid', '--requestheader-group-headers=X-Remote-Group', '--requestheader-extra-headers-prefix=X-Remote-Extra-',
                     f'--proxy-client-cert-file={proxies.path("client.crt")}', f'--proxy-client-key-file={proxies.path("client.key")}']
