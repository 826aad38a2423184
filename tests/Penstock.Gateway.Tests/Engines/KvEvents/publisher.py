# An engine's publisher of cache events as libzmq makes it, driven by lines of JSON on standard input, each answered by
# one on standard output. Ends with its input. Needs Debian's python3-zmq and python3-msgpack.
import json
import os
import time

import msgpack
import zmq

context = zmq.Context()
END = (-1).to_bytes(8, "big", signed=True)


class Publisher:
    def __init__(self):
        self.pub = None
        self.kind = "XPUB"
        self.router = None
        self.buffer = []
        self.framing = 2
        self.topic = b""
        self.ports = {}

    def bind(self, kind="XPUB", replay=0, topic="", port=0, replay_port=0):
        """Publishes at a port of its own; replay: 0 none, 2 or 3 frames an answer. An XPUB publishes as a PUB does, and
        says when a subscription has come: what is sent before that, nobody hears."""
        self.topic = topic.encode()
        self.kind = kind
        self.pub = self.socket(getattr(zmq, kind), port)
        self.framing = replay
        if replay:
            self.router = self.socket(zmq.ROUTER, replay_port)
        return {"port": self.port(self.pub), "replay": self.port(self.router) if replay else 0}

    def connect(self, port, kind="PUB", replay=0, topic="", replay_port=0):
        """Publishes to a subscriber that is bound; the replay socket is bound here all the same."""
        self.topic = topic.encode()
        self.pub = self.open(getattr(zmq, kind))
        self.pub.connect(f"tcp://127.0.0.1:{port}")
        self.framing = replay
        if replay:
            self.router = self.socket(zmq.ROUTER, replay_port)
        return {"replay": self.port(self.router) if replay else 0}

    def restart(self, send=()):
        """Another process: same ports, numbers from 0, and what it has published before anyone connects."""
        ports = self.port(self.pub), self.port(self.router) if self.router else 0
        for socket in filter(None, (self.pub, self.router)):
            socket.close(linger=0)
        self.buffer = []
        for batch in send:
            self.keep(**batch)
        self.router = None
        return self.bind(self.kind, replay=self.framing, topic=self.topic.decode(), port=ports[0], replay_port=ports[1])

    def wait(self):
        """Waits for a subscription; for sockets of kind XPUB."""
        return {"subscription": self.pub.recv().hex()}

    def keep(self, seq, batch, **_):
        payload = msgpack.packb(decode(batch))
        self.buffer.append((seq, payload))
        return payload

    def send(self, seq, batch, lost=False):
        payload = self.keep(seq, batch)
        if not lost:
            self.pub.send_multipart((self.topic, seq.to_bytes(8, "big"), payload))
        return {}

    def frames(self, frames):
        self.pub.send_multipart([bytes.fromhex(f) for f in frames])
        return {}

    def drop(self, before):
        self.buffer = [b for b in self.buffer if b[0] >= before]
        return {}

    def subscribe(self, port, topic=""):
        """The other way round: one message of a publisher under test, its payload unpacked."""
        sub = context.socket(zmq.SUB)
        sub.setsockopt(zmq.SUBSCRIBE, topic.encode())
        sub.connect(f"tcp://127.0.0.1:{port}")
        frames = sub.recv_multipart()
        batch = msgpack.unpackb(frames[2])
        sub.close(linger=0)
        return {"topic": frames[0].decode(), "seq": int.from_bytes(frames[1], "big"), "batch": repr(batch)}

    def ask(self, port, start):
        """Asks a replay socket under test as a REQ does, and reads until the end."""
        dealer = context.socket(zmq.DEALER)
        dealer.connect(f"tcp://127.0.0.1:{port}")
        dealer.send_multipart((b"", start.to_bytes(8, "big")))
        seen = []
        while True:
            frames = dealer.recv_multipart()
            seen.append([f.hex() for f in frames])
            if frames[-2] == END:
                dealer.close(linger=0)
                return {"frames": seen}

    def serve(self):
        client, _, start = self.router.recv_multipart()
        head = [client, b""]
        for seq, payload in self.buffer:
            if seq >= int.from_bytes(start, "big"):
                topic = [self.topic] if self.framing == 3 else []
                self.router.send_multipart(head + topic + [seq.to_bytes(8, "big"), payload])
        self.router.send_multipart(head + ([b""] if self.framing == 3 else []) + [END, b""])

    @staticmethod
    def open(kind):
        """A subscription that ends after the next one began is told of as well, so that both can be waited for."""
        socket = context.socket(kind)
        if kind == zmq.XPUB:
            socket.setsockopt(zmq.XPUB_VERBOSER, 1)
        return socket

    @staticmethod
    def socket(kind, port):
        socket = Publisher.open(kind)
        while True:
            try:
                socket.bind(f"tcp://127.0.0.1:{port or '*'}")
                return socket
            except zmq.ZMQError as error:
                # libzmq gives the port of a closed socket back in its own time.
                if error.errno != zmq.EADDRINUSE or not port:
                    raise
                time.sleep(0.005)

    @staticmethod
    def port(socket):
        return int(socket.getsockopt_string(zmq.LAST_ENDPOINT).rsplit(":", 1)[1])


def decode(value):
    """JSON has no bytes: an object {"hex": ...} stands for them."""
    if isinstance(value, dict):
        return bytes.fromhex(value["hex"]) if set(value) == {"hex"} else {k: decode(v) for k, v in value.items()}
    return [decode(v) for v in value] if isinstance(value, list) else value


def main():
    publisher = Publisher()
    text = b""
    while True:
        poller = zmq.Poller()
        poller.register(0, zmq.POLLIN)
        if publisher.router:
            poller.register(publisher.router, zmq.POLLIN)
        ready = dict(poller.poll())
        if publisher.router in ready:
            publisher.serve()
        if 0 not in ready:
            continue
        chunk = os.read(0, 65536)
        if not chunk:
            os._exit(0)
        text += chunk
        while b"\n" in text:
            line, text = text.split(b"\n", 1)
            command = json.loads(line)
            answer = getattr(publisher, command.pop("do"))(**command)
            print(json.dumps(answer), flush=True)


main()
