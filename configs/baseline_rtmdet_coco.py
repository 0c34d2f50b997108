_base_ = ['mmdet::rtmdet/rtmdet_tiny_8xb32-300e_coco.py', '_base_/entry.py']

custom_hooks = [*_base_.custom_hooks, dict(type='StepSeedHook')]
