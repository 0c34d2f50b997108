"""The benchmark of loading, as users run it."""

import sys

import pandas as pd
import pytest

from benchmarks.pipelines import with_mixing
from tests.helpers import ROOT
from tests.helpers.processes import run


def test_quick_benchmark_writes_table_and_plot(tmp_path):
    tool = ROOT / 'benchmarks/loading.py'
    command = [sys.executable, str(tool), '--quick', '--only', 'LossMix']
    result = run([*command, '--out', str(tmp_path / 'out')], tmp_path)
    assert result.returncode == 0, result.stdout
    table = pd.read_csv(tmp_path / 'out/benchmark_data.csv')
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
    assert '| training | cache: LossMix |' in result.stdout
    assert (tmp_path / 'out/benchmark_data.png').stat().st_size > 10_000


def test_a_config_that_mixes_is_refused():
    pipeline = [dict(type='LoadImageFromFile'), dict(type='PackLossMixInputs')]
    dataloader = dict(dataset=dict(type='VOCDataset', pipeline=pipeline))
    with pytest.raises(ValueError, match='ends with PackLossMixInputs; name a config'):
        with_mixing(dataloader, [])
