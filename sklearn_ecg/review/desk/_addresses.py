"""Addresses of machines, and names of hosts."""

import ipaddress


def is_loopback(host):
    """Return whether an address or a name can be reached only from this machine.

    Examples
    --------
    >>> from sklearn_ecg.review.desk._addresses import is_loopback
    >>> [is_loopback(host) for host in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "ecg.org")]
    [True, True, True, False, False]
    """
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def address_of(end):
    """Return the address of one end of a connection, ``(address, port)``, or "" for None.

    An IPv4 address has its own form, also if an IPv6 socket received it.
    """
    return end[0].removeprefix("::ffff:") if end else ""


def network_of(client):
    """Return the key under which requests and connections of a client are counted.

    Examples
    --------
    >>> from sklearn_ecg.review.desk._addresses import network_of
    >>> network_of(("192.0.2.7", 50_000)), network_of(("2001:db8::7", 50_000))
    ('192.0.2.7', '2001:db8::/64')
    """
    address = address_of(client)
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    # A user of IPv6 has a whole network of addresses.
    return address if parsed.version == 4 else str(ipaddress.ip_network((address, 64), False))


def name_of(host):
    """Return the name in a Host header, without its port.

    Examples
    --------
    >>> from sklearn_ecg.review.desk._addresses import name_of
    >>> [name_of(host) for host in ("ECG.org:8765", "[::1]:8765", "127.0.0.1:x")]
    ['ecg.org', '::1', '']
    """
    name, bracket, port = host.partition("]") if host.startswith("[") else host.partition(":")
    is_port = (port.lstrip(":") if bracket == "]" else port).isdigit()
    return name.lstrip("[").lower() if is_port or not port else ""
