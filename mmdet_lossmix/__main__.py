"""Say where the configs and tools lie that were installed with the package.

``python -m mmdet_lossmix`` lists the configs; with a name it prints the path alone, for
``mim train mmdet $(python -m mmdet_lossmix lossmix_faster_rcnn_voc)``.
"""

import argparse
from pathlib import Path
from typing import Optional, Sequence

PACKAGE = Path(__file__).resolve().parent


def shipped(folder: str) -> Path:
    """Folder ``configs`` or ``tools``: in the package if installed, else beside it."""
    installed = PACKAGE / '.mim' / folder
    return installed if installed.is_dir() else PACKAGE.parent / folder


def main(argv: Optional[Sequence[str]] = None) -> None:
    """List the shipped configs, or print the path of one."""
    parser = argparse.ArgumentParser('python -m mmdet_lossmix', description=__doc__)
    parser.add_argument('config', nargs='?', help='its name, with or without .py')
    name = parser.parse_args(argv).config
    root = shipped('configs')
    configs = {
        str(path.relative_to(root).with_suffix('')): path
        for path in sorted(root.rglob('*.py'))
        if '_base_' not in path.parts
    }
    if name is None:
        print(f'Configs in {root}:', *configs, sep='\n  ')
        print(f'Tools in {shipped("tools")}')
        return
    key = name[:-3] if name.endswith('.py') else name
    if key not in configs:
        parser.error(f'Expected one of {", ".join(configs)} but got {name!r}.')
    print(configs[key])


if __name__ == '__main__':
    main()
