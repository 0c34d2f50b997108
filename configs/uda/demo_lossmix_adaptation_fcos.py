# Mixing in the adaptation only.
_base_ = 'demo_lossmix_fcos.py'

model = dict(warmup_mix=None)
