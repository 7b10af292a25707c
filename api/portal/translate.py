"""Bring the catalogs up to what templates and Python say: new texts come untranslated, those not said any more go.

`python -m api.portal.translate` rewrites `translations/*.po`; a test refuses what is missing, left over or ill-formed.
"""

import re
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

HERE = Path(__file__).parent
TRANSLATED = ("de", "fr")
METHODS = [("**.py", "python"), ("**/templates/**.html", "jinja2")]
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "pgettext": ((1, "c"), 2), "mark": None}
PLACEHOLDER = re.compile(r"%\(\w+\)s|</?\w+[^>]*>|\"")
HEAD = """msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\\n"
"Language: {}\\n"
"Plural-Forms: {}\\n"

"""


def said() -> Catalog:
    """Every text of the portal, as it is in English."""
    found = Catalog()
    options = {"**/templates/**.html": {"newstyle_gettext": "true", "silent": "false"}}
    for _, _, text, _, context in extract_from_dir(HERE, METHODS, options, keywords=KEYWORDS):
        found.add(text, context=context)
    return found


def kept(language: str) -> Catalog:
    """What is translated."""
    with place(language).open("rb") as file:
        return read_po(file, locale=language)


def place(language: str) -> Path:
    """The catalog's file."""
    return HERE / "translations" / f"{language}.po"


def update(language: str) -> None:
    """Rewrite a catalog in the order of its texts; places and dates would change with every line that is moved."""
    old = kept(language) if place(language).exists() else Catalog(locale=language)
    new = Catalog(locale=language)
    for one in said():
        if one.id:
            known = old.get(one.id, one.context)
            new.add(one.id, known.string if known else None, context=one.context)
    body = BytesIO()
    write_po(body, new, width=120, no_location=True, omit_header=True, sort_output=True)
    head = HEAD.format(language, new.plural_forms)
    place(language).write_text(head + body.getvalue().decode())


def faults(language: str) -> Iterator[str]:
    """What is wrong with a catalog: texts missing or no longer said, fuzzy, or with other placeholders or marks."""
    now, known = {(one.id, one.context) for one in said()}, {(one.id, one.context): one for one in kept(language)}
    yield from (f"not in the catalog: {key}" for key in sorted(now - known.keys(), key=str))
    yield from (f"no longer said: {key}" for key in sorted(known.keys() - now, key=str))
    yield from (f"{why}: {one.id}" for one in known.values() if one.id for why in amiss(one))


def amiss(one: Message) -> Iterator[str]:
    """What is wrong with a translation: each form has placeholders and marks as an English one, no `"` of its own."""
    ids, texts = ([each] if isinstance(each, str) else list(each or ("",)) for each in (one.id, one.string))
    if one.fuzzy:
        yield "fuzzy"
    if not all(texts):
        yield "not translated"
    wanted = [sorted(PLACEHOLDER.findall(text)) for text in ids]
    if any(sorted(PLACEHOLDER.findall(text)) not in wanted for text in texts if text):
        yield "other placeholders or marks"


if __name__ == "__main__":
    for each in TRANSLATED:
        update(each)
        sys.stdout.write("".join(f"{each}: {fault}\n" for fault in faults(each)))
