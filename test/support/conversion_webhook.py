"""A conversion webhook on loopback: v1 has spec.hostPort ("h:1"), v2 and v3 have spec.host and spec.port. It can be told to misbehave."""
import base64
import copy
import http.server
import json
import pathlib
import ssl
import threading

GROUP = 'convert.example.com'


def convert(obj, version):
    """The object in another version, as a good webhook has it."""
    out = copy.deepcopy(obj)
    out['apiVersion'] = f'{GROUP}/{version}'
    spec = out.setdefault('spec', {})
    if version == 'v1' and ('host' in spec or 'port' in spec):
        spec['hostPort'] = spec.pop('host', '') + ':' + spec.pop('port', '')
    elif version != 'v1' and 'hostPort' in spec:
        spec['host'], _, spec['port'] = spec.pop('hostPort').partition(':')
    out['metadata'].setdefault('annotations', {})['converted-to'] = version
    return out


class ConversionWebhook:
    """`behave(review)` makes the answer: a document, bytes that are sent as they are, or an iterator of bytes that never says its length."""

    def __init__(self, pki):
        pki.issue('conversion', '/CN=conversion', 'subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth')
        self.calls, self.behave = [], self.good
        self.released = threading.Event()
        webhook = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'

            def do_POST(self):
                review = json.loads(self.rfile.read(int(self.headers['content-length'])))
                webhook.calls.append(review['request'])
                answer = webhook.behave(review)
                self.send_response(200)
                self.send_header('content-type', 'application/json')
                if isinstance(answer, (dict, bytes)):
                    body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                    self.send_header('content-length', str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                    return
                self.send_header('transfer-encoding', 'chunked')
                self.end_headers()
                for piece in answer:
                    self.wfile.write(b'%x\r\n%s\r\n' % (len(piece), piece))
                self.wfile.write(b'0\r\n\r\n')

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request, client_address):
                pass  # callers that hang up are no matter

        self.server = Server(('127.0.0.1', 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pki.path('conversion.crt'), pki.path('conversion.key'))
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.ca_bundle = base64.b64encode(pathlib.Path(pki.ca).read_bytes()).decode()
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def client_config(self):
        return {'url': f'https://127.0.0.1:{self.server.server_address[1]}/convert', 'caBundle': self.ca_bundle}

    @staticmethod
    def answer(review, objects, **response):
        return {'apiVersion': review['apiVersion'], 'kind': 'ConversionReview',
                'response': {'uid': review['request']['uid'], 'result': {'status': 'Success'}, 'convertedObjects': objects, **response}}

    def good(self, review):
        request = review['request']
        return self.answer(review, [convert(o, request['desiredAPIVersion'].split('/')[1]) for o in request['objects']])

    def hang(self, review):
        """Until the test is over."""
        self.released.wait(120)
        return b''

    def objects_asked(self):
        return sum(len(c['objects']) for c in self.calls)

    def stop(self):
        self.released.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def definition(client_config=None, plural='hosts', kind='Host', storage='v1', review_versions=('v1', 'v1beta1'), served=('v1', 'v2', 'v3')):
    """Of a kind in three versions, converted by the webhook, or by nobody."""
    def version(name):
        properties = {'hostPort': {'type': 'string'}} if name == 'v1' else {'host': {'type': 'string'}, 'port': {'type': 'string', 'maxLength': 5}}
        if name == 'v3':
            properties['replicas'] = {'type': 'integer'}
        out = {'name': name, 'served': name in served, 'storage': name == storage, 'subresources': {'status': {}},
               'schema': {'openAPIV3Schema': {'type': 'object', 'properties': {'spec': {'type': 'object', 'properties': properties},
                                                                              'status': {'type': 'object', 'x-kubernetes-preserve-unknown-fields': True}}}}}
        if name != 'v1':
            out['selectableFields'] = [{'jsonPath': '.spec.host'}]
            out['additionalPrinterColumns'] = [{'name': 'Host', 'type': 'string', 'jsonPath': '.spec.host'}]
        if name == 'v3':
            out['subresources']['scale'] = {'specReplicasPath': '.spec.replicas', 'statusReplicasPath': '.status.replicas'}
        return out
    conversion = {'strategy': 'None'}
    if client_config:
        conversion = {'strategy': 'Webhook', 'webhook': {'clientConfig': client_config, 'conversionReviewVersions': list(review_versions)}}
    return {'apiVersion': 'apiextensions.k8s.io/v1', 'kind': 'CustomResourceDefinition', 'metadata': {'name': f'{plural}.{GROUP}'},
            'spec': {'group': GROUP, 'scope': 'Namespaced', 'names': {'plural': plural, 'singular': kind.lower(), 'kind': kind, 'listKind': kind + 'List'},
                     'versions': [version('v1'), version('v2'), version('v3')], 'conversion': conversion}}
