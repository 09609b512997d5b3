"""A licence responder: gives every device the same file (AM-120)."""

from aiohttp import web

from cad.base.errors import NotFoundError

LICENCE = "/auth_license.txt"


class LicenceResponder:
    """Serves what was put into it."""

    def __init__(self) -> None:
        self.content = b""
        """Empty = no licence is given."""
        self.given = 0
        """How many times it was fetched."""

    async def serve(self, _: web.Request) -> web.Response:
        """Answer with the licence.

        Raises:
            NotFoundError: there is none.
        """
        if not self.content:
            raise NotFoundError("no licence is given out")
        self.given += 1
        return web.Response(body=self.content, content_type="text/plain")
