"""A process that a signal ends says so: which signal, and where it was."""
import os
import re
import shutil
import signal

import pytest
from support.cluster import ApiServer


@pytest.mark.parametrize('sent', [signal.SIGSEGV, signal.SIGABRT])
def test_a_crash_is_told(sent):
    server = ApiServer()
    server.start()
    try:
        os.kill(server.server.pid, sent)
        assert server.server.child.wait(30) == -sent
        said = server.server.tail()
        assert f'pintle: ended by signal {int(sent)}; addr2line names the addresses:\n' in said
        assert len(re.findall(r'pintle\(\+0x[0-9a-f]+\)|\[0x[0-9a-f]+\]', said)) >= 3, said
    finally:
        server.server.child.kill()
        server.server.child.wait()
        shutil.rmtree(server.folder)
