#!/usr/bin/env python3
"""Tests that did not run: which reasons are accepted where everything is to run (CI=1), for pytest and for GoogleTest.

    skips.py FOLDER     reads GoogleTest's XML reports: prints each reason with its count, fails under CI=1 if one is not accepted"""
import os
import pathlib
import re
import sys
import xml.etree.ElementTree

# (what the reason says, why it may be so in CI)
ALLOWED = [
    (r'^a slow build$', 'a limit of time means nothing where sanitizers slow everything down (PINTLE_SLOWNESS)'),
    (r'^the sanitizer reports$', 'crashes are the sanitizer\'s there; the plain build tries them'),
    (r'^of Pintle\'s proxy alone$', 'PROXY_PEER runs the proxy\'s tests against upstream\'s, to check the tests themselves'),
    (r'^upstream waits for open streams$', 'PEERS runs the tests against upstream\'s API server, to check the tests themselves'),
    (r'^build/peers lacks .*: make peers', '`make test` builds none of upstream\'s programs; `make swap` does and fails without them'),
    (r'^(the go command is not installed|no go command)', 'CI says of itself that it runs without Go, and leaves the conformance suite out too'),
    (r'^no version 2 hierarchy$', 'the machine\'s kernel decides; the tests of version 1 run instead'),
    (r'operation not supported$', 'a kernel without that kind of network device'),
    (r'^the file system has no immutable files', 'overlay file systems of containers have none'),
]


def in_ci():
    return os.environ.get('CI') in ('1', 'true')


def allowed(reason):
    return any(re.search(pattern, reason) for pattern, _ in ALLOWED)


def summary(reasons):
    """Lines that say what was skipped, and how often."""
    return [f'skipped {reasons.count(reason)}: {reason}' for reason in sorted(set(reasons))] + [f'skipped in all: {len(reasons)}']


def of_reports(folder):
    """[(test, reason)] of GoogleTest's reports in a folder."""
    out = []
    for report in sorted(pathlib.Path(folder).glob('*.xml')):
        for case in xml.etree.ElementTree.parse(report).iter('testcase'):
            said = case.find('skipped')
            if said is not None:
                lines = (said.get('message') or said.text or '').strip().splitlines()
                out.append((f'{case.get("classname")}.{case.get("name")}', ' '.join(lines[1:]) if len(lines) > 1 else ' '.join(lines)))
    return out


def main():
    if not any(pathlib.Path(sys.argv[1]).glob('*.xml')):
        sys.exit(f'skips: {sys.argv[1]} holds no report: run the tests with GTEST_OUTPUT=xml:{sys.argv[1]}/')
    skipped = of_reports(sys.argv[1])
    print('\n'.join(summary([reason for _, reason in skipped])))
    wrong = [f'{test} was skipped under CI=1: {reason}' for test, reason in skipped if not allowed(reason)]
    if wrong and in_ci():
        sys.exit('\n'.join([*wrong, 'install what they need, or allow the reason in test/support/skips.py']))


if __name__ == '__main__':
    main()
