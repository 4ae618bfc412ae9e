"""Libraries with native code: what is installed here must run on the function's Python and machine.

Wheels say for which they are: https://packaging.python.org/specifications/platform-compatibility-tags/
"""

from __future__ import annotations

import re
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from typing import Final

from ..errors import ConstructError
from .attachable import Attachable
from .code import ships

CIPHER: Final = ("cryptography", "cffi")
"""The distributions of AES-GCM: the library, and what its native code is loaded with."""

_GLIBC: Final = {"python3.11": (2, 26)}
"""The C library of Amazon Linux 2; later runtimes are on Amazon Linux 2023
(https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html)."""

_GLIBC_2023: Final = (2, 34)

_MACHINES: Final = {"x86_64": "x86_64", "arm64": "aarch64"}
_LEGACY: Final = {"manylinux1": (2, 5), "manylinux2010": (2, 12), "manylinux2014": (2, 17)}
_PLATFORM: Final = re.compile(r"(manylinux1|manylinux20\d\d|manylinux_(\d+)_(\d+))_(\w+)")


def cipher_libraries(attachable: Attachable) -> tuple[str, ...]:
    """Return the distributions that the function's layer needs to encrypt: none if its own code has
    them. Raise ConstructError if what is installed here does not run on the function."""
    if ships(attachable, "cryptography/__init__.py"):
        return ()
    runtime, architecture = attachable.runtime, attachable.architecture
    for name in CIPHER:
        try:
            tags = _tags(distribution(name))
        except PackageNotFoundError:
            raise ConstructError(
                attachable.function,
                f"response_key needs {name} in the layer, which is copied from what is installed "
                "here, and it is not: pip install 'cdk-idempotency[cipher]'. Or "
                f"{_advice(runtime, architecture)}",
            ) from None
        if not any(_fits(tag, runtime, architecture) for tag in tags):
            raise ConstructError(
                attachable.function,
                f"response_key needs {name} in the layer, which is copied from what is installed "
                f"here. That is for {' or '.join(tags)}, and the function runs on "
                f"{runtime}, {architecture}: {_advice(runtime, architecture)}",
            )
    return CIPHER


def _advice(runtime: str, architecture: str) -> str:
    return (
        "ship it with the function's code, into whose directory this installs it: "
        f"pip install --only-binary=:all: --platform manylinux2014_{_MACHINES[architecture]} "
        f"--python-version {runtime.removeprefix('python')} --target DIRECTORY cryptography"
    )


def _tags(installed: Distribution) -> list[str]:
    """Return the tags of the wheel that was installed."""
    wheel = installed.read_text("WHEEL") or ""
    return re.findall(r"^Tag: (\S+)$", wheel, re.MULTILINE) or ["an unknown platform"]


def _fits(tag: str, runtime: str, architecture: str) -> bool:
    """Tell whether a wheel with this tag runs on a runtime."""
    python, _, rest = tag.partition("-")
    abi, _, platform = rest.partition("-")
    if platform == "any":
        return True
    minor = int(runtime.removeprefix("python3."))
    if abi == "abi3":
        fits = python[:3] == "cp3" and python[3:].isdecimal() and int(python[3:]) <= minor
    else:
        fits = python == abi == f"cp3{minor}"
    found = _PLATFORM.fullmatch(platform)
    if not fits or found is None or found[4] != _MACHINES[architecture]:
        return False
    needed = _LEGACY.get(found[1]) or (int(found[2]), int(found[3]))
    return needed <= _GLIBC.get(runtime, _GLIBC_2023)
