"""Upstream's programs, which `make peers` builds, for tests that hold ours against them."""
import os
import pathlib

PEERS = pathlib.Path(os.environ.get('PEERS', pathlib.Path(__file__).resolve().parents[2] / 'build/peers')).resolve()


def lacking(*programs):
    """Why a test that needs these cannot run; None if it can."""
    absent = [name for name in programs if not (PEERS / name).exists()]
    return f'build/peers lacks {", ".join(absent)}: make peers, which needs Go' if absent else None
