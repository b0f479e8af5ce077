"""Brings the objects of two clusters into one form: without times, uids, versions and drawn names."""
import re

DROPPED = {'uid', 'resourceVersion', 'creationTimestamp', 'managedFields', 'selfLink', 'nodeName', 'podIP', 'podIPs', 'hostIP', 'hostIPs', 'clusterIP', 'clusterIPs',
           'ca.crt', 'generation', 'containerID', 'observedGeneration', 'targetRef', 'resourceClaimStatuses', 'endpoints.kubernetes.io/last-change-trigger-time'}
TIME = re.compile(r'^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$')
DRAWN = re.compile(r'-[bcdfghjklmnpqrstvwxz2456789]{5}$')
# Hashes of templates: each implementation hashes its own encoding; only that equal templates have equal ones matters.
HASH = re.compile(r'(^|-)[bcdfghjklmnpqrstvwxz2456789]{6,10}(?=$|-|")')
HASHES = {'pod-template-hash', 'controller-revision-hash', 'controller.kubernetes.io/hash', 'currentRevision', 'updateRevision'}
MINUTES = re.compile(r'-\d{8}(?=$|-)')


def name(text):
    """A name without what was drawn at random or taken from the clock."""
    return HASH.sub(r'\1<hash>', MINUTES.sub('-<minutes>', DRAWN.sub('-<x>', text)))


def words(text):
    """A sentence likewise, word by word."""
    text = re.sub(r'[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}', '<uid>', re.sub(r'\d{4}-\d\d-\d\d[T ]\d\S+', '<time>', text))
    return ''.join(name(part) for part in re.split(r'([\s":,()]+)', text))


def normalise(value, key=''):
    if isinstance(value, dict):
        kept = {k: normalise(v, k) for k, v in sorted(value.items()) if k not in DROPPED}
        return {k: v for k, v in kept.items() if v or k != 'annotations'}
    if isinstance(value, list):
        items = [normalise(v, key) for v in value]
        return sorted(items, key=repr) if key in ('addresses', 'endpoints', 'conditions', 'ownerReferences', 'subsets', 'images') else items
    if isinstance(value, str):
        if TIME.match(value):
            return '<time>'
        if re.fullmatch(r'[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}', value):
            return '<uid>'
        if re.fullmatch(r'10\.(244|96|64)\.\d+\.\d+', value):
            return '<address>'
        value = re.sub(r'[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}', '<uid>', value)
        value = re.sub(r'kube-api-access-\w{5}', 'kube-api-access-<x>', value)
        if key in HASHES:
            return HASH.sub(r'\1<hash>', value)
        if key == 'message':
            return words(value)
        return name(value) if key in ('name', 'generateName', 'resourceClaimName', 'job-name', 'batch.kubernetes.io/job-name', 'hostname') else value
    return value


def state(lists):
    """{kind: [objects]} of API lists, in an order that does not depend on drawn names. Nodes' own addresses are kept out."""
    return {kind: sorted((normalise(o) for o in items), key=lambda o: (o['metadata'].get('namespace', ''), o['metadata']['name'], repr(o))) for kind, items in lists.items()}


def paths(fields, at=''):
    """The leaves of a fieldsV1 as paths, without what is drawn."""
    here = HASH.sub(r'\1<hash>', re.sub(r'[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}', '<uid>', at))
    return sorted(p for key, inner in fields.items() for p in ([here] if key == '.' else paths(inner, f'{at}.{key}'))) if fields else [here]


def managers(obj):
    """One line for each manager of an object's fields."""
    return sorted(f'{one["manager"]} {one["operation"]} {one.get("subresource", "")}: {" ".join(paths(one.get("fieldsV1", {})))}'
                  for one in obj['metadata'].get('managedFields', []) if one['manager'].startswith('kube-'))


def event_line(event):
    of = event['involvedObject']
    return f'{of["kind"]} {name(of.get("name", ""))}: {event["type"]} {event["reason"]}: {words(event.get("message", ""))}'


def differences(wanted, got, path=''):
    """Where two normalised values differ, one line a place."""
    if isinstance(wanted, dict) and isinstance(got, dict):
        return [line for key in sorted(wanted.keys() | got.keys()) for line in (
            [f'{path}.{key}: only wanted: {wanted[key]!r}'] if key not in got else [f'{path}.{key}: only got: {got[key]!r}'] if key not in wanted
            else differences(wanted[key], got[key], f'{path}.{key}'))]
    if isinstance(wanted, list) and isinstance(got, list) and len(wanted) == len(got):
        return [line for i, (a, b) in enumerate(zip(wanted, got)) for line in differences(a, b, f'{path}[{i}]')]
    return [] if wanted == got else [f'{path}: wanted {wanted!r}, got {got!r}']
