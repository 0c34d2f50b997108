"""Compare an environment with requirements/constraints.txt; a part of setup_env.py.

As a script, run by the Python of the environment in question, it prints a JSON object:
that Python's version, the faults, and a warning if our own code does not import.
"""

import argparse
import csv
import hashlib
import importlib
import importlib.util
import json
import os
import re
import sys
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any, Dict, List

ROOT = Path(__file__).resolve().parent.parent
CONSTRAINTS = ROOT / 'requirements' / 'constraints.txt'
STACKS = {  # name: (its environment, its distribution of mmcv)
    'openmmlab': ('.venv', 'mmcv'),
    'onedl': ('.venv-onedl', 'onedl-mmcv'),
}
Pins = Dict[str, str]


def read_pins(text: str) -> Dict[str, Pins]:
    """Parse a constraints file into {heading in brackets: {name: version}}."""
    sections: Dict[str, Pins] = {}
    for line in text.splitlines():
        heading = re.match(r'# \[(.+?)\]', line)
        if heading:
            section = sections.setdefault(heading[1], {})
        elif '==' in line and not line.startswith('#'):
            name, version = line.split('==')
            section[name.strip()] = version.strip()
    return sections


def pins_of(stack: str) -> Pins:
    """Return everything that the environment of a stack holds."""
    sections = read_pins(CONSTRAINTS.read_text())
    wanted = ['build', 'torch', f'stack {stack}', 'runtime', 'development']
    return {name: pin for part in wanted for name, pin in sections[part].items()}


def fingerprint(stack: str, python: str) -> str:
    """Hash all that decides what the finished environment looks like."""
    digest = hashlib.sha256(f'{stack} {python} {ROOT}'.encode())
    scripts = sorted(Path(__file__).parent.glob('setup_*.py'))
    for path in [CONSTRAINTS, ROOT / 'pyproject.toml', *scripts]:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def normal(name: str) -> str:
    """Spell a distribution's name the way in which names are compared."""
    return re.sub(r'[-_.]+', '-', name).lower()


def damage(record: str, dist: Distribution) -> str:
    """Return what is wrong with the files that pip recorded, or ''."""
    for path, _, size in csv.reader(record.splitlines()):
        try:
            actual = os.stat(str(dist.locate_file(path))).st_size
        except OSError:
            if not path.endswith('.pyc'):
                return f'lacks {path}'
        else:
            if size and int(size) != actual:
                return f'{path} has {actual} bytes instead of {size}'
    return ''


def find_faults(pins: Pins) -> Pins:
    """Compare what this Python has installed with the pins: {name: what is wrong}."""
    installed: Dict[str, List[Distribution]] = {}
    for dist in distributions():
        installed.setdefault(normal(dist.metadata['Name'] or ''), []).append(dist)
    faults = {}
    for name, version in pins.items():
        dists = installed.get(normal(name), [])
        record = dists[0].read_text('RECORD') if dists else None
        if not dists:
            faults[name] = 'not installed'
        elif len(dists) > 1 or not record:
            faults[name] = 'half installed'
        elif dists[0].version.split('+')[0] != version:
            faults[name] = f'{dists[0].version} instead of {version}'
        else:
            faults[name] = damage(record, dists[0])
    return {name: fault for name, fault in faults.items() if fault}


def inspect(stack: str, imports: bool) -> Dict[str, Any]:
    """Describe the environment of this Python; `imports` tries whether all imports."""
    faults = find_faults(pins_of(stack))
    spec = importlib.util.find_spec('mmdet_lossmix')
    places = list(spec.submodule_search_locations or []) if spec else []
    if str(ROOT / 'mmdet_lossmix') not in places:
        faults['mmdet_lossmix'] = 'not installed from this folder'
    warning = ''
    if imports and not faults:
        try:
            importlib.import_module('mmcv.ops')
            importlib.import_module('mmdet')
        except Exception as error:
            faults[STACKS[stack][1]] = f'the stack does not import: {error!r}'
        else:
            try:
                importlib.import_module('mmdet_lossmix')
            except Exception as error:
                warning = f'the code in mmdet_lossmix does not import: {error!r}'
    python = sys.version.split()[0]
    return {'python': python, 'faults': faults, 'warning': warning}


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('stack', choices=STACKS)
    parser.add_argument('--imports', action='store_true')
    args = parser.parse_args()
    print(json.dumps(inspect(args.stack, args.imports)))


if __name__ == '__main__':
    main()
