"""How a view of a target image came about."""

import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample

from mmdet_lossmix.uda.checks import check_batch
from mmdet_lossmix.uda.data.views import homography


def view(**metainfo):
    return DetDataSample(metainfo=dict(img_path='a.jpg', img_shape=(8, 9), **metainfo))


def test_a_view_says_how_it_came_about_or_is_the_image_itself():
    moved = np.array([[1, 0, 2], [0, 1, 0], [0, 0, 1]], dtype=np.float32)
    assert homography(view(homography_matrix=moved)).tolist() == moved.tolist()
    assert torch.equal(homography(view(ori_shape=(8, 9))), torch.eye(3))
    for unknown in ({}, dict(ori_shape=(4, 9)), dict(ori_shape=(8, 9), flip=True)):
        with pytest.raises(ValueError, match=r'`homography_matrix`.*`meta_keys`'):
            homography(view(**unknown))


def test_an_image_as_it_is_and_a_moved_one_differ():
    names = 'unsup_teacher', 'unsup_student'
    moved = view(homography_matrix=np.diag([2.0, 1, 1]))
    samples = dict(zip(names, ([view(ori_shape=(8, 9))], [moved])))
    with pytest.raises(ValueError, match='same `homography_matrix`'):
        check_batch(dict.fromkeys(names, torch.zeros(1, 3, 8, 9)), samples, names)
