"""Every word of the portal is said in every language, and in none of them twice or for nothing."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages.catalog import Message
from jinja2 import Environment, nodes

from api.portal import page, translate

TEMPLATES = Path(page.__file__).parent / "templates"
# The reference of the HTTP API is in English, as the API is; names and formats are the same in all languages.
ENGLISH, NAMES = {"document.html"}, {"desk", "centred", "sha", "min", "Yardstick", "JSON", "CSV", "UTC", "SHA", "PDF"}
SAID = ("_", "gettext", "ngettext", "pgettext", "npgettext")
SHOWN = ("aria-label", "aria-roledescription", "placeholder", "title", "alt", "data-l", "data-i", "data-tip")
WORD = re.compile(r"[^\W\d_]{2,}")
# In an expression a text is told from a name by a capital, or by a blank between two words.
TEXT = re.compile(r"[A-Z][a-z]|(?<![\w-])[a-z]{2,} [a-z]{2,}")


class _Text(HTMLParser):
    """Words between marks, and in attributes that people read."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_data(self, data: str) -> None:
        self.found.append(data)

    def handle_starttag(self, _: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value or "" for name, value in attrs if name in SHOWN]


def bare(source: str, environment: Environment) -> Iterator[str]:
    """Words of a template that nobody translates."""
    html, inside, said = "", 0, False
    for _, kind, value in environment.lex(source):
        inside += {"block_begin": 1, "variable_begin": 1, "block_end": -1, "variable_end": -1}.get(kind, 0)
        said = value == "trans" or (said and value != "endtrans") if kind == "name" and inside else said
        html += value if kind == "data" and not said else ""
    parser = _Text()
    parser.feed(html)
    for text in parser.found:
        yield from (" ".join(text.split()) for word in WORD.findall(text) if word not in NAMES)
    yield from (one for one in _constants(environment.parse(source)) if TEXT.search(one) and one not in NAMES)


def _constants(node: nodes.Node) -> Iterator[str]:
    if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name) and node.node.name in SAID:
        return
    if isinstance(node, nodes.Const) and isinstance(node.value, str):
        yield node.value
    for child in node.iter_child_nodes():
        yield from _constants(child)


@pytest.mark.parametrize("template", sorted({path.name for path in TEMPLATES.iterdir()} - ENGLISH))
def test_a_template_has_no_words_that_are_not_translated(template: str) -> None:
    environment = page.environment("en")
    assert sorted(set(bare((TEMPLATES / template).read_text(), environment))) == []


@pytest.mark.parametrize(
    ("template", "found"),
    [
        ("<p>{{ 1 }} of {{ 2 }}</p>", ["of"]),
        ('<p aria-label="Pages">{{ 1 }}</p>', ["Pages"]),
        ('{{ "Send" if 1 else _("Record") }}', ["Send"]),
        ('{% set x = "two words" %}', ["two words"]),
        ("{% trans %}All is well{% endtrans %} JSON {{ _('one') }}", []),
        ("{% trans n=1 %}a line{% pluralize %}{{ n }} lines{% endtrans %} more", ["more"]),
    ],
)
def test_words_that_are_not_translated_are_found(template: str, found: list[str]) -> None:
    assert list(bare(template, page.environment("en"))) == found


@pytest.mark.parametrize(
    ("english", "german", "found"),
    [
        ("%(n)s of %(m)s", "%(n)s von %(m)s", []),
        ("%(n)s of %(m)s", "%(n)s von", ["other placeholders or marks"]),
        ("<b>%(n)s</b>", "%(n)s", ["other placeholders or marks"]),
        ("said", 'so "gesagt"', ["other placeholders or marks"]),
        ("said", "", ["not translated"]),
        (("%(num)s line", "%(num)s lines"), ("eine Zeile", "%(num)s Zeilen"), ["other placeholders or marks"]),
        (("one line", "%(num)s lines"), ("eine Zeile", "%(num)s Zeilen"), []),
    ],
)
def test_a_translation_that_lost_something_is_found(
    english: str | tuple[str, str], german: str | tuple[str, str], found: list[str]
) -> None:
    assert list(translate.amiss(Message(english, german))) == found
    assert "fuzzy" in translate.amiss(Message(english, german, flags=["fuzzy"]))


@pytest.mark.parametrize("language", translate.TRANSLATED)
def test_a_catalog_says_every_text_and_no_other(language: str) -> None:
    assert list(translate.faults(language)) == []
