"""Study files: the grid, and errors that say what to do."""

import pytest
import yaml

from studies import StudyError, read_study
from studies.cell_config import build_config, config_hash
from tests.helpers import ROOT
from tests.helpers.studies import write_study

SHIPPED = sorted((ROOT / 'studies').glob('*.yml'))


def test_grid_of_settings_placeholders_and_labels(tmp_path):
    path = write_study(
        tmp_path / 'grid.yml',
        tmp_path,
        config='configs/studies/{detector}_synthetic.py',
        settings={'prob': 0.5},
        overrides={},
        axes={
            'detector': ['fcos', 'retinanet'],
            'strength': {
                'off': {'strategy': 'none'},
                'hard': {'strategy': 'lossmix', 'alpha': 20.0},
                'slow': {'strategy': 'lossmix', 'optim_wrapper.optimizer.lr': 1e-5},
            },
            'seed': [3, 4],
        },
        exclude=[{'strength': ['slow'], 'detector': 'retinanet'}],
        baseline={'strength': 'off'},
    )
    cells = list(read_study(path).cells())
    assert len(cells) == 2 * 3 * 2 - 2
    assert [cell.labels['seed'] for cell in cells] == [3] * 5 + [4] * 5
    cell = next(c for c in cells if c.labels['strength'] == 'slow')
    assert cell.config == 'configs/studies/fcos_synthetic.py'
    assert cell.settings == {'prob': 0.5, 'strategy': 'lossmix', 'seed': 3}
    assert cell.overrides['optim_wrapper.optimizer.lr'] == 1e-5


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'axis': {}}, 'axis: is no key of a study; did you mean `axes`?'),
        ({'axes': {'strategy': ['lossmx']}}, 'axes.strategy: expected one of none'),
        ({'axes': {'alpha': [0]}}, 'axes.alpha: expected above 0'),
        ({'axes': {'alpha': []}}, 'axes.alpha: expected at least one value'),
        ({'axes': {'lr': [0.1]}}, 'axes.lr: a list of values needs an axis that is'),
        ({'axes': {'lr': {'a': {'lr': 1}}}}, 'axes.lr.a.lr: is neither a setting'),
        ({'settings': {'prop': 1}}, 'settings.prop: is no setting'),
        ({'baseline': {'strategy': 'union'}}, "baseline.strategy: 'union' is no value"),
        ({'baseline': ['none']}, "baseline: expected a mapping but got 'none'"),
        ({'baseline': 'none'}, 'baseline: expected a mapping or a list'),
        ({'baseline': {'alpha': 1}}, 'baseline.alpha: is no axis; these are strategy'),
        ({'config': 'x/{detector}.py'}, r'config: has the placeholder \{detector\}'),
        ({'metric': 'mAP'}, 'metric: expected one of AP, AP50, .* but got mAP'),
        ({'severity': 6}, 'severity: expected 1 to 5 but got 6'),
        ({'severity': 'high'}, "severity: expected a whole number but got 'high'"),
        ({'plots': [{'kind': 'pie'}]}, 'plots: expected `kind` to be one of bars'),
        ({'plots': [{'kind': 'bars', 'x': 'a'}]}, "plots.x: 'a' is no axis"),
        ({'name': None}, 'name: expected a text but got None'),
    ],
)
def test_errors_name_file_key_and_remedy(tmp_path, changes, message):
    path = write_study(tmp_path / 'wrong.yml', tmp_path, **changes)
    with pytest.raises(StudyError, match=f'wrong.yml: {message}'):
        read_study(path)


def test_missing_keys_and_files(tmp_path):
    path = tmp_path / 'a.yml'
    with pytest.raises(StudyError, match='no such file; there are no studies'):
        read_study(path)
    path.write_text('name: a\nconfig: b\n')
    with pytest.raises(StudyError, match='axes: is missing; add it'):
        read_study(path)
    path.write_text('name: [')
    with pytest.raises(StudyError, match='is no YAML'):
        read_study(path)


def test_override_of_something_that_is_not_there(tmp_path):
    study = write_study(tmp_path / 'a.yml', tmp_path, overrides={'optim.lr': 1})
    with pytest.raises(KeyError, match=r"no 'optim' in .*fcos_synthetic.py"):
        build_config(next(read_study(study).cells()))


@pytest.mark.parametrize('path', SHIPPED, ids=lambda path: path.stem)
def test_shipped_studies(path, monkeypatch):
    monkeypatch.chdir(ROOT)
    study = read_study(path)
    assert study.name == path.stem
    assert study.about
    assert study.baseline
    cells = list(study.cells())
    # The same seed tells cells apart by the other axes; no two are the same run.
    first = [cell for cell in cells if cell.labels['seed'] == 0]
    hashes = {config_hash(build_config(cell), study.data) for cell in first}
    assert len(hashes) == len(first)
    # Nor are two that differ in the images that lie in the same folder.
    assert config_hash(build_config(first[0]), {}) != config_hash(
        build_config(first[0]), {'synthetic': {'train': 7}}
    )


def test_every_study_has_both_forms():
    names = {path.stem for path in SHIPPED}
    topics = {name.rsplit('_', 1)[0] for name in names}
    assert names == {f'{t}_{form}' for t in topics for form in ('quick', 'full')}


def test_shipped_studies_are_plain_yaml():
    for path in SHIPPED:
        assert yaml.safe_load(path.read_text())['name'] == path.stem
