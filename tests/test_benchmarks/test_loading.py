"""The benchmark of loading, as users run it."""

import re
import sys

import pandas as pd
import pytest

from benchmarks.ways import with_mixing
from tests.helpers.processes import run


def test_quick_benchmark_writes_table_and_plot(tmp_path):
    command = [
        sys.executable,
        '-m',
        'benchmarks.loading',
        '--quick',
        '--only',
        'LossMix',
    ]
    result = run([*command, '--out', str(tmp_path / 'out')], tmp_path)
    assert result.returncode == 0, result.stdout
    table = pd.read_csv(tmp_path / 'out/loading.csv')
    assert list(table['pipeline'].unique()) == ['training', 'short']
    for _, rows in table.groupby('pipeline'):
        assert list(rows['way']) == [
            'plain',
            'cache: LossMix',
            'dataset: LossMix',
            'plain, preprocessed',
            'batch: LossMix',
        ]
        plain = rows.set_index('way').loc['plain']
        assert plain[['throughput', 'lowest', 'highest', 'padded area']].eq(1).all()
    assert (table[['samples/s', 'CPU ms/sample', 'MB/worker']] > 0).all(axis=None)
    assert re.search(r'\| training +\| cache: LossMix +\|', result.stdout)
    assert (tmp_path / 'out/loading.png').stat().st_size > 10_000


def test_a_config_that_mixes_is_refused():
    pipeline = [dict(type='LoadImageFromFile'), dict(type='PackLossMixInputs')]
    dataloader = dict(dataset=dict(type='VOCDataset', pipeline=pipeline))
    with pytest.raises(ValueError, match='a config that does not mix'):
        with_mixing(dataloader, [])
