"""Compile mmcv, once for each torch; a part of setup_env.py.

The index has mmcv as source only. Compiling takes minutes, so the wheel is kept outside
of the project, in $XDG_CACHE_HOME/mmdet_lossmix (~/.cache by default). pip's own cache
will not do: it tells wheels apart by version alone, not by the torch they belong to.
"""

import os
import re
import shutil
import tempfile
import zipfile
from pathlib import Path
from typing import Any, Dict, List, Mapping

from setup_console import Console, SetupError, not_for_a_new_venv

CACHE = Path(os.environ.get('XDG_CACHE_HOME') or '~/.cache').expanduser()
CACHE = CACHE / 'mmdet_lossmix'

# What mmcv would be compiled for: asked in the environment, once torch is there.
BUILD_FACTS = """
import json, os, sys, sysconfig, torch
from torch.utils.cpp_extension import CUDA_HOME
ops, arch = 'cpu', os.environ.get('TORCH_CUDA_ARCH_LIST')
if torch.cuda.is_available():
    ops = 'cuda' + (arch or '%d.%d' % torch.cuda.get_device_capability())
elif os.environ.get('FORCE_CUDA') == '1':
    ops = 'cuda' + (arch or 'all')
print(json.dumps(dict(
    torch=torch.__version__, ops=ops, nvcc=CUDA_HOME,
    python='%d.%d' % sys.version_info[:2], platform=sysconfig.get_platform(),
    headers=os.path.exists(sysconfig.get_path('include') + '/Python.h'))))
"""


def wheel_key(distribution: str, version: str, facts: Mapping[str, Any]) -> str:
    """Name the cache folder of a compiled wheel after all it was compiled for."""
    what = f'{distribution}{version}-torch{facts["torch"]}-{facts["ops"]}'
    key = f'{what}-python{facts["python"]}-{facts["platform"]}'
    return re.sub(r'[^\w.+-]', '_', key)


def is_whole_wheel(path: Path) -> bool:
    """Tell whether a wheel can be read to its last byte."""
    try:
        with zipfile.ZipFile(path) as wheel:
            return wheel.testzip() is None
    except (OSError, EOFError, zipfile.BadZipFile):
        return False


def require_compiler(facts: Mapping[str, Any]) -> None:
    """Raise a SetupError unless everything that compiles mmcv is there."""
    compiler = os.environ.get('CXX') or 'c++'
    python = f'python{facts["python"]}'
    if not shutil.which(compiler.split()[0]):
        missing = (
            f'there is no C++ compiler ({compiler}): install build-essential (Debian, '
            'Ubuntu) or gcc-c++ (Fedora), run `xcode-select --install` (macOS), or '
            'name a compiler in CXX.'
        )
    elif not facts['headers']:
        missing = (
            f'Python.h is missing: install {python}-dev (Debian, Ubuntu) or '
            f'{python}-devel (Fedora).'
        )
    elif facts['ops'] != 'cpu' and not facts['nvcc']:
        missing = (
            'there is a GPU but no nvcc: install the CUDA toolkit and set CUDA_HOME, '
            'or set CUDA_VISIBLE_DEVICES= to do without the GPU.'
        )
    else:
        return
    raise SetupError(f'mmcv has to be compiled, but {missing}')


def sensible_jobs() -> int:
    """Return how many compilers fit: one per core, with 2 GiB of memory for each."""
    memory = os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES')
    return max(1, min(os.cpu_count() or 1, memory // 2**31))


def mmcv_wheel(
    distribution: str,
    version: str,
    facts: Mapping[str, Any],
    pip: List[str],
    env: Dict[str, str],
    console: Console,
) -> Path:
    """Return the wheel from the cache, or compile it now.

    Args:
        distribution: What mmcv is called in this stack.
        version: Its version.
        facts: What `BUILD_FACTS` prints in the environment.
        pip: The command that is that environment's pip.
        env: Environment variables for it.
        console: Where to show progress.
    """
    folder = CACHE / 'wheels' / wheel_key(distribution, version, facts)
    for wheel in folder.glob('*.whl'):
        if is_whole_wheel(wheel):
            return wheel
        console.note(f'The cached {wheel.name} is damaged.')
        wheel.unlink()

    require_compiler(facts)
    for leftover in folder.parent.glob('.building-*'):
        shutil.rmtree(str(leftover), ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    env = {'MAX_JOBS': str(sensible_jobs()), **env, 'MMCV_WITH_OPS': '1'}
    console.note(f'Compiling, {env["MAX_JOBS"]} at once; log: {console.log}')
    with tempfile.TemporaryDirectory('', '.building-', str(folder.parent)) as out:
        options = ['-v', '--no-deps', '--no-cache-dir', '--no-build-isolation']
        source = ['--no-binary', distribution, f'{distribution}=={version}']
        with not_for_a_new_venv():
            console.run([*pip, 'wheel', *options, '--wheel-dir', out, *source], env)
        (built,) = Path(out).glob('*.whl')
        os.replace(str(built), str(folder / built.name))
    return folder / built.name
