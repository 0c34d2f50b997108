"""Losses that are not finite: named at once, under fp16 if there is no end to them."""

import re

import pytest
import torch
from mmdet.structures import DetDataSample

from mmdet_lossmix.models import losses_check
from mmdet_lossmix.models.losses_check import (
    OVERFLOWS_IN_A_ROW,
    FiniteCheck,
)

SAMPLES = [DetDataSample(metainfo=dict(img_path='a.jpg'))]
GOOD, BAD = ({'loss_cls': torch.tensor(v)} for v in (1.0, float('inf')))


def test_a_loss_is_named_at_once():
    check = FiniteCheck()
    check(GOOD, SAMPLES)
    with pytest.raises(FloatingPointError, match=r"'loss_cls': inf.*a\.jpg"):
        check(BAD, SAMPLES)


def test_what_is_no_loss_may_be_anything():
    FiniteCheck()(dict(GOOD, acc=torch.tensor(float('nan'))), SAMPLES)


def test_of_many_losses_the_bad_one_is_named():
    nan, good = torch.tensor(float('nan')), torch.ones(())
    for losses, name in (
        (dict(loss_rpn=[good, good], loss_cls=[good, nan], loss_iou=good), '_cls[1]'),
        (dict(loss_rpn=[good, good], loss_cls=[good], loss_iou=nan), '_iou'),
        (dict(loss_cls=good, loss_bbox=torch.stack([good, nan])), '_bbox'),
    ):
        message = re.escape(f"{{'loss{name}': nan}} on ['a.jpg']")
        with pytest.raises(FloatingPointError, match=message):
            FiniteCheck()(losses, SAMPLES)


def test_fp16_may_overflow_but_not_for_ever(monkeypatch):
    monkeypatch.setattr(losses_check, 'in_fp16', lambda: True)
    check = FiniteCheck()
    for _ in range(3):
        for _ in range(OVERFLOWS_IN_A_ROW - 1):
            check(BAD, SAMPLES)
        check(GOOD, SAMPLES)
    for _ in range(OVERFLOWS_IN_A_ROW - 1):
        check(BAD, SAMPLES)
    with pytest.raises(FloatingPointError, match='loss_cls'):
        check(BAD, SAMPLES)
