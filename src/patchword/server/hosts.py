"""By which names a server may be asked: a page elsewhere must not reach one that is for this machine alone.

Such a page can give a name of its own the address of this machine (DNS rebinding), or send forms here.
"""

from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

from patchword.errors import shown
from patchword.server.refused import FORBIDDEN, Refused
from patchword.server.settings import Settings

_LOCAL = ("localhost", "localhost.localdomain")
_ANY = "*"


def is_loopback(host: str) -> bool:
    """Whether a name or an address is of this machine alone."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host in _LOCAL or host.endswith(".localhost")


class Hosts:
    """The names that a server answers to: those of this machine if it listens there alone, and those it is told.

    Args:
        settings: of the server.
    """

    def __init__(self, settings: Settings) -> None:
        self._names = {name.lower() for name in settings.allow_host}
        self._checked = (is_loopback(settings.host.lower()) or bool(self._names)) and _ANY not in self._names
        self._origins = set(settings.cors)

    def check(self, headers: Mapping[str, str]) -> None:
        """See that a request came by one of the names, and not from a page of another.

        Raises:
            Refused: if it did not.
        """
        if not self._checked:
            return
        host, origin = headers.get("host"), headers.get("origin")
        if host is not None and not self._known("//" + host):
            raise Refused(FORBIDDEN, f"the server is not known as {shown(host)}; it can be told so with --allow-host")
        if origin is None or origin in self._origins or _ANY in self._origins:
            return
        # Other schemes are of extensions, whose rights a browser's user gave.
        if origin == "null" or (origin.startswith(("http://", "https://")) and not self._known(origin)):
            raise Refused(FORBIDDEN, f"pages of {shown(origin)} may not call; they can be allowed to with --cors")

    def _known(self, address: str) -> bool:
        try:
            name = (urlsplit(address).hostname or "").rstrip(".")
        except ValueError:
            return False
        return is_loopback(name) or name in self._names
