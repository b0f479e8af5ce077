"""One connection to an API server, opened again when it breaks, for programs that ask thousands of times."""
import http.client
import json
import ssl

JSON = 'application/json'
MERGE = 'application/merge-patch+json'
APPLY = 'application/apply-patch+yaml'


def tls_context(files):
    context = ssl.create_default_context(cafile=files['ca'])
    context.check_hostname = False
    context.load_cert_chain(files['cert'], files['key'])
    return context


class Client:
    """`files`: the paths of ca, cert and key."""

    def __init__(self, port, files, timeout_s=60):
        self.port, self.timeout_s = port, timeout_s
        self.context = tls_context(files)
        self.connection = None

    def open(self):
        return http.client.HTTPSConnection('127.0.0.1', self.port, context=self.context, timeout=self.timeout_s)

    def ask(self, method, path, body=None, kind=JSON, accept=JSON, headers=()):
        """(status, body). A broken connection is opened again once."""
        data = json.dumps(body) if isinstance(body, (dict, list)) else body
        fields = {'Accept': accept, **dict(headers)} | ({'Content-Type': kind} if data is not None else {})
        for attempt in (1, 2):
            if self.connection is None:
                self.connection = self.open()
            try:
                self.connection.request(method, path, data, fields)
                answer = self.connection.getresponse()
                return answer.status, answer.read()
            except (OSError, http.client.HTTPException):
                self.close()
                if attempt == 2:
                    raise

    def json(self, method, path, body=None, expect=(200, 201, 202), **how):
        status, answer = self.ask(method, path, body, **how)
        if status not in expect:
            raise RuntimeError(f'{method} {path}: {status} {answer[:300]!r}')
        return json.loads(answer)

    def close(self):
        if self.connection is not None:
            self.connection.close()
        self.connection = None
