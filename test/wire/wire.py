#!/usr/bin/env python3
"""Runs a fixed conversation against a Kubernetes API server and keeps the normalised answers.

  wire.py run --server https://127.0.0.1:6443 --cert C --key K [--ca A] --out FILE [--only CLASS,...]
  wire.py diff GOLDEN FILE [--show N] [--only CLASS]   prints the share of answers that agree, a class a line

The server runs alone: no controller manager, no scheduler, no kubelet.
"""
import argparse, copy, gzip, http.client, json, random, re, ssl, sys, time, urllib.parse, subprocess, base64, os, zlib
import yaml

HERE = os.path.dirname(os.path.abspath(__file__))
TIME = re.compile(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z')
UID = re.compile(r'[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}')


def norm(o, key=''):
    if isinstance(o, dict):
        if key == 'columnDefinitions':
            o = {k: v for k, v in o.items() if k != 'description'}
        if o.get('kind') == 'ComponentStatusList':
            o = {**o, 'items': sorted(o['items'], key=lambda x: x['metadata']['name'])}
        return {k: norm(v, k) for k, v in o.items()}
    if isinstance(o, list):
        return [norm(v, key) for v in o]
    if isinstance(o, str):
        if key in ('resourceVersion', 'continue', 'token', 'storageVersionHash'):
            return '<' + key + '>' if o else ''
        if key in ('clusterIP', 'clusterIPs') and re.match(r'10\.96\.', o):
            return '<clusterIP>'
        if key == 'serverAddress':
            return '<address>'
        if key == 'name' and o.startswith('gen-'):
            return 'gen-<x>'
        if key == 'age' or key == 'Age':
            return '<age>'
        o = re.sub(r'(kube-api-access-)\w{5}', r'\1<x>', o)
        o = re.sub(r'"gen-\w{5}"', '"gen-<x>"', o)
        if key == 'cells' and re.match(r'10\.96\.\d+\.\d+$', o):
            return '<clusterIP>'
        if key == 'cells' and re.fullmatch(r'(\d+[smhd])+', o):
            return '<age>'
        if key in ('request', 'authentication.kubernetes.io/credential-id') or key.endswith('credential-id'):
            return '<opaque>'
        o = re.sub(r'X509SHA256=\w+', 'X509SHA256=<x>', o)
        o = UID.sub('<uid>', o)
        if TIME.search(o) and not o.startswith('2026-01-02T'):
            o = TIME.sub('<time>', o)
        o = re.sub(r'resource version: \d+', 'resource version: <rv>', o)
        o = re.sub(r'(too old resource version: )\d+ \(\d+\)', r'\1<rv> (<rv>)', o)
        return o
    # Those drawn, from the upper part of the range; 30443 is stated by a manifest.
    if isinstance(o, int) and key in ('healthCheckNodePort', 'remainingItemCount', 'nodePort') and o > 30085 and o != 30443:
        return '<port>'
    return o


class Server:
    def __init__(self, url, cert, key, ca=None, token=None):
        u = urllib.parse.urlparse(url)
        self.host, self.port = u.hostname, u.port
        self.ctx = ssl.create_default_context(cafile=ca) if ca else ssl._create_unverified_context()
        self.cert, self.key, self.token = cert, key, token
        if cert:
            self.ctx.load_cert_chain(cert, key)
        self.c = None

    def call(self, method, path, body=None, ctype='application/json', accept='application/json', headers=None, raw=False, limit=None):
        h = {'Accept': accept}
        if body is not None:
            if not isinstance(body, (bytes, str)):
                body = json.dumps(body)
            h['Content-Type'] = ctype
        h.update(headers or {})
        for attempt in (0, 1):
            try:
                if self.c is None:
                    self.c = http.client.HTTPSConnection(self.host, self.port, context=self.ctx, timeout=30)
                self.c.request(method, path, body, h)
                r = self.c.getresponse()
                data = r.read(limit) if limit else r.read()
                break
            except Exception as e:
                self.c = None
                if attempt:
                    return 0, {'error': type(e).__name__}, {}
        if r.getheader('Connection') == 'close' or limit:
            self.c.close(); self.c = None
        warn = sorted(re.sub(r'^299 \S+ ', '', w) for w in (r.headers.get_all('Warning') or []))
        hd = {'type': (r.getheader('Content-Type') or '').split(';')[0]}
        if warn:
            hd['warning'] = warn
        if r.getheader('Allow'):
            hd['allow'] = r.getheader('Allow')
        try:
            out = json.loads(data)
        except Exception:
            out = data.decode('utf-8', 'replace')[:4000]
        return r.status, out, hd


class Run:
    def __init__(self, srv, only):
        self.s, self.only, self.out, self.cls = srv, only, [], ''
        self.disc = {}

    def begin(self, cls):
        self.cls = cls
        return not self.only or cls in self.only

    def do(self, name, method, path, body=None, keep=True, **kw):
        code, out, hd = self.s.call(method, path, body, **kw)
        if keep:
            self.out.append({'class': self.cls, 'id': name, 'req': f'{method} {path}', 'code': code, 'head': {**hd, **({'said': out['message']} if isinstance(out, dict) and out.get('kind') == 'Status' and out.get('message') else {})}, 'body': norm(out)})
        return code, out

    def path(self, m, name=True, sub=''):
        gv = m['apiVersion']
        base = '/api/v1' if gv == 'v1' else '/apis/' + gv
        if gv not in self.disc:
            _, d, _ = self.s.call('GET', base)
            self.disc[gv] = {r['kind']: r for r in d.get('resources', []) if '/' not in r['name']} if isinstance(d, dict) else {}
        r = self.disc[gv].get(m['kind'])
        plural = r['name'] if r else m['kind'].lower() + 's'
        ns = m['metadata'].get('namespace')
        p = base + (f'/namespaces/{ns}' if ns else '') + '/' + plural
        if name:
            p += '/' + m['metadata']['name'] + (('/' + sub) if sub else '')
        return p


TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json'
META = 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io,application/json'
MP, JP, SP, AP = 'application/merge-patch+json', 'application/json-patch+json', 'application/strategic-merge-patch+json', 'application/apply-patch+yaml'


def setup(r):
    for ns in ('wire', 'wire-lr', 'wire-rq', 'wire-psa'):
        r.do('ns', 'POST', '/api/v1/namespaces', {'apiVersion': 'v1', 'kind': 'Namespace', 'metadata': {'name': ns}}, keep=False)
        r.do('sa', 'POST', f'/api/v1/namespaces/{ns}/serviceaccounts', {'apiVersion': 'v1', 'kind': 'ServiceAccount', 'metadata': {'name': 'default'}}, keep=False)


def manifests(csr):
    ms = [m for m in yaml.safe_load_all(open(HERE + '/manifests.yaml')) if m]
    s = json.dumps(ms).replace('@CSR@', csr)
    return json.loads(s)


def lifecycle(r, ms):
    for m in ms:
        if 'name' not in m['metadata']:
            continue
        n = m['kind'] + '/' + m['metadata']['name']
        coll, one = r.path(m, False), r.path(m)
        r.do(n + ' create', 'POST', coll + '?fieldValidation=Strict', m)
        r.do(n + ' create again', 'POST', coll, m)
        code, got = r.do(n + ' get', 'GET', one)
        r.do(n + ' table', 'GET', one, accept=TABLE)
        r.do(n + ' partial metadata', 'GET', one, accept=META)
        if code == 200 and isinstance(got, dict):
            up = copy.deepcopy(got)
            up['metadata'].setdefault('labels', {})['wire'] = 'put'
            c2, got2 = r.do(n + ' put', 'PUT', one, up)
            r.do(n + ' put stale', 'PUT', one, up)
        r.do(n + ' json patch', 'PATCH', one, [{'op': 'test', 'path': '/metadata/name', 'value': m['metadata']['name']}, {'op': 'add', 'path': '/metadata/annotations', 'value': {'jp': '1'}}], ctype=JP)
        r.do(n + ' json patch test fails', 'PATCH', one, [{'op': 'test', 'path': '/metadata/name', 'value': 'zz'}], ctype=JP)
        r.do(n + ' merge patch', 'PATCH', one, {'metadata': {'annotations': {'mp': '2', 'jp': None}}}, ctype=MP)
        r.do(n + ' strategic patch', 'PATCH', one, {'metadata': {'labels': {'sp': 'x'}, 'finalizers': ['example.com/a']}}, ctype=SP)
        r.do(n + ' apply a', 'PATCH', one + '?fieldManager=a', {'apiVersion': m['apiVersion'], 'kind': m['kind'], 'metadata': {'name': m['metadata']['name'], 'labels': {'owner': 'a'}}}, ctype=AP)
        r.do(n + ' apply b conflicts', 'PATCH', one + '?fieldManager=b', {'apiVersion': m['apiVersion'], 'kind': m['kind'], 'metadata': {'name': m['metadata']['name'], 'labels': {'owner': 'b'}}}, ctype=AP)
        r.do(n + ' apply b forces', 'PATCH', one + '?fieldManager=b&force=true', {'apiVersion': m['apiVersion'], 'kind': m['kind'], 'metadata': {'name': m['metadata']['name'], 'labels': {'owner': 'b'}}}, ctype=AP)
        r.do(n + ' apply whole', 'PATCH', one + '?fieldManager=whole&force=true', m, ctype=AP)
        r.do(n + ' get status', 'GET', one + '/status')
        r.do(n + ' get scale', 'GET', one + '/scale')
        r.do(n + ' patch scale', 'PATCH', one + '/scale', {'spec': {'replicas': 7}}, ctype=MP)
        r.do(n + ' patch status', 'PATCH', one + '/status', {'status': {'observedGeneration': 3, 'replicas': 2, 'phase': 'Running', 'conditions': [{'type': 'X', 'status': 'True', 'lastTransitionTime': '2026-01-02T03:04:05Z', 'reason': 'R', 'message': 'm'}]}}, ctype=MP)
        r.do(n + ' list by label', 'GET', coll + '?labelSelector=sp%3Dx', accept='application/json')
        r.do(n + ' list table', 'GET', coll + '?labelSelector=sp%3Dx&includeObject=None', accept=TABLE)
        r.do(n + ' delete dry run', 'DELETE', one + '?dryRun=All')
        r.do(n + ' delete wrong uid', 'DELETE', one, {'kind': 'DeleteOptions', 'apiVersion': 'v1', 'preconditions': {'uid': 'no'}})
    for m in ms:
        if 'name' in m['metadata']:
            n = m['kind'] + '/' + m['metadata']['name']
            r.do(n + ' delete', 'DELETE', r.path(m), {'kind': 'DeleteOptions', 'apiVersion': 'v1', 'propagationPolicy': 'Background', 'gracePeriodSeconds': 0})
            r.do(n + ' get terminating', 'GET', r.path(m))
            r.do(n + ' drop finalizers', 'PATCH', r.path(m), {'metadata': {'finalizers': None}}, ctype=MP)
            r.do(n + ' gone', 'GET', r.path(m))


def leaves(o, p=()):
    if isinstance(o, dict):
        for k, v in o.items():
            yield p + (k,), v
            yield from leaves(v, p + (k,))
    elif isinstance(o, list):
        for i, v in enumerate(o[:2]):
            yield p + (i,), v
            yield from leaves(v, p + (i,))


def mutate(m):
    """Yields (name, mutated manifest): each field removed, given a wrong type, an empty, a long, an odd or a doubled value."""
    for p, v in list(leaves(m)):
        if p[0] in ('apiVersion', 'kind') or p == ('metadata',) or p == ('metadata', 'namespace'):
            continue
        def at(f):
            c = copy.deepcopy(m); o = c
            for k in p[:-1]:
                o = o[k]
            f(o, p[-1]); return c
        tag = '.'.join(map(str, p))
        yield tag + ' removed', at(lambda o, k: o.pop(k))
        yield tag + ' null', at(lambda o, k: o.__setitem__(k, None))
        if isinstance(v, bool):
            yield tag + '=string', at(lambda o, k: o.__setitem__(k, 'yes'))
            yield tag + ' negated', at(lambda o, k: o.__setitem__(k, not v))
        elif isinstance(v, int):
            for x in ('seven', -1, 0, 70000, 1.5):
                yield f'{tag}={x}', at(lambda o, k: o.__setitem__(k, x))
        elif isinstance(v, str):
            for x in (7, '', 'Not Valid!', 'a' * 300):
                yield f'{tag}={str(x)[:12]}', at(lambda o, k: o.__setitem__(k, x))
        elif isinstance(v, list):
            yield tag + '=object', at(lambda o, k: o.__setitem__(k, {}))
            if v:
                yield tag + ' doubled', at(lambda o, k: o.__setitem__(k, v + v[:1]))
        elif isinstance(v, dict):
            yield tag + '=list', at(lambda o, k: o.__setitem__(k, []))
            yield tag + ' unknown field', at(lambda o, k: o[k].__setitem__('bogusField', 1))


def mutations(r, ms, share):
    for m in ms:
        n = m['kind'] + '/' + m['metadata'].get('name', m['metadata'].get('generateName', ''))
        for tag, c in mutate(m):
            if zlib.crc32((n + tag).encode()) % 1000 >= share:
                continue
            r.do(n + ' ' + tag, 'POST', r.path(m, False) + '?dryRun=All&fieldValidation=Strict', c)


def protocol(r):
    P = '/api/v1/namespaces/wire/configmaps'
    cm = lambda n, **k: {'apiVersion': 'v1', 'kind': 'ConfigMap', 'metadata': {'name': n, 'labels': k.pop('labels', {})}, 'data': {'a': '1'}, **k}
    for i in range(7):
        r.do(f'cm {i}', 'POST', P, cm(f'l{i}', labels={'i': str(i), 'odd': str(i % 2)}), keep=False)
    for q in ('labelSelector=odd%3D1', 'labelSelector=odd%21%3D1', 'labelSelector=i+in+(1,2)', 'labelSelector=i+notin+(1,2),odd', 'labelSelector=!i', 'labelSelector=i%3E3',
              'labelSelector=%3D%3D', 'labelSelector=a+in', 'fieldSelector=metadata.name%3Dl1', 'fieldSelector=metadata.name!%3Dl1,metadata.namespace%3Dwire', 'fieldSelector=data.a%3D1', 'fieldSelector=bad',
              'limit=-1', 'limit=x', 'resourceVersion=abc', 'resourceVersion=999999999', 'resourceVersionMatch=Exact', 'resourceVersion=1&resourceVersionMatch=NotOlderThan', 'resourceVersion=0&resourceVersionMatch=Exact', 'continue=garbage', 'timeoutSeconds=x', 'pretty=true', 'watch=maybe', 'sendInitialEvents=true', 'watch=1&sendInitialEvents=true', 'bogus=1'):
        r.do('list ' + q, 'GET', P + '?' + q + ('&timeoutSeconds=1' if 'watch=' in q else ''))
    seen = []
    cont = ''
    for i in range(4):
        c, o = r.do(f'page {i}', 'GET', P + '?limit=3' + ('&continue=' + urllib.parse.quote(cont) if cont else ''))
        cont = (o.get('metadata') or {}).get('continue', '') if isinstance(o, dict) else ''
        if not cont:
            break
    for method, path in (('GET', '/'), ('GET', '/api'), ('GET', '/apis'), ('GET', '/api/v1'), ('GET', '/apis/apps'), ('GET', '/apis/apps/v1'), ('GET', '/apis/nope'), ('GET', '/apis/apps/v9'), ('GET', '/api/v2'), ('GET', '/version'),
                         ('GET', '/healthz'), ('GET', '/livez'), ('GET', '/readyz'), ('GET', '/livez?verbose'), ('GET', '/readyz/nope'), ('GET', '/openapi/v3'), ('GET', '/nope'), ('GET', '/api/v1/nopes'), ('GET', '/api/v1/namespaces/wire/nopes'), ('GET', '/api/v1/namespaces/wire/pods/none'),
                         ('GET', '/api/v1/namespaces/missing/pods'), ('POST', '/api/v1/namespaces/missing/configmaps'), ('DELETE', '/api/v1/namespaces/wire/pods/none'), ('PUT', '/api/v1/namespaces/wire/configmaps/none'), ('PATCH', '/api/v1/namespaces/wire/configmaps/none'), ('POST', '/api/v1/namespaces/wire/configmaps/l0'),
                         ('DELETE', '/api/v1/nodes/none'), ('PUT', '/api/v1/namespaces/wire/configmaps'), ('OPTIONS', P), ('HEAD', P), ('TRACE', P), ('POST', '/api/v1/pods'), ('POST', '/api/v1/componentstatuses'), ('GET', '/api/v1/componentstatuses'), ('GET', '/api/v1/namespaces/wire/pods/none/log'), ('GET', '/api/v1/namespaces/wire/pods/none/exec'),
                         ('GET', '/apis/apps/v1/namespaces/wire/deployments/none/scale'), ('GET', '/.well-known/openid-configuration'), ('GET', '/api/v1/watch/namespaces/wire/configmaps?timeoutSeconds=1&resourceVersion=1'), ('GET', '/api//v1/namespaces'), ('GET', '/api/v1/namespaces/'), ('GET', '/apis/apps/v1/namespaces/wire/pods')):
        r.do(f'{method} {path}', method, path, cm('none') if method in ('POST', 'PUT') else {} if method == 'PATCH' else None, **({'ctype': MP} if method == 'PATCH' else {}))
    for name, body, ct in (('bad json', '{', 'application/json'), ('array', '[]', 'application/json'), ('empty', '', 'application/json'), ('null', 'null', 'application/json'), ('string', '"x"', 'application/json'), ('wrong kind', {'apiVersion': 'v1', 'kind': 'Pod', 'metadata': {'name': 'x'}}, 'application/json'),
                           ('wrong version', {'apiVersion': 'v2', 'kind': 'ConfigMap', 'metadata': {'name': 'x'}}, 'application/json'), ('no kind', {'metadata': {'name': 'x'}}, 'application/json'), ('no version', {'kind': 'ConfigMap', 'metadata': {'name': 'x'}}, 'application/json'), ('text', 'x', 'text/plain'), ('yaml', 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: y}\ndata: {a: "1"}\n', 'application/yaml'),
                           ('yaml bad', 'a: [', 'application/yaml'), ('yaml alias', 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: y2}\ndata: {a: &x "1", b: *x}\n', 'application/yaml'), ('bad proto', b'k8s\x00garbage', 'application/vnd.kubernetes.protobuf'), ('other ns', {'apiVersion': 'v1', 'kind': 'ConfigMap', 'metadata': {'name': 'x', 'namespace': 'default'}}, 'application/json'),
                           ('rv set', {'apiVersion': 'v1', 'kind': 'ConfigMap', 'metadata': {'name': 'x', 'resourceVersion': '5'}}, 'application/json'), ('dup keys', '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"dk"},"data":{"a":"1","a":"2"}}', 'application/json'), ('case', {'apiVersion': 'v1', 'kind': 'ConfigMap', 'Metadata': {'name': 'x'}}, 'application/json'),
                           ('deep', '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"d"},"data":' + '{"a":' * 12000 + '1' + '}' * 12000 + '}', 'application/json'), ('too large', {'apiVersion': 'v1', 'kind': 'ConfigMap', 'metadata': {'name': 'big'}, 'data': {'a': 'x' * (1 << 20) + 'yy'}}, 'application/json'), ('huge', 'x' * (4 << 20), 'application/json'), ('utf8', b'{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"u"},"data":{"a":"\xff\xfe"}}', 'application/json')):
        for fv in ('Strict', 'Warn', 'Ignore'):
            r.do(f'post {name} {fv}', 'POST', P + '?dryRun=All&fieldValidation=' + fv, body, ctype=ct)
    r.do('post fieldValidation bad', 'POST', P + '?fieldValidation=Nope', cm('q'))
    r.do('post dryRun bad', 'POST', P + '?dryRun=Some', cm('q'))
    for a in ('application/yaml', 'text/html', '*/*', 'application/json;as=Table;v=v9;g=meta.k8s.io', 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io', 'application/cbor', 'application/vnd.kubernetes.protobuf;as=Table;g=meta.k8s.io;v=v1'):
        r.do('accept ' + a, 'GET', P + '?limit=2', accept=a)
    for ct, b in ((JP, [{'op': 'replace', 'path': '/data/zz', 'value': '1'}]), (JP, [{'op': 'remove', 'path': '/data/a'}]), (JP, [{'op': 'move', 'from': '/data/a', 'path': '/data/b'}]), (JP, [{'op': 'copy', 'from': '/data/b', 'path': '/data/c'}]), (JP, [{'op': 'nope', 'path': '/x'}]), (JP, {'not': 'list'}), (JP, [{'op': 'add', 'path': '/metadata/labels/a~1b', 'value': 'x'}]), (MP, '['), (MP, {'data': {'a': 5}}), (SP, {'data': {'$patch': 'replace', 'n': 'v'}}), (SP, {'data': {'n': None}}), (AP, 'metadata: {'), (AP, {'apiVersion': 'v1', 'kind': 'ConfigMap', 'data': {'x': 'y'}}), ('application/json', {}), (MP, {'metadata': {'name': 'other'}}), (MP, {'metadata': {'uid': 'zzz'}}), (MP, {'metadata': {'resourceVersion': '1'}}), (MP, {'immutable': True}), (MP, {'data': {'a': 'late'}})):
        r.do(f'patch {ct} {json.dumps(b)[:60]}', 'PATCH', P + '/l0', b, ctype=ct)
    r.do('apply without manager', 'PATCH', P + '/ap0', {'apiVersion': 'v1', 'kind': 'ConfigMap', 'metadata': {'name': 'ap0'}}, ctype=AP)
    r.do('apply creates', 'PATCH', P + '/ap0?fieldManager=m1', {'apiVersion': 'v1', 'kind': 'ConfigMap', 'metadata': {'name': 'ap0'}, 'data': {'a': '1', 'b': '2'}}, ctype=AP)
    r.do('apply drops a field', 'PATCH', P + '/ap0?fieldManager=m1', {'apiVersion': 'v1', 'kind': 'ConfigMap', 'metadata': {'name': 'ap0'}, 'data': {'b': '3'}}, ctype=AP)
    r.do('delete collection', 'DELETE', P + '?labelSelector=odd%3D1')
    r.do('delete collection list', 'GET', P + '?labelSelector=i')
    for k in ('default/pods', 'kube-system/configmaps', 'wire/secrets'):
        a, b = k.split('/')
        r.do('empty table ' + k, 'GET', f'/api/v1/namespaces/{a}/{b}', accept=TABLE)


def access(r):
    A = '/apis/authorization.k8s.io/v1/'
    sar = lambda **k: {'apiVersion': 'authorization.k8s.io/v1', 'kind': 'SubjectAccessReview', 'spec': k}
    r.do('role', 'POST', '/apis/rbac.authorization.k8s.io/v1/namespaces/wire/roles', {'apiVersion': 'rbac.authorization.k8s.io/v1', 'kind': 'Role', 'metadata': {'name': 'reader'}, 'rules': [{'apiGroups': [''], 'resources': ['pods', 'configmaps'], 'verbs': ['get', 'list']}, {'apiGroups': [''], 'resources': ['secrets'], 'resourceNames': ['one'], 'verbs': ['get']}]}, keep=False)
    r.do('rolebinding', 'POST', '/apis/rbac.authorization.k8s.io/v1/namespaces/wire/rolebindings', {'apiVersion': 'rbac.authorization.k8s.io/v1', 'kind': 'RoleBinding', 'metadata': {'name': 'reader'}, 'roleRef': {'apiGroup': 'rbac.authorization.k8s.io', 'kind': 'Role', 'name': 'reader'}, 'subjects': [{'kind': 'User', 'name': 'jane', 'apiGroup': 'rbac.authorization.k8s.io'}, {'kind': 'ServiceAccount', 'name': 'bot', 'namespace': 'wire'}]}, keep=False)
    time.sleep(1)
    H = lambda u, *g: {'Impersonate-User': u, **({'Impersonate-Group': g[0]} if g else {})}
    W = '/api/v1/namespaces/wire/'
    for u in ('jane', 'bob', 'system:serviceaccount:wire:bot', 'system:node:n1', 'system:anonymous', 'system:kube-scheduler'):
        g = ('system:nodes',) if u.startswith('system:node:') else ()
        for meth, p in (('GET', W + 'pods'), ('GET', W + 'configmaps/x'), ('GET', W + 'secrets/one'), ('GET', W + 'secrets/two'), ('GET', W + 'secrets'), ('DELETE', W + 'pods/x'), ('GET', '/api/v1/nodes'), ('GET', '/api/v1/namespaces/default/pods'), ('GET', '/healthz'), ('GET', '/metrics'), ('GET', '/api'), ('GET', '/apis/nope.io/v1/things'), ('POST', W + 'pods/x/exec'), ('GET', W + 'pods/x/log'), ('PATCH', W + 'pods/x/status')):
            r.do(f'{u} {meth} {p}', meth, p, {} if meth == 'PATCH' else None, headers=H(u, *g), **({'ctype': MP} if meth == 'PATCH' else {})) if p != '/metrics' or u != 'system:kube-scheduler' else None
    for i, sp in enumerate(({'user': 'jane', 'resourceAttributes': {'namespace': 'wire', 'verb': 'get', 'resource': 'pods'}}, {'user': 'jane', 'resourceAttributes': {'namespace': 'wire', 'verb': 'create', 'resource': 'pods'}}, {'user': 'x', 'groups': ['system:masters'], 'resourceAttributes': {'verb': '*', 'group': '*', 'resource': '*'}}, {'user': 'x', 'nonResourceAttributes': {'path': '/healthz', 'verb': 'get'}}, {'resourceAttributes': {'verb': 'get'}}, {'user': 'a', 'resourceAttributes': {'verb': 'get'}, 'nonResourceAttributes': {'path': '/', 'verb': 'get'}})):
        r.do(f'sar {i}', 'POST', A + 'subjectaccessreviews', sar(**sp))
    r.do('ssar', 'POST', A + 'selfsubjectaccessreviews', {'apiVersion': 'authorization.k8s.io/v1', 'kind': 'SelfSubjectAccessReview', 'spec': {'resourceAttributes': {'verb': 'list', 'resource': 'pods', 'namespace': 'wire'}}}, headers=H('jane'))
    r.do('ssrr', 'POST', A + 'selfsubjectrulesreviews', {'apiVersion': 'authorization.k8s.io/v1', 'kind': 'SelfSubjectRulesReview', 'spec': {'namespace': 'wire'}}, headers=H('jane'))
    r.do('whoami', 'POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', {'apiVersion': 'authentication.k8s.io/v1', 'kind': 'SelfSubjectReview'}, headers={'Impersonate-User': 'jane', 'Impersonate-Group': 'devs', 'Impersonate-Extra-scopes': 'view'})
    r.do('escalate', 'POST', '/apis/rbac.authorization.k8s.io/v1/namespaces/wire/roles', {'apiVersion': 'rbac.authorization.k8s.io/v1', 'kind': 'Role', 'metadata': {'name': 'esc'}, 'rules': [{'apiGroups': ['*'], 'resources': ['*'], 'verbs': ['*']}]}, headers=H('jane'))
    r.do('impersonate as jane', 'GET', W + 'pods', headers=H('jane'))
    c, tok = r.do('token request', 'POST', W + 'serviceaccounts/default/token', {'apiVersion': 'authentication.k8s.io/v1', 'kind': 'TokenRequest', 'spec': {'audiences': ['vault'], 'expirationSeconds': 700}})
    if isinstance(tok, dict) and (tok.get('status') or {}).get('token'):
        t = tok['status']['token']
        try:
            cl = json.loads(base64.urlsafe_b64decode(t.split('.')[1] + '=='))
            for k in ('exp', 'iat', 'nbf', 'jti'):
                cl[k] = '<' + k + '>'
            r.out.append({'class': r.cls, 'id': 'token claims', 'req': '', 'code': 200, 'head': {}, 'body': norm(cl)})
        except Exception as e:
            r.out.append({'class': r.cls, 'id': 'token claims', 'req': '', 'code': 0, 'head': {}, 'body': str(e)})
        for aud in (['vault'], ['other'], []):
            r.do(f'token review {aud}', 'POST', '/apis/authentication.k8s.io/v1/tokenreviews', {'apiVersion': 'authentication.k8s.io/v1', 'kind': 'TokenReview', 'spec': {'token': t, 'audiences': aud}})
    r.do('token review bad', 'POST', '/apis/authentication.k8s.io/v1/tokenreviews', {'apiVersion': 'authentication.k8s.io/v1', 'kind': 'TokenReview', 'spec': {'token': 'x'}})


def admission(r, ms):
    W = '/api/v1/namespaces/'
    pod = lambda n, spec=None, **c: {'apiVersion': 'v1', 'kind': 'Pod', 'metadata': {'name': n}, 'spec': {**(spec or {}), 'containers': [{'name': 'c', 'image': 'busybox', **c}]}}
    lr = [m for m in ms if m['kind'] == 'LimitRange'][0]
    r.do('lr', 'POST', W + 'wire-lr/limitranges', lr, keep=False)
    rq = copy.deepcopy([m for m in ms if m['kind'] == 'ResourceQuota'][0]); rq['spec'].pop('scopes'); rq['spec']['hard'] = {'pods': '2', 'requests.cpu': '1', 'configmaps': '1'}
    r.do('rq', 'POST', W + 'wire-rq/resourcequotas', rq, keep=False)
    r.do('rq st', 'PATCH', W + 'wire-rq/resourcequotas/rq/status', {'status': {'hard': {'pods': '2', 'requests.cpu': '1', 'configmaps': '1'}, 'used': {'pods': '0', 'requests.cpu': '0', 'configmaps': '0'}}}, ctype=MP, keep=False)
    time.sleep(1)
    r.do('lr defaults', 'POST', W + 'wire-lr/pods', pod('a'))
    r.do('lr over max', 'POST', W + 'wire-lr/pods', pod('b', resources={'limits': {'cpu': '3'}}))
    r.do('lr under min', 'POST', W + 'wire-lr/pods', pod('c', resources={'requests': {'cpu': '1m'}}))
    r.do('lr pvc', 'POST', W + 'wire-lr/persistentvolumeclaims', {'apiVersion': 'v1', 'kind': 'PersistentVolumeClaim', 'metadata': {'name': 'x'}, 'spec': {'accessModes': ['ReadWriteOnce'], 'resources': {'requests': {'storage': '20Gi'}}}})
    r.do('rq no cpu', 'POST', W + 'wire-rq/pods', pod('a'))
    r.do('rq ok', 'POST', W + 'wire-rq/pods', pod('b', resources={'requests': {'cpu': '600m'}}))
    r.do('rq exceeded', 'POST', W + 'wire-rq/pods', pod('c', resources={'requests': {'cpu': '600m'}}))
    for lvl in ('baseline', 'restricted'):
        r.do('psa ' + lvl, 'PATCH', '/api/v1/namespaces/wire-psa', {'metadata': {'labels': {'pod-security.kubernetes.io/enforce': lvl, 'pod-security.kubernetes.io/warn': 'restricted'}}}, ctype=MP)
        time.sleep(0.5)
        for i, (sp, c) in enumerate((({}, {}), ({'hostNetwork': True, 'hostPID': True}, {}), ({}, {'securityContext': {'privileged': True}}), ({'volumes': [{'name': 'h', 'hostPath': {'path': '/'}}]}, {}), ({}, {'securityContext': {'capabilities': {'add': ['SYS_ADMIN', 'NET_BIND_SERVICE']}}}), ({}, {'ports': [{'containerPort': 80, 'hostPort': 80}]}), ({'securityContext': {'runAsUser': 0, 'seccompProfile': {'type': 'Unconfined'}}}, {}), ({'securityContext': {'sysctls': [{'name': 'kernel.msgmax', 'value': '1'}]}}, {}),
                                     ({'securityContext': {'runAsNonRoot': True, 'seccompProfile': {'type': 'RuntimeDefault'}}}, {'securityContext': {'allowPrivilegeEscalation': False, 'capabilities': {'drop': ['ALL']}}}), ({'volumes': [{'name': 'n', 'nfs': {'server': 'a', 'path': '/'}}]}, {'securityContext': {'procMount': 'Unmasked'}}))):
            r.do(f'psa {lvl} {i}', 'POST', W + 'wire-psa/pods?dryRun=All', pod('p', sp, **c))
            r.do(f'psa {lvl} deploy {i}', 'POST', '/apis/apps/v1/namespaces/wire-psa/deployments?dryRun=All', {'apiVersion': 'apps/v1', 'kind': 'Deployment', 'metadata': {'name': 'd'}, 'spec': {'selector': {'matchLabels': {'a': 'b'}}, 'template': {'metadata': {'labels': {'a': 'b'}}, 'spec': {**sp, 'containers': [{'name': 'c', 'image': 'i', **c}]}}}})
    # binding, eviction, ephemeral containers, resize
    r.do('pod', 'POST', W + 'wire/pods', pod('bindme'), keep=False)
    r.do('bind', 'POST', W + 'wire/pods/bindme/binding', {'apiVersion': 'v1', 'kind': 'Binding', 'metadata': {'name': 'bindme'}, 'target': {'kind': 'Node', 'name': 'n1'}})
    r.do('bind again', 'POST', W + 'wire/pods/bindme/binding', {'apiVersion': 'v1', 'kind': 'Binding', 'metadata': {'name': 'bindme'}, 'target': {'kind': 'Node', 'name': 'n2'}})
    r.do('bound', 'GET', W + 'wire/pods/bindme')
    r.do('ephemeral', 'PATCH', W + 'wire/pods/bindme/ephemeralcontainers', {'spec': {'ephemeralContainers': [{'name': 'dbg', 'image': 'busybox', 'targetContainerName': 'c'}]}}, ctype=SP)
    r.do('immutable', 'PATCH', W + 'wire/pods/bindme', {'spec': {'containers': [{'name': 'c', 'command': ['x']}]}}, ctype=SP)
    r.do('image', 'PATCH', W + 'wire/pods/bindme', {'spec': {'containers': [{'name': 'c', 'image': 'busybox:2'}]}}, ctype=SP)
    r.do('resize', 'PATCH', W + 'wire/pods/bindme/resize', {'spec': {'containers': [{'name': 'c', 'resources': {'requests': {'cpu': '10m'}}}]}}, ctype=SP)
    r.do('evict', 'POST', W + 'wire/pods/bindme/eviction', {'apiVersion': 'policy/v1', 'kind': 'Eviction', 'metadata': {'name': 'bindme'}})
    r.do('graceful', 'GET', W + 'wire/pods/bindme')
    r.do('tolerations defaulted', 'POST', W + 'wire/pods?dryRun=All', pod('t', {'priorityClassName': 'system-cluster-critical'}))
    r.do('priority unknown', 'POST', W + 'wire/pods?dryRun=All', pod('t', {'priorityClassName': 'nope'}))
    r.do('sa unknown', 'POST', W + 'wire/pods?dryRun=All', pod('t', {'serviceAccountName': 'nope'}))
    r.do('runtimeclass unknown', 'POST', W + 'wire/pods?dryRun=All', pod('t', {'runtimeClassName': 'nope'}))


def custom(r, ms):
    crd = copy.deepcopy([m for m in ms if m['kind'] == 'CustomResourceDefinition'][0])
    C = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
    for i in range(50):
        c, _ = r.do('crd', 'POST', C, crd, keep=False)
        if c != 409:
            break
        time.sleep(0.2)
    P = '/apis/wire.example.com/v1/namespaces/wire/widgets'
    for i in range(100):
        c, _, _ = r.s.call('GET', P)
        if c == 200:
            break
        time.sleep(0.1)
    time.sleep(1)
    r.do('crd get', 'GET', C + '/widgets.wire.example.com')
    r.do('discovery', 'GET', '/apis/wire.example.com/v1')
    w = lambda n, spec, **k: {'apiVersion': 'wire.example.com/v1', 'kind': 'Widget', 'metadata': {'name': n}, 'spec': spec, **k}
    for n, sp in (('ok', {'size': 3}), ('low', {'size': 0}), ('high', {'size': 11}), ('missing', {}), ('type', {'size': 'x'}), ('enum', {'size': 1, 'mode': 'z'}), ('tags', {'size': 1, 'tags': ['A']}), ('dup', {'size': 1, 'tags': ['a', 'a']}), ('many', {'size': 1, 'tags': ['a', 'b', 'c', 'd']}), ('cel', {'size': 1, 'replicas': 2}), ('port', {'size': 1, 'port': 'http'}), ('port2', {'size': 1, 'port': 80}), ('port3', {'size': 1, 'port': 1.5}), ('unknown', {'size': 1, 'bogus': 1}), ('extra', {'size': 1, 'extra': {'any': [1, {'a': 'b'}]}}), ('Bad_Name', {'size': 1})):
        r.do('create ' + n, 'POST', P, w(n, sp))
        r.do('create strict ' + n, 'POST', P + '?fieldValidation=Strict&dryRun=All', w(n + 's', sp))
    r.do('table', 'GET', P, accept=TABLE)
    r.do('scale', 'GET', P + '/ok/scale')
    r.do('set scale', 'PATCH', P + '/ok/scale', {'spec': {'replicas': 2}}, ctype=MP)
    r.do('status', 'PATCH', P + '/ok/status', {'status': {'replicas': 2}, 'spec': {'size': 9}}, ctype=MP)
    r.do('strategic', 'PATCH', P + '/ok', {'spec': {'size': 4}}, ctype=SP)
    r.do('merge', 'PATCH', P + '/ok', {'spec': {'size': 4}}, ctype=MP)
    r.do('apply', 'PATCH', P + '/ok?fieldManager=t', w('ok', {'size': 5, 'tags': ['x']}), ctype=AP)
    r.do('apply force', 'PATCH', P + '/ok?fieldManager=t&force=1', w('ok', {'size': 5, 'tags': ['x']}), ctype=AP)
    r.do('openapi', 'GET', '/openapi/v3/apis/wire.example.com/v1', keep=False)
    r.do('proto accept', 'GET', P, accept='application/vnd.kubernetes.protobuf')
    r.do('delete all', 'DELETE', P)
    r.do('crd delete', 'DELETE', C + '/widgets.wire.example.com')


def opened(p):
    return gzip.open(p, 'rt') if p.endswith('.gz') else open(p)


def facts(x):
    """An answer without its free text: a Status keeps its reason, code and the fields at fault; warnings are counted."""
    b = x['body']
    if isinstance(b, dict) and b.get('kind') == 'Status':
        b = copy.deepcopy(b)
        b.pop('message', None)
        for c in (b.get('details') or {}).get('causes') or []:
            c.pop('message', None)
    return {**x, 'body': b, 'warnings': len(x['head'].get('warning', [])) if 'warnings' not in x else x['warnings']}


def first(a, b, p=''):
    """Names the first place where two answers differ."""
    if isinstance(a, dict) and isinstance(b, dict):
        for k in list(a) + [k for k in b if k not in a]:
            if k not in a:
                return f'{p}.{k}: not wanted {json.dumps(b[k])[:160]}'
            if k not in b:
                return f'{p}.{k}: missing {json.dumps(a[k])[:160]}'
            if a[k] != b[k]:
                return first(a[k], b[k], f'{p}.{k}')
    if isinstance(a, list) and isinstance(b, list):
        for i, (x, y) in enumerate(zip(a, b)):
            if x != y:
                return first(x, y, f'{p}[{i}]')
        return f'{p}: {len(a)} wanted, {len(b)} got'
    return f'{p}: want {json.dumps(a)[:300]} got {json.dumps(b)[:300]}'


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    sub = ap.add_subparsers(dest='cmd', required=True)
    a = sub.add_parser('run'); a.add_argument('--server', required=True); a.add_argument('--cert'); a.add_argument('--key'); a.add_argument('--ca'); a.add_argument('--out', required=True); a.add_argument('--only', default=''); a.add_argument('--share', type=int, default=150, help='mutations kept, in thousandths')
    d = sub.add_parser('diff'); d.add_argument('golden'); d.add_argument('got'); d.add_argument('--show', type=int, default=0); d.add_argument('--only', default='')
    o = ap.parse_args()
    if o.cmd == 'run':
        r = Run(Server(o.server, o.cert, o.key, o.ca), [x for x in o.only.split(',') if x])
        if os.path.exists(HERE + '/csr.b64'):
            csr = open(HERE + '/csr.b64').read().strip()
        else:
            pem = subprocess.run(['openssl', 'req', '-new', '-newkey', 'rsa:2048', '-nodes', '-keyout', '/dev/null', '-subj', '/CN=wire'], capture_output=True).stdout
            csr = base64.b64encode(pem).decode(); open(HERE + '/csr.b64', 'w').write(csr)
        setup(r)
        ms = manifests(csr)
        if r.begin('mutation'): mutations(r, ms, o.share)
        if r.begin('protocol'): protocol(r)
        if r.begin('access'): access(r)
        if r.begin('admission'): admission(r, ms)
        if r.begin('custom'): custom(r, ms)
        if r.begin('lifecycle'): lifecycle(r, ms)
        with open(o.out, 'w') as f:
            for x in r.out:
                f.write(json.dumps(x) + '\n')
        print(len(r.out), 'answers')
    else:
        g = {(x['class'], x['id']): facts(x) for x in map(json.loads, opened(o.golden))}
        h = {(x['class'], x['id']): facts(x) for x in map(json.loads, opened(o.got))}
        st, shown = {}, 0
        for k, x in g.items():
            if o.only and k[0] != o.only:
                continue
            y = h.get(k, {'code': -1, 'body': None, 'head': {}, 'warnings': 0})
            s = st.setdefault(k[0], [0, 0, 0])
            s[0] += 1
            s[1] += x['code'] == y['code']
            same = x['code'] == y['code'] and x['body'] == y['body'] and x['warnings'] == y['warnings']
            s[2] += same
            if not same and shown < o.show:
                shown += 1
                why = f"status {x['code']} wanted, {y['code']} got: {json.dumps(y['head'].get('said') or (y['body'] if not isinstance(y['body'], dict) else y['body'].get('reason')))[:200]}" if x['code'] != y['code'] else first(x['body'], y['body']) if x['body'] != y['body'] else f"{x['warnings']} warnings wanted, {y['warnings']} got"
                print(k[0], '|', k[1], '|', why)
        n = [sum(s[i] for s in st.values()) for i in range(3)]
        for c, s in sorted(st.items()):
            print(f'{c:10} {s[0]:6} asked  {100*s[1]/s[0]:5.1f}% same status  {100*s[2]/s[0]:5.1f}% same answer')
        print(f'wire: {100*n[2]/max(n[0],1):.1f}% of {n[0]} answers agree with upstream ({100*n[1]/max(n[0],1):.1f}% same status)')


if __name__ == '__main__':
    main()
