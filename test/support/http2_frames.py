"""HTTP/2 by hand, as a client that means harm writes it: frames on a TLS socket, header blocks without Huffman codes or tables."""
import socket
import ssl

DATA, HEADERS, PRIORITY, RESET, SETTINGS, PING, GOAWAY, WINDOW, CONTINUATION = 0, 1, 2, 3, 4, 6, 7, 8, 9
END_STREAM, ACK, END_HEADERS = 1, 1, 4
PREFACE = b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
FRAME_MAX = 16384


def frame(kind, flags, stream, payload=b''):
    return len(payload).to_bytes(3, 'big') + bytes((kind, flags)) + stream.to_bytes(4, 'big') + payload


def integer(number):
    """With a prefix of seven bits (RFC 7541 5.1)."""
    if number < 127:
        return bytes((number,))
    out, number = bytearray(b'\x7f'), number - 127
    while number >= 128:
        out.append(number % 128 + 128)
        number //= 128
    out.append(number)
    return bytes(out)


def field(name, value):
    """A literal without indexing."""
    name, value = name.encode(), value.encode()
    return b'\0' + integer(len(name)) + name + integer(len(value)) + value


def block(path, *fields, method='GET'):
    return b''.join([field(':method', method), field(':scheme', 'https'), field(':authority', 'a'), field(':path', path), *(field(*one) for one in fields)])


def request(stream, path, *fields):
    """The frames of a GET."""
    rest, out = block(path, *fields), b''
    kind, flags = HEADERS, END_STREAM
    while True:
        part, rest = rest[:FRAME_MAX], rest[FRAME_MAX:]
        out += frame(kind, flags | (0 if rest else END_HEADERS), stream, part)
        if not rest:
            return out
        kind, flags = CONTINUATION, 0


class Http2:
    """A connection that has sent its preface and `settings`."""

    def __init__(self, port, user, ca, settings=b'', timeout_s=30):
        context = ssl.create_default_context(cafile=ca)
        context.load_cert_chain(user.cert, user.key)
        context.set_alpn_protocols(['h2'])
        self.socket = context.wrap_socket(socket.create_connection(('127.0.0.1', port), timeout=timeout_s), server_hostname='127.0.0.1')
        assert self.socket.selected_alpn_protocol() == 'h2'
        self.received = b''
        self.send(PREFACE + frame(SETTINGS, 0, 0, settings))

    def send(self, data):
        self.socket.sendall(data)

    def frames(self, timeout_s=30):
        """What comes, as (kind, flags, stream, payload), with pings answered; ends with the connection."""
        self.socket.settimeout(timeout_s)
        while True:
            while len(self.received) >= 9 and len(self.received) >= 9 + int.from_bytes(self.received[:3], 'big'):
                size = int.from_bytes(self.received[:3], 'big')
                head, payload = self.received[:9], self.received[9:9 + size]
                self.received = self.received[9 + size:]
                if head[3] == PING and not head[4] & ACK:
                    self.send(frame(PING, ACK, 0, payload))
                yield head[3], head[4], int.from_bytes(head[5:9], 'big') & 0x7fffffff, payload
            try:
                more = self.socket.recv(1 << 16)
            except ConnectionError:
                return
            if not more:
                return
            self.received += more

    def until_ended(self, streams, timeout_s=30):
        """What each of `streams` got before it ended: its body, or -code of its reset; 'goaway': its code; 'closed' if the connection ended first."""
        out, bodies = {}, {stream: b'' for stream in streams}
        for kind, flags, stream, payload in self.frames(timeout_s):
            if stream in bodies and kind == DATA:
                bodies[stream] += payload
            if stream in bodies and kind == RESET:
                out.setdefault(stream, -int.from_bytes(payload, 'big'))
            if stream in bodies and kind in (DATA, HEADERS) and flags & END_STREAM:
                out.setdefault(stream, bodies[stream])
            if kind == GOAWAY:
                out['goaway'] = int.from_bytes(payload[4:8], 'big')
            if all(one in out for one in streams):
                return out
        out['closed'] = True
        return out

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
