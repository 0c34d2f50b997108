# mmdet.configs.retinanet.retinanet_r50_fpn_1x_coco, from mmdet's text config of that
# name: a checkout of mmdet has `mmdet/configs`, its wheels have not.
from mmengine.config import Config

globals().update(
    Config.fromstring(
        "_base_ = 'mmdet::retinanet/retinanet_r50_fpn_1x_coco.py'", '.py'
    ).to_dict()
)
