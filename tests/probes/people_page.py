"""The listener's page for people, read as a browser reads it, and stricter: what is open is closed, in order."""
import base64
import hashlib
import html.parser
import re
from xml.etree import ElementTree

VOID = {"meta", "link", "br"}
LEADS_AWAY = {"src", "srcset", "action", "formaction", "poster", "background", "ping", "data", "xlink:href"}


class Page(html.parser.HTMLParser):
    """text: what it is made of. root: its elements; errors: what a strict reader does not like."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.text, self.errors, self.open = text, [], []
        self.builder = ElementTree.TreeBuilder()
        self.feed(text)
        self.close()
        if self.open:
            self.errors.append(f"still open: {self.open}")
        self.root = self.builder.close()
        for svg in re.findall(r"<svg.*?</svg>", text, re.S):
            ElementTree.fromstring(svg)   # raises where it is no XML

    def handle_starttag(self, tag, attrs):
        self.look_at(tag, dict(attrs))
        self.builder.start(tag, {name: value or "" for name, value in attrs})
        if tag in VOID:
            self.builder.end(tag)
        else:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.look_at(tag, dict(attrs))
        self.builder.start(tag, {name: value or "" for name, value in attrs})
        self.builder.end(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.errors.append(f"</{tag}> closes nothing")
        self.builder.end(tag)

    def handle_data(self, data):
        if self.open:
            self.builder.data(data)
        elif data.strip():
            self.errors.append(f"text outside: {data!r}")

    def look_at(self, tag, attributes):
        for name, value in attributes.items():
            if name.startswith("on") or name == "style" or name in LEADS_AWAY:
                self.errors.append(f"<{tag} {name}={value!r}>")
            if name == "href" and not value.startswith("data:"):
                self.errors.append(f"<{tag} href={value!r}>")
        if tag in ("iframe", "object", "embed", "form", "base", "img", "a"):
            self.errors.append(f"<{tag}>")

    def id(self, name):
        """The element with this id; None: there is none."""
        return next((e for e in self.root.iter() if e.get("id") == name), None)

    def said(self, name):
        """The words in the element with this id; "" if there is none."""
        element = self.id(name)
        return words(element) if element is not None else ""

    def verdict(self, kind):
        return next(words(e) for e in self.id(kind).iter() if "verdict" in e.get("class", "").split())

    def table(self, name):
        """The table in the section with this id: a list of cells for each row, its header first."""
        section = self.id(name)
        if section is None:
            return []
        return [[words(cell) for cell in row] for row in section.iter("tr")]

    def hash_of(self, tag):
        """As a policy names it."""
        content = re.search(f"<{tag}>(.*?)</{tag}>", self.text, re.S)[1]
        return "'sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode() + "'"


def words(element):
    return " ".join("".join(element.itertext()).split())
