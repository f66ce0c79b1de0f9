"""Write the hash-locked requirement files anew from pyproject.toml (`make lock`).

One file for each kind of machine, good for every platform and Python that the project supports,
without the address of any registry.
"""

import subprocess
import sys
import tomllib

import environment
import package_index

_SETS = {
    # Everything that is tested with; torch, which only training needs, has a lock of its own.
    "all": ["--extra", "server", "--extra", "edge", "--extra", "sim", "--extra", "dev"],
    "server": ["--extra", "server"],
    "edge": ["--extra", "edge"],
    "train": ["--extra", "edge", "--extra", "train", "--extra", "bench"],
}


_TRAINING = "train"


def main() -> int:
    """Compile every lock; answer the exit code."""
    options = package_index.pip_options(environment.PYTHON)
    for name, extras in _SETS.items():
        if name != _TRAINING:
            _compile(f"{name}.lock", [*extras, "pyproject.toml"], options)
    _compile_training(options)
    # The installer comes before everything else, by pip, in the version that the full lock names.
    source = environment.REQUIREMENTS / "installer.in"
    source.write_text(f"{_pinned('setuptools')}\n{_pinned('uv')}\n")
    try:
        _compile("installer.lock", [str(source.relative_to(environment.ROOT))], options)
    finally:
        source.unlink()
    return 0


def _compile_training(options: dict[str, str]) -> None:
    """Lock torch's build for the processor: the usual one drags in gigabytes for graphics cards."""
    override = environment.REQUIREMENTS / "training.override"
    override.write_text(f"{_wanted('torch')}+cpu\n")
    try:
        _compile(
            f"{_TRAINING}.lock",
            [*_SETS[_TRAINING], "--override", str(override), "pyproject.toml"],
            options,
        )
    finally:
        override.unlink()


def _wanted(package: str) -> str:
    project = tomllib.loads((environment.ROOT / "pyproject.toml").read_text())["project"]
    extra = project["optional-dependencies"][_TRAINING]
    return next(str(line) for line in extra if line.startswith(f"{package}=="))


def _compile(name: str, arguments: list[str], options: dict[str, str]) -> None:
    print(f"lock: requirements/{name}", flush=True)
    subprocess.run(
        [
            *(str(environment.VENV / "bin" / "uv"), "--no-config", "pip", "compile", "--quiet"),
            *("--universal", "--python-version", "3.11", "--generate-hashes", "--no-header"),
            *("--no-emit-index-url", "--no-annotate"),
            # The server and the edge get the very versions that everything is tested with.
            *(() if name == "all.lock" else ("--constraint", "requirements/all.lock")),
            *package_index.uv_arguments(options),
            *("--output-file", f"requirements/{name}"),
            *arguments,
            *sys.argv[1:],
        ],
        cwd=environment.ROOT,
        env=package_index.uv_environment(options),
        check=True,
    )


def _pinned(package: str) -> str:
    for line in (environment.REQUIREMENTS / "all.lock").read_text().splitlines():
        if line.startswith(f"{package}=="):
            return line.removesuffix("\\").strip()
    raise SystemExit(f"lock: requirements/all.lock names no {package}")


if __name__ == "__main__":
    sys.exit(main())
