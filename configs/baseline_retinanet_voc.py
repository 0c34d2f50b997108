_base_ = ['mmdet::pascal_voc/retinanet_r50_fpn_1x_voc0712.py', '_base_/runtime.py']
