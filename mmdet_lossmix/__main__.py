"""The command ``lossmix``. ``python -m mmdet_lossmix`` is ``lossmix configs``.

``lossmix configs`` lists the shipped configs; with a name it prints the path alone, for
``mim train mmdet $(lossmix configs lossmix_faster_rcnn_voc)``. The other commands are
the tools that lie in the wheel, or in ``tools/`` of a clone.
"""

import sys
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import Dict, Iterable, Optional, Sequence

PACKAGE = Path(__file__).resolve().parent
TOOLS = {
    'browse': ('browse_mixed', 'draw the images that a config really trains on'),
    'check': ('check_data', 'say what of the data of a config is missing or broken'),
    'export': ('export_weights', 'write weights that mmdet reads without this package'),
    'plot': ('plot_run', 'plot losses and AP of a run'),
    'sweep': ('ablate', 'train a grid of runs, and compare them'),
}
USAGE = """usage: lossmix COMMAND ...; `lossmix COMMAND --help` says more

  configs  list the shipped configs, or print the path of one"""


def shipped(folder: str) -> Path:
    """Folder ``configs`` or ``tools``: in the package if installed, else beside it."""
    installed = PACKAGE / '.mim' / folder
    return installed if installed.is_dir() else PACKAGE.parent / folder


def refuse(kind: str, name: str, known: Iterable[str], listing: str) -> None:
    """End with what was meant, if a known name is close."""
    close = ' or '.join(get_close_matches(name, known, 2))
    meant = f'Did you mean {close}? ' if close else ''
    print(f'error: {meant}There is no {kind} {name!r}; {listing}.', file=sys.stderr)
    sys.exit(2)


def main(argv: Optional[Sequence[str]] = None) -> None:
    """List the shipped configs, or print the path of one."""
    name = ' '.join(sys.argv[1:] if argv is None else argv)
    root = shipped('configs')
    configs: Dict[str, Path] = {
        str(path.relative_to(root).with_suffix('')): path
        for path in sorted(root.rglob('*.py'))
        if '_base_' not in path.parts
    }
    if not name:
        print(f'Configs in {root}:', *configs, sep='\n  ')
        print(f'Tools in {shipped("tools")}')
    elif name in ('-h', '--help'):
        print(f'usage: lossmix configs [NAME]\n\n{main.__doc__}')
    else:
        key = name[:-3] if name.endswith('.py') else name
        if key not in configs:
            refuse('config', name, configs, '`lossmix configs` lists them')
        print(configs[key])


def command() -> None:
    """Run ``lossmix COMMAND ...``."""
    name, *rest = sys.argv[1:] or ['--help']
    if name in ('-h', '--help'):
        print(USAGE, *(f'{tool:9}{TOOLS[tool][1]}' for tool in TOOLS), sep='\n  ')
    elif name == 'configs':
        main(rest)
    elif name not in TOOLS:
        refuse('command', name, ['configs', *TOOLS], '`lossmix --help` lists them')
    else:
        tool = shipped('tools') / f'{TOOLS[name][0]}.py'
        if not tool.is_file():
            sys.exit(
                'error: Clone the repository, run `pip install -e .[studies]` in it '
                f'and `lossmix {name}` again: the wheel does not hold the studies.'
            )
        sys.argv = [f'lossmix {name}', *rest]
        sys.path.insert(0, str(tool.parent))
        sys.exit(import_module(tool.stem).main())


if __name__ == '__main__':
    main()
