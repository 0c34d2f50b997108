_base_ = ['mmdet::yolox/yolox_s_8xb8-300e_coco.py', '_base_/entry.py']

custom_hooks = [*_base_.custom_hooks, dict(type='StepSeedHook')]
