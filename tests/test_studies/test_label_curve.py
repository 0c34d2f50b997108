"""Curves of saved teachers, against counts at one threshold after the other."""

import numpy as np
import pytest
import torch
from matplotlib.image import imread
from mmengine.runner import Runner
from mmengine.structures import InstanceData

from studies import label_curve as tool
from studies.label_curve import at_recall, at_threshold, detector_weights, label_curve
from studies.parts.pseudo_label_quality_hook import compare
from tests.helpers.tiny_uda import tiny_uda_config

pytestmark = pytest.mark.usefixtures('unformatted_configs')


def images(rng, number=30):
    """Objects in rows, and guesses: near some of them, elsewhere, of another class."""
    for _ in range(number):
        lefts = torch.arange(int(rng.integers(0, 6))) * 30.0
        size = torch.tensor([0.0, 0.0, 20.0, 20.0])
        boxes = lefts[:, None] * torch.tensor([1.0, 0, 1, 0]) + size
        truth = InstanceData(
            bboxes=boxes,
            labels=torch.tensor(rng.integers(0, 2, len(lefts))),
            ignored=torch.tensor(rng.random(len(lefts)) < 0.2).bool(),
        )
        chosen = torch.tensor(rng.integers(0, 5, 9) * 30.0).float()
        moved = chosen + torch.tensor(rng.normal(0, 4, 9)).float()
        found = InstanceData(
            bboxes=moved[:, None] * torch.tensor([1.0, 0, 1, 0]) + size,
            labels=torch.tensor(rng.integers(0, 2, 9)),
            scores=torch.tensor(rng.integers(0, 50, 9) / 50).float(),  # some are equal
        )
        yield found, truth


def test_every_point_is_what_its_threshold_keeps():
    pairs = list(images(np.random.default_rng(0)))
    curve = label_curve(*zip(*pairs))
    assert curve['threshold'].is_monotonic_decreasing
    for threshold in (0.02, 0.3, 0.62, 0.98):
        kept = [(found[found.scores >= threshold], truth) for found, truth in pairs]
        counts = [compare(*pair, 0.5) for pair in kept]
        right, labels, objects = np.sum(counts, axis=0)
        row = at_threshold(curve, threshold)
        assert 0 < right < labels == row['labels']
        assert row['precision'] == pytest.approx(right / labels)
        assert row['recall'] == pytest.approx(right / objects)
        assert at_recall(curve, row['recall'])['threshold'] >= row['threshold']
    assert at_threshold(curve, 1.1)['recall'] == 0
    assert np.isnan(at_recall(curve, 1.1)['precision'])


def test_a_saved_teacher_is_looked_at(voc_root, tmp_path, monkeypatch, capsys):
    cfg = tiny_uda_config('lossmix_fcos', voc_root, tmp_path, 3, 1)
    cfg.default_hooks.checkpoint.interval = 1
    cfg.default_hooks.checkpoint.max_keep_ckpts = 3
    cfg.dump(tmp_path / 'config.py')
    runner = Runner.from_cfg(cfg)
    runner.train()
    before, last = (tmp_path / f'iter_{i}.pth' for i in (1, 3))
    for path, part in ((last, runner.model.teacher), (before, None)):
        weights = detector_weights(path)
        assert weights.keys() == runner.model.teacher.state_dict().keys()
        if part is not None:
            assert all(torch.equal(v, weights[k]) for k, v in part.state_dict().items())
    # Before the switch there is nobody but the student.
    stored = torch.load(before, weights_only=True)['state_dict']
    assert all(torch.equal(v, stored[f'student.{k}']) for k, v in weights.items())

    picture = tmp_path / 'curves.png'
    command = ['label_curve', tmp_path / 'config.py', before, last, '--out', picture]
    monkeypatch.setattr('sys.argv', [*map(str, command), '--low', '0', '--recall', '0'])
    assert tool.main() == 0
    table = capsys.readouterr().out
    assert str(last) in table
    assert 'precision at recall 0 ' in table
    assert imread(picture).std() > 0
    found, truth = tool.predict(cfg, last)
    assert len(found) == len(truth) == len(runner.val_dataloader.dataset)
    # In the frame of the image, which is larger than what the detector sees.
    assert max(one.bboxes.max() for one in found if len(one)) > 64


def test_missing_checkpoints_are_named(tmp_path, monkeypatch, voc_root):
    cfg = tiny_uda_config('lossmix_fcos', voc_root, tmp_path)
    cfg.dump(tmp_path / 'config.py')
    command = ['label_curve', str(tmp_path / 'config.py'), 'nowhere.pth']
    monkeypatch.setattr('sys.argv', command)
    assert 'there is no nowhere.pth' in tool.main()
