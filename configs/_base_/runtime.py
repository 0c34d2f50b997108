_base_ = 'entry.py'

custom_hooks = [dict(type='StepSeedHook')]
