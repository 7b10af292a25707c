"""Lists in pages: a cursor is the key of the last row seen, so that rows added meanwhile shift nothing."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel, Field

Item = TypeVar("Item")
Row = TypeVar("Row")
MOST = 200

Limit = Annotated[int, Query(ge=1, le=MOST, description="Rows of a page.")]
Cursor = Annotated[str | None, Query(max_length=600, description="`next_cursor` of the page before.")]


class InvalidCursor(ValueError):
    """A cursor that this list did not hand out."""


class Page(BaseModel, Generic[Item]):
    """Some rows of a list. `next_cursor` is null on the last page."""

    items: list[Item]
    next_cursor: str | None = Field(default=None, description="Hand this in as `cursor` for the next page.")


def cursor(*key: str | int | datetime) -> str:
    """Opaque text for the key of a row."""
    plain = [part.isoformat() if isinstance(part, datetime) else part for part in key]
    return base64.urlsafe_b64encode(json.dumps(plain, separators=(",", ":")).encode()).rstrip(b"=").decode()


def page_of(
    rows: Sequence[Row],
    limit: int,
    *,
    shown: Callable[[Row], Item],
    key: Callable[[Row], tuple[str | int | datetime, ...]],
) -> Page[Item]:
    """One page from up to limit + 1 rows: one more than fit says that there is a next page.

    key: where a row stands in the list; the cursor of the page after it.
    """
    return Page(
        items=[shown(row) for row in rows[:limit]],
        next_cursor=cursor(*key(rows[limit - 1])) if len(rows) > limit else None,
    )


def read_cursor(text: str, kinds: Sequence[type]) -> list[str | int | datetime]:
    """The key in a cursor, each part of the kind named. Raises InvalidCursor."""
    try:
        parts = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        return [_part(part, kind) for part, kind in zip(parts, kinds, strict=True)]
    except (ValueError, TypeError, binascii.Error) as error:
        raise InvalidCursor("take the cursor from `next_cursor` of the page before") from error


def read_number(text: str | None, *, otherwise: int) -> int:
    """A cursor of one number; `otherwise` for the first page. Raises InvalidCursor."""
    if text is None:
        return otherwise
    (number,) = read_cursor(text, [int])
    if not isinstance(number, int) or not 0 <= number < 2**63:
        raise InvalidCursor("take the cursor from `next_cursor` of the page before")
    return number


def read_name(text: str | None) -> str:
    """A cursor of one name; empty for the first page. Raises InvalidCursor."""
    return "" if text is None else str(read_cursor(text, [str])[0])


def _part(part: object, kind: type) -> str | int | datetime:
    if kind is datetime and isinstance(part, str):
        at = datetime.fromisoformat(part)
        if at.tzinfo is not None:
            return at
    elif kind in (str, int) and type(part) is kind and not (isinstance(part, str) and "\0" in part):
        return part
    raise InvalidCursor("take the cursor from `next_cursor` of the page before")
