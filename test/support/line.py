"""A TCP line to a port of this machine: what connects to `port` reaches the other end, until the line is cut."""
import contextlib
import socket
import threading

CHUNK_BYTES = 64 * 1024


class Line:
    """Cut, it closes what is connected and whoever calls; joined, the same port leads on. Ends its threads when it is left."""

    def __init__(self, target_port):
        self.target = ('127.0.0.1', target_port)
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port = self.listener.getsockname()[1]
        self.lock = threading.Lock()
        self.is_cut = False
        self.ends = set()
        self.threads = [threading.Thread(target=self.accept)]

    def __enter__(self):
        self.threads[0].start()
        return self

    def __exit__(self, *_):
        self.cut()
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)    # wakes accept()
        self.listener.close()
        for thread in list(self.threads):
            thread.join()

    def cut(self):
        with self.lock:
            self.is_cut = True
            for end in self.ends:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def join(self):
        with self.lock:
            self.is_cut = False

    def accept(self):
        while True:
            try:
                caller, _ = self.listener.accept()
            except OSError:
                return
            with self.lock:
                try:
                    called = None if self.is_cut else socket.create_connection(self.target)
                except OSError:
                    called = None
                if called is None:
                    caller.close()
                    continue
                self.ends |= {caller, called}
            open_halves = [2]
            for source, sink in ((caller, called), (called, caller)):
                thread = threading.Thread(target=self.carry, args=(source, sink, open_halves))
                self.threads.append(thread)
                thread.start()

    def carry(self, source, sink, open_halves):
        with contextlib.suppress(OSError):
            while data := source.recv(CHUNK_BYTES):
                sink.sendall(data)
        with self.lock:
            with contextlib.suppress(OSError):
                sink.shutdown(socket.SHUT_WR)
            open_halves[0] -= 1
            if open_halves[0] == 0:
                for end in (source, sink):
                    self.ends.discard(end)
                    end.close()
