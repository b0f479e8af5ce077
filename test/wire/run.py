#!/usr/bin/env python3
"""Holds the golden conversation with a fresh API server and prints the share of answers that agree, by class. Fails where a class is
below the floor: floor.json, percent of equal answers and of equal statuses by class."""
import argparse
import json
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from support.cluster import ApiServer  # noqa: E402

SCORE = re.compile(r'^(\w+) +\d+ asked +([\d.]+)% same status +([\d.]+)% same answer$', re.M)


def scores_of(text):
    """{class: {'status': percent, 'answer': percent}} of what wire.py's diff prints."""
    return {found[1]: {'status': float(found[2]), 'answer': float(found[3])} for found in SCORE.finditer(text)}


def below(scores, floor, only=()):
    """Sentences about the classes that have fallen; those not asked for (`only`, empty: all are) do not count."""
    wrong = []
    for name, wanted in sorted(floor.items()):
        if only and name not in only:
            continue
        for what, percent in sorted(wanted.items()):
            reached = scores.get(name, {}).get(what)
            if reached is None:
                wrong.append(f'{name}: nothing was asked; the floor is {percent}% of equal {what}')
            elif reached < percent:
                wrong.append(f'{name}: {reached}% of equal {what}, below the floor of {percent}%')
    return wrong


def raised(scores, floor):
    """The floor with what was reached above it."""
    names = floor.keys() | scores.keys()
    return {name: {what: max(scores.get(name, {}).get(what, 0), floor.get(name, {}).get(what, 0)) for what in ('answer', 'status')} for name in sorted(names)}


def main():
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument('--wire', default=str(HERE), help='folder with wire.py and golden.jsonl.gz')
    args.add_argument('--pintle', required=True)
    args.add_argument('--floor', default=str(HERE / 'floor.json'))
    args.add_argument('--raise', dest='raise_floor', action='store_true', help='write what was reached into the floor, where it is higher')
    args.add_argument('--show', default='0', help='differences to print')
    args.add_argument('--only', default='', help='classes, comma-separated')
    args.add_argument('--out', help='keep the answers in this file')
    o = args.parse_args()
    wire = pathlib.Path(o.wire)
    if not (wire / 'wire.py').exists():
        sys.exit(f'wire: {wire}/wire.py is not there; give its folder with WIRE=...')
    only = ['--only', o.only] if o.only else []
    with ApiServer(binary=str(pathlib.Path(o.pintle).resolve())) as server:
        got = o.out or str(server.folder / 'got.jsonl')
        subprocess.run([sys.executable, str(wire / 'wire.py'), 'run', '--server', server.url, '--cert', server.pki.path('admin.crt'),
                        '--key', server.pki.path('admin.key'), '--out', got, '--share', '1000', *only], check=True)
        said = subprocess.run([sys.executable, str(wire / 'wire.py'), 'diff', str(wire / 'golden.jsonl.gz'), got, '--show', o.show, *only],
                              check=True, stdout=subprocess.PIPE, text=True).stdout
    print(said, end='')
    floor_file = pathlib.Path(o.floor)
    floor = json.loads(floor_file.read_text())
    scores = scores_of(said)
    if o.raise_floor:
        floor_file.write_text(json.dumps(raised(scores, floor), indent=1) + '\n')
    wrong = below(scores, floor, [name for name in o.only.split(',') if name])
    if wrong:
        sys.exit('wire: ' + '\n      '.join(wrong))


if __name__ == '__main__':
    main()
