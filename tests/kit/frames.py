"""What an error tracker sends of an error: the local variables of each frame that it has passed."""

from __future__ import annotations

from collections.abc import Iterator
from traceback import walk_tb


def errors(error: BaseException) -> Iterator[BaseException]:
    """Yield the error and all that stand behind it, suppressed or not."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        each = waiting.pop()
        if id(each) not in seen:
            seen.add(id(each))
            yield each
            waiting.extend(e for e in (each.__cause__, each.__context__) if e is not None)


def shown(error: BaseException, *, package: str = "lambda_idempotency") -> str:
    """Return all that is shown of an error: its text, and the locals of the package's frames."""
    texts = []
    for each in errors(error):
        texts.append(f"{each!r} {each} {each.args!r}")
        for frame, line in walk_tb(each.__traceback__):
            if package in frame.f_code.co_filename:
                where = f"{frame.f_code.co_filename}:{line}"
                texts.extend(f"{where} {name}={value!r}" for name, value in frame.f_locals.items())
                texts.extend(
                    f"{where} {name}=...{vars(value)!r}"
                    for name, value in frame.f_locals.items()
                    if hasattr(value, "__dict__")
                )
    return "\n".join(texts)
