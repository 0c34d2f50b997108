# Noise in place of LossMix, in the adaptation.
_base_ = 'demo_lossmix_fcos.py'

model = dict(warmup_mix=None, adaptation_mix=dict(strategy='noise'))
