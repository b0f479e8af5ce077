#!/usr/bin/env python3
"""Holds the golden conversation with a fresh API server and prints the share of answers that agree, by class."""
import argparse
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.cluster import ApiServer  # noqa: E402


def main():
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument('--wire', required=True, help='folder with wire.py and golden.jsonl.gz')
    args.add_argument('--pintle', required=True)
    args.add_argument('--show', default='0', help='differences to print')
    args.add_argument('--only', default='', help='classes, comma-separated')
    args.add_argument('--out', help='keep the answers in this file')
    o = args.parse_args()
    wire = pathlib.Path(o.wire)
    if not (wire / 'wire.py').exists():
        sys.exit(f'wire: {wire}/wire.py is not there; give its folder with WIRE=...')
    with ApiServer(binary=str(pathlib.Path(o.pintle).resolve())) as server:
        got = o.out or str(server.folder / 'got.jsonl')
        subprocess.run([sys.executable, str(wire / 'wire.py'), 'run', '--server', server.url, '--cert', server.pki.path('admin.crt'),
                        '--key', server.pki.path('admin.key'), '--out', got, '--share', '1000', *(['--only', o.only] if o.only else [])], check=True)
        subprocess.run([sys.executable, str(wire / 'wire.py'), 'diff', str(wire / 'golden.jsonl.gz'), got, '--show', o.show, *(['--only', o.only] if o.only else [])], check=True)


main()
