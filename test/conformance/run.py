#!/usr/bin/env python3
"""Upstream's conformance suite against two Pintle nodes: test/conformance/run.py [--focus TEXT] [--list FILE] [--serial only|skip|both].

The cluster, the registry and the suite live in network namespaces of their own; nothing leaves the machine. What came of
each spec is in OUT/results.json, and the report says what failed, by area. Exit status 0: everything that ran passed."""
import argparse
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / 'test'))

from support.nodes import NodeCluster      # noqa: E402
from support.registry import Registry, build_images   # noqa: E402

SUBNET = '10.89.0.0/24'
REGISTRY = '10.89.0.1:5000'
SUITE_HOST = 200       # the suite's address in the nodes' network
VERSION = '-X k8s.io/component-base/version.gitVersion=v1.36.3 -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=36'
TOOLS = {'ginkgo': ['build', 'github.com/onsi/ginkgo/v2/ginkgo'], 'e2e.test': ['test', '-c', '-vet=off', '-ldflags', VERSION, 'k8s.io/kubernetes/test/e2e']}


def build_tools(folder):
    """The suite and its runner, as Go modules; what is there stays."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, (verb, *rest) in TOOLS.items():
        if (folder / name).exists():
            continue
        print(f'conformance: building {name} (the suite takes some minutes, once)', flush=True)
        flags, package = rest[:-1], rest[-1]
        subprocess.run(['go', verb, *flags, '-o', str(folder / f'{name}.part'), package], cwd=HERE, check=True)
        (folder / f'{name}.part').rename(folder / name)
    return folder


def focus(given):
    """The regular expression of the specs that are asked for; "": all."""
    if not given.list:
        return given.focus
    names = [line.strip() for line in pathlib.Path(given.list).read_text().splitlines() if line.strip() and not line.startswith('#')]
    return '|'.join(re.escape(name).replace(r'\ ', ' ') for name in names)


def phases(given):
    """(name, label filter, processes) of each run of the suite."""
    both = [('parallel', 'Conformance && !Serial', given.procs), ('serial', 'Conformance && Serial', 1)]
    return [phase for phase in both if given.serial == 'both' or (phase[0] == 'serial') == (given.serial == 'only')]


def run_suite(cluster, tools, out, phase, given):
    name, labels, procs = phase
    folder = out / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    command = [str(tools / 'ginkgo'), f'-procs={procs}', '-v', '--no-color', f'--timeout={given.timeout}', '--junit-report=junit.xml', f'--output-dir={folder}', f'--label-filter={labels}']
    if focus(given):
        command.append(f'--focus={focus(given)}')
    if given.skip:
        command.append(f'--skip={given.skip}')
    command += [str(tools / 'e2e.test'), '--', f'--kubeconfig={cluster.server.kubeconfig}', '--provider=skeleton', '--disable-log-dump']
    print(f'conformance: {name} specs with {procs} processes; the log is {folder}/suite.log', flush=True)
    with open(folder / 'suite.log', 'wb') as log:
        # A session of its own: the runner's children end with it.
        child = subprocess.Popen(['nsenter', f'--net=/run/netns/{cluster.network.name}-suite', *command], stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                                 start_new_session=True, cwd=folder, env={**os.environ, 'KUBECONFIG': cluster.server.kubeconfig})
        try:
            child.wait()
        finally:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGTERM)
                child.wait(60)
    return folder


def read_results(folder):
    """{spec: {status, seconds, message}} of those that ran."""
    results = {}
    for report in folder.glob('junit*.xml'):
        for case in xml.etree.ElementTree.parse(report).getroot().iter('testcase'):
            spec = re.sub(r'^\[It\] ', '', case.get('name', ''))
            status = case.get('status', '')
            if not case.get('name', '').startswith('[It]') or status in ('skipped', 'pending'):
                continue
            spec = re.sub(r'( \[[^\]]*\])+$', lambda tags: tags[0] if '[Conformance]' not in tags[0] else tags[0][:tags[0].index('[Conformance]')] + '[Conformance]', spec)
            failure = case.find('failure')
            message = (failure.get('message') or failure.text or '') if failure is not None else ''
            results[spec] = {'status': status, 'seconds': round(float(case.get('time', 0)), 1), 'message': message[:2000]}
    return results


def area(spec):
    found = re.match(r'\[sig-([a-z-]+)\]', spec)
    return found[1] if found else 'other'


def report(results, out):
    """Prints the score by area; True if everything passed."""
    (out / 'results.json').write_text(json.dumps(results, indent=1, sort_keys=True))
    areas = {}
    for spec, result in results.items():
        counted = areas.setdefault(area(spec), [0, 0])
        counted[0] += result['status'] == 'passed'
        counted[1] += 1
    for name, (passed, ran) in sorted(areas.items()):
        print(f'  {name:20} {passed:4} of {ran:4}')
    failed = sorted(spec for spec, result in results.items() if result['status'] != 'passed')
    for spec in failed:
        first = results[spec]['message'].strip().split('\n')[0]
        print(f'  FAILED {spec}\n         {first[:300]}')
    print(f'conformance: {len(results) - len(failed)} of {len(results)} passed; {out}/results.json')
    return bool(results) and not failed


def interrupt(*_):
    raise KeyboardInterrupt


def main():
    signal.signal(signal.SIGTERM, interrupt)   # leaves nothing behind then either
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument('--focus', default='', help='a regular expression of spec names; of conformance specs alone')
    arguments.add_argument('--skip', default='', help='a regular expression of spec names that do not run')
    arguments.add_argument('--list', help='a file of spec names, one a line')
    arguments.add_argument('--serial', choices=['only', 'skip', 'both'], default='both')
    arguments.add_argument('--procs', type=int, default=8)
    arguments.add_argument('--timeout', default='60m')
    arguments.add_argument('--out', type=pathlib.Path, default=ROOT / 'build/conformance/out')
    arguments.add_argument('--agents', type=int, default=1, help='nodes beside the server: two specs need one')
    arguments.add_argument('--containerd', type=pathlib.Path, help='a folder whose containerd, shim and runc the nodes use, instead of those on the PATH')
    arguments.add_argument('--flags', default='', help='more flags for pintle server')
    given = arguments.parse_args()
    tools = build_tools(ROOT / 'build/conformance')
    build_images('all')
    out = given.out.resolve()
    began = time.monotonic()
    results = {}
    folders = [*([given.containerd.resolve()] if given.containerd else []), ROOT / 'build/peers', os.environ['PATH']]
    os.environ['PATH'] = ':'.join(map(str, folders))
    registry = Registry(folder=out / 'registry', address=REGISTRY)
    cluster = NodeCluster(agents=given.agents, registry=registry.url, flags=given.flags.split(), name='ptconf', subnet=SUBNET, folder=out / 'cluster', before_start=lambda: registry.start().push())
    try:
        with cluster:
            cluster.network.add_node('suite', str(cluster.network.subnet[SUITE_HOST]))
            versions = cluster.kubectl('get', 'nodes', '-o', 'jsonpath={.items[*].status.nodeInfo.containerRuntimeVersion}')
            print(f'conformance: the cluster is up after {time.monotonic() - began:.0f} s; {versions}', flush=True)
            for phase in phases(given):
                results.update(read_results(run_suite(cluster, tools, out, phase, given)))
    finally:
        registry.stop()
    shutil.rmtree(out / 'registry', ignore_errors=True)
    passed = report(results, out)
    print(f'conformance: {time.monotonic() - began:.0f} s')
    return 0 if passed else 1


if __name__ == '__main__':
    sys.exit(main())
