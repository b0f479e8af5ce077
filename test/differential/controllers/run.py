#!/usr/bin/env python3
"""Runs scenarios under our controller manager and under upstream's, both on our API server, and compares the objects, their status and
conditions, who manages which fields, and the events. A difference that reasons.yaml does not explain is an error."""
import argparse
import fnmatch
import importlib
import pathlib
import re
import sys

import yaml

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]
from clusters import ManagedCluster  # noqa: E402
from scenario import Scenario, in_parallel  # noqa: E402
from support.normalise import differences, event_line, managers, name, normalise  # noqa: E402

AT_A_TIME = 8


def scenarios(patterns):
    """{area.name: function} of scenarios/*.py: every function whose name does not begin with an underscore."""
    found = {}
    for file in sorted((HERE / 'scenarios').glob('*.py')):
        module = importlib.import_module(f'scenarios.{file.stem}')
        found |= {f'{file.stem}.{n}': f for n, f in vars(module).items() if callable(f) and not n.startswith('_') and f.__module__ == module.__name__}
    return {n: f for n, f in found.items() if not patterns or any(fnmatch.fnmatch(n, p) for p in patterns)}


def result(scenario):
    """What is compared, all of it as text that does not depend on what is drawn."""
    left, out = scenario.left(), {'observed': scenario.observed}
    out['events'] = sorted({event_line(e) for e in left.pop('Event') if e.get('source', {}).get('component', e.get('reportingComponent', '')) not in ('default-scheduler', 'kubelet')})
    for slice_ in left['EndpointSlice']:
        slice_['ports'] = sorted(slice_.get('ports') or [], key=repr)
    for kind, objects in left.items():
        ordered = sorted(objects, key=lambda o: (name(o['metadata']['name']), repr(normalise(o))))
        out[kind] = [normalise(o) | {'managers': managers(o)} for o in ordered]
    return yaml.safe_load(yaml.safe_dump(out).replace(scenario.namespace, '<namespace>'))


def run_all(binary, manager, chosen):
    with ManagedCluster(binary, manager, [binary, 'kube-scheduler']) as cluster:
        def one(key):
            scenario = Scenario(cluster, re.sub('[^a-z0-9]+', '-', key.lower()))
            chosen[key](scenario)
            scenario.settle()
            return result(scenario)
        results = dict(zip(chosen, in_parallel(one, list(chosen), AT_A_TIME)))
        ended = cluster.manager_ended()
    if ended is not None:
        raise RuntimeError(f'the manager ended: {ended}')
    return results


def lines(wanted, got):
    """Differences of one scenario: lists of text as sets of lines."""
    out = []
    for part in wanted.keys() | got.keys():
        a, b = wanted.get(part, []), got.get(part, [])
        if part in ('observed', 'events'):
            out += [f'{part}: only upstream: {x}' for x in a if x not in b] + [f'{part}: only ours: {x}' for x in b if x not in a]
        elif len(a) != len(b):
            out.append(f'{part}: {len(a)} upstream, {len(b)} ours: {[o["metadata"]["name"] for o in a]} and {[o["metadata"]["name"] for o in b]}')
        else:
            out += differences(a, b, part)
    return sorted(out)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--pintle', required=True)
    parser.add_argument('--peers', required=True, help='the folder with upstream\'s kube-controller-manager')
    parser.add_argument('scenarios', nargs='*', help='area.name, with * and ?; without: all')
    args = parser.parse_args()
    chosen = scenarios(args.scenarios)
    if not chosen:
        parser.error(f'no scenario is called {" ".join(args.scenarios)}')
    reasons = [(re.compile(one['difference']), one['reason']) for one in yaml.safe_load((HERE / 'reasons.yaml').read_text()) or []]
    binary = str(pathlib.Path(args.pintle).resolve())
    upstream = run_all(binary, [str(pathlib.Path(args.peers).resolve() / 'kube-controller-manager')], chosen)
    ours = run_all(binary, [binary, 'kube-controller-manager'], chosen)
    unexplained = explained = 0
    for key in chosen:
        found = lines(upstream[key], ours[key])
        open_ones = [line for line in found if not any(pattern.search(f'{key}: {line}') for pattern, _ in reasons)]
        explained, unexplained = explained + len(found) - len(open_ones), unexplained + len(open_ones)
        print(f'{key:50} {"the same" if not found else f"{len(open_ones)} unexplained, {len(found) - len(open_ones)} with a reason"}')
        for line in open_ones:
            print(f'    {line[:600]}')
    print(f'differential: {len(chosen)} scenarios, {unexplained} differences unexplained, {explained} with a reason')
    sys.exit(unexplained > 0)


if __name__ == '__main__':
    main()
