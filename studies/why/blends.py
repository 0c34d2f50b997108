"""Asks a trained detector about blends of its test images."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Iterator, NamedTuple, Sequence

import numpy as np
import pandas as pd
import torch
from mmdet.apis import init_detector
from mmdet.models.detectors.base import BaseDetector
from mmdet.registry import DATASETS
from mmdet.structures import DetDataSample, SampleList
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from torch import Tensor

from mmdet_lossmix.functional import blend_tensors
from mmdet_lossmix.models.data_preprocessors.batch_mix import in_common_frame

from .matching import Detections, Objects, match, object_scores

# Of one image; its partner has the rest, so that objects are seen at 0 to 100 %.
LAMBDAS = (1.0, 0.98, 0.95, 0.9, 0.8, 0.7, 0.6, 0.5)
BATCH = 16


class Answers(NamedTuple):
    """What a detector finds.

    Attributes:
        objects: A row for each object in each blend: ``visible``, its image's weight,
            and ``score``, that of its detection or 0.
        detections: A row for each detection in the images themselves: ``score``,
            ``hit``, and ``x``, ``y``, ``width``, ``height`` of the box in shares of the
            image.
        images: How many there are.
    """

    objects: pd.DataFrame
    detections: pd.DataFrame
    images: int


class TrainedRun:
    """A finished run of a study.

    Args:
        folder: As studies/run_folder.py describes it.

    Raises:
        FileNotFoundError: If the training is not through.
    """

    def __init__(self, folder: Path) -> None:
        mark = folder / 'trained'
        if not mark.is_file():
            raise FileNotFoundError(
                'Name folders of finished runs, such as work_dirs/studies/runs/'
                f'fcos_photos-*: {folder} has no file `trained`.'
            )
        self.name = folder.name
        self.facts = json.loads((folder / 'facts.json').read_text(encoding='utf-8'))
        self.checkpoint = folder / 'train' / mark.read_text(encoding='utf-8').strip()
        self.cfg = Config.fromfile(folder / 'config.py')

    @property
    def traits(self) -> dict[str, Any]:
        """What tells runs apart: the config and all settings."""
        return {'config': self.facts['config'], **self.facts['settings']}

    def ask(self, images: int | None, device: str) -> Iterator[Answers]:
        """Ask about the test images and their blends, batch by batch.

        Every image is blended with the one before it in its batch; one that would be
        alone in the last batch is left out.
        """
        model = init_detector(self.cfg, str(self.checkpoint), device=device)
        dataset = DATASETS.build(self.cfg.test_dataloader.dataset)
        count = min(images or len(dataset), len(dataset))
        for start in range(0, count - 1, BATCH):
            indices = range(start, min(start + BATCH, count))
            data = pseudo_collate([dataset[i] for i in indices])
            with torch.no_grad():
                yield ask_about_batch(model, data)


def ask_about_batch(model: BaseDetector, data: dict) -> Answers:
    """Ask about a batch of a test loader, and about its blends."""
    data = model.data_preprocessor(data, training=False)
    inputs, samples = data['inputs'], data['data_samples']
    truth = [objects_of(sample) for sample in samples]
    objects, detections = [], []
    for lam in LAMBDAS:
        blended = blend_tensors(inputs, inputs.roll(1, 0), lam)
        for i, found in enumerate(predict(model, blended, samples, lam)):
            pair = [(truth[i], lam), (truth[i - 1], 1 - lam)]
            if lam == 1:
                shape = samples[i].img_shape
                detections.append(described(found, truth[i], shape))
                # By chance only: the partner's must not take detections away.
                objects += [found_of([one], found) for one in pair]
            else:
                objects.append(found_of(pair, found))
    return Answers(pd.concat(objects), pd.concat(detections), len(samples))


def found_of(parts: Sequence[tuple[Objects, float]], found: Detections) -> pd.DataFrame:
    """The rows of objects, each with the weight of its image."""
    objects = Objects(*map(np.concatenate, zip(*(part for part, _ in parts))))
    visible = np.concatenate([np.full(len(o.labels), weight) for o, weight in parts])
    scores = object_scores(found, match(found, objects), objects)
    rows = pd.DataFrame({'visible': visible.round(2), 'score': scores})
    return rows[~objects.ignored]


def predict(
    model: BaseDetector, inputs: Tensor, samples: SampleList, lam: float
) -> list[Detections]:
    """Detections in the frame of the batch."""
    asked = [
        in_common_frame(sample, samples[i - 1])[0] if lam < 1 else sample.new()
        for i, sample in enumerate(samples)
    ]
    predicted = (s.pred_instances for s in model.predict(inputs, asked, rescale=False))
    return [
        Detections(*(x.cpu().numpy() for x in (p.bboxes, p.labels, p.scores)))
        for p in predicted
    ]


def objects_of(sample: DetDataSample) -> Objects:
    """The objects of a test image, in the frame of the resized one.

    mmdet's test pipelines load annotations after ``Resize``, so boxes are those of the
    file.
    """
    parts = [sample.gt_instances, sample.ignored_instances]
    scale = np.tile(sample.scale_factor, 2)
    return Objects(
        np.concatenate([part.bboxes.cpu().numpy() for part in parts]) * scale,
        np.concatenate([part.labels.cpu().numpy() for part in parts]),
        np.repeat([False, True], [len(part.labels) for part in parts]),
    )


def described(
    found: Detections, objects: Objects, shape: tuple[int, int]
) -> pd.DataFrame:
    """The rows of an image's detections; those of ignored objects are left out."""
    found_in = match(found, objects)
    height, width = shape[:2]
    left, top, right, bottom = (found.boxes / [width, height, width, height]).T
    rows = pd.DataFrame(
        {
            'score': found.scores,
            'hit': found_in >= 0,
            'x': (left + right) / 2,
            'y': (top + bottom) / 2,
            'width': right - left,
            'height': bottom - top,
        }
    )
    taken = np.append(objects.ignored, False)  # the last one is that of -1
    return rows[~taken[found_in]]
