"""Files as replies."""

from litestar import Response


def file_response(content: bytes, *, media_type: str, name: str) -> Response[bytes]:
    """Let the browser keep a file under a name."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(content, media_type=media_type, headers=headers)
