"""The wheel holds what a user needs, and its configs are found after installing it."""

import subprocess
import sys
from importlib.metadata import packages_distributions

import pytest

from tests.helpers import ROOT
from tests.helpers.processes import run
from tests.test_house import SHIPPED_TOOLS


@pytest.fixture(scope='module')
def installed(tmp_path_factory):
    """A folder into which nothing but the built wheel was installed."""
    folder = tmp_path_factory.mktemp('wheel')
    pip = [sys.executable, '-m', 'pip', '--quiet']
    build = [*pip, 'wheel', '--no-deps', '--no-build-isolation', '-w', folder, ROOT]
    subprocess.run(build, check=True, timeout=300)
    (wheel,) = folder.glob('*.whl')
    target = folder / 'site'
    install = [*pip, 'install', '--no-deps', '--no-index', '--target', target, wheel]
    subprocess.run(install, check=True, timeout=300)
    return target


def test_the_wheel_holds_the_package_its_configs_and_tools_and_nothing_else(installed):
    package = installed / 'mmdet_lossmix'
    for folder, packed in (
        ('mmdet_lossmix', package),
        ('configs', package / '.mim/configs'),
    ):
        expected = {
            str(p.relative_to(ROOT / folder)) for p in (ROOT / folder).rglob('*.py')
        }
        there = {str(p.relative_to(packed)) for p in packed.rglob('*.py')}
        assert expected <= there
    for name in ('model-index.yml', 'configs/lossmix/metafile.yml'):
        assert (package / '.mim' / name).is_file()
    tools = {path.stem for path in (package / '.mim/tools').glob('*.py')}
    assert tools == {*SHIPPED_TOOLS}
    beside = {path.name for path in installed.iterdir()}
    assert not beside & {'studies', 'synthetic_voc', 'benchmarks', 'tests', 'bootstrap'}


def test_configs_are_found_and_load_from_elsewhere(installed, tmp_path):
    code = (
        f'import sys; sys.path.insert(0, {str(installed)!r})\n'
        'from mmdet_lossmix.__main__ import main, shipped\n'
        'from mmengine.config import Config\n'
        'main(); main(["lossmix_fcos_voc.py"])\n'
        'config = Config.fromfile(shipped("configs") / "lossmix_fcos_voc.py")\n'
        'print(config.model.type)'
    )
    done = run([sys.executable, '-c', code], tmp_path)
    assert done.returncode == 0, done.stdout
    lines = [line.strip() for line in done.stdout.splitlines()]
    assert 'demo/lossmix_faster_rcnn_synthetic' in lines
    assert str(installed / 'mmdet_lossmix/.mim/configs/lossmix_fcos_voc.py') in lines
    assert 'LossMixDetector' in lines


@pytest.mark.xfail(
    'onedl-mim' in packages_distributions()['mim'],
    reason='onedl-mim 0.5.1 takes the folder of the first file, .dist-info, for ours',
    strict=True,
)
def test_mim_finds_the_models(installed, tmp_path):
    code = (
        f'import sys; sys.path.insert(0, {str(installed)!r})\n'
        'from mim import get_model_info\n'
        'for name, info in get_model_info("mmdet_lossmix", to_dict=True).items():\n'
        '    print(name, info["model"], info["config"])'
    )
    done = run([sys.executable, '-c', code], tmp_path)
    assert done.returncode == 0, done.stdout
    name = 'union_retinanet_coco'
    assert f'{name} union configs/{name}.py' in done.stdout


def test_an_unknown_config_is_refused_with_the_known_ones(tmp_path):
    done = run([sys.executable, '-m', 'mmdet_lossmix', 'nothing'], tmp_path)
    assert done.returncode == 2
    assert "got 'nothing'" in done.stdout
    assert 'lossmix_fcos_voc' in done.stdout
