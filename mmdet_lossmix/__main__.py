"""``python -m mmdet_lossmix`` lists the shipped configs, as ``lossmix configs`` does.

With a name it prints the path alone, for
``mim train mmdet $(lossmix configs lossmix_faster_rcnn_voc)``.
"""

import sys
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import Optional, Sequence

PACKAGE = Path(__file__).resolve().parent


def shipped(folder: str) -> Path:
    """Folder ``configs`` or ``tools``: in the package if installed, else beside it."""
    installed = PACKAGE / '.mim' / folder
    return installed if installed.is_dir() else PACKAGE.parent / folder


def main(argv: Optional[Sequence[str]] = None) -> None:
    """List the shipped configs, or print the path of one."""
    name = ' '.join(sys.argv[1:] if argv is None else argv)
    root = shipped('configs')
    configs = {
        str(path.relative_to(root).with_suffix('')): path
        for path in sorted(root.rglob('*.py'))
        if '_base_' not in path.parts
    }
    key = name[:-3] if name.endswith('.py') else name
    if not name:
        print(f'Configs in {root}:', *configs, sep='\n  ')
        print(f'Tools in {shipped("tools")}')
    elif name in ('-h', '--help'):
        print(f'usage: lossmix configs [NAME]\n\n{main.__doc__}')
    elif key in configs:
        print(configs[key])
    else:
        close = ' or '.join(get_close_matches(key, configs, 2))
        meant = f'Did you mean {close}? ' if close else ''
        listing = '`lossmix configs` lists them.'
        print(f'error: {meant}There is no config {name!r}; {listing}', file=sys.stderr)
        sys.exit(2)


def command() -> None:
    """The command ``lossmix``, which runs the tools."""
    sys.path.insert(0, str(shipped('tools')))
    import_module('lossmix').main()


if __name__ == '__main__':
    main()
