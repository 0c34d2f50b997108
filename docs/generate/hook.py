"""What mkdocs does beside its own work: pages from elsewhere, links out of docs/."""

import os
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE))
from messages import listed  # noqa: E402

# Pages of the site that lie elsewhere in the repository.
ELSEWHERE = {'changelog.md': 'CHANGELOG.md', 'contributing.md': 'CONTRIBUTING.md'}
LINK = re.compile(r'(?<!!)\[([^\]]+)\]\(([^)#\s:]+)(#[^)\s]*)?\)')


def on_files(files: Files, config: Any) -> Files:
    """Add the pages that lie outside docs/."""
    for name, source in ELSEWHERE.items():
        text = (ROOT / source).read_text(encoding='utf-8')
        text = re.sub(r'\]\(docs/', '](', text)
        files.append(File.generated(config, name, content=text))
    for file in files:
        if file.src_uri == 'studies/README.md':  # studies.md has the place of a README
            file.dest_uri = 'studies/found/index.html'
    places = Counter(file.dest_uri for file in files.documentation_pages())
    shared = [place for place, pages in places.items() if pages > 1]
    if shared:
        raise PluginError(f'Rename a page: several are written to {shared}.')
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, **_: Any) -> str:
    """Put the list of messages in its place, and mend links out of docs/.

    A link to a file of the repository leads to ``repo_url`` if there is one. Otherwise
    its text stays, without a link.
    """
    folder = Path(config.docs_dir, page.file.src_uri).parent

    def mended(match: re.Match) -> str:
        text, target, _ = match.groups()
        path = (folder / target).resolve()
        for name, source in ELSEWHERE.items():
            if path == ROOT / source:
                return (
                    f'[{text}]({os.path.relpath(Path(config.docs_dir, name), folder)})'
                )
        if path.is_relative_to(config.docs_dir) or not path.exists():
            return match.group()  # mkdocs checks it
        if not config.repo_url:
            return text
        kind = 'tree' if path.is_dir() else 'blob'
        return f'[{text}]({config.repo_url}/{kind}/main/{path.relative_to(ROOT)})'

    markdown = LINK.sub(mended, markdown)
    return markdown.replace('<!-- messages -->', listed())
