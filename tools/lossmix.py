"""The command ``lossmix``: what the tools do, by one name.

Example:
    lossmix browse configs/lossmix_faster_rcnn_voc.py
"""

import sys
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path

from mmdet_lossmix.__main__ import main as list_configs

TOOLS = {
    'browse': ('browse_mixed', 'draw the images that a config really trains on'),
    'check': ('check_data', 'say what of the data of a config is missing or broken'),
    'export': ('export_weights', 'write weights that mmdet reads without this package'),
    'plot': ('plot_run', 'plot losses and AP of a run'),
    'sweep': ('ablate', 'train a grid of runs, and compare them'),
}
USAGE = """usage: lossmix COMMAND ...; `lossmix COMMAND --help` says more

  configs  list the shipped configs, or print the path of one"""


def main() -> None:
    """Run ``lossmix COMMAND ...``."""
    name, *rest = sys.argv[1:] or ['--help']
    if name in ('-h', '--help'):
        print(USAGE, *(f'{tool:9}{TOOLS[tool][1]}' for tool in TOOLS), sep='\n  ')
    elif name == 'configs':
        list_configs(rest)
    elif name not in TOOLS:
        close = ' or '.join(get_close_matches(name, ['configs', *TOOLS], 2))
        meant = f'Did you mean {close}? ' if close else ''
        print(
            f'error: {meant}There is no command {name!r}; `lossmix --help` lists them.',
            file=sys.stderr,
        )
        sys.exit(2)
    else:
        file = TOOLS[name][0]
        if not Path(__file__).with_name(f'{file}.py').is_file():
            sys.exit(
                'error: Clone the repository, run `pip install -e .[studies]` in it '
                f'and `lossmix {name}` again: the wheel does not hold the studies.'
            )
        sys.argv = [f'lossmix {name}', *rest]
        sys.exit(import_module(file).main())


if __name__ == '__main__':
    main()
