"""The generated data that studies ask for."""

import json

import pytest

from studies.data import draw_data
from studies.schema import SCHEMA, StudyError, check
from synthetic_voc import LOOK

TINY = dict(train=2, test=1, size=64, classes=['car', 'person'])


def prepare_data(data, study):
    check(
        data, SCHEMA['properties']['data'] | {'$defs': SCHEMA['$defs']}, study, 'data'
    )
    draw_data(data, study, workers=1)


def described(root):
    mark = root / 'VOCdevkit/synthetic_voc.json'
    return json.loads(mark.read_text()) if mark.exists() else None


def test_one_dataset_or_several(tmp_path):
    photo, clipart, third = (tmp_path / name for name in ('photo', 'clipart', 'third'))
    study = tmp_path / 'a.yml'
    several = [dict(TINY, root=str(photo)),
               dict(TINY, root=str(clipart), domain='clipart', seed=1)]  # fmt: skip
    for _ in range(2):  # the second time, they are there
        prepare_data({'synthetic': several}, study)
        base = {**TINY, 'look': LOOK}
        assert described(photo) == {**base, 'domain': 'photo', 'seed': 0}
        assert described(clipart) == {**base, 'domain': 'clipart', 'seed': 1}
    prepare_data({'synthetic': dict(TINY, root=str(third))}, study)
    assert described(third) == described(photo)
    prepare_data({}, study)


@pytest.mark.parametrize(
    ('wrong', 'message'),
    [
        ({'rot': 'x'}, r"data.synthetic.1: 'root' is a required property"),
        ('x', r"data.synthetic.1: 'x' is not of type 'object'"),
    ],
)
def test_all_is_checked_before_any_is_drawn(tmp_path, wrong, message):
    right = dict(TINY, root=str(tmp_path / 'right'))
    with pytest.raises(StudyError, match=f'a.yml: {message}'):
        prepare_data({'synthetic': [right, wrong]}, tmp_path / 'a.yml')
    assert not (tmp_path / 'right').exists()


def test_a_dataset_that_lies_there_is_not_replaced(tmp_path):
    first = dict(TINY, root=str(tmp_path / 'photo'))
    prepare_data({'synthetic': [first]}, tmp_path / 'a.yml')
    other = dict(first, domain='clipart')
    with pytest.raises(StudyError, match=r'synthetic.0: .*or give another `root`'):
        prepare_data({'synthetic': [other]}, tmp_path / 'a.yml')
    third = dict(TINY, root=str(tmp_path / 'third'), domain='sketch')
    with pytest.raises(StudyError, match=r'data.synthetic: .*domain'):
        prepare_data({'synthetic': third}, tmp_path / 'a.yml')


def test_drawings_of_an_older_version_are_not_taken(tmp_path):
    mark = tmp_path / 'VOCdevkit/synthetic_voc.json'
    data = {'synthetic': dict(TINY, root=str(tmp_path))}
    prepare_data(data, tmp_path / 'a.yml')
    mark.write_text(json.dumps({**json.loads(mark.read_text()), 'look': LOOK - 1}))
    with pytest.raises(StudyError, match=r'data.synthetic: .*or give another `root`'):
        prepare_data(data, tmp_path / 'a.yml')
