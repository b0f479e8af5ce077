"""responder.py NAME PORT PROTOCOLS: answers each TCP connection and UDP datagram with "NAME CLIENT-ADDRESS"."""
import selectors
import socket
import sys


def plain(address):
    return address.removeprefix('::ffff:')


def main(name, port, protocols):
    selector = selectors.DefaultSelector()
    for protocol in protocols.split(','):
        s = socket.socket(socket.AF_INET6, {'tcp': socket.SOCK_STREAM, 'udp': socket.SOCK_DGRAM}[protocol])
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(('::', port))
        if protocol == 'tcp':
            s.listen(128)
        selector.register(s, selectors.EVENT_READ)
    print('ready', flush=True)
    while True:
        for key, _ in selector.select():
            s = key.fileobj
            if s.type == socket.SOCK_STREAM:
                connection, peer = s.accept()
                with connection:
                    connection.sendall(f'{name} {plain(peer[0])}'.encode())
            else:
                _, peer = s.recvfrom(200)
                s.sendto(f'{name} {plain(peer[0])}'.encode(), peer)


main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
