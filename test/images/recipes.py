"""What is in each image. A recipe takes the tools of build.py and returns layers and configuration."""
import subprocess

PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
DAY = '123456789.dkr.ecr.us-east-1.amazonaws.com/day'
E2E = 'registry.k8s.io/e2e-test-images'

NGINX_CONF = """user nginx;
worker_processes 1;
error_log /var/log/nginx/error.log notice;
pid /run/nginx.pid;
events { worker_connections 1024; }
http {
  types { text/html html htm; text/css css; application/json json; application/javascript js; image/png png; image/jpeg jpg jpeg; image/svg+xml svg; text/plain txt; }
  default_type application/octet-stream;
  access_log /var/log/nginx/access.log;
  sendfile on;
  keepalive_timeout 65;
  include /etc/nginx/conf.d/*.conf;
}
"""
NGINX_SITE = 'server {\n  listen 80;\n  server_name localhost;\n  location / { root /usr/share/nginx/html; index index.html; }\n}\n'
NGINX_PAGE = '<!DOCTYPE html>\n<html><head><title>Welcome to nginx!</title></head><body><h1>Welcome to nginx!</h1></body></html>\n'


class Base:
    """The layers that images share."""

    def __init__(self, tools):
        self.tools = tools
        self.users = tools.files().text('etc/passwd', 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n') \
            .text('etc/group', 'root:x:0:\nnogroup:x:65534:\n')
        self.shell = self.make_shell()
        self._network = None

    def make_shell(self):
        """busybox with a link for each applet; bash too, which programs/sh.cpp chooses where it must."""
        files = self.tools.files().update(self.users)
        busybox = self.tools.packages.file('bin/busybox', 'usr/bin/busybox')
        files.copy('bin/busybox', busybox, 0o755)
        for applet in subprocess.run([str(busybox), '--list-full'], capture_output=True, text=True, check=True).stdout.split():
            name = applet.rpartition('/')[2]
            if name not in ('busybox', 'sh', 'bash', 'linuxrc'):
                files.link(applet, '/bin/busybox').link(f'bin/{name}', '/bin/busybox')   # as in busybox' own image: all in /bin
        files.copy('bin/bash', self.tools.packages.file('bin/bash-static', 'usr/bin/bash-static'), 0o755).copy('bin/sh', self.tools.program('sh'), 0o755)
        for folder in ('root', 'etc', 'run', 'usr/local/bin', 'usr/local/sbin', 'var/log', 'home', 'proc', 'sys', 'dev'):
            files.directory(folder)
        files.directory('tmp', mode=0o1777).directory('var/tmp', mode=0o1777)
        return files.text('etc/os-release', 'NAME="Pintle test image"\nID=pintle-test\n')

    @property
    def network(self):
        """glibc programs that the suite's probes run."""
        if self._network is None:
            files = self.tools.files()
            for name, candidates in {
                    'curl': ['usr/bin/curl'], 'dig': ['usr/bin/dig'], 'nslookup': ['usr/bin/nslookup'], 'host': ['usr/bin/host'], 'getent': ['usr/bin/getent'],
                    'nc': ['bin/nc.openbsd', 'usr/bin/nc.openbsd'], 'iperf': ['usr/bin/iperf'], 'ip': ['bin/ip', 'sbin/ip', 'usr/bin/ip'],
                    'ss': ['bin/ss', 'usr/bin/ss']}.items():
                # Beside busybox' links of the same names, and before them in PATH.
                self.tools.packages.add_program(files, f'usr/local/bin/{name}', *candidates)
            files.link('bin/sh', '/bin/bash')   # busybox' shell would run its own applets whatever the PATH says
            files.text('etc/nsswitch.conf', 'passwd: files\ngroup: files\nhosts: files dns\n')
            self._network = files
        return self._network


def pause(tools, base):
    return [tools.files().copy('pause', tools.program('pause'), 0o755)], {'Entrypoint': ['/pause'], 'Env': [PATH], 'WorkingDir': '/', 'User': '65535:65535'}


def busybox(tools, base):
    return [base.shell], {'Cmd': ['sh'], 'Env': [PATH]}


def nonroot(tools, base):
    return [base.shell], {'Cmd': ['sh'], 'Env': [PATH], 'User': '1234'}


def day(version):
    def recipe(tools, base):
        own = tools.files().copy('usr/local/bin/day', tools.program('day', f'-DDAY_VERSION="{version}"', variant=version), 0o755)
        return [base.shell, own], {'Entrypoint': ['/usr/local/bin/day'], 'Env': [PATH], 'User': '65534:65534', 'ExposedPorts': {'8001/tcp': {}}, 'Labels': {'version': version}}
    return recipe


def nginx(tools, base):
    files = tools.files()
    tools.packages.add_program(files, 'usr/sbin/nginx', 'usr/sbin/nginx')
    files.text('etc/nginx/nginx.conf', NGINX_CONF).text('etc/nginx/conf.d/default.conf', NGINX_SITE).text('usr/share/nginx/html/index.html', NGINX_PAGE)
    files.text('etc/passwd', 'root:x:0:0:root:/root:/bin/sh\nnginx:x:101:101:nginx:/nonexistent:/bin/false\nnobody:x:65534:65534:nobody:/:/bin/false\n')
    files.text('etc/group', 'root:x:0:\nnginx:x:101:\nnogroup:x:65534:\n')
    for folder in ('body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'):
        files.directory(f'var/lib/nginx/{folder}', uid=101, gid=101)
    files.link('var/log/nginx/access.log', '/dev/stdout').link('var/log/nginx/error.log', '/dev/stderr')
    config = {'Cmd': ['nginx', '-g', 'daemon off;'], 'Env': [PATH, 'NGINX_VERSION=1.27'], 'ExposedPorts': {'80/tcp': {}}, 'StopSignal': 'SIGQUIT'}
    return [base.shell, files], config


def agnhost_files(tools):
    files = tools.files().copy('agnhost', tools.upstream('agnhost'), 0o755).link('agnhost-2', 'agnhost').directory('uploads')
    for name in ('localhost.crt', 'localhost.key'):
        files.copy(name, tools.upstream_source(f'test/images/agnhost/porter/{name}'), 0o644)
    # The groups of a user that the image defines count as supplemental groups.
    files.text('etc/passwd', 'root:x:0:0:root:/root:/bin/sh\nuser-defined-in-image:x:1000:1000::/home/user-defined-in-image:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n')
    return files.text('etc/group', 'root:x:0:\nuser-defined-in-image:x:1000:\ngroup-defined-in-image:x:50000:user-defined-in-image\nnogroup:x:65534:\n')


def agnhost_layers(tools, base):
    if 'agnhost' not in tools.memo:
        tools.memo['agnhost'] = [base.shell, base.network, agnhost_files(tools)]
    return tools.memo['agnhost']


def agnhost(tools, base):
    ports = {f'{port}/tcp': {} for port in (80, 8080, 8081, 9376, 5000)}
    return agnhost_layers(tools, base), {'Entrypoint': ['/agnhost'], 'Cmd': ['pause'], 'Env': [PATH], 'ExposedPorts': ports}


def pet(name, release=None):
    """agnhost's web server with a picture's address in data.json."""
    def recipe(tools, base):
        files = tools.files()
        for path in (f'{name}.jpg', 'data.json'):
            files.copy(path, tools.upstream_source(f'test/images/{name}/html/{path}'), 0o644)
        if release:
            files.text('etc/os-release', release)
        return agnhost_layers(tools, base) + [files], {'Entrypoint': ['/agnhost'], 'Cmd': ['test-webserver'], 'Env': [PATH], 'ExposedPorts': {'80/tcp': {}}}
    return recipe


def nonewprivs(tools, base):
    return [base.shell, tools.files().copy('usr/local/bin/nnp', tools.program('nnp'), 0o6755)], {'Cmd': ['nnp'], 'Env': [PATH]}


def glibc_dns(tools, base):
    return [base.shell, base.network], {'Cmd': ['bash'], 'Env': [PATH]}


def sample_apiserver(tools, base):
    return [base.shell, tools.files().copy('sample-apiserver', tools.upstream('sample-apiserver'), 0o755)], {'Entrypoint': ['/sample-apiserver'], 'Env': [PATH]}


def etcd(tools, base):
    return [base.shell, tools.files().copy('usr/local/bin/etcd', tools.upstream('etcd'), 0o755)], {'Cmd': ['etcd'], 'Env': [PATH]}


def resource_consumer(tools, base):
    """Takes processor time by a program of its own, memory by Debian's."""
    files = tools.files().copy('consumer', tools.upstream('resource-consumer'), 0o755).copy('consume-cpu/consume-cpu', tools.upstream('consume-cpu'), 0o755)
    tools.packages.add_program(files, 'usr/local/bin/stress', 'usr/bin/stress')
    return [base.shell, files], {'Entrypoint': ['/consumer'], 'Env': [PATH], 'WorkingDir': '/', 'ExposedPorts': {'8080/tcp': {}}}


# The images that need nothing but packages and our own programs.
BASIC = [
    (pause, [f'registry.k8s.io/pause:{tag}' for tag in ('3.6', '3.8', '3.9', '3.10', '3.10.1', '3.10.2')]),
    (busybox, ['docker.io/library/busybox:1.36', 'docker.io/library/busybox:latest', f'{E2E}/busybox:1.36.1-1', f'{E2E}/busybox:1.37.0-1']),
    (nginx, ['docker.io/library/nginx:1.27', 'docker.io/library/nginx:latest', f'{E2E}/nginx:1.27-0', f'{E2E}/nginx:1.15-4']),
    (day('v1.2.3'), [f'{DAY}:v1.2.3']),
    (day('v1.3.0'), [f'{DAY}:v1.3.0']),
    (nonroot, [f'{E2E}/nonroot:1.5']),
    (nonewprivs, [f'{E2E}/nonewprivs:1.4']),
    (glibc_dns, [f'{E2E}/glibc-dns-testing:2.0.0']),
]
# Those with upstream's programs, built as Go modules.
UPSTREAM = [
    (agnhost, [f'{E2E}/agnhost:2.63.0', f'{E2E}/agnhost:2.55']),
    (pet('kitten', 'NAME="Alpine Linux"\nID=alpine\n'), [f'{E2E}/kitten:1.8']),
    (pet('nautilus'), [f'{E2E}/nautilus:1.8']),
    (resource_consumer, [f'{E2E}/resource-consumer:1.14']),
    (sample_apiserver, [f'{E2E}/sample-apiserver:1.29.2']),
    (etcd, ['registry.k8s.io/etcd:3.6.8-0']),
]
