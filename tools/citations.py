"""What comments and documents cite has to be in the repository; tools/tidy.py runs this.

A citation is the path of a page and the numbers of its headings, `docs/protocol.md 3.4` or
`docs/skynet-rules.md 2.2 to 2.4, 2.8`; it may go on in the next line of a comment. Rules of
tests/conformance/skynet begin with a number of docs/skynet-rules.md. What has no number is cited
by its path alone, and what lies elsewhere by a public name (RFC, paper, address).
"""

import re
from functools import cache
from pathlib import Path

FOLDERS = "server|lua|sql|deploy|config|tools|tests|clients|docs"
RULES_PAGE = "docs/skynet-rules.md"
RULES_FOLDER = "tests/conformance/skynet/"
# Between the parts of a citation: a blank, or the end of a line of a comment.
GAP = r"(?:[ \t]+|[ \t]*\n[ \t]*(?://+|--+|#+|>)?[ \t]*)"
NUMBER = r"\d+(?:\.\d+)*(?![\w%])"
CITATION = re.compile(
    rf"(?<![\w/.-])((?:{FOLDERS})/[\w./-]+\.md){GAP}"
    rf"({NUMBER}(?:(?:,|{GAP}(?:and|or|to)){GAP}{NUMBER})*)"
)
HEADING = re.compile(r"^#{1,6} (.*)$", re.MULTILINE)
HEADING_NUMBER = re.compile(r"(\d+(?:\.\d+)*)\.? ")
RULE = re.compile(r"\brule\(\"(\d+(?:\.\d+)+) ")
LINK = re.compile(r"\]\(([\w./-]*\.md)?#([^)\s]+)\)")
# The pages that this tree was once built from, which no reader has.
FOREIGN = re.compile(r"\b(?:sk\s+\d+(?:\.\d+)*|DESI" + r"GN(?:\.md)?)\b")
# A file that a comment names; what has a placeholder in it is no name.
NAMED_SOURCE = re.compile(r"(?<![\w*<?./-])((?:\.{0,2}/)?\w[\w./-]*\.(?:cpp|hpp|lua))\b(?![*>/(])")
# The same without its ending, in server/: a layer and a name, `gate/session`.
NAMED_PART = re.compile(r"(?<![\w/.\"'`])([a-z]+/[a-z_]+)(?![\w/*(]|\.\w)")
CPP_COMMENT = re.compile(
    r'(//[^\n]*|/\*.*?\*/)|R"(\w*)\(.*?\)\2"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])\'', re.DOTALL
)
LUA_COMMENT = re.compile(
    r"(--\[(=*)\[.*?\]\2\]|--[^\n]*)|\[(=*)\[.*?\]\3\]|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'",
    re.DOTALL,
)
COMMENT = {".cpp": CPP_COMMENT, ".hpp": CPP_COMMENT, ".lua": LUA_COMMENT}


@cache
def headings(text):
    """The headings of a page, without those of its examples."""
    return HEADING.findall(re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL))


@cache
def numbers(text):
    """The numbers of the numbered headings of a page, in order."""
    return [match[1] for match in map(HEADING_NUMBER.match, headings(text)) if match]


def anchor(heading):
    """What a link to the heading names, as GitHub makes it."""
    return re.sub(r"[^\w\s-]", "", heading.strip().lower()).replace(" ", "-")


class Citations:
    """The pages and files of one checkout; `paths` are those of its files, relative to `root`."""

    def __init__(self, root, paths):
        self.root = root
        self.texts = {}
        self.endings = set()
        self.layers = {path.parts[1] for path in paths if path.parts[0] == "server"}
        for path in paths:
            parts = path.parts
            self.endings.update("/".join(parts[start:]) for start in range(len(parts)))
            self.endings.update(map(str, (path.with_suffix(""), *path.parents)))

    def page(self, name):
        """The text of a page; None: there is none."""
        if name not in self.texts:
            path = self.root / name
            self.texts[name] = path.read_text(encoding="utf-8") if path.is_file() else None
        return self.texts[name]

    def check(self, relative, text):
        """Findings of one file, code or document, as (line number, text)."""
        for position, finding in self._findings(str(relative), text):
            yield text.count("\n", 0, position) + 1, finding

    def _findings(self, name, text):
        for match in FOREIGN.finditer(text):
            yield match.start(), f"cites {match[0]}: cite a page of docs/ or a public source"
        for match in CITATION.finditer(text):
            for number in re.findall(NUMBER, match[2]):
                yield from self._cited(match.start(), match[1], number)
        if name.startswith(RULES_FOLDER):
            for match in RULE.finditer(text):
                yield from self._cited(match.start(), RULES_PAGE, match[1])
        if name.endswith(".md"):
            yield from self._links(name, text)
        if name.endswith(".zh-CN.md"):
            yield from self._same_numbers(name, text)
        pattern = COMMENT.get(Path(name).suffix)
        if pattern:
            yield from self._named_sources(pattern, name, text)

    def _cited(self, position, name, number):
        page = self.page(name)
        if page is None:
            yield position, f"cites {name}, which does not exist"
        elif number not in numbers(page):
            yield position, f"cites {name} {number}, and there is no such heading"

    def _links(self, name, text):
        for match in LINK.finditer(text):
            target = name
            if match[1]:
                path = (self.root / name).parent / match[1]
                target = str(path.resolve().relative_to(self.root))
            page = self.page(target)
            if page is not None and match[2] not in map(anchor, headings(page)):
                yield match.start(), f"links to {target}#{match[2]}, and there is no such heading"

    def _same_numbers(self, name, text):
        english = self.page(name.replace(".zh-CN.md", ".md"))
        if english is not None and numbers(english) != numbers(text):
            differing = sorted(set(numbers(english)) ^ set(numbers(text))) or ["their order"]
            yield 0, f"its numbered headings are not those in English: {', '.join(differing)}"

    def _named_sources(self, pattern, name, text):
        for comment in pattern.finditer(text):
            for match in self._missing_sources(name, comment[1] or ""):
                position = comment.start() + match.start()
                yield position, f"a comment names {match[1]}, and there is no such file"

    def _missing_sources(self, name, comment):
        for match in NAMED_SOURCE.finditer(comment):
            if match[1].removeprefix("./") not in self.endings:
                yield match
        if not name.startswith("server/"):
            return
        for match in NAMED_PART.finditer(comment):
            if match[1].split("/")[0] in self.layers and f"server/{match[1]}" not in self.endings:
                yield match
