# What every config of this project needs, mixed or not. Those whose base has no
# `custom_hooks` of its own take runtime.py, which adds the hook.
custom_imports = dict(imports=['mmdet_lossmix'], allow_failed_imports=False)
randomness = dict(seed=0)  # a run without one cannot be resumed as it was
