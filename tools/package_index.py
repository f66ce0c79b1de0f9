"""What pip is told about package indexes, said again in uv's words.

A machine may reach its packages through a mirror, a folder of wheels or a proxy with its own
certificate. All of that is configured for pip; uv has options of the same meaning and reads none
of pip's.
"""

import ast
import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

_LINE = re.compile(r"^(?P<section>[^.=]+)\.(?P<key>[^=]+)=(?P<value>'.*'|\".*\")$")
_PRECEDENCE = ("global", "install", ":env:")
"""Later ones win, as they do in pip."""
_CREDENTIALS = re.compile(r"(?<=://)[^/@\s]+@")


def pip_options(python: Path) -> dict[str, str]:
    """Read pip's configuration (files and PIP_ variables together)."""
    told = subprocess.run(
        [python, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    ).stdout
    found: dict[str, dict[str, str]] = {section: {} for section in _PRECEDENCE}
    for line in told.splitlines():
        match = _LINE.match(line)
        if match and match["section"] in found:
            key = match["key"].lstrip(".").replace("_", "-")
            found[match["section"]][key] = str(ast.literal_eval(match["value"]))
    return {key: value for section in _PRECEDENCE for key, value in found[section].items()}


def uv_arguments(options: Mapping[str, str]) -> list[str]:
    """Say the indexes as uv's arguments."""
    # pip looks at all indexes and takes the best; hashes make that as safe as any order.
    arguments = ["--index-strategy", "unsafe-best-match"]
    if options.get("index-url"):
        arguments += ["--default-index", options["index-url"]]
    for url in options.get("extra-index-url", "").split():
        arguments += ["--index", url]
    for place in options.get("find-links", "").split():
        arguments += ["--find-links", place]
    for host in options.get("trusted-host", "").split():
        arguments += ["--allow-insecure-host", host]
    if options.get("no-index", "").lower() in {"1", "true", "yes", "on"}:
        arguments.append("--no-index")
    return arguments


def uv_environment(options: Mapping[str, str]) -> dict[str, str]:
    """Say certificates, proxy and patience as uv's environment."""
    environment = {**os.environ, "UV_NO_PROGRESS": "1", "VIRTUAL_ENV": ""}
    for key, variables in {
        "cert": ("SSL_CERT_FILE",),
        "client-cert": ("SSL_CLIENT_CERT",),
        "proxy": ("HTTPS_PROXY", "HTTP_PROXY"),
        "default-timeout": ("UV_HTTP_TIMEOUT",),
        "timeout": ("UV_HTTP_TIMEOUT",),
    }.items():
        for variable in variables:
            if options.get(key):
                environment.setdefault(variable, options[key])
    return environment


def shown(options: Mapping[str, str]) -> str:
    """Name the indexes for a person, without credentials."""
    urls: Sequence[str] = [
        *options.get("index-url", "").split(),
        *options.get("extra-index-url", "").split(),
        *options.get("find-links", "").split(),
    ]
    return ", ".join(_CREDENTIALS.sub("***@", url) for url in urls) or "the default index"
