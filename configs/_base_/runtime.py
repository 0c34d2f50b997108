# What every config of this project shares, mixed or not.
custom_imports = dict(imports=['mmdet_lossmix'], allow_failed_imports=False)
custom_hooks = [dict(type='StepSeedHook')]
randomness = dict(seed=0)  # a run without one cannot be resumed as it was
runner_type = 'DataCheckRunner'
