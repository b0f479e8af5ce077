#!/usr/bin/env python3
"""Two runs of the same specs beside each other: test/conformance/beside.py PINTLE-RESULTS UPSTREAM-RESULTS (results.json of run.py)."""
import json
import pathlib
import re
import sys

OUTCOMES = ('passed', 'failed', 'skipped')


def area(spec):
    found = re.match(r'\[sig-([a-z-]+)\]', spec)
    return found[1] if found else 'other'


def outcome(result):
    """One of OUTCOMES; every way not to pass but a skip is a failure."""
    return result['status'] if result['status'] in ('passed', 'skipped') else 'failed'


def count(results):
    """{area: {outcome: number}}"""
    counted = {}
    for spec, result in results.items():
        of_area = counted.setdefault(area(spec), dict.fromkeys(OUTCOMES, 0))
        of_area[outcome(result)] += 1
    return counted


def first_line(result):
    return result['message'].strip().split('\n')[0][:300]


def compare(ours, theirs):
    """(spec, our outcome, theirs, what the one that did not pass says) of the specs that ended differently; '-': did not run."""
    absent = {'status': '-', 'message': ''}
    rows = []
    for spec in sorted(ours.keys() | theirs.keys()):
        pair = [side.get(spec, absent) for side in (ours, theirs)]
        said = ['-' if result is absent else outcome(result) for result in pair]
        if said[0] != said[1]:
            rows.append((spec, *said, next((first_line(result) for result in pair if outcome(result) == 'failed'), '') or next((first_line(r) for r in pair), '')))
    return rows


def table(ours, theirs):
    """Markdown: by area, each outcome of ours and of theirs."""
    counted = [count(ours), count(theirs)]
    none = dict.fromkeys(OUTCOMES, 0)
    lines = ['| area | ' + ' | '.join(f'{who}: {o}' for o in OUTCOMES for who in ('Pintle', 'upstream')) + ' |', '|---' * (1 + 2 * len(OUTCOMES)) + '|']
    for name in sorted(counted[0].keys() | counted[1].keys()):
        lines.append(f'| {name} | ' + ' | '.join(str(side.get(name, none)[o]) for o in OUTCOMES for side in counted) + ' |')
    return lines


def report(ours, theirs):
    """Prints all of it; the specs that pass with upstream's components and not with ours."""
    print('\n'.join(table(ours, theirs)))
    rows = compare(ours, theirs)
    for spec, our, their, message in rows:
        print(f'  {our:>7} here, {their} there: {spec}\n         {message}')
    both = sorted(spec for spec in ours.keys() & theirs.keys() if outcome(ours[spec]) == outcome(theirs[spec]) != 'passed')
    for spec in both:
        print(f'  {outcome(ours[spec]):>7} on both: {spec}\n         {first_line(ours[spec])}')
    return [spec for spec, our, their, _ in rows if their == 'passed']


def main():
    ours, theirs = (json.loads(pathlib.Path(path).read_text()) for path in sys.argv[1:3])
    return 1 if report(ours, theirs) else 0


if __name__ == '__main__':
    sys.exit(main())
