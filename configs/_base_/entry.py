# What every config of this project needs. A base with `custom_hooks` of its own goes
# with this file; all others go with runtime.py, which adds the hook.
custom_imports = dict(imports=['mmdet_lossmix'], allow_failed_imports=False)
randomness = dict(seed=0)  # a run without a seed cannot be resumed as it was
