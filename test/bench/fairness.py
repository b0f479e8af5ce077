#!/usr/bin/env python3
"""A polite user's reads and 200 nodes' leases beside an abusive tenant: Pintle's API server, then upstream's (with etcd).

Each server is measured idle, idle while another server of its kind is attacked (what the tenants' own use of the machine costs),
and attacked. 12 lists and 12 watches of 3 MB at a time, 4 writers, 205 bodies that never end; 40 s of load for each server."""
import argparse
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support.hostile import BoundedServer  # noqa: E402
from support.tenants import compared, described, tenants_of, token_lines  # noqa: E402


def measure(**how):
    with tempfile.TemporaryDirectory() as folder:
        tokens = pathlib.Path(folder) / 'tokens.csv'
        tokens.write_text(token_lines())
        flags = [f'--token-auth-file={tokens}']
        with BoundedServer(flags=flags, **how) as server, BoundedServer(flags=flags, **how) as other:
            return compared(tenants_of(server), tenants_of(other))


def main():
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument('--pintle', required=True)
    args.add_argument('--peers', required=True)
    o = args.parse_args()
    peers = pathlib.Path(o.peers).resolve()
    print('fairness: Pintle', described(measure(binary=str(pathlib.Path(o.pintle).resolve()), address_space_mib=512)), sep='\n', flush=True)
    if (peers / 'kube-apiserver').exists() and (peers / 'etcd').exists():
        print('fairness: upstream', described(measure(upstream=peers)), sep='\n', flush=True)


main()
