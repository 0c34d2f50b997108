"""Study files: the grid, and errors that say what to do."""

import pytest
import yaml

from studies.run_config import build_config, config_hash
from studies.schema import StudyError
from studies.study import read_study
from tests.helpers import ROOT
from tests.helpers.studies import write_study

SHIPPED = sorted((ROOT / 'studies/grids').glob('*.yml'))


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
    runs = list(read_study(path).runs())
    assert len(runs) == 2 * 3 * 2 - 2
    assert [run.labels['seed'] for run in runs] == [3] * 5 + [4] * 5
    run = next(r for r in runs if r.labels['strength'] == 'slow')
    assert run.config == 'configs/studies/fcos_synthetic.py'
    assert run.settings == {'prob': 0.5, 'strategy': 'lossmix', 'seed': 3}
    assert run.overrides['optim_wrapper.optimizer.lr'] == 1e-5
    assert run.title == 'detector=fcos strength=slow seed=3'


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'axis': {}}, r"axis: did you mean `axes`\? 'axis' is unknown"),
        (
            {'axes': {'strategy': ['lossmx']}},
            'axes.strategy: did you mean `lossmix`',
        ),
        (
            {'axes': {'alpha': [0]}},
            'axes.alpha: 0 is less than or equal to',
        ),
        ({'axes': {'alpha': []}}, r'axes.alpha: \[\] should be non-empty'),
        ({'axes': {'lr': [0.1]}}, 'axes.lr: a list of values needs an axis that'),
        ({'axes': {'lr': {'a': {'lr': 1}}}}, "axes.lr.a.lr: 'lr' is unknown; expected"),
        ({'settings': {'prop': 1}}, r'settings.prop: did you mean `prob`\?'),
        ({'baseline': {'strategy': 'union'}}, "baseline.strategy: 'union' is unknown"),
        ({'baseline': ['none']}, "baseline.0: 'none' is not of type 'object'"),
        ({'baseline': 'none'}, "baseline: 'none' is not of type 'object'"),
        ({'baseline': {'alpha': 1}}, "baseline.alpha: 'alpha' is no axis; expected"),
        ({'config': 'x/{detector}.py'}, r'config: add `axes: \{detector: '),
        ({'metric': 'mAP'}, r"metric: did you mean `AP`\? 'mAP' is unknown"),
        ({'severity': 6}, 'severity: 6 is greater than the maximum of 5'),
        ({'severity': 'high'}, "severity: 'high' is not of type 'integer'"),
        (
            {'plots': [{'kind': 'pie'}]},
            "plots.0.kind: 'pie' is unknown",
        ),
        ({'plots': [{'kind': 'bars', 'x': 'a'}]}, "plots.0.x: 'a' is no axis"),
        ({'plots': [{'kind': 'bars'}]}, "plots.0: 'x' is a required property"),
        ({'name': None}, "name: None is not of type 'string'"),
    ],
)
def test_errors_name_line_key_and_remedy(tmp_path, changes, message):
    path = write_study(tmp_path / 'wrong.yml', tmp_path, **changes)
    with pytest.raises(StudyError, match=rf'wrong\.yml:\d+: {message}') as error:
        read_study(path)
    _, line, key, *_ = str(error.value).split(':')
    names = path.read_text().splitlines()[int(line) - 1].split(':')[0].split()
    assert {'-', *key.strip().split('.')} & set(names)


def test_missing_keys_and_files(tmp_path):
    path = tmp_path / 'a.yml'
    with pytest.raises(StudyError, match='no such file; there are no studies'):
        read_study(path)
    path.write_text('name: a\nconfig: b\n')
    with pytest.raises(StudyError, match="'axes' is a required property"):
        read_study(path)
    path.write_text('name: [')
    with pytest.raises(StudyError, match='is no YAML'):
        read_study(path)


def test_override_of_something_that_is_not_there(tmp_path):
    study = write_study(tmp_path / 'a.yml', tmp_path, overrides={'optim.lr': 1})
    with pytest.raises(KeyError, match=r"no 'optim' in .*fcos_synthetic.py"):
        build_config(next(read_study(study).runs()), {})


@pytest.mark.parametrize('path', SHIPPED, ids=lambda path: path.stem)
def test_shipped_studies(path, monkeypatch):
    monkeypatch.chdir(ROOT)
    study = read_study(path)
    assert study.name == path.stem
    assert study.about
    assert study.baseline
    first = [run for run in study.runs() if run.labels['seed'] == 0]
    hashes = {config_hash(build_config(run, {}), study.data) for run in first}
    assert len(hashes) == len(first)
    # Two that differ in the images that lie in the same folder are not the same run.
    cfg = build_config(first[0], {})
    assert config_hash(cfg, {}) != config_hash(cfg, {'synthetic': {'train': 7}})


def test_every_study_has_both_forms():
    with_a_protocol = ('photos', 'uda_people_art')  # which says how large they are
    names = {p.stem for p in SHIPPED if not p.stem.startswith(with_a_protocol)}
    topics = {name.rsplit('_', 1)[0] for name in names}
    assert names == {f'{t}_{form}' for t in topics for form in ('quick', 'full')}


def test_shipped_studies_are_plain_yaml():
    for path in SHIPPED:
        assert yaml.safe_load(path.read_text())['name'] == path.stem
