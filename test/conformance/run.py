#!/usr/bin/env python3
"""Upstream's suite against two Pintle nodes: test/conformance/run.py [--focus TEXT] [--list FILE] [--serial only|skip|both]. Its conformance
specs or, with --beyond AREAS, those areas' other specs; with --upstream against nodes of upstream's own components instead.

The cluster, the registry and the suite live in network namespaces of their own; nothing leaves the machine. What came of
each spec is in OUT/results.json, and the report says what failed, by area. Exit status 0: everything that ran passed."""
import argparse
import contextlib
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

from conformance.beside import area, first_line, outcome   # noqa: E402
from support.nodes import CGROUP_ROOT, NodeCluster      # noqa: E402
from support.provisioner import Provisioner   # noqa: E402
from support.registry import Registry, build_images   # noqa: E402
from support.upstream_nodes import UpstreamCluster   # noqa: E402

# Of each kind of run: its network's name and range, so that they stand side by side. By (beyond conformance, upstream's components).
NETWORKS = {(False, False): ('ptconf', '10.89.0'), (False, True): ('ptconfu', '10.90.0'), (True, False): ('ptbey', '10.91.0'), (True, True): ('ptbeyu', '10.92.0')}
# What specs may ask for that such a cluster has: what is on by default. Others need a cloud, a node's shell or a gate that is off.
FEATURES = 'HPA, ContainerRestartRules, SchedulerAsyncPreemption'
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
    if given.storage_driver:
        return given.focus or 'External Storage'
    if not given.list:
        return given.focus
    names = [line.strip() for line in pathlib.Path(given.list).read_text().splitlines() if line.strip() and not line.startswith('#')]
    return '|'.join(re.escape(name).replace(r'\ ', ' ') for name in names)


def phases(given):
    """(name, label filter, processes) of each run of the suite."""
    specs = f'({" || ".join(f"sig-{name}" for name in given.beyond)}) && !Conformance && Feature: isSubsetOf {{{FEATURES}}}' if given.beyond else 'Conformance'
    if given.storage_driver:    # these carry no area's label
        specs = f'!Conformance && Feature: isSubsetOf {{{FEATURES}}}'
    both = [('parallel', f'{specs} && !Serial', given.procs), ('serial', f'{specs} && Serial', 1)]
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
    if given.storage_driver:
        command.append(f'--storage.testdriver={given.storage_driver.resolve()}')
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


def spec_name(case):
    """As the suite writes it, without the labels that the report appends."""
    spec = re.sub(r'^\[It\] ', '', case)
    if '[Conformance]' in spec:
        return spec[:spec.index('[Conformance]')] + '[Conformance]'
    return re.sub(r' \[sig-[^\]]*\]$', '', spec)


def read_results(folder):
    """{spec: {status, seconds, message}} of those that ran, and of those that said themselves that they cannot run here."""
    results = {}
    for report in folder.glob('junit*.xml'):
        for case in xml.etree.ElementTree.parse(report).getroot().iter('testcase'):
            status = case.get('status', '')
            skipped = case.find('skipped')
            reason = (skipped.get('message') or '').removeprefix('skipped').removeprefix(' - ') if skipped is not None else ''
            if not case.get('name', '').startswith('[It]') or status == 'pending' or (status == 'skipped' and not reason):
                continue
            failure = next((f for f in (case.find('failure'), case.find('error')) if f is not None), None)
            message = (failure.get('message') or failure.text or '') if failure is not None else reason
            results[spec_name(case.get('name'))] = {'status': status, 'seconds': round(float(case.get('time', 0)), 1), 'message': message[:2000]}
    return results


def report(results, out):
    """Prints the score by area; True if everything passed."""
    (out / 'results.json').write_text(json.dumps(results, indent=1, sort_keys=True))
    areas = {}
    for spec, result in results.items():
        if outcome(result) == 'skipped':
            continue
        counted = areas.setdefault(area(spec), [0, 0])
        counted[0] += outcome(result) == 'passed'
        counted[1] += 1
    for name, (passed, ran) in sorted(areas.items()):
        print(f'  {name:20} {passed:4} of {ran:4}')
    for ended in ('skipped', 'failed'):
        for spec in sorted(spec for spec, result in results.items() if outcome(result) == ended):
            print(f'  {ended.upper()} {spec}\n         {first_line(results[spec])}')
    passed, ran = (sum(counted[i] for counted in areas.values()) for i in (0, 1))
    print(f'conformance: {passed} of {ran} passed; {out}/results.json')
    return ran > 0 and passed == ran


def make_cluster(given, out, registry, network):
    common = {'agents': given.agents, 'registry': registry.url, 'name': network[0], 'subnet': f'{network[1]}.0/24', 'folder': out / 'cluster', 'before_start': lambda: registry.start().push()}
    if not given.upstream:
        return NodeCluster(flags=given.flags.split(), **common)
    metrics = ROOT / 'build/ecosystem/metrics-server'
    return UpstreamCluster(metrics=metrics if metrics.exists() else None, **common)


def prefer_pods(node):
    """Specs of autoscaling judge by the processor time that pods have taken: what else this machine does must not starve them."""
    for name, value in (('cpu/{}/cpu.shares', 2048), ('{}/cpu.weight', 200)):      # cgroup v1, v2
        path = CGROUP_ROOT / name.format(node.cgroup.lstrip('/'))
        if path.exists():
            path.write_text(str(value))


@contextlib.contextmanager
def furnished(cluster, out):
    """What specs beyond conformance look for in a cluster: nodes in different zones and a default storage class."""
    for i, node in enumerate(cluster.nodes):
        prefer_pods(node)
        cluster.kubectl('label', 'node', node.name, f'topology.kubernetes.io/zone=zone-{i}', 'topology.kubernetes.io/region=here')
    provisioner = Provisioner(cluster.kubectl, out / 'volumes').start()
    try:
        yield
    finally:
        provisioner.stop()


def interrupt(*_):
    raise KeyboardInterrupt


def main():
    signal.signal(signal.SIGTERM, interrupt)   # leaves nothing behind then either
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument('--focus', default='', help='a regular expression of spec names')
    arguments.add_argument('--beyond', type=lambda text: text.split(','), default=[], metavar='AREAS', help='run these areas\' specs beyond conformance (apps,scheduling,autoscaling)')
    arguments.add_argument('--upstream', action='store_true', help='on upstream\'s components of build/peers')
    arguments.add_argument('--skip', default='', help='a regular expression of spec names that do not run')
    arguments.add_argument('--list', help='a file of spec names, one a line')
    arguments.add_argument('--serial', choices=['only', 'skip', 'both'], default='both')
    arguments.add_argument('--network', type=lambda text: tuple(text.split(',')), metavar='NAME,10.B.C', help='the namespaces\' first name and their range, where several runs of a kind stand beside each other')
    arguments.add_argument('--procs', type=int, default=8)
    arguments.add_argument('--timeout', default='60m')
    arguments.add_argument('--out', type=pathlib.Path)
    arguments.add_argument('--agents', type=int, default=1, help='nodes beside the server: two specs need one')
    arguments.add_argument('--containerd', type=pathlib.Path, help='a folder whose containerd, shim and runc the nodes use, instead of those on the PATH')
    arguments.add_argument('--storage-driver', type=pathlib.Path, metavar='FILE', help='describes a driver for the specs [sig-storage] External Storage: csi-local.yaml is that of the box')
    arguments.add_argument('--flags', default='', help='more flags for pintle server')
    given = arguments.parse_args()
    tools = build_tools(ROOT / 'build/conformance')
    build_images('all')
    network = given.network or NETWORKS[bool(given.beyond), given.upstream]
    out = (given.out or ROOT / 'build/conformance' / {'ptconf': 'out'}.get(network[0], network[0])).resolve()
    began = time.monotonic()
    results = {}
    folders = [*([given.containerd.resolve()] if given.containerd else []), ROOT / 'build/peers', os.environ['PATH']]
    os.environ['PATH'] = ':'.join(map(str, folders))
    registry = Registry(folder=out / 'registry', address=f'{network[1]}.1:5000')
    cluster = make_cluster(given, out, registry, network)
    try:
        with cluster, furnished(cluster, out) if given.beyond else contextlib.nullcontext():
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
