"""An HTTPS server of admission webhooks on loopback, for tests: each path answers as the test says, and every review is kept."""
import base64
import http.server
import json
import ssl
import threading
import urllib.parse

from .cluster import Pki


def patch(*operations):
    """The members of a response that changes the object."""
    return {'patchType': 'JSONPatch', 'patch': base64.b64encode(json.dumps(operations).encode()).decode()}


class WebhookServer:
    """`answers[path]` is a function of the review that returns the response's members (uid and allowed are filled in), or of (review, handler) with
    `raw[path]`, which writes what it likes. What is asked elsewhere is allowed."""

    def __init__(self, folder, names=('localhost',), address='127.0.0.1'):
        self.pki = Pki(folder)
        sans = ','.join(['IP:127.0.0.1', *(f'DNS:{name}' for name in names)])
        self.pki.issue('hooks', '/CN=hooks', f'subjectAltName={sans}\nextendedKeyUsage=serverAuth')
        self.answers, self.raw, self.reviews, self.lock = {}, {}, [], threading.Lock()
        self.shown = []  # of each review: (path, Authorization header, common name of the client's certificate)
        self.ended = threading.Event()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'
            disable_nagle_algorithm = True    # head and body are two writes: the second would wait for the first one's acknowledgement

            def do_POST(self):
                url = urllib.parse.urlsplit(self.path)
                review = json.loads(self.rfile.read(int(self.headers['Content-Length'])))
                with outer.lock:
                    outer.reviews.append((url.path, url.query, review))
                    outer.shown.append((url.path, self.headers['Authorization'], outer.common_name(self.connection.getpeercert())))
                if url.path in outer.raw:
                    outer.raw[url.path](review, self)
                    return
                members = outer.answers.get(url.path, lambda _: {})(review['request'])
                response = {'uid': review['request']['uid'], 'allowed': True, **members}
                self.answer(json.dumps({'apiVersion': review['apiVersion'], 'kind': 'AdmissionReview', 'response': response}))

            def answer(self, text, status=200, content_type='application/json', **headers):
                body = text if isinstance(text, bytes) else text.encode()
                self.send_response(status)
                self.send_header('Content-Type', content_type)
                self.send_header('Content-Length', str(len(body)))
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):  # clients that went away
                pass

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.pki.path('hooks.crt'), self.pki.path('hooks.key'))
        context.verify_mode = ssl.CERT_OPTIONAL  # by clients of its own authority
        context.load_verify_locations(self.pki.ca)
        self.http = Server((address, 0), Handler)
        self.http.socket = context.wrap_socket(self.http.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self.http.server_address[1]
        self.thread = threading.Thread(target=self.http.serve_forever, daemon=True)

    @staticmethod
    def common_name(certificate):
        return dict(part[0] for part in (certificate or {}).get('subject', ())).get('commonName')

    @property
    def ca_bundle(self):
        return base64.b64encode(open(self.pki.ca, 'rb').read()).decode()

    def client(self, path):
        return {'url': f'https://127.0.0.1:{self.port}{path}', 'caBundle': self.ca_bundle}

    def taken(self):
        """The reviews since the last call, as (path, query, review)."""
        with self.lock:
            out, self.reviews[:] = list(self.reviews), []
        return out

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()


def webhook(name, client, resources='configmaps', operations='CREATE UPDATE', groups='', versions='*', **more):
    """A webhook as a configuration lists it; names are full from `a`: a.hooks.example.com."""
    return {'name': f'{name}.hooks.example.com', 'clientConfig': client, 'admissionReviewVersions': ['v1'], 'sideEffects': 'None', 'timeoutSeconds': 5,
            'rules': [{'apiGroups': groups.split() or [''], 'apiVersions': versions.split(), 'resources': resources.split(), 'operations': operations.split()}], **more}


def configuration(kind, name, *webhooks):
    return {'apiVersion': 'admissionregistration.k8s.io/v1', 'kind': f'{kind}WebhookConfiguration', 'metadata': {'name': name}, 'webhooks': list(webhooks)}
