"""Docstrings as griffe reads them: without Sphinx' roles, which mmdet's style has."""

import re
from typing import Any

import griffe

ROLE = re.compile(r':(?P<role>class|func|meth|mod|obj):`~?(?P<name>[^`]+)`')


class PlainRoles(griffe.Extension):
    """Writes ``:obj:`X``` as ``X``, and other roles as code."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Change the docstring of a class, function or module."""
        if obj.docstring:
            obj.docstring.value = ROLE.sub(plain, obj.docstring.value)


def plain(match: re.Match) -> str:
    """What is shown in the place of a role."""
    name = match['name']
    return name if match['role'] == 'obj' else f'`{name}`'
