"""Many HTTP/2 streams on one connection, written by hand, for what no well-behaved client does: bodies that stall, windows of zero."""
import socket
import struct
import time

from .hostile import context_of

DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
END_STREAM, END_HEADERS, ACK = 1, 4, 1
INITIAL_WINDOW_SIZE = 4


def literal(name, value):
    """A field without indexing or Huffman coding, shorter than 127 bytes each."""
    return bytes([0, len(name)]) + name.encode() + bytes([len(value)]) + value.encode()


class Streams:
    def __init__(self, server, user, window=65535, timeout_s=30):
        context = context_of(server.ca, user.cert, user.key)
        context.set_alpn_protocols(['h2'])
        self.socket = context.wrap_socket(socket.create_connection(('127.0.0.1', server.port), timeout=timeout_s), server_hostname='127.0.0.1')
        self.next_id, self.received = 1, b''
        self.answered, self.reset, self.ended = {}, {}, set()
        self.socket.sendall(b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n' + self.frame(SETTINGS, 0, 0, struct.pack('>HI', INITIAL_WINDOW_SIZE, window)))

    @staticmethod
    def frame(kind, flags, stream, payload):
        return struct.pack('>I', len(payload))[1:] + struct.pack('>BBI', kind, flags, stream) + payload

    def open(self, method, path, fields=(), end=True, data=b''):
        """Sends a request; with `end` false its body stays open after `data`."""
        stream, self.next_id = self.next_id, self.next_id + 2
        block = b''.join(literal(n, v) for n, v in ((':method', method), (':scheme', 'https'), (':authority', 'a'), (':path', path), *fields))
        out = self.frame(HEADERS, END_HEADERS | (END_STREAM if end else 0), stream, block)
        if data:
            out += self.frame(DATA, 0, stream, data)
        self.socket.sendall(out)
        return stream

    def data(self, stream, data, end=False):
        self.socket.sendall(self.frame(DATA, END_STREAM if end else 0, stream, data))

    def read(self, seconds, until=lambda: False):
        """Takes what comes for so long, or until a condition holds; True if it does."""
        ends = time.monotonic() + seconds
        while not until() and (left := ends - time.monotonic()) > 0:
            self.socket.settimeout(left)
            try:
                piece = self.socket.recv(65536)
            except (TimeoutError, socket.timeout):
                break
            if not piece:
                break
            self.received += piece
            while len(self.received) >= 9 and len(self.received) >= 9 + (size := int.from_bytes(self.received[:3], 'big')):
                self.take(self.received[3], self.received[4], int.from_bytes(self.received[5:9], 'big'), self.received[9:9 + size])
                self.received = self.received[9 + size:]
        return until()

    def take(self, kind, flags, stream, payload):
        if kind == HEADERS:
            self.answered[stream] = time.monotonic()
        if kind == RST_STREAM:
            self.reset[stream] = int.from_bytes(payload, 'big')
        if kind in (HEADERS, DATA) and flags & END_STREAM:
            self.ended.add(stream)
        if kind == SETTINGS and not flags & ACK:
            self.socket.sendall(self.frame(SETTINGS, ACK, 0, b''))
        if kind == PING and not flags & ACK:
            self.socket.sendall(self.frame(PING, ACK, 0, payload))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()
