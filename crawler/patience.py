"""Waits for a database that will come back, and says so; what it was to store is kept meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event
from time import monotonic
from typing import TypeVar

from storage.errors import LedgerError
from storage.trouble import trouble_of

T = TypeVar("T")

LONGEST_WAIT = 120.0
"""Seconds after which a database that does not come back ends the crawl."""
_SHORTEST, _LONGEST = 0.2, 5.0


class StoreFailed(LedgerError):
    """The ledger could not be read or written any more; the message says what is left."""

    def __init__(self, cause: BaseException, hint: str = "") -> None:
        text = str(cause) if isinstance(cause, LedgerError) else f"{type(cause).__name__}: {str(cause)[:300]}"
        super().__init__(
            f"storing failed: {text}; {hint}what was stored before is whole, the rest is still pending and "
            "`linkledger crawl --resume` goes on with it"
        )
        self.__cause__ = cause


class Patience:
    """Does something with the database, again and again while its trouble may pass.

    Args:
        say: told once when the waiting begins and once when it is over.
        hurry: set when nobody wants to wait any more.
    """

    def __init__(self, say: Callable[[str], None], hurry: Event, *, longest: float = LONGEST_WAIT) -> None:
        self._say, self._hurry, self._longest = say, hurry, longest

    def __call__(self, action: Callable[[], T]) -> T:
        """The answer of ``action``, which must do no harm when it is done twice.

        Raises:
            StoreFailed: it cannot be done, or not within `LONGEST_WAIT`.
        """
        began: float | None = None
        pause = _SHORTEST
        while True:
            try:
                answer = action()
            except Exception as error:
                trouble = trouble_of(error)
                if trouble == "full":
                    raise StoreFailed(error, "make room on the disk; ") from error
                if trouble is None:
                    raise StoreFailed(error) from error
                now = monotonic()
                if began is None:
                    began = now
                    self._say(f"waiting for the ledger: {' '.join(str(error).split())[:200]}")
                if now - began >= self._longest or self._hurry.wait(pause):
                    raise StoreFailed(error) from error
                pause = min(2 * pause, _LONGEST)
                continue
            if began is not None:
                self._say(f"the ledger answers again after {monotonic() - began:.0f} seconds")
            return answer
