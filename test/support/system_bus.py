"""A system bus of the tests' own with a logind on it that tells what it is told to: `dbus-daemon` and D-Bus in Python (dbus-next)."""
import asyncio
import os
import pathlib
import socket
import tempfile
import threading

from dbus_next.aio import MessageBus
from dbus_next.constants import PropertyAccess
from dbus_next.service import ServiceInterface, dbus_property, method, signal

from .cluster import Process, wait_for

CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><listen>unix:path={path}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow user="*"/><allow own="*"/><allow send_destination="*"/><allow receive_sender="*"/><allow receive_type="method_return"/><allow receive_type="error"/><allow receive_type="signal"/><allow receive_type="method_call"/><allow send_type="signal"/><allow send_type="method_return"/><allow send_type="error"/></policy></busconfig>
"""


class Login(ServiceInterface):
    """`next_delay_s`: what its configuration says, once it is read again."""

    def __init__(self, delay_s):
        super().__init__('org.freedesktop.login1.Manager')
        self.delay_s, self.next_delay_s = delay_s, None
        self.locks = []     # our ends: readable when the holder has let go

    @method()
    def Inhibit(self, what: 's', who: 's', why: 's', mode: 's') -> 'h':  # noqa: F821, N802
        assert (what, mode) == ('shutdown', 'delay')
        mine, theirs = os.pipe()
        self.locks.append((who, mine))
        asyncio.get_running_loop().call_later(5, os.close, theirs)      # after it was sent
        return theirs

    @dbus_property(access=PropertyAccess.READ)
    def InhibitDelayMaxUSec(self) -> 't':  # noqa: F821, N802
        return int(self.delay_s * 1e6)

    @signal()
    def PrepareForShutdown(self, begins) -> 'b':  # noqa: F821, N802
        return begins


class Systemd(ServiceInterface):
    def __init__(self, login):
        super().__init__('org.freedesktop.systemd1.Manager')
        self.login, self.asked = login, []

    @method()
    def KillUnit(self, unit: 's', whom: 's', number: 'i'):  # noqa: F821, N802
        self.asked.append((unit, whom, number))
        if self.login.next_delay_s is not None:
            self.login.delay_s = self.login.next_delay_s


class SystemBus:
    """`address` for DBUS_SYSTEM_BUS_ADDRESS."""

    def __init__(self, delay_s=60):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix='pintle-bus-'))
        self.path = self.folder / 'bus'
        self.address = f'unix:path={self.path}'
        self.login = Login(delay_s)
        self.systemd = Systemd(self.login)
        self.loop = asyncio.new_event_loop()
        self.process = None

    def __enter__(self):
        (self.folder / 'bus.conf').write_text(CONFIG.format(path=self.path))
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.start()
        return self

    def start(self):
        self.process = Process(['dbus-daemon', f'--config-file={self.folder}/bus.conf', '--nofork', '--nopidfile'], self.folder / 'bus.log')
        wait_for(self.path.exists, 'the bus', self.process)
        self.do(self.serve())

    def restart(self):
        self.do(self.quit())
        self.process.stop()
        self.path.unlink(missing_ok=True)
        self.start()

    async def serve(self):
        self.bus = await MessageBus(bus_address=self.address, negotiate_unix_fd=True).connect()
        self.bus.export('/org/freedesktop/login1', self.login)
        self.bus.export('/org/freedesktop/systemd1', self.systemd)
        for name in ('org.freedesktop.login1', 'org.freedesktop.systemd1'):
            await self.bus.request_name(name)

    def do(self, task):
        return asyncio.run_coroutine_threadsafe(task, self.loop).result(20)

    def prepare_for_shutdown(self, begins):
        async def tell():
            self.login.PrepareForShutdown(begins)
        self.do(tell())

    def held(self):
        """Who holds a lock."""
        return [who for who, mine in self.login.locks if not is_closed(mine)]

    def __exit__(self, *_):
        self.do(self.quit())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.process.stop()

    async def quit(self):
        self.bus.disconnect()


def is_closed(pipe):
    """Whether the other end of it is closed."""
    import select
    poll = select.poll()
    poll.register(pipe, select.POLLIN)
    return any(event & select.POLLHUP for _, event in poll.poll(0))


def listen_for_notes(path):
    """A socket for NOTIFY_SOCKET."""
    out = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    out.bind(str(path))
    return out
