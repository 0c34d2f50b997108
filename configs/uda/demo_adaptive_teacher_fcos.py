# Our own Adaptive Teacher: no mixing at all.
_base_ = 'demo_lossmix_fcos.py'

model = dict(warmup_mix=None, adaptation_mix=None)
