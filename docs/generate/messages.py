"""List every error and warning of the package, read from its source.

The site's page on troubleshooting is built from this list, so it is never out of date.

    python docs/generate/messages.py    # print the list
"""

import ast
import html
import re
from pathlib import Path
from typing import Iterator, NamedTuple, Union

ROOT = Path(__file__).resolve().parents[2]
WARNINGS = {'warning', 'print_log', 'warn'}
ROOMS = {  # in the order of the page
    'mixing': 'Mixing: configs, images and annotations',
    'datasets': 'Pipelines and data sets',
    'models': 'LossMixDetector, batch augments and losses',
    'structures': 'Mixed samples',
    'hooks': 'Hooks',
    'uda': 'Domain adaptation',
    'visualization': 'Pictures',
    '': 'Arguments and checkpoints',
}
Values = dict[str, ast.expr]


class Message(NamedTuple):
    """An error or a warning.

    Attributes:
        kind (str): ``ValueError``, ..., or ``warning``.
        words (list[str]): Its fixed words, between values that are filled in.
        path (Path): The file that raises it.
        line (int): Where in the file.
    """

    kind: str
    words: list[str]
    path: Path
    line: int

    def text(self) -> str:
        """All of it, with ``…`` for what is filled in."""
        return re.sub('…+', '…', ' '.join('…'.join(self.words).split()))


def values_in(tree: ast.AST) -> Values:
    """What names stand for, where a text is assigned to them."""
    return {
        node.targets[0].id: node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, (ast.Constant, ast.JoinedStr, ast.BinOp))
    }


def words_of(node: Union[ast.expr, None], values: Values) -> list[str]:
    """The fixed words of an expression, split where something is filled in."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    if isinstance(node, ast.JoinedStr):
        return joined([words_of(part, values) for part in node.values])
    if isinstance(node, ast.FormattedValue):
        return words_of(node.value, values)
    if isinstance(node, ast.BinOp):
        return joined([words_of(node.left, values), words_of(node.right, values)])
    if isinstance(node, ast.Name) and node.id in values:
        fewer = {name: values[name] for name in values if name != node.id}
        return words_of(values[node.id], fewer)
    function = node.func if isinstance(node, ast.Call) else None
    if isinstance(function, ast.Attribute) and function.attr == 'format':
        return words_of(function.value, values)[0].split('{}')
    return ['', '']


def joined(parts: list[list[str]]) -> list[str]:
    """Words one after the other: the end of one is the beginning of the next."""
    words = ['']
    for first, *rest in parts:
        words[-1] += first
        words += rest
    return words


def kind_of(node: ast.AST) -> tuple[str, Union[ast.expr, None]]:
    """Its kind and its text, of a node that raises or warns; '' of any other."""
    if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and node.exc.args:
        return ast.unparse(node.exc.func).split('.')[-1], node.exc.args[0]
    if isinstance(node, ast.Call) and node.args:
        called = getattr(node.func, 'attr', None) or getattr(node.func, 'id', '')
        if called in WARNINGS:
            return 'warning', node.args[0]
    return '', None


def messages_in(package: Path) -> Iterator[Message]:
    """Every error and warning of a package that has words of its own."""
    trees = {
        path: ast.parse(path.read_text(encoding='utf-8'))
        for path in sorted(package.rglob('*.py'))
    }
    shared = {
        name: value
        for tree in trees.values()
        for name, value in values_in(tree).items()
        if name.isupper()
    }
    for path, tree in trees.items():
        functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)]
        for node in ast.walk(tree):
            kind, text = kind_of(node)
            if kind:
                line = node.lineno  # type: ignore[attr-defined]
                around = [f for f in functions if f.lineno <= line <= f.end_lineno]  # type: ignore
                local = values_in(around[-1]) if around else {}
                words = words_of(text, {**shared, **values_in(tree), **local})
                yield Message(kind, words, path, line)


def listed(package: Path = ROOT / 'mmdet_lossmix') -> str:
    """All of them as Markdown, by the part of the package that they come from."""
    found = sorted(messages_in(package), key=lambda m: m.text().lower())
    text = ''
    for room, title in ROOMS.items():
        lines = ''
        for message in found:
            parts = message.path.relative_to(package).with_suffix('').parts
            if (parts[0] if len(parts) > 1 else '') == room and message.text():
                module = '.'.join((package.name, *parts))
                lines += (
                    f'- {escaped(message.text())}<br>*{message.kind} of `{module}`*\n'
                )
        if lines:
            text += f'### {title}\n\n{lines}\n'
    return text


def escaped(text: str) -> str:
    """Keep Markdown from reading the signs of a text as its own.

    What stands between backquotes is code, and stays.
    """
    parts = text.split('`')
    if len(parts) % 2 == 0:
        parts = [text.replace('`', '')]
    for index in range(0, len(parts), 2):
        parts[index] = html.escape(parts[index], quote=False)
        for sign in '*_[]':
            parts[index] = parts[index].replace(sign, f'\\{sign}')
    return '`'.join(parts)


if __name__ == '__main__':
    print(listed())
