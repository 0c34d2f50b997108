"""``python -m mmdet_lossmix`` is ``lossmix configs``: it lists the shipped configs.

With a name it prints the path alone, for
``mim train mmdet $(lossmix configs lossmix_faster_rcnn_voc)``.
"""

import sys
from importlib import import_module
from pathlib import Path
from typing import Optional, Sequence

PACKAGE = Path(__file__).resolve().parent


def shipped(folder: str) -> Path:
    """Folder ``configs`` or ``tools``: in the package if installed, else beside it."""
    installed = PACKAGE / '.mim' / folder
    return installed if installed.is_dir() else PACKAGE.parent / folder


def command(argv: Optional[Sequence[str]] = None) -> None:
    """The command ``lossmix``, which is one of the tools."""
    sys.path.insert(0, str(shipped('tools')))
    import_module('lossmix').main(sys.argv[1:] if argv is None else argv)


def main(argv: Optional[Sequence[str]] = None) -> None:
    """List the shipped configs, or print the path of one."""
    command(['configs', *(sys.argv[1:] if argv is None else argv)])


if __name__ == '__main__':
    main()
