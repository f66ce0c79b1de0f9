"""How pages answer: as HTML, in the reader's language, never kept by anybody on the way."""

from typing import Any

from litestar import MediaType, Request, Response

from portal.pages.texts import Language, language_of


def language_for(request: Request[Any, Any, Any]) -> Language:
    """The reader's own choice of language, else the browser's."""
    return language_of(
        cookie=request.cookies.get("lang"), accept=request.headers.get("accept-language", "")
    )


def html_reply(text: str, *, status: int = 200) -> Response[str]:
    """Answer with a page."""
    headers = {"Cache-Control": "no-store"}
    return Response(text, status_code=status, media_type=MediaType.HTML, headers=headers)


def see_other(address: str) -> Response[str]:
    """Send the browser to another page, which it gets with GET."""
    return Response("", status_code=303, headers={"Location": address}, media_type=MediaType.HTML)
