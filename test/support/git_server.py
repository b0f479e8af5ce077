"""A git repository over HTTP, as projects fetch it: git's own http-backend behind Python's server."""
import gzip
import http.server
import os
import pathlib
import subprocess
import threading

from .cluster import run

BACKEND = pathlib.Path(run('git', '--exec-path').strip()) / 'git-http-backend'


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def log_message(self, *_):
        pass

    def body(self):
        if self.headers.get('Transfer-Encoding', '').lower() != 'chunked':
            return self.rfile.read(int(self.headers.get('Content-Length') or 0))
        chunks = []
        while size := int(self.rfile.readline().split(b';')[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b''.join(chunks)

    def answer(self):
        path, _, query = self.path.partition('?')
        body = self.body()
        if self.headers.get('Content-Encoding') == 'gzip':
            body = gzip.decompress(body)
        env = {'PATH': os.environ['PATH'], 'GIT_PROJECT_ROOT': str(self.server.folder), 'GIT_HTTP_EXPORT_ALL': '1', 'REQUEST_METHOD': self.command, 'PATH_INFO': path, 'QUERY_STRING': query,
               'CONTENT_TYPE': self.headers.get('Content-Type', ''), 'CONTENT_LENGTH': str(len(body)), 'GIT_PROTOCOL': self.headers.get('Git-Protocol', ''), 'REMOTE_ADDR': self.client_address[0]}
        out = subprocess.run([str(BACKEND)], input=body, capture_output=True, env=env, timeout=60).stdout
        head, _, content = out.partition(b'\r\n\r\n')
        headers = dict(line.split(': ', 1) for line in head.decode().split('\r\n') if line)
        self.send_response(int(headers.pop('Status', '200').split()[0]))
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header('Content-Length', str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = answer


class GitServer:
    """Serves one repository, `name`, whose branch main `commit` writes; at `address`, on a port of its own."""

    def __init__(self, folder, address, name='fleet'):
        self.folder = pathlib.Path(folder) / 'served'
        self.bare, self.work = self.folder / f'{name}.git', pathlib.Path(folder) / 'work'
        run('git', 'init', '--quiet', '--bare', '--initial-branch=main', str(self.bare))
        run('git', 'init', '--quiet', '--initial-branch=main', str(self.work))
        self.server = http.server.ThreadingHTTPServer((address, 0), Handler)
        self.server.folder = self.folder
        self.url = f'http://{address}:{self.server.server_port}/{name}.git'

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def git(self, *args):
        return run('git', '-C', str(self.work), '-c', 'user.name=test', '-c', 'user.email=test@example.com', *args).strip()

    def commit(self, message, files):
        """Commits `files` (path to text; None removes one) and publishes the commit; its id."""
        for path, text in files.items():
            file = self.work / path
            if text is None:
                file.unlink()
            else:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text)
        self.git('add', '--all')
        self.git('commit', '--quiet', '-m', message)
        self.git('push', '--quiet', str(self.bare), 'main')
        return self.git('rev-parse', 'HEAD')
