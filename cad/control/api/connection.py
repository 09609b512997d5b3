"""A connection of the API: what its parser refuses is answered in an envelope like all else."""

import json
import uuid

from aiohttp import hdrs, web
from typing_extensions import override

from cad.base import log_context
from cad.control.api.annexes import annex_of
from cad.control.api.http import REQUEST_ID
from cad.control.api.http_log import expected_of
from cad.control.api.middleware import REQUEST_ID_HEADER

_CODES = {400: 40000, 504: 50400}
_BUG_CODE = 50000


class Connection(web.RequestHandler):
    """Answers what never reaches the application, or fails outside of it; echoes nothing of it."""

    __slots__ = ()

    @override
    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Return the refusal of a message that is no HTTP, or of a request that failed.

        Raises:
            ConnectionError: an answer has already begun.
        """
        request_id = request.get(REQUEST_ID) or uuid.uuid4().hex
        token = log_context.request_id.set(request_id)
        try:
            self.log_exception("request of %s", request.remote, exc_info=exc)
        finally:
            log_context.request_id.reset(token)
        if request.writer.output_size > 0:
            raise ConnectionError("an answer has already begun")
        return _refusal(request, status, expected_of(exc), request_id)


class _Unsigned(web.Response):
    """Does not say which server made it: the hook of the application is not called for it."""

    @override
    async def _prepare_headers(self) -> None:
        await super()._prepare_headers()
        self.headers.popall(hdrs.SERVER, None)


def _refusal(
    request: web.BaseRequest, status: int, message: str, request_id: str
) -> web.StreamResponse:
    style = annex_of(request.rel_url.raw_path).style
    code = _CODES.get(status, _BUG_CODE)
    response = _Unsigned(
        status=status,
        text=json.dumps(style.write(code=code, message=message, request_id=request_id)),
        content_type="application/json",
        headers={REQUEST_ID_HEADER: request_id},
    )
    response.force_close()
    return response
