_base_ = ['_base_/fcos_r50_fpn_1x_voc0712.py', '_base_/runtime.py']
