"""What the site needs beyond docs/: the files of the repository that pages link to, and what draws the diagrams."""

from __future__ import annotations

import posixpath
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page

from tests.standins.citrix_cloud.runtime import node, packages
from tools.site.markdown import ROOT, links, with_links

DOCS, ELSEWHERE = ROOT / "docs", "repository"
DIAGRAMS = "assets/mermaid.js"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what lies outside of docs/ and is linked to, as files to download, or as pages where it is Markdown."""
    waiting = [DOCS / file.src_uri for file in files.documentation_pages()]
    seen = set(waiting)
    while waiting:
        page = waiting.pop()
        for found in {_target(page, target) for target, _ in links(page.read_text())} - seen:
            seen.add(found)
            if found.is_file() and not found.is_relative_to(DOCS):
                files.append(_file(_uri(found), found, config))
                waiting += [found] if found.suffix == ".md" else []
    files.append(
        _file(DIAGRAMS, packages(node(), Path(__file__).parent) / "@mermaid-js/tiny/dist/mermaid.tiny.js", config)
    )
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn links out of docs/ into links to the files that `on_files` has added; the rest is checked by MkDocs."""
    del config
    uri = page.file.src_uri
    source = _source(uri)

    def change(target: str) -> str:
        found = _target(source, target)
        as_it_is = not target or (found.is_relative_to(DOCS) and source.is_relative_to(DOCS))
        if as_it_is or not files.get_file_from_path(_uri(found)):
            return target
        return posixpath.relpath(_uri(found), posixpath.dirname(uri) or ".")

    return with_links(markdown, change)


def _file(uri: str, content: Path, config: MkDocsConfig) -> File:
    included = InclusionLevel.INCLUDED  # also where a name begins with a dot
    return File.generated(config, uri, abs_src_path=str(content), inclusion=included)


def _target(page: Path, target: str) -> Path:
    return (page.parent / target).resolve() if target else page


def _uri(path: Path) -> str:
    """Where a file of the repository is in the site's sources."""
    if path.is_relative_to(DOCS):
        return path.relative_to(DOCS).as_posix()
    return f"{ELSEWHERE}/{path.relative_to(ROOT).as_posix()}"


def _source(uri: str) -> Path:
    """Which file of the repository it came from."""
    return ROOT / uri.removeprefix(f"{ELSEWHERE}/") if uri.startswith(f"{ELSEWHERE}/") else DOCS / uri
