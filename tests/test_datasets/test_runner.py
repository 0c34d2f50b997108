"""Missing data is named before anything is built, through the real command."""

import subprocess
import sys

from tests.helpers import ROOT


def test_missing_data_root_says_what_to_do(tmp_path):
    mim = [sys.executable, '-m', 'mim']
    config = ROOT / 'configs/lossmix_fcos_voc.py'
    result = subprocess.run(
        [*mim, 'train', 'mmdet', str(config), '--gpus', '0', '--work-dir', 'run'],
        cwd=tmp_path,  # `data/VOCdevkit/` is not there
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert result.returncode != 0
    output = result.stdout + result.stderr
    assert "FileNotFoundError: Expected the data root 'data/VOCdevkit/'" in output
    assert '`python -m synthetic_voc data`' in output
