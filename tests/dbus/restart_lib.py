# SPDX-License-Identifier: LGPL-2.1-or-later
"""A D-Bus client of few lines, which can do what libraries do not, and the
bus's daemon, started and followed in all ways there are."""
import array
import atexit
import fcntl
import os
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time

DRIVER = 'org.freedesktop.DBus'
WAIT = 60


def fail(text):
    raise SystemExit('failed: ' + text)


def check(condition, text):
    if not condition:
        fail(text)


def wait_for(condition, text):
    until = time.monotonic() + WAIT
    while not condition():
        if time.monotonic() > until:
            fail('waited in vain: ' + text)
        time.sleep(0.005)


class Out:
    def __init__(self):
        self.data = bytearray()

    def pad(self, n):
        self.data += bytes(-len(self.data) % n)

    def u32(self, v):
        self.pad(4)
        self.data += struct.pack('<I', v)

    def str(self, s):
        self.u32(len(s))
        self.data += s.encode() + b'\0'

    def field(self, code, signature, value):
        self.pad(8)
        self.data += bytes([code, len(signature)]) + signature.encode() + b'\0'
        if signature == 'u':
            self.u32(value)
        elif signature == 'g':
            self.data += bytes([len(value)]) + value.encode() + b'\0'
        else:
            self.str(value)


def message(serial, kind=1, flags=0, path=None, interface=None, member=None,
            destination=None, reply_serial=None, body=(), fds=0, raw=None):
    """@body: strings and numbers; or @raw: a signature, and bytes."""
    fields = Out()
    for code, signature, value in ((1, 'o', path), (2, 's', interface),
                                   (3, 's', member), (5, 'u', reply_serial),
                                   (6, 's', destination)):
        if value is not None:
            fields.field(code, signature, value)
    values, signature = Out(), ''
    for value in body:
        if isinstance(value, str):
            values.str(value)
            signature += 's'
        else:
            values.u32(value)
            signature += 'u'
    if fds:
        values.u32(0)
        signature += 'h'
        fields.field(9, 'u', fds)
    if raw:
        signature, values.data = raw[0], bytearray(raw[1])
    if signature:
        fields.field(8, 'g', signature)
    head = struct.pack('<BBBBIII', ord('l'), kind, flags, 1, len(values.data),
                       serial, len(fields.data)) + bytes(fields.data)
    return head + bytes(-len(head) % 8) + bytes(values.data)


class Message:
    def __init__(self, data, fds):
        self.data, self.fds = data, fds
        self.kind = data[1]
        body_len, self.serial, n = struct.unpack_from('<III', data, 4)
        at, end = 16, 16 + n
        self.fields = {}
        while at < end:
            at += -at % 8
            code, signature = data[at], chr(data[at + 2])
            at += 4
            if signature == 'g':
                size = data[at] + 2
                value = data[at + 1:at + size - 1].decode()
                at += size
            elif signature == 'u':
                value, = struct.unpack_from('<I', data, at)
                at += 4
            else:
                size, = struct.unpack_from('<I', data, at)
                value = data[at + 4:at + 4 + size].decode()
                at += size + 5
            self.fields[code] = value
        self.body = data[len(data) - body_len:]
        self.member, self.reply_serial = self.fields.get(3), \
            self.fields.get(5)
        self.sender, self.error = self.fields.get(7), self.fields.get(4)

    def strings(self):
        result, at = [], 0
        for _ in self.fields.get(8, ''):
            at += -at % 4
            size, = struct.unpack_from('<I', self.body, at)
            result.append(self.body[at + 4:at + 4 + size].decode())
            at += size + 5
        return result

    def number(self):
        return struct.unpack_from('<I', self.body)[0]


class Client:
    def __init__(self, path, login=True):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(WAIT)
        self.sock.connect(path)
        self.serial, self.input, self.fds, self.queue = 0, b'', [], []
        if login:
            self.sock.sendall(b'\0AUTH EXTERNAL\r\nDATA\r\n'
                              b'NEGOTIATE_UNIX_FD\r\nBEGIN\r\n')
            self.finish_login(3)

    def finish_login(self, lines):
        while self.input.count(b'\r\n') < lines:
            self.input += self.sock.recv(1)
        self.input = b''
        self.name = self.driver('Hello').strings()[0]

    def next_serial(self):
        self.serial += 1
        return self.serial

    def write(self, data, fds=()):
        control = [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                    array.array('i', fds))] if fds else []
        sent = self.sock.sendmsg([data], control)
        if sent < len(data):
            self.sock.sendall(data[sent:])

    def send(self, fds=(), **what):
        serial = self.next_serial()
        self.write(message(serial, fds=len(fds), **what), fds)
        return serial

    def read(self):
        """The next message; None: the connection has ended."""
        while True:
            if len(self.input) >= 16:
                body, _, n = struct.unpack_from('<III', self.input, 4)
                size = 16 + n + -n % 8 + body
                if len(self.input) >= size:
                    m = Message(self.input[:size], [])
                    m.fds = self.fds[:m.fields.get(9, 0)]
                    del self.fds[:len(m.fds)]
                    self.input = self.input[size:]
                    return m
            data, control, _, _ = self.sock.recvmsg(65536, 8192)
            if not data:
                return None
            for level, kind, what in control:
                if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                    fds = array.array('i')
                    fds.frombytes(what)
                    self.fds += fds
            self.input += data

    def wait(self, condition, text):
        for m in self.queue:
            if condition(m):
                self.queue.remove(m)
                return m
        while True:
            m = self.read()
            check(m, 'connection lost: ' + text)
            if condition(m):
                return m
            self.queue.append(m)

    def reply(self, serial):
        return self.wait(lambda m: m.reply_serial == serial,
                         'reply to %d' % serial)

    def member(self, name):
        return self.wait(lambda m: m.member == name, name)

    def driver_send(self, member, *args, interface=DRIVER, fds=()):
        return self.send(path='/org/freedesktop/DBus', interface=interface,
                         member=member, destination=DRIVER, body=args,
                         fds=fds)

    def driver(self, member, *args, **how):
        m = self.reply(self.driver_send(member, *args, **how))
        if m.kind != 2:
            fail('%s: %s' % (member, m.strings() or m.error))
        return m

    def status(self, key):
        m = self.driver('GetBus', interface='org.afbus.Status1')
        at = m.body.index(key.encode() + b'\0') + len(key) + 4
        return struct.unpack_from('<Q', m.body, at + -at % 8)[0]


class Daemon:
    def __init__(self, program, *options, env=None, fds=(), path=None,
                 listen=True):
        self.folder = tempfile.mkdtemp()
        self.path = path or self.folder + '/bus'
        self.log_path = self.folder + '/log'
        command = [program, '--switch=user', '--nofork'] + list(options)
        if listen:
            command.append('--address=unix:path=' + self.path)
        self.log_file = open(self.log_path, 'w')
        self.process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=self.log_file,
            pass_fds=fds,
            env=dict(os.environ, **(env or {})))
        self.pid = self.process.pid
        # Whatever happens it does not stay.
        atexit.register(self.remove)

    def remove(self):
        self.stop()
        self.log_file.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def log(self):
        return open(self.log_path).read()

    def ready(self):
        wait_for(lambda: os.path.exists(self.path) or
                 self.process.poll() is not None, 'the bus')
        check(self.process.poll() is None, self.log())

        def answers():
            try:
                socket.socket(socket.AF_UNIX).connect(self.path)
            except OSError:
                return False
            return True
        wait_for(answers, 'the bus')
        return self

    def alive(self):
        return self.process.poll() is None

    def status(self):
        """Of its end."""
        try:
            return self.process.wait(WAIT)
        except subprocess.TimeoutExpired:
            fail('it does not end: ' + self.log())

    def stop(self):
        if self.alive():
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()


class Handed:
    """What a daemon gives to one that says it follows."""
    def __init__(self, path):
        client = Client(path)
        self.channel, theirs = socket.socketpair(socket.AF_UNIX,
                                                 socket.SOCK_SEQPACKET)
        self.channel.settimeout(WAIT)
        client.driver('HandOver', interface='org.afbus.Restart1',
                      fds=[theirs.fileno()])
        theirs.close()
        client.sock.close()
        self.channel.send(b'a')
        word, fds, _, _ = socket.recv_fds(self.channel, 1, 2)
        check(word == b'h', 'handed over: %r' % word)
        self.box, self.memfd = fds

    def refuse(self):
        self.channel.close()
        os.close(self.box)
        os.close(self.memfd)

    def text(self):
        return os.pread(self.memfd, os.fstat(self.memfd).st_size, 0)


SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE


def memfd(data, seals=SEALS):
    fd = os.memfd_create('state', os.MFD_ALLOW_SEALING)
    os.write(fd, data)
    if seals:
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, seals)
    return fd


def box(fds):
    give, take = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for at in range(0, max(len(fds), 1), 253):
        socket.send_fds(give, [b'u'], fds[at:at + 253])
    give.close()
    return take.detach()
