"""The command ``lossmix``: what the tools do, by one name.

Example:
    lossmix browse configs/lossmix_faster_rcnn_voc.py
"""

import sys
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import Iterable, Sequence
from warnings import filterwarnings

from mmdet_lossmix.__main__ import shipped

TOOLS = {
    'browse': ('browse_mixed', 'draw the images that a config really trains on'),
    'check': ('check_data', 'find missing or broken data of a config'),
    'export': ('export_weights', 'write weights that mmdet reads without this package'),
    'plot': ('plot_run', 'plot losses and AP of a run'),
    'sweep': ('ablate', 'train a grid of runs, and compare them'),
}
USAGE = """usage: lossmix COMMAND ...; `lossmix COMMAND --help` says more

  configs  list the shipped configs, or print the path of one"""


def refuse(kind: str, name: str, known: Iterable[str], listing: str) -> None:
    """End with what was meant, if a known name is close."""
    close = ' or '.join(get_close_matches(name, known, 2))
    meant = f'Did you mean {close}? ' if close else ''
    listed = f'`lossmix {listing}` lists them.'
    print(f'error: {meant}There is no {kind} {name!r}; {listed}', file=sys.stderr)
    sys.exit(2)


def configs(name: str) -> None:
    """List the shipped configs, or print the path of one."""
    root = shipped('configs')
    found = {
        str(path.relative_to(root).with_suffix('')): path
        for path in sorted(root.rglob('*.py'))
        if '_base_' not in path.parts
    }
    key = name[:-3] if name.endswith('.py') else name
    if not name:
        print(f'Configs in {root}:', *found, sep='\n  ')
        print(f'Tools in {shipped("tools")}')
    elif name in ('-h', '--help'):
        print(f'usage: lossmix configs [NAME]\n\n{configs.__doc__}')
    elif key in found:
        print(found[key])
    else:
        refuse('config', name, found, 'configs')


def main(argv: Sequence[str]) -> None:
    """Run ``lossmix COMMAND ...``."""
    name, *rest = argv or ['--help']
    if name in ('-h', '--help'):
        print(USAGE, *(f'{tool:9}{TOOLS[tool][1]}' for tool in TOOLS), sep='\n  ')
    elif name == 'configs':
        configs(' '.join(rest))
    elif name not in TOOLS:
        refuse('command', name, ['configs', *TOOLS], '--help')
    else:
        file = TOOLS[name][0]
        if not Path(__file__).with_name(f'{file}.py').is_file():
            sys.exit(
                'error: Clone the repository, run `pip install -e .[studies]` in it '
                f'and `lossmix {name}` again: the wheel does not hold the studies.'
            )
        filterwarnings('ignore', 'pkg_resources is deprecated')  # mmengine's
        sys.argv = [f'lossmix {name}', *rest]
        sys.exit(import_module(file).main())


if __name__ == '__main__':
    main(sys.argv[1:])
