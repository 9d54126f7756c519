#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A service as people write them, with python3-dbus and GLib's main loop: it
# owns test.afbus.Service until it is told to quit. Prints "ready" when it is.
import os
import sys

try:
    import dbus
    import dbus.service
    from dbus.mainloop.glib import DBusGMainLoop
    from gi.repository import GLib
except ImportError as e:
    print(f"skipped: {e}", file=sys.stderr)
    sys.exit(77)

NAME = "test.afbus.Service"
PATH = "/test/afbus/Service"


class Service(dbus.service.Object):
    def __init__(self, bus, loop):
        super().__init__(bus, PATH)
        self.loop = loop
        self.level = 1

    @dbus.service.method(NAME, in_signature="s", out_signature="s")
    def Echo(self, text):
        return text

    @dbus.service.method(NAME, in_signature="ay", out_signature="ay",
                         byte_arrays=True)
    def EchoBytes(self, data):
        return dbus.ByteArray(data)

    @dbus.service.method(NAME, in_signature="", out_signature="")
    def Fail(self):
        raise dbus.DBusException("as asked", name=NAME + ".Error.Asked")

    @dbus.service.method(NAME, in_signature="h", out_signature="s")
    def ReadFd(self, fd):
        with os.fdopen(fd.take(), "rb") as f:
            return f.read().decode()

    @dbus.service.method(NAME, in_signature="s", out_signature="",
                         sender_keyword="sender")
    def Announce(self, text, sender=None):
        self.Announced(text, sender)

    @dbus.service.signal(NAME, signature="ss")
    def Announced(self, text, who):
        pass

    @dbus.service.method(NAME, in_signature="", out_signature="")
    def Quit(self):
        GLib.idle_add(self.loop.quit)

    @dbus.service.method(dbus.PROPERTIES_IFACE, in_signature="ss",
                         out_signature="v")
    def Get(self, interface, name):
        if name != "Level":
            raise dbus.DBusException(
                "no such property",
                name="org.freedesktop.DBus.Error.UnknownProperty")
        return dbus.UInt32(self.level)

    @dbus.service.method(dbus.PROPERTIES_IFACE, in_signature="s",
                         out_signature="a{sv}")
    def GetAll(self, interface):
        return {"Level": dbus.UInt32(self.level)}

    @dbus.service.method(dbus.PROPERTIES_IFACE, in_signature="ssv",
                         out_signature="")
    def Set(self, interface, name, value):
        self.level = int(value)
        self.PropertiesChanged(NAME, {"Level": dbus.UInt32(self.level)}, [])

    @dbus.service.signal(dbus.PROPERTIES_IFACE, signature="sa{sv}as")
    def PropertiesChanged(self, interface, changed, invalidated):
        pass


def main():
    DBusGMainLoop(set_as_default=True)
    bus = dbus.SessionBus()
    name = dbus.service.BusName(NAME, bus, do_not_queue=True)
    loop = GLib.MainLoop()
    service = Service(bus, loop)
    print("ready", flush=True)
    loop.run()
    del service, name


if __name__ == "__main__":
    main()
